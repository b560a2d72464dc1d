import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import notices
from bot.slack.view import CardView
from routing.checks import CheckResult, CheckStatus
from routing.policy import Circle
from tests.bot.slack import samples


@pytest.mark.parametrize(
    ("view", "sentence"),
    [
        (
            samples.APPROVED,
            "<@U0ADA>, <@U0BEA> already approved this, "
            "<!date^1795168980^{date_short_pretty} at {time}|2026-11-20 10:03 UTC>. Nothing was changed.",
        ),
        (
            samples.HELD,
            "<@U0ADA> already approved this; it is held until "
            "<!date^1795169040^{date_short_pretty} at {time}|2026-11-20 10:04 UTC>. Nothing was changed.",
        ),
        (samples.REFUND, "This waits for a verdict again. Nothing was changed."),
        (samples.CANCELLED, "The app withdrew this, so there is nothing left to decide."),
        (samples.TIMED_OUT, "This timed out before anybody decided. The app must not act on it."),
    ],
)
def test_a_late_click_hears_how_it_ended(view: CardView, sentence: str) -> None:
    assert notices.already_closed(view) == sentence


REFUSALS = (
    "not_a_reviewer", "own_request", "named_reviewers_only", "adjudicators_only", "already_voted", "voted_before",
    "second_opinion", "unknown_now",
)  # fmt: skip


def test_every_refusal_says_why_and_that_nothing_happened() -> None:
    sentences = [notices.not_allowed(why) for why in REFUSALS]
    assert len(set(sentences)) == len(REFUSALS)
    assert all("othing was changed" in sentence for sentence in [*sentences, notices.ANSWER_FIRST, notices.BLIND_VOTES])


def test_a_dispute_names_the_adjudicators() -> None:
    circle = Circle(frozenset({"U0ADA"}), None, channel_members=False)
    assert notices.not_allowed("adjudicators_only", circle) == (
        "Only an adjudicator can settle this, so nothing was changed. Ask <@U0ADA>."
    )


@pytest.mark.parametrize("why", REFUSALS)
def test_whatever_stops_a_hand_over_is_plain_text_and_says_what_to_do(why: str) -> None:
    sentence = notices.may_not_take(why)
    assert not re.search("[<*_]", sentence)
    assert re.search("choose|go|try", sentence)


TIME = "<!date^1795168800^{date_short_pretty} at {time}|2026-11-20 10:00 UTC>"


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        (notices.voted(1), "Your vote is in; 1 more is needed. Until then nobody sees what you said."),
        (notices.voted(2), "Your vote is in; 2 more are needed. Until then nobody sees what you said."),
        (notices.claimed(samples.NOW), f"You have this until {TIME}. Others see that, and may still decide."),
        (notices.taken("U0ADA", samples.NOW), f"<@U0ADA> has it since {TIME}, so nothing was changed."),
        (notices.released(None, "U0ADA"), "Nobody had claimed this."),
        (notices.released("U0ADA", "U0ADA"), "Released: your claim is over, and anybody can take it."),
        (notices.released("U0BEA", "U0ADA"), "Released: the claim of <@U0BEA> is over, and anybody can take it."),
    ],
)
def test_what_a_person_hears_after_they_acted(sentence: str, words: str) -> None:
    assert sentence == words


@pytest.mark.parametrize(
    ("circle", "names"),
    [
        (Circle(frozenset({"U0BEA", "U0ADA"}), "S0LEADS", channel_members=False),
         "<@U0ADA>, <@U0BEA> or <!subteam^S0LEADS>"),
        (Circle(frozenset({"U0ADA"}), None, channel_members=False), "<@U0ADA>"),
        (Circle(frozenset({"U0ADA"}), None, channel_members=True), "<@U0ADA> or a full member of the channel"),
        (Circle(frozenset(f"U{number}" for number in range(9)), "S0LEADS", channel_members=True),
         "<@U0>, <@U1>, <@U2>, <@U3>, <@U4> and others"),
    ],
)  # fmt: skip
def test_who_may_not_hears_whom_to_ask(circle: Circle, names: str) -> None:
    sentence = notices.not_allowed("not_a_reviewer", circle)
    assert sentence == f"You are not a reviewer of this task, so nothing was changed. Ask {names}."


def test_a_circle_of_nobody_names_nobody() -> None:
    nobody = Circle(frozenset(), None, channel_members=False)
    assert notices.not_allowed("not_a_reviewer", nobody).endswith("so nothing was changed.")


def failed(check: str, message: str, status: CheckStatus = CheckStatus.FAILED) -> CheckResult:
    return CheckResult(check, status, rejects=False, message=message)


@given(st.lists(st.builds(failed, samples.texts, samples.texts), min_size=1, max_size=20))
def test_whatever_checks_say_is_one_line(failures: list[CheckResult]) -> None:
    sentence = notices.checks_failed(failures)
    assert "\n" not in sentence
    assert len(sentence) < 1_500


def test_a_failed_check_is_named_first_and_then_explained() -> None:
    failures = [
        failed("cap", "does not hold: output.amount <= 500.0"),
        failed("cites", "there is no output.text", CheckStatus.ERROR),
    ]
    assert notices.checks_failed(failures) == (
        "Your edit was not released: check cap failed (does not hold: output.amount <= 500.0); "
        "check cites could not run (there is no output.text). Please change it and send it again."
    )
