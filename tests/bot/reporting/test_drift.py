"""What is said of how soon a rise in errors would be found."""

from bot.reporting.drift import tripling


def test_the_pace_of_audits_decides_how_soon_a_rise_is_found() -> None:
    assert "found within 10 days in four of five cases" in tripling(30.1, 0.02)
    assert "found within 1 day in" in tripling(1_000, 0.02)
    assert tripling(0, 0.02) == "No audit was judged in the last four weeks, so nobody would see its errors rise."
