"""What is said of how soon a rise in errors would be found."""

from datetime import date

from bot.reporting.drift import errors_risen, people_asked, tripling
from routing.drift import Reading
from routing.evidence import Evidence


def test_the_pace_of_audits_decides_how_soon_a_rise_is_found() -> None:
    assert "found within 10 days in four of five cases" in tripling(30.1, 0.02)
    assert "found within 1 day in" in tripling(1_000, 0.02)
    assert tripling(0, 0.02) == "No audit was judged in the last four weeks, so nobody would see its errors rise."


def test_what_was_seen_what_it_means_and_what_is_done_are_lines_of_their_own() -> None:
    day = date(2026, 11, 20)
    pace = tripling(30.1, 0.02)
    seen, means, done = people_asked("", Reading(day, day, 24, 0.8, 0.25, 0.05, 0.45, 24, 1.3), day, pace).split("\n")
    assert (seen[:14], means[:22], done[:17]) == ("On 20 Nov 2026", "Something has changed:", "Until 20 Nov 2026")
    assert done.endswith(pace)
    seen, done = errors_risen("gpt-x", Evidence(0.02, labels=40, errors=3), pace).split("\n")
    assert seen.endswith("After the alarm: 3 errors in 40 audits.")
    assert done.startswith("It is audited at the policy's initial rate until")
