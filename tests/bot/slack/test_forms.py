"""Forms sent, through the whole bot: what was typed arrives exactly, or comes back with the reason."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.sandbox.demo_world import LEADS
from bot.sandbox.faults import Fault
from bot.sandbox.limits import ACK_SECONDS
from bot.slack.reception import _ANSWER_WITHIN, OPEN_WITHIN
from tests.bot.slack.at_work import Card, field, form, send, shown, sql, waiting
from tests.support.bot import POLICY, Bot, running_bot, until

REFUND: dict[str, Any] = {"task_type": "refund", "channel": "C0REFUND", "output": {"action": "refund", "amount": 120}}
LONG = "It is about billing, and here is all that I know of it. " * 50
REJECTION = {"category": "factual_error", "severity": "major", "reason": LONG}


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


# What arrives -------------------------------------------------------------------------------------------------------


async def test_members_keep_their_types(bot: Bot) -> None:
    output = {"n": 1, "f": 0.5, "whole": 2.0, "b": True, "z": None, "d": {"a": [1, 2.0]}, "s": "x", "big": 2**60}
    card = await waiting(bot, output=output)
    view = await card.open("U0BEN", "edit")
    typed = {"n": " 7 ", "f": "3", "b": "false", "d": '{"a": [1, 2.5]}', "s": "yes"}

    await send(bot, "U0BEN", view, {field(view, name): text for name, text in typed.items()})

    edited = {**output, "n": 7, "f": 3.0, "b": False, "d": {"a": [1, 2.5]}, "s": "yes"}
    outcome = await card.outcome()
    assert outcome["result"] == "edited"
    assert json.dumps(outcome["output"], sort_keys=True) == json.dumps(edited, sort_keys=True)


async def test_a_form_sent_as_it_was_is_an_approval(bot: Bot) -> None:
    card = await waiting(bot, output={"action": "refund", "amount": 120, "lines": [1, 2.0, None]})
    view = await card.open("U0BEN", "edit")
    await send(bot, "U0BEN", view)
    outcome = await card.outcome()
    assert (outcome["result"], outcome["output"]) == (
        "approved",
        {"action": "refund", "amount": 120, "lines": [1, 2.0, None]},
    )
    assert bot.sandbox.views("U0BEN") == []


async def test_a_long_text_over_several_inputs_arrives_exactly(bot: Bot) -> None:
    output = "".join(f"Line {number}: a word, é, 👩‍👩‍👧 & <b> *bold*.\n" for number in range(600))
    assert len(output) > 20_000
    card = await waiting(bot, output=output)
    view = await card.open("U0BEN", "edit")
    inputs = [block for block in view["blocks"] if block["block_id"].startswith("output-")]
    assert len(inputs) > 7
    middle = inputs[3]
    text = middle["element"]["initial_value"]
    word = text.splitlines()[5]
    assert output.count(word) == 1

    await send(bot, "U0BEN", view, {middle["block_id"]: text.replace(word, "Changed here.")})

    assert (await card.outcome())["output"] == output.replace(word, "Changed here.")


async def test_a_form_that_comes_twice_is_one_verdict_and_no_complaint(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", "reject")
    bot.sandbox.faults.add(Fault("view_submission", "duplicate"))
    await send(bot, "U0BEN", view, REJECTION)
    assert bot.sandbox.views("U0BEN") == []
    assert (await card.outcome())["result"] == "rejected"
    await until(lambda: bot.receiver.events)
    assert len(bot.receiver.events) == 1


# What comes back ----------------------------------------------------------------------------------------------------


async def test_errors_stand_beside_their_fields_and_nothing_is_lost(bot: Bot) -> None:
    card = await waiting(bot, output={"n": 1, "f": 0.5, "d": {"a": 1}, "s": "x"})
    view = await card.open("U0BEN", "edit")
    names = {field(view, name): name for name in ("n", "f", "d", "s")}
    wrong = dict(zip(names, ("many", "1e999", "{'a': 1}", "yes"), strict=True))

    ack = await send(bot, "U0BEN", view, {**wrong, "reason": "So."})

    assert {names[block] for block in ack.errors} == {"n", "f", "d"}
    assert bot.sandbox.views("U0BEN") == [view]
    assert await card.is_pending()

    right = dict(zip(names, ("2", "0.25", '{"a": 2}', "yes"), strict=True))
    await send(bot, "U0BEN", view, {**right, "reason": "So."})
    outcome = await card.outcome()
    assert (outcome["output"], outcome["reason"]) == ({"n": 2, "f": 0.25, "d": {"a": 2}, "s": "yes"}, "So.")


async def test_an_edit_that_fails_a_check_names_it_and_stays_open(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    view = await card.open("U0DANA", "edit")
    for amount, action, check, beside in (
        ("600", "refund", "cap", "amount"),
        ("100", "DROP  table x", "no_sql", "action"),
    ):
        values = {field(view, "amount"): amount, field(view, "action"): action}
        ack = await send(bot, "U0DANA", view, values)
        [(block, error)] = ack.errors.items()
        assert block == field(view, beside)
        assert check in error
        assert bot.sandbox.views("U0DANA") == [view]
    assert await card.is_pending()

    await send(bot, "U0DANA", view, {field(view, "amount"): "100"})
    assert (await card.outcome())["output"] == {"action": "refund", "amount": 100}


async def test_a_rejection_needs_its_reason(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", "reject")
    ack = await send(bot, "U0BEN", view, {**REJECTION, "reason": "   "})
    assert set(ack.errors) == {"reason"}
    assert await card.is_pending()


@pytest.mark.parametrize("action", ["edit", "reject"])
@pytest.mark.parametrize("end", ["approved", "cancelled"])
async def test_a_form_that_comes_too_late_gives_the_words_back(bot: Bot, action: str, end: str) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", action)
    if end == "approved":
        await card.approve_anyway("U0CHEN")
    else:
        await bot.call("POST", f"/v1/decisions/{card.id}/cancel")
    await card.outcome()

    values = REJECTION if action == "reject" else {field(view, "Output"): LONG, "reason": "So it is."}
    ack = await send(bot, "U0BEN", view, values)

    assert not ack.errors
    returned = shown(bot.sandbox.views("U0BEN")[-1])
    assert ("<@U0CHEN> already approved this" if end == "approved" else "The app withdrew this") in returned
    assert LONG in returned
    assert (await card.outcome())["result"] == end


async def test_a_wrong_field_in_a_form_that_comes_too_late_says_so_too(bot: Bot) -> None:
    card = await waiting(bot, output={"n": 1})
    view = await card.open("U0BEN", "edit")
    await card.approve_anyway("U0CHEN")
    await card.outcome()
    ack = await send(bot, "U0BEN", view, {field(view, "n"): "many"})
    assert not ack.errors
    assert "<@U0CHEN> already approved this" in shown(bot.sandbox.views("U0BEN")[-1])


# Who may, when it is sent -------------------------------------------------------------------------------------------


async def _refused_with_words(card: Card, user: str, because: str) -> None:
    view = form(card.bot, user)
    assert view is not None
    await send(card.bot, user, view, REJECTION)
    returned = shown(card.bot.sandbox.views(user)[-1])
    assert because in returned
    assert LONG in returned
    assert await card.is_pending()


async def test_who_left_the_user_group_meanwhile_is_refused(bot: Bot) -> None:
    card = await waiting(bot, **REFUND)
    await card.open("U0DANA", "reject")
    bot.sandbox.world.usergroups[LEADS].users.remove("U0DANA")
    await _refused_with_words(card, "U0DANA", "You are not a reviewer")


@pytest.mark.parametrize("change", ["left", "deleted", "is_restricted"])
async def test_who_is_no_full_member_any_more_is_refused(bot: Bot, change: str) -> None:
    card = await waiting(bot)
    await card.open("U0BEN", "reject")
    if change == "left":
        bot.sandbox.world.channels["C0REVIEW"].members.remove("U0BEN")
    else:
        setattr(bot.sandbox.world.people["U0BEN"], change, True)
    await _refused_with_words(card, "U0BEN", "You are not a reviewer")


async def test_a_policy_that_changed_meanwhile_decides(bot: Bot) -> None:
    card = await waiting(bot)
    await card.open("U0BEN", "reject")
    bot.policy.write_text(POLICY.replace("label: {", "label: {reviewers: {users: [U0ADA]}, "))
    await bot.services.policy.reload()
    await _refused_with_words(card, "U0BEN", "You are not a reviewer")


async def test_a_form_of_another_version_gives_the_words_back(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", "edit")
    older = bot.sandbox.world.stacks["U0BEN"][-1].body
    older["blocks"] = [{**b, "block_id": "old"} if b["block_id"] == "output-0-0" else b for b in older["blocks"]]

    await send(bot, "U0BEN", view, {"old": LONG})

    returned = shown(bot.sandbox.views("U0BEN")[-1])
    assert "this field is missing" in returned
    assert LONG in returned
    assert await card.is_pending()


async def test_when_slack_cannot_say_who_belongs_the_words_come_back(bot: Bot) -> None:
    card = await waiting(bot)
    await card.open("U0BEN", "reject")
    bot.sandbox.faults.add(Fault("conversations.members", "error"))
    await _refused_with_words(card, "U0BEN", "could not confirm just now")


# Bad luck -----------------------------------------------------------------------------------------------------------


def test_the_bot_helps_itself_before_slack_gives_up() -> None:
    assert OPEN_WITHIN < _ANSWER_WITHIN <= ACK_SECONDS - 1.0


@pytest.mark.usefixtures("impatient")
async def test_a_slow_database_is_waited_for_in_the_form(bot: Bot, tmp_path: Path) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", "reject")
    busy = await sql(tmp_path, "BEGIN IMMEDIATE")  # nobody else can write now

    await send(bot, "U0BEN", view, REJECTION)

    assert bot.sandbox.views("U0BEN")[-1]["title"]["text"] == "Saving"
    busy.execute("ROLLBACK")
    busy.close()
    saved = await until(lambda: form(bot, "U0BEN"))
    assert (saved["id"], "Your verdict is recorded." in shown(saved)) == (view["id"], True)
    assert (await card.outcome())["result"] == "rejected"


@pytest.mark.usefixtures("impatient")
async def test_an_error_found_late_comes_back_with_the_words_and_as_mere_text(bot: Bot) -> None:
    key = "<https://evil.example|click>"
    card = await waiting(bot, **{**REFUND, "output": {key: "x", "amount": 120}})
    view = await card.open("U0DANA", "edit")
    bot.sandbox.faults.add(Fault("usergroups.users.list", "late", seconds=1.2))

    await send(bot, "U0DANA", view, {field(view, "amount"): "600", field(view, key): LONG[:2000]})

    returned = await until(lambda: form(bot, "U0DANA"))
    assert "cap" in shown(returned)
    assert LONG[:2000].strip() in shown(returned)
    assert await card.is_pending()


async def test_a_database_that_fails_gives_the_words_back(bot: Bot, tmp_path: Path) -> None:
    card = await waiting(bot)
    await card.open("U0BEN", "reject")
    trigger = "CREATE TRIGGER broken BEFORE INSERT ON verdicts BEGIN SELECT RAISE(ABORT, 'broken'); END"
    (await sql(tmp_path, trigger)).close()
    with capture_logs() as logs:
        await _refused_with_words(card, "U0BEN", "went wrong on our side")
    assert "slack.form.failed" in [entry["event"] for entry in logs]


async def test_several_send_different_verdicts_at_once(bot: Bot) -> None:
    card = await waiting(bot)
    views = {user: await card.open(user, "reject") for user in ("U0ADA", "U0BEN", "U0CHEN", "U0DANA")}
    await asyncio.gather(*(send(bot, user, view, {**REJECTION, "reason": user}) for user, view in views.items()))

    outcome = await card.outcome()
    [winner] = outcome["decided_by"]
    assert outcome["reason"] == winner
    for user in views:
        left = bot.sandbox.views(user)
        assert left == [] if user == winner else f"<@{winner}> already rejected this" in shown(left[-1])
