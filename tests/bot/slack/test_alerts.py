"""An alert from its POST to its root cause: one message in Slack, taken by one person and closed by their words."""

from typing import Any

import pytest
from sqlalchemy import select

from bot.slack.modal import View
from store import tables as t
from tests.bot.slack.at_work import form, send, shown, whispered, whispers
from tests.support.bot import ADMIN_KEY, KEY, OTHER_KEY, READ_KEY, Bot, Json, until

ALERT: Json = {
    "id": "refund-rate",
    "title": "Refunds doubled",
    "detail": "42 of the last 100 decisions were refunds.",
    "task_type": "refund",
    "url": "https://traces.example/refunds",
    "severity": "high",
}
REFUNDS = "C0REFUND"


async def post(bot: Bot, key: str = KEY, **changes: Any) -> tuple[int, Json]:
    body = {name: value for name, value in {**ALERT, **changes}.items() if value is not ...}
    return await bot.call("POST", "/v1/alerts", key=key, json=body)


async def shows(bot: Bot, *words: str, channel: str = REFUNDS) -> Json:
    """The alert's message, once it says all this."""

    def look() -> Json | None:
        messages = bot.sandbox.messages(channel)
        return messages[0] if messages and all(word in str(messages[0]["blocks"]) for word in words) else None

    return await until(look)


async def press(bot: Bot, user: str, action: str) -> None:
    message = await shows(bot)
    ack = await bot.sandbox.click(user, REFUNDS, message["ts"], f"alert.{action}")
    assert (ack.status, ack.error) == (200, None)


async def root_cause(bot: Bot, user: str) -> View:
    before = form(bot, user)
    await press(bot, user, "root_cause")
    return await until(lambda: form(bot, user, other_than=before))


async def history(bot: Bot) -> list[tuple[str, str, Json]]:
    h = t.history.c
    query = select(h.event, h.actor, h.facts).where(h.event.like("%:alert:%")).order_by(h.seq)
    async with bot.services.engine.connect() as connection:
        return [(row.event, row.actor, row.facts) for row in await connection.execute(query)]


# The API --------------------------------------------------------------------------------------------------------------


async def test_it_is_posted_once(bot: Bot) -> None:
    status, alert = await post(bot)
    assert (status, alert["status"]) == (201, "open")
    assert {name: alert[name] for name in ALERT} == ALERT
    assert await post(bot) == (200, alert)
    status, problem = await post(bot, severity="critical")
    assert (status, problem["type"]) == (409, "urn:hitl:problem:id_conflict")
    status, others = await post(bot, key=OTHER_KEY)
    assert (status, others["id"]) == (201, ALERT["id"])
    status, unnamed = await post(bot, id=..., key=ADMIN_KEY)
    assert status == 201
    assert unnamed["id"].startswith("alr_")
    assert (await post(bot, key=READ_KEY))[0] == 403
    await until(lambda: len(bot.sandbox.messages(REFUNDS)) == 3)


@pytest.mark.parametrize(
    ("changes", "loc"),
    [
        ({"severity": "urgent"}, ["severity"]),
        ({"title": ""}, ["title"]),
        ({"title": "x" * 201}, ["title"]),
        ({"detail": ...}, ["detail"]),
        ({"url": "javascript:alert(1)"}, ["url"]),
        ({"task_type": "No such"}, ["task_type"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_other_bodies_are_refused(bot: Bot, changes: Json, loc: list[str]) -> None:
    status, problem = await post(bot, **changes)
    assert (status, problem["errors"][0]["loc"]) == (422, loc)


async def test_without_a_task_it_goes_to_the_default_channel_before_all_cards(bot: Bot) -> None:
    await post(bot, task_type=..., severity="low")
    await shows(bot, "Refunds doubled", "Low severity", channel="C0REVIEW")


# In Slack -------------------------------------------------------------------------------------------------------------


async def test_the_first_one_takes_it_and_the_root_cause_closes_it(bot: Bot) -> None:
    await post(bot)
    await shows(bot, "Alert: Refunds doubled", "*shop*", "Nobody has taken it", "https://traces.example/refunds")
    await press(bot, "U0ADA", "acknowledge")
    await shows(bot, "Acknowledged by <@U0ADA>")
    assert (await post(bot))[1]["acknowledged_by"] == "U0ADA"

    view = await root_cause(bot, "U0DANA")
    await send(bot, "U0DANA", view, {"cause": "A prompt was changed.", "mitigation": "It was changed back."})
    closed = await shows(bot, "Resolved", "A prompt was changed.", "It was changed back.", "recovered after")
    assert not [block for block in closed["blocks"] if block["type"] == "actions"]
    _, alert = await post(bot)
    assert (alert["status"], alert["resolved_by"], alert["cause"]) == ("resolved", "U0DANA", "A prompt was changed.")
    raised, taken, resolved = await history(bot)
    assert raised[:2] == ("app:alert:raised", "app:shop")
    assert taken[:2] == ("reviewer:alert:acknowledged", "user:T0SANDBOX/U0ADA")
    assert resolved[:2] == ("reviewer:alert:resolved", "user:T0SANDBOX/U0DANA")
    assert resolved[2]["recovery_seconds"] >= resolved[2]["recovery_since_alert_seconds"] >= 0
    assert "prompt" not in str(resolved)


async def test_who_comes_second_is_told_who_has_it(bot: Bot) -> None:
    await post(bot)
    await press(bot, "U0ADA", "acknowledge")
    await shows(bot, "Acknowledged by <@U0ADA>")
    await press_gone(bot, "U0DANA")
    assert "<@U0ADA> already acknowledged this" in await whispered(bot, "U0DANA", "already")
    await press_gone(bot, "U0ADA")
    assert whispers(bot, "U0ADA") == []


async def press_gone(bot: Bot, user: str) -> None:
    """A click on the button that the message had before."""
    message = bot.sandbox.world.messages[REFUNDS][(await shows(bot))["ts"]]
    now = message.blocks
    message.blocks = [
        {**block, "elements": [{**each, "action_id": "alert.acknowledge"} for each in block["elements"]]}
        if block["type"] == "actions"
        else block
        for block in now
    ]
    await press(bot, user, "acknowledge")
    message.blocks = now


async def test_a_high_one_is_for_the_named_reviewers(bot: Bot) -> None:
    await post(bot)
    await press(bot, "U0BEN", "acknowledge")
    assert "reviewers whom the policy names" in await whispered(bot, "U0BEN", "nothing was changed")
    view = await root_cause(bot, "U0BEN")
    assert "reviewers whom the policy names" in shown(view)
    assert (await post(bot))[1]["status"] == "open"


async def test_who_has_become_a_guest_a_moment_ago_has_no_say_any_more(bot: Bot) -> None:
    await post(bot, severity="medium")
    await root_cause(bot, "U0BEN")
    bot.sandbox.world.people["U0BEN"].is_restricted = True
    await press(bot, "U0BEN", "acknowledge")
    await whispered(bot, "U0BEN", "nothing was changed")
    assert (await post(bot, severity="medium"))[1]["status"] == "open"


async def test_what_was_typed_too_late_is_handed_back(bot: Bot) -> None:
    await post(bot)
    ada, dana = await root_cause(bot, "U0ADA"), await root_cause(bot, "U0DANA")
    await send(bot, "U0ADA", ada, {"cause": "A prompt was changed."})
    await shows(bot, "Resolved")
    ack = await send(bot, "U0DANA", dana, {"cause": "Somebody changed the prompt."})
    assert "<@U0ADA> already resolved this" in str(ack.response)
    assert "Somebody changed the prompt." in str(ack.response)
    assert (await post(bot))[1]["cause"] == "A prompt was changed."
    assert len(await history(bot)) == 2


async def test_a_window_that_ends_before_it_begins_is_refused_beside_its_field(bot: Bot) -> None:
    await post(bot)
    view = await root_cause(bot, "U0ADA")
    ack = await send(bot, "U0ADA", view, {"cause": "A prompt.", "recovered": 1_700_000_000})
    assert set(ack.errors) == {"recovered"}
    assert (await post(bot))[1]["status"] == "open"


# The bot's own --------------------------------------------------------------------------------------------------------


async def test_the_bots_own_is_raised_once_for_each_key(bot: Bot) -> None:
    alerts = bot.services.alerts
    raised = [await alerts.raise_own("breach:refund:1", "Too many escape", "3 of 40", "refund", "high") for _ in "ab"]
    assert raised == [True, False]
    await shows(bot, "Raised by this bot", "Too many escape")
    assert [event for event, _, _ in await history(bot)] == ["bot:alert:raised"]
