"""Clicks on a card, through the whole bot: who may, what follows, and that no click stays without an answer."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.sandbox.demo_world import LEADS
from bot.sandbox.faults import Fault, Mode
from bot.sandbox.world import Person
from tests.bot.slack import samples
from tests.bot.slack.at_work import Card, form, send, shown, sql, waiting
from tests.support.bot import POLICY, Bot, running_bot, until
from tests.support.slack_checker import check_message, check_modal, check_mrkdwn

NOT_A_REVIEWER = "You are not a reviewer of this task"
NAMED_ONLY = "decided by the reviewers whom the policy names"
OWN_REQUEST = "somebody else has to review it"
CANNOT_CHECK = "could not confirm just now"
OUR_FAULT = "went wrong on our side"
REFUND: dict[str, Any] = {"task_type": "refund", "channel": "C0REFUND", "output": {"amount": 120}}
REFUSALS: tuple[Mode, ...] = ("error", "lose_request", "status")
CRITICAL: dict[str, Any] = {"context": {"amount": 20_000}}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


# Who may -----------------------------------------------------------------------------------------------------------


async def test_only_full_members_of_the_channel_count(bot: Bot) -> None:
    outsiders = [
        Person("U0GUEST", "guest", "Guest", is_restricted=True),
        Person("U0SINGLE", "single", "Single", is_restricted=True, is_ultra_restricted=True),
        Person("U0ROBOT", "robot", "Robot", is_bot=True),
        Person("U0GONE", "gone", "Gone", deleted=True),
        Person("U0STRANGER", "stranger", "Stranger", is_stranger=True),
    ]
    for person in outsiders:
        bot.sandbox.world.add_person(person, ["C0REVIEW"])
    card = await waiting(bot)

    for person in outsiders:
        await card.press(person.id, "approve")
        assert NOT_A_REVIEWER in await card.told(person.id)
        await card.press(person.id, "edit")
        assert NOT_A_REVIEWER in await card.told(person.id, 2)
        assert bot.sandbox.views(person.id) == []
    assert await card.is_pending()

    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


async def test_critical_is_for_the_named_only(bot: Bot) -> None:
    card = await waiting(bot, **CRITICAL)
    for number, action in enumerate(("approve", "edit", "reject"), 1):
        await card.press("U0BEN", action)
        assert NAMED_ONLY in await card.told("U0BEN", number)
    assert bot.sandbox.views("U0BEN") == []
    assert await card.is_pending()

    await card.press("U0ADA", "approve")
    assert (await card.outcome())["decided_by"] == ["U0ADA"]


async def test_the_user_group_decides_and_the_channel_does_not(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    await card.press("U0BEN", "approve")
    assert NOT_A_REVIEWER in await card.told("U0BEN")

    bot.sandbox.world.usergroups[LEADS].users.append("U0BEN")
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


async def test_for_whom_the_model_acts_may_not_decide_even_if_named(bot: Bot) -> None:
    card = await waiting(bot, requested_by="U0ADA")
    for number, action in enumerate(("approve", "edit", "reject"), 1):
        await card.press("U0ADA", action)
        assert OWN_REQUEST in await card.told("U0ADA", number)
    assert bot.sandbox.views("U0ADA") == []
    assert await card.is_pending()


async def test_the_policy_of_the_moment_decides_who_may(bot: Bot) -> None:
    card = await waiting(bot)
    bot.policy.write_text(POLICY.replace("label: {", "label: {reviewers: {users: [U0CHEN]}, "))
    await bot.services.policy.reload()

    await card.press("U0BEN", "approve")
    assert NOT_A_REVIEWER in await card.told("U0BEN")
    await card.press("U0CHEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0CHEN"]


async def test_when_slack_cannot_say_who_belongs_nothing_is_decided(bot: Bot) -> None:
    card = await waiting(bot)
    for number, (mode, action) in enumerate(product(REFUSALS, ("approve", "reject")), 1):
        bot.sandbox.faults.add(Fault("conversations.members", mode, times=None))
        await card.press("U0BEN", action)
        assert CANNOT_CHECK in await card.told("U0BEN", number)
        bot.sandbox.faults.clear()
    assert await card.is_pending()

    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


@pytest.mark.usefixtures("impatient")
async def test_a_form_opens_while_slack_is_slow_to_say_who_belongs(bot: Bot) -> None:
    bot.sandbox.faults.add(Fault("conversations.members", "late", seconds=1.3))
    card = await waiting(bot)
    await card.press("U0BEN", "edit")
    [loading] = await until(lambda: bot.sandbox.views("U0BEN"))
    assert loading["callback_id"] == "review.loading"
    filled = await until(lambda: form(bot, "U0BEN"))
    assert (filled["callback_id"], filled["id"]) == ("review.edit", loading["id"])


@pytest.mark.usefixtures("impatient")
async def test_a_slow_no_is_said_in_the_form_that_waits(bot: Bot) -> None:
    bot.sandbox.faults.add(Fault("usergroups.users.list", "late", seconds=1.3))
    card = await waiting(bot, **REFUND)
    view = await card.open("U0BEN", "reject")
    assert NOT_A_REVIEWER in shown(view)
    assert "submit" not in {name for name, value in view.items() if value}


# One winner ---------------------------------------------------------------------------------------------------------


async def test_fifty_people_approve_at_once(bot: Bot) -> None:
    crowd = [f"U1P{number}" for number in range(50)]
    for user in crowd:
        bot.sandbox.world.add_person(Person(user, user.lower(), user), ["C0REVIEW"])
    card = await waiting(bot)

    await asyncio.gather(*(card.press(user, "approve") for user in crowd))

    outcome = await card.outcome()
    [winner] = outcome["decided_by"]
    for user in crowd:
        if user != winner:
            assert f"<@{winner}> already approved this" in await card.told(user)
    assert bot.sandbox.ephemerals(winner) == []
    assert f"<@{winner}>" in await card.closed()
    [event] = await until(lambda: bot.receiver.events)
    assert event["data"]["outcome"]["decided_by"] == [winner]
    _, metrics = await _text(bot, "/metrics")
    assert 'verdict="approve"} 1.0' in metrics


async def _text(bot: Bot, path: str) -> tuple[int, str]:
    async with bot.http.get(bot.application.url + path, headers={"Authorization": "Bearer hitl_reader"}) as response:
        return response.status, await response.text()


async def test_a_click_that_comes_twice_is_one_verdict(bot: Bot) -> None:
    card = await waiting(bot)
    bot.sandbox.faults.add(Fault("block_actions", "duplicate"))
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]
    assert "already approved" in await card.told("U0BEN")
    await until(lambda: bot.receiver.events)
    assert len(bot.receiver.events) == 1


async def test_a_click_that_comes_twice_opens_one_form_and_complains_of_nothing(bot: Bot) -> None:
    card = await waiting(bot)
    bot.sandbox.faults.add(Fault("block_actions", "duplicate"))
    await card.open("U0BEN", "edit")
    await until(lambda: [c for c in bot.sandbox.calls if c.outcome == "exchanged_trigger_id"])
    await bot.restart()  # what was acknowledged is finished first
    assert len(bot.sandbox.views("U0BEN")) == 1
    assert bot.sandbox.ephemerals("U0BEN") == []


@pytest.mark.parametrize("end", ["approved", "cancelled"])
async def test_a_click_on_a_card_that_is_behind_says_how_it_ended_and_mends_it(bot: Bot, end: str) -> None:
    card = await waiting(bot)
    before = bot.sandbox.messages("C0REVIEW")[0]["blocks"]
    if end == "approved":
        await card.press("U0BEN", "approve")
    else:
        await bot.call("POST", f"/v1/decisions/{card.id}/cancel")
    decided_at = (await card.outcome())["decided_at"][:16].replace("T", " ")
    said = ["<@U0BEN> already approved this, <!date^", decided_at] if end == "approved" else ["The app withdrew this"]

    for number, action in enumerate(("approve", "edit", "reject"), 1):
        await card.closed()
        await card.show_again(before)
        await card.press("U0CHEN", action)
        told = await card.told("U0CHEN", number)
        assert all(words in told for words in said)
    await card.closed()
    assert bot.sandbox.views("U0CHEN") == []


async def test_a_second_card_of_one_review_goes_away_when_used(bot: Bot) -> None:
    card = await waiting(bot)
    [first] = bot.sandbox.messages("C0REVIEW")
    slack = AsyncWebClient(token=bot.sandbox.bot_token, base_url=bot.sandbox.api_url)
    await slack.chat_postMessage(channel="C0REVIEW", text=first["text"], blocks=first["blocks"])
    copy = Card(bot, card.id, "C0REVIEW", bot.sandbox.messages("C0REVIEW")[-1]["ts"])

    await copy.press("U0BEN", "approve")

    assert (await card.outcome())["decided_by"] == ["U0BEN"]
    await card.closed()
    await until(lambda: [m["ts"] for m in bot.sandbox.messages("C0REVIEW")] == [card.ts])


# Bad luck -----------------------------------------------------------------------------------------------------------


async def test_a_trigger_that_expired_is_explained(bot: Bot) -> None:
    card = await waiting(bot)
    for number, action in enumerate(("edit", "reject", "more"), 1):
        bot.sandbox.faults.add(Fault("views.open", "error", error="expired_trigger_id"))
        await card.press("U0BEN", action, "details" if action == "more" else None)
        assert "please click again" in await card.told("U0BEN", number)


async def test_a_form_that_slack_does_not_open_is_answered(bot: Bot) -> None:
    card = await waiting(bot)
    for number, mode in enumerate((*REFUSALS, "ratelimit"), 1):
        bot.sandbox.faults.add(Fault("views.open", mode))
        await card.press("U0BEN", "reject")
        assert OUR_FAULT in await card.told("U0BEN", number)


async def test_where_no_ephemeral_can_be_posted_the_click_is_answered_otherwise(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    for number, mode in enumerate((*REFUSALS, "ratelimit"), 1):
        bot.sandbox.faults.add(Fault("chat.postEphemeral", mode, error="user_not_in_channel"))
        await card.press("U0BEN", "approve")
        assert NOT_A_REVIEWER in await card.told("U0BEN", number)
        assert [call.method for call in bot.sandbox.calls].count("response_url") == number
    assert "review.approve" in card.blocks


async def test_an_answer_that_cannot_be_given_harms_nothing(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    for method in ("chat.postEphemeral", "response_url"):
        bot.sandbox.faults.add(Fault(method, "status"))
    await card.press("U0BEN", "approve")
    await until(lambda: [c for c in bot.sandbox.calls if (c.method, c.outcome) == ("response_url", "status_500")])
    await card.press("U0DANA", "approve")
    assert (await card.outcome())["decided_by"] == ["U0DANA"]


@pytest.mark.parametrize("table", ["reviews", "verdicts", "events"])
async def test_a_database_that_fails_in_the_middle_of_a_click_is_said(bot: Bot, table: str, tmp_path: Path) -> None:
    card = await waiting(bot)
    with capture_logs() as logs:
        async with _without(tmp_path, table):
            await card.press("U0BEN", "approve")
            assert OUR_FAULT in await card.told("U0BEN")
    assert "slack.click.failed" in [entry["event"] for entry in logs]
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


@asynccontextmanager
async def _without(folder: Path, table: str) -> AsyncIterator[None]:
    """The database lacks a table for a while."""
    keep_foreign_keys = "PRAGMA legacy_alter_table = ON"
    (await sql(folder, keep_foreign_keys, f"ALTER TABLE {table} RENAME TO away")).close()
    yield
    (await sql(folder, keep_foreign_keys, f"ALTER TABLE away RENAME TO {table}")).close()


async def test_a_button_of_a_review_that_is_gone_is_answered(bot: Bot) -> None:
    card = await waiting(bot)
    [message] = bot.sandbox.messages("C0REVIEW")
    gone = [b if b["type"] != "actions" else _pointing_elsewhere(b) for b in message["blocks"]]
    await card.show_again(gone)
    await card.press("U0BEN", "approve")
    assert "does not exist any more" in await card.told("U0BEN")
    assert await card.is_pending()


def _pointing_elsewhere(actions: dict[str, Any]) -> dict[str, Any]:
    elements = [{**element, "value": "rev_gone"} if "value" in element else element for element in actions["elements"]]
    return {**actions, "elements": elements}


async def test_what_needs_no_answer_is_acknowledged(bot: Bot) -> None:
    said = await bot.sandbox.say("U0BEN", "C0REVIEW", "approve")
    assert said.ack is not None
    assert said.ack.ok
    assert await bot.sandbox.verify_url()


# What is shown ------------------------------------------------------------------------------------------------------


async def test_what_cannot_be_undone_is_asked_for_twice(bot: Bot) -> None:
    assert "'confirm'" not in (await waiting(bot)).blocks
    assert "'confirm'" in (await waiting(bot, "d-2", reversible=False)).blocks


async def test_a_refusal_names_who_may(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    await card.press("U0BEN", "approve")
    assert (await card.told("U0BEN")).endswith("Ask <@U0ADA> or <!subteam^S0LEADS>.")


async def test_details_of_a_huge_decision_open(bot: Bot) -> None:
    card = await waiting(bot, input="What? " * 100_000, output="No. " * 50_000)
    await card.press("U0BEN", "more", "details")
    view = await until(lambda: form(bot, "U0BEN"))
    assert "more characters do not fit into Slack" in shown(view)


async def test_a_refusal_for_a_card_in_a_thread_is_seen_in_the_channel(bot: Bot) -> None:
    first = await waiting(bot)
    view = await first.open("U0ADA", "reject")
    await send(bot, "U0ADA", view, {"category": "tone", "severity": "minor", "reason": "No."})
    await bot.post({"task_type": "label", "input": "x", "output": "y", "confidence": 0.5}, id="d-2", retry_of="d-1")
    reply = await until(lambda: bot.sandbox.thread("C0REVIEW", first.ts)[1:])
    second = Card(bot, "d-2", "C0REVIEW", reply[0]["ts"])
    bot.sandbox.faults.add(Fault("conversations.members", "error"))

    await second.press("U0BEN", "approve")

    assert CANNOT_CHECK in await second.told("U0BEN")
    assert "thread_ts" not in bot.sandbox.ephemerals("U0BEN")[0]


async def test_hostile_text_forges_nothing_anywhere(bot: Bot) -> None:
    attack = "\n".join(samples.ATTACKS[:4])
    people = frozenset({"U0ADA", "U0BEN", "U0CHEN"})
    card = await waiting(
        bot,
        input=attack,
        output={attack[:60]: attack, "list": [attack]},
        subject=attack[:100],
        model={"name": attack[:60], "version": attack[:20]},
        sources=[{"id": attack[:50], "title": attack[:100], "url": "javascript:alert(1)", "text": attack}],
        alternatives=[{"output": attack}],
        context={attack[:50]: attack},
        requested_by="U0CHEN",
    )
    await card.press("U0BEN", "more", "details")
    await until(lambda: form(bot, "U0BEN"))
    losing = await card.open("U0BEN", "edit")
    view = await card.open("U0ADA", "reject")
    texts = {"reason": attack, "answer": attack}
    await send(bot, "U0ADA", view, {"category": "tone", "severity": "minor", **texts})
    await send(bot, "U0BEN", losing, {"reason": attack})
    await card.closed()

    sent = [call for call in bot.sandbox.calls if call.outcome == "ok"]
    assert {"chat.postMessage", "chat.update", "views.open"} <= {call.method for call in sent}
    for call in sent:
        if call.method in ("chat.postMessage", "chat.update"):
            check_message(call.args["text"], _plain(call.args["blocks"]), people)
        elif call.method == "chat.postEphemeral":
            check_mrkdwn(call.args["text"], people)
        elif call.method.startswith("views."):
            check_modal(_plain(call.args["view"]), people)
    check_modal(_as_sent(bot.sandbox.views("U0BEN")[-1]), people)


def _plain(value: Any) -> Any:
    """A list or object, whichever way the client encoded it."""
    return json.loads(value) if isinstance(value, str) else value


def _as_sent(view: dict[str, Any]) -> dict[str, Any]:
    """Without what Slack adds to a view."""
    kept = ("type", "callback_id", "title", "close", "submit", "blocks", "private_metadata")
    return {name: view[name] for name in kept if view.get(name)}
