"""What a channel is told of audits, and the card of one: as golden files, and safe for any name."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings

from bot.slack.audit_post import render_audit, share
from bot.slack.card import Message, render_card
from bot.slack.change_modal import change_modal
from bot.slack.claim_modal import claim_modal
from bot.slack.edit_modal import edit_modal
from bot.slack.home_view import HomeView, home_view
from bot.slack.notices import already_closed
from bot.slack.reject_modal import reject_modal
from bot.slack.view import CardView, OutcomeView, VerdictWord
from bot.slack.walk_modal import Walk, walk_modal
from routing.decision import Disposition, Reason, ReviewKind, Risk, Route
from tests.bot.slack import samples
from tests.support.slack_checker import check_message

STABLE = {
    "route": "AUTO_AUDIT", "model": "gpt-x 2026-10", "state": "stable", "rate": 0.07, "eligible": 150, "drawn": 11,
    "labels": 120, "errors": 1, "needed": 149, "max_error": 0.02,
}  # fmt: skip
NEW = {**STABLE, "model": "", "state": "cold", "rate": 1.0, "eligible": 1, "drawn": 1, "labels": 0, "errors": 0}
DAY: dict[str, Any] = {
    "what": "day", "task": "refund", "day": "2026-11-19", "eligible": 171, "drawn": 12, "least": 0.0667, "most": 0.1,
    "max_per_day": 200, "sources": [STABLE, {**STABLE, "route": "AUTO", "rate": 0.02, "eligible": 20, "drawn": 0}, NEW],
    "cohorts": [{"name": "eu", "eligible": 160, "drawn": 11}, {"name": "", "eligible": 11, "drawn": 1}],
    "reviews": [1, 2],
}  # fmt: skip
ALARM: dict[str, Any] = {
    "what": "rate", "task": "refund", "model": "gpt-x 2026-10", "before": "stable", "after": "degraded",
    "rate_before": 0.07, "rate_after": 0.25, "labels": 120, "errors": 9, "max_error": 0.02,
    "users": ["U0ADA"], "usergroup": None,
}  # fmt: skip
RESUMED = {**ALARM, "before": "suspended", "after": "cold", "rate_before": 1.0, "rate_after": 1.0, "errors": 31}
BREACH = {**ALARM, "before": "degraded", "after": "suspended", "rate_before": 0.25, "rate_after": 1.0, "errors": 31}

AUDIT = replace(
    samples.PAYOUT,
    kind=ReviewKind.AUDIT,
    route=Route.AUTO_AUDIT,
    disposition=Disposition.EXECUTE,
    ran_on=date(2026, 11, 20),
    risk=Risk.HIGH,
    reasons=(Reason("risk.base", detail="refund", result="medium"),),
    overdue=True,
)
"""Of an action that cannot be undone, and long after it was drawn."""


def looked_at(verdict: VerdictWord) -> CardView:
    outcome = OutcomeView(verdict=verdict, decided_by=("U0BEA",), decided_at=samples.NOW, output={"amount": 20})
    return replace(AUDIT, state="decided", outcome=outcome, overdue=False)


def check(name: str, message: Message) -> None:
    check_message(message.text, message.blocks, samples.PEOPLE)
    samples.assert_golden(name, {"text": message.text, "blocks": message.blocks})


@pytest.mark.parametrize(
    ("name", "body", "outcomes"),
    [
        ("audit_day", DAY, {}),
        ("audit_day_half", DAY, {"auto": 4, "edited": 1, "rejected": 2}),
        ("audit_day_done", DAY, {"auto": 12}),
        ("audit_day_full", {**DAY, "max_per_day": 12, "cohorts": []}, {}),
        ("audit_rate_up", ALARM, {}),
        ("audit_rate_breach", BREACH, {}),
        ("audit_rate_resumed", RESUMED, {}),
    ],
)
def test_golden_post(name: str, body: dict[str, Any], outcomes: dict[str, int]) -> None:
    check(name, render_audit(body, outcomes))


@pytest.mark.parametrize("after", ["cold", "learn", "stable", "degraded", "suspended"])
def test_every_state_has_its_words(after: str) -> None:
    told = render_audit({**ALARM, "after": after}, {}).text
    assert "refund" in told
    assert "9 errors in the last 120 audits" in told
    day = render_audit({**DAY, "sources": [{**STABLE, "state": after}]}, {})
    check_message(day.text, day.blocks, samples.PEOPLE)


def test_what_is_watched_says_so() -> None:
    told = [str(render_audit({**DAY, "sources": [{**STABLE, "watched": each}]}, {}).blocks) for each in (True, False)]
    assert ["; watched, as people are asked more or less often" in each for each in told] == [True, False]


@pytest.mark.parametrize(
    ("view", "name"),
    [(AUDIT, "card_audit"), (looked_at("approve"), "card_audit_correct"), (looked_at("reject"), "card_audit_wrong")],
)
def test_golden_card(view: CardView, name: str) -> None:
    check(name, render_card(view))


@given(name=samples.texts)
@settings(max_examples=30)
def test_no_name_that_an_app_makes_up_does_anything(name: str) -> None:
    source, cohort = {**STABLE, "model": name}, {"name": name, "eligible": 3, "drawn": 1}
    for body in ({**DAY, "sources": [source] * 9, "cohorts": [cohort] * 10}, {**ALARM, "model": name}):
        message = render_audit(body, {})
        check_message(message.text, message.blocks, samples.PEOPLE)


@pytest.mark.parametrize(
    ("value", "words"), [(0.0, "0 %"), (0.0042, "0.42 %"), (0.07, "7 %"), (0.066, "7 %"), (1.0, "100 %")]
)
def test_a_small_share_is_told_from_none(value: float, words: str) -> None:
    assert share(value) == words


def test_every_form_of_an_audit_asks_in_its_words() -> None:
    walk = walk_modal(AUDIT, Walk(""))
    assert (walk["submit"]["text"], "walk-sure" in str(walk)) == ("Correct", False)
    assert "Fix" in str(walk)
    assert edit_modal(AUDIT, samples.RUBRIC)["title"]["text"] == "Fix"
    assert reject_modal(AUDIT, samples.RUBRIC)["title"]["text"] == "Wrong"
    assert claim_modal(AUDIT)["submit"]["text"] == "Correct anyway"
    assert "Correct" not in str(change_modal(looked_at("approve"))["blocks"][-1])
    assert "Wrong" in str(change_modal(looked_at("approve"))["blocks"][-1])
    assert "looked at this: found correct" in already_closed(looked_at("approve"))


def test_home_says_of_an_audit_that_nobody_waits() -> None:
    shown = str(home_view(HomeView([], [AUDIT], 1, 0, [], samples.NOW)))
    assert "audit: ran alone" in shown
    assert "overdue" not in shown
