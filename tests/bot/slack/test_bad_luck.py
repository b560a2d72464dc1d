"""Slack fails, is late or says nothing; the process dies; the socket is cut: nobody is left without an answer."""

from typing import Any

import pytest

from bot.sandbox.faults import Fault
from bot.slack.modal import View
from tests.bot.slack.at_work import (
    Walker,
    by_socket,
    field,
    form,
    outcome,
    queue_up,
    send,
    shown,
    waiting,
    whispered,
    whispers,
)
from tests.support.bot import Bot, until

OUR_FAULT = "went wrong on our side"
CANNOT_CHECK = "could not confirm just now"
LONG = "It is about billing, and here is all that I know of it. " * 50
REJECTION = {"category": "tone", "severity": "minor", "reason": LONG}
REFUND: dict[str, Any] = {"task_type": "refund", "channel": "C0REFUND", "output": {"amount": 120}}
TROUBLES: dict[str, dict[str, Any]] = {
    "429": {"mode": "ratelimit", "seconds": 30},
    "500": {"mode": "status"},
    "refused": {"mode": "error"},
    "cut": {"mode": "lose_request"},
    "silent": {"mode": "hang", "carried_out": "after"},
    "unheard": {"mode": "lose_answer"},
    "late": {"mode": "late", "seconds": 1.2},
}
SAYS_NOTHING = [name for name in TROUBLES if name not in ("late", "unheard")]
every_trouble = pytest.mark.parametrize("trouble", TROUBLES)
every_failure = pytest.mark.parametrize("trouble", SAYS_NOTHING)


@pytest.fixture(autouse=True)
def silence_is_short(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bot waits two seconds for a Slack that says nothing, not ten."""
    if "silent" in request.node.name:
        monkeypatch.setattr("bot.assembly.connection._TIMEOUT", 2)


def order(bot: Bot, method: str, trouble: str, times: int | None = 1) -> None:
    bot.sandbox.faults.add(Fault(method, times=times, **TROUBLES[trouble]))


async def back(bot: Bot) -> None:
    """After a restart: Slack's way to the bot is the one it had."""
    if bot.settings.slack_app_token:
        await by_socket(bot)


# Every method that the listeners use ----------------------------------------------------------------------------------


@every_trouble
async def test_a_form_opens_or_the_person_hears_why_not(bot: Bot, trouble: str) -> None:
    card = await waiting(bot)
    order(bot, "views.open", trouble)
    await card.press("U0BEN", "reject")
    await until(lambda: form(bot, "U0BEN") or OUR_FAULT in str(whispers(bot, "U0BEN")))
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


@pytest.mark.usefixtures("impatient")
@every_failure
async def test_a_form_that_stays_empty_is_explained(bot: Bot, trouble: str) -> None:
    card = await waiting(bot)
    bot.sandbox.faults.add(Fault("conversations.members", "late", seconds=1.2))
    order(bot, "views.update", trouble)
    await card.press("U0BEN", "reject")
    assert await whispered(bot, "U0BEN", OUR_FAULT)


@pytest.mark.usefixtures("impatient")
@every_failure
async def test_an_answer_to_a_form_that_slack_does_not_show_comes_directly_with_the_words(
    bot: Bot, trouble: str
) -> None:
    card = await waiting(bot, **REFUND)
    view = await card.open("U0DANA", "reject")
    bot.sandbox.world.usergroups["S0LEADS"].users.remove("U0DANA")
    bot.sandbox.faults.add(Fault("usergroups.users.list", "late", seconds=0.5))
    bot.sandbox.faults.add(Fault("users.info", "late", seconds=0.5))
    order(bot, "views.update", trouble, times=None)
    bot.policy.write_text(
        bot.policy.read_text().replace("usergroup: S0LEADS", "usergroup: S0LEADS, channel_members: true")
    )
    await bot.services.policy.reload()
    bot.sandbox.world.people["U0DANA"].is_restricted = True
    await send(bot, "U0DANA", view, REJECTION)
    await whispered(bot, "U0DANA", "this is it")
    world = bot.sandbox.world
    direct = list(world.messages[world.open_im("U0DANA").id].values())
    told = "".join(shown({"blocks": message.blocks}) for message in direct)
    assert "You are not a reviewer" in told
    assert LONG.strip() in told
    assert await card.is_pending()


@every_failure
async def test_a_form_on_top_of_the_walk_opens_or_the_person_hears_why_not(bot: Bot, trouble: str) -> None:
    await queue_up(bot, "d-1")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    order(bot, "views.push", trouble)
    await ben.press("edit")
    assert await whispered(bot, "U0BEN", OUR_FAULT)
    await ben.approve()
    assert (await outcome(bot, "d-1"))["result"] == "approved"


@every_failure
async def test_a_walk_that_slack_does_not_move_on_is_explained_and_goes_on(bot: Bot, trouble: str) -> None:
    await queue_up(bot, "d-1", "d-2")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    order(bot, "views.update", trouble)
    await send(bot, "U0BEN", await ben.open("reject"), REJECTION)
    assert await whispered(bot, "U0BEN", "Your verdict is recorded, but Slack did not show what comes next")
    assert (await outcome(bot, "d-1"))["result"] == "rejected"
    await ben.approve()  # of what stands there still
    assert "About d-2." in ben.text
    assert "<@U0BEN> already rejected this" in ben.text


@every_trouble
async def test_a_home_is_published_in_the_end(bot: Bot, trouble: str) -> None:
    await waiting(bot)
    order(bot, "views.publish", trouble)
    assert (await bot.sandbox.open_home("U0BEN")).ok
    await until(lambda: "Waiting for you: 1" in shown(bot.sandbox.home("U0BEN") or {"blocks": []}))


@every_trouble
async def test_a_private_answer_finds_another_way(bot: Bot, trouble: str) -> None:
    card = await waiting(bot, **REFUND)
    order(bot, "chat.postEphemeral", trouble)
    await card.press("U0BEN", "approve")
    assert await whispered(bot, "U0BEN", "You are not a reviewer of this task")


@every_failure
async def test_a_private_answer_comes_directly_in_the_end(bot: Bot, trouble: str) -> None:
    card = await waiting(bot, **REFUND)
    order(bot, "chat.postEphemeral", trouble)
    bot.sandbox.faults.add(Fault("response_url", "status"))
    await card.press("U0BEN", "approve")
    assert await whispered(bot, "U0BEN", "You are not a reviewer of this task")
    assert bot.sandbox.ephemerals("U0BEN") == []


@every_failure
@pytest.mark.parametrize("method", ["conversations.members", "users.info"])
async def test_while_slack_does_not_say_who_belongs_nothing_is_decided(bot: Bot, method: str, trouble: str) -> None:
    card = await waiting(bot)
    order(bot, method, trouble, times=None)  # what only asks is asked again when the connection was cut
    await card.press("U0BEN", "approve")
    assert await whispered(bot, "U0BEN", CANNOT_CHECK)
    bot.sandbox.faults.clear()
    assert await card.is_pending()
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


@every_failure
async def test_while_slack_does_not_say_who_is_in_a_group_the_words_come_back(bot: Bot, trouble: str) -> None:
    card = await waiting(bot, **REFUND)
    view = await card.open("U0DANA", "reject")
    await until(lambda: "is on it" in card.blocks)
    if trouble == "429":  # then an answer of the last minute would do
        await bot.restart()
        await back(bot)
    order(bot, "usergroups.users.list", trouble, times=None)
    await send(bot, "U0DANA", view, REJECTION)
    returned = await until(lambda: _other(bot, "U0DANA", view))
    assert CANNOT_CHECK in shown(returned)
    assert LONG in shown(returned)
    assert await card.is_pending()


def _other(bot: Bot, user: str, view: View) -> View | None:
    """What the modal has become."""
    now = form(bot, user)
    return None if now is None or now["hash"] == view["hash"] else now


@every_failure
async def test_a_walk_survives_that_slack_does_not_say_who_belongs(bot: Bot, trouble: str) -> None:
    await queue_up(bot, "d-1", "d-2")
    ben = Walker(bot, "U0BEN")
    view = await ben.start()
    if trouble == "429":
        await bot.restart()
        await back(bot)
    order(bot, "conversations.members", trouble, times=None)
    await send(bot, "U0BEN", view)
    await until(lambda: CANNOT_CHECK in shown(form(bot, "U0BEN") or {"blocks": []}))
    bot.sandbox.faults.clear()
    assert "About d-1." in ben.text
    await ben.approve()
    assert "About d-2." in ben.text


# The process dies -----------------------------------------------------------------------------------------------------


async def test_a_verdict_whose_card_was_not_yet_changed_survives(bot: Bot) -> None:
    card = await waiting(bot)
    order(bot, "chat.update", "silent", times=None)
    await card.press("U0BEN", "approve")
    await until(lambda: [call for call in bot.sandbox.calls if call.method == "chat.update"])
    await bot.crash()
    await back(bot)
    bot.sandbox.faults.clear()
    assert "<@U0BEN>" in await card.closed()
    assert (await card.outcome())["decided_by"] == ["U0BEN"]
    await until(lambda: bot.receiver.events)
    assert len(bot.receiver.events) == 1


@pytest.mark.parametrize("way", ["button", "reply"])
async def test_a_card_whose_posting_was_not_noted_is_decided_all_the_same(bot: Bot, way: str) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "hang"))
    card = await waiting(bot)
    await bot.crash()
    bot.sandbox.faults.clear()
    await back(bot)
    if way == "button":
        await card.press("U0BEN", "approve")
    else:
        await card.reply("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]
    await card.closed()
    assert len(bot.cards("d-1")) == 1


async def test_a_form_outlives_the_process(bot: Bot) -> None:
    card = await waiting(bot)
    view = await card.open("U0BEN", "edit")
    await bot.crash()
    await back(bot)
    await send(bot, "U0BEN", view, {field(view, "Output"): "billing"})
    assert (await card.outcome())["output"] == "billing"


async def test_a_walk_outlives_the_process(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    await bot.crash()
    await back(bot)
    await ben.approve()
    assert "2 of 2" in ben.text
    assert (await outcome(bot, "d-1"))["decided_by"] == ["U0BEN"]


# The socket -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bot", ["socket"], indirect=True)
@pytest.mark.parametrize("how", ["cut", "refreshed"])
async def test_no_event_is_lost_while_the_socket_is_away(bot: Bot, how: str) -> None:
    card = await waiting(bot)
    if how == "cut":
        bot.sandbox.drop_sockets()
    else:
        await bot.sandbox.disconnect_sockets()
    await bot.sandbox.reply("U0BEN", card.channel, card.ts, "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]


@pytest.mark.parametrize("bot", ["socket"], indirect=True)
async def test_a_click_that_did_not_get_through_is_shown_as_such_and_works_afterwards(bot: Bot) -> None:
    card = await waiting(bot)
    bot.sandbox.drop_sockets()
    ack = await bot.sandbox.click("U0BEN", card.channel, card.ts, "review.approve")
    assert ack.error is not None
    await until(lambda: bot.sandbox.socket.connected)
    await card.press("U0BEN", "approve")
    assert (await card.outcome())["decided_by"] == ["U0BEN"]
