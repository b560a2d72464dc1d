from typing import get_args

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
        (samples.CANCELLED, "The app withdrew this, so there is nothing left to decide."),
        (samples.TIMED_OUT, "This timed out before anybody decided. The app must not act on it."),
    ],
)
def test_a_late_click_hears_how_it_ended(view: CardView, sentence: str) -> None:
    assert notices.already_closed(view) == sentence


def test_every_refusal_says_why_and_that_nothing_happened() -> None:
    sentences = [notices.not_allowed(why, None) for why in get_args(notices.Refusal)]
    assert len(set(sentences)) == 3
    assert all("othing was changed" in sentence for sentence in sentences)


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
