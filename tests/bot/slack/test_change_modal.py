from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from slack_sdk.models.views import View as SdkView

from bot.slack.change_modal import change_modal
from bot.slack.view import CardView
from tests.bot.slack import samples
from tests.support.slack_checker import check_modal


def ways(view: CardView) -> list[dict[str, Any]]:
    (actions,) = [block for block in change_modal(view)["blocks"] if block["type"] == "actions"]
    buttons: list[dict[str, Any]] = actions["elements"]
    return buttons


def test_golden() -> None:
    view = change_modal(samples.CHANGED)
    check_modal(view, samples.PEOPLE)
    SdkView(**view).validate_json()
    samples.assert_golden("change_modal", view)


@given(view=samples.closed_views)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_in_any_field_stays_within_the_limits(view: CardView) -> None:
    check_modal(change_modal(view), samples.PEOPLE)


@pytest.mark.parametrize(
    ("view", "actions"),
    [
        (samples.REJECTED, ["change.approve", "change.edit", "change.reject"]),
        (samples.EDITED, ["change.approve", "change.edit", "change.reject"]),
        (samples.APPROVED, ["change.edit", "change.reject"]),
    ],
)
def test_the_ways_on_are_those_that_change_something(view: CardView, actions: list[str]) -> None:
    assert [button["action_id"] for button in ways(view)] == actions
    assert {button["value"] for button in ways(view)} == {"rev_7Q2M"}


def test_only_approve_counts_at_once_and_so_it_asks_again() -> None:
    assert ["confirm" in button for button in ways(samples.REJECTED)] == [True, False, False]


@pytest.mark.parametrize(
    ("view", "words"), [(samples.APPROVED, "asks it to *roll back*"), (samples.REJECTED, "it *may act* after all")]
)
def test_what_follows_is_told_before(view: CardView, words: str) -> None:
    assert words in change_modal(view)["blocks"][1]["text"]["text"]
