"""Proposed and applied adjustments in a channel: golden files, and one from its proposal to its undo in a whole bot."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from bot.adjusting import Adjusted, Post
from bot.slack.blocks import section
from bot.slack.proposed import APPLY, DECLINE, UNDO, render_proposed
from store.adjustments import Proposal
from tests.bot.slack import samples
from tests.bot.slack.at_work import whispered
from tests.support.bot import SURE, Bot, Json, until
from tests.support.slack_checker import check_message

BREACH: dict[str, Any] = {
    "what": "breach",
    "task": "refund",
    "model": "gpt-x 2026-10",
    "users": ["U0ADA"],
    "usergroup": None,
    "before": "degraded",
    "after": "suspended",
    "rate_before": 0.25,
    "rate_after": 1.0,
    "labels": 120,
    "errors": 31,
    "max_error": 0.02,
}
PROMOTION = Proposal(
    id="prp_7Q2M",
    dedup_key="rise:refund:4:2026-11-01",
    task_type="refund",
    key="autonomy",
    value=4.0,
    from_value=3.0,
    channel="#refunds",
    why="People agreed with 236 of 241 answers.",
    facts={"labels": 241, "errors": 5},
    body={"what": "promotion", "labels": 241, "errors": 5},
    made_at=samples.NOW,
)
LATER = samples.NOW + timedelta(minutes=5)
APPLIED = replace(PROMOTION, state="applied", decided_by="user:T0HOME/U0BEA", decided_at=LATER)
AT_ONCE = replace(
    APPLIED, value=2.0, from_value=4.0, body=BREACH, decided_by="bot", decided_at=samples.NOW, adjustment_id="adj_1"
)
ALARM = replace(PROMOTION, value=2.0, body={**BREACH, "what": "alarm", "before": "stable", "after": "degraded"})
PAUSE = replace(AT_ONCE, body={"what": "pause"}, why="Refunds twice <!channel> & more", decided_by="operator")
FROZEN = replace(PROMOTION, body={"text": "As it is.", "blocks": [section("mine", "As it is.")]})


@pytest.mark.parametrize(
    ("name", "proposal"),
    [
        ("promotion", PROMOTION),
        ("promotion_applied", APPLIED),
        ("promotion_declined", replace(APPLIED, state="declined")),
        ("promotion_outdated", replace(PROMOTION, state="outdated", decided_at=LATER)),
        ("promotion_undone", replace(APPLIED, state="undone", undone_by="operator", undone_at=LATER)),
        ("promotion_replaced", APPLIED),
        ("breach", AT_ONCE),
        ("alarm", ALARM),
        ("pause", PAUSE),
        ("pause_over", replace(PAUSE, state="undone", undone_by="user:T0HOME/U0BEA", undone_at=LATER)),
        ("frozen", FROZEN),
    ],
)
def test_golden(name: str, proposal: Proposal) -> None:
    message = render_proposed(proposal, samples.NOW + timedelta(days=1) if name.endswith("replaced") else None)
    check_message(message.text, message.blocks, samples.PEOPLE)
    samples.assert_golden(f"proposed_{name}", {"text": message.text, "blocks": message.blocks})


@given(text=samples.texts)
@settings(max_examples=30)
def test_no_name_and_no_reason_does_anything(text: str) -> None:
    for proposal in (replace(PAUSE, why=text), replace(AT_ONCE, body={**BREACH, "model": text})):
        message = render_proposed(proposal)
        check_message(message.text, message.blocks, samples.PEOPLE)


def test_a_breach_during_a_pause_says_that_both_have_to_end() -> None:
    message = render_proposed(replace(AT_ONCE, from_value=2.0))
    check_message(message.text, message.blocks, samples.PEOPLE)
    assert "It is paused, and to end the pause alone gives its autonomy back no more: *Undo* this too." in message.text


def test_only_what_can_still_be_done_has_a_button() -> None:
    buttons = {
        state: [
            name
            for name in (APPLY, DECLINE, UNDO)
            if f"'{name}'" in str(render_proposed(replace(APPLIED, state=state)).blocks)
        ]
        for state in ("open", "applied", "declined", "outdated", "undone")
    }
    assert buttons == {"open": [APPLY, DECLINE], "applied": [UNDO], "declined": [], "outdated": [], "undone": []}


def test_what_is_told_of_a_threshold_has_the_digits_of_its_calibration() -> None:
    """Rounded down it would let more run alone than is proven."""
    threshold = replace(FROZEN, key="threshold", value=0.9312341, from_value=0.9)
    assert "*Apply* puts threshold 0.931235 in force at once (so far 0.9)" in render_proposed(threshold).text


# In a whole bot -------------------------------------------------------------------------------------------------------


async def message(bot: Bot, *words: str) -> Json:
    """The first message of the channel, once it says all this."""

    def look() -> Json | None:
        found = bot.sandbox.messages("C0REVIEW")
        return found[0] if found and all(word in str(found[0]["blocks"]) for word in words) else None

    return await until(look)


async def press(bot: Bot, user: str, action: str) -> None:
    ack = await bot.sandbox.click(user, "C0REVIEW", (await message(bot))["ts"], action)
    assert (ack.status, ack.error) == (200, None)


async def test_from_the_proposal_to_its_undo(bot: Bot) -> None:
    """U0ADA is whom the policy names; U0BEN is in the channel."""
    adjusting, policy = bot.services.adjusting, bot.services.policy
    await adjusting.propose("label", "threshold", 0.99, channel="#ai-review", why="", body=FROZEN.body, dedup_key="one")
    await message(bot, APPLY)
    await press(bot, "U0BEN", APPLY)
    await whispered(
        bot, "U0BEN", "Only an adjudicator of the task can decide this, so nothing was changed. Ask <@U0ADA>."
    )
    assert policy.current.value("label", "threshold") == 0.70

    await press(bot, "U0ADA", APPLY)
    await message(bot, UNDO, "*In force:* threshold 0.99, by <@U0ADA>")
    status, answer = await bot.post(SURE)
    assert (status, answer["threshold"], answer["policy_version"]) == (201, 0.99, policy.current.version)

    await press(bot, "U0ADA", UNDO)
    await message(bot, "*Undone* by <@U0ADA>")
    assert policy.current.value("label", "threshold") == 0.70


async def test_what_another_change_replaces_has_no_undo_until_it_is_back(bot: Bot) -> None:
    adjusting = bot.services.adjusting
    await adjusting.propose("label", "autonomy", 4, channel="#ai-review", why="", body=FROZEN.body, dedup_key="one")
    await message(bot, APPLY)
    await press(bot, "U0ADA", APPLY)
    await message(bot, UNDO)

    await adjusting.pause("label", by="operator", why="")
    assert f"'{UNDO}'" not in str((await message(bot, "*Replaced* by a newer change", "autonomy 4"))["blocks"])

    await adjusting.resume("label", by="operator")
    await message(bot, UNDO, "*In force:* autonomy 4, by <@U0ADA>")


async def test_a_pause_is_told_in_the_channel(bot: Bot) -> None:
    """And what comes in meanwhile waits for people, however sure the model is."""
    done = await bot.services.adjusting.pause(
        "label", by="operator", why="a flood", post=Post("#ai-review", {"what": "pause"})
    )
    assert isinstance(done, Adjusted)
    await message(bot, "is paused", "a flood", UNDO)
    status, answer = await bot.post({**SURE, "confidence": 1.0})
    assert (status, answer["status"], answer["policy_version"]) == (201, "pending", done.policy_version)
