from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import notices
from bot.slack.view import CardView
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
    sentences = [notices.not_allowed(why) for why in get_args(notices.Refusal)]
    assert len(set(sentences)) == 3
    assert all("othing was changed" in sentence for sentence in sentences)


@given(st.lists(samples.texts, min_size=1, max_size=20))
def test_names_of_checks_are_only_names(names: list[str]) -> None:
    sentence = notices.checks_failed(names)
    assert "\n" not in sentence
    assert len(sentence) < 1_500


def test_a_check_is_named_as_the_policy_names_it() -> None:
    assert "these checks: no_sql, cap." in notices.checks_failed(["no_sql", "cap"])
