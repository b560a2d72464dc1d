"""The card sender under bad luck: one live card for a review, whatever Slack, the network or a crash do to it."""

import asyncio
import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient
from structlog.testing import capture_logs

from bot.app import Application
from bot.assembly.surroundings import Surroundings
from bot.sandbox.faults import Fault
from bot.sandbox.server import BOT_TOKEN, Sandbox
from bot.sandbox.world import Channel
from store.messages import Place, RefreshCards
from store.notify import Topic
from tests.bot.delivery.simulated import LeapingClock, approve, calls, in_time, of_kind, pass_time
from tests.support.bot import POLICY, UNSURE, Bot, Json, running_bot, until
from tests.support.stillness import is_calling, stillness

REFUND: Json = {**UNSURE, "task_type": "refund"}
"""A decision for the other channel."""


def messages(bot: Bot, decision_id: str, channel: str = "C0REVIEW") -> list[Json]:
    """Every message about a decision, in threads too."""
    named = re.compile(rf"shop · {decision_id}\b")
    top = bot.sandbox.messages(channel)
    found = {reply["ts"]: reply for message in top for reply in bot.sandbox.thread(channel, message["ts"])}
    return [message for message in found.values() if named.search(str(message["blocks"]))]


def open_cards(bot: Bot, decision_id: str, channel: str = "C0REVIEW") -> list[Json]:
    """Those that offer a button."""
    return [message for message in messages(bot, decision_id, channel) if "review.approve" in str(message["blocks"])]


# -- lost and late answers


@pytest.mark.parametrize("lost", [1, 2])
async def test_a_card_whose_answer_was_lost_is_found_and_adopted(bot: Bot, clock: LeapingClock, lost: int) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_answer"))
    if lost == 2:
        bot.sandbox.faults.add(Fault("conversations.history", "lose_answer"))
    await bot.post(UNSURE, id="a-1")

    await in_time(clock, lambda: calls(bot, "chat.update", "ok"))

    [card] = open_cards(bot, "a-1")
    assert len(calls(bot, "chat.postMessage")) == 1
    await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.approve")
    await in_time(clock, lambda: not open_cards(bot, "a-1"))


async def test_a_message_of_another_app_is_no_card_of_ours_whatever_its_metadata(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_answer"))
    await bot.post(UNSURE, id="a-1")
    world = bot.sandbox.world
    [ours] = await until(lambda: list(world.messages["C0REVIEW"].values()))
    sooner = f"{float(ours.ts) - 1:.6f}"
    world.put(replace(ours, ts=sooner, user="U0ELSE", bot_id="B0ELSE", text="foreign"))

    await in_time(clock, lambda: calls(bot, "chat.update", "ok"))
    await pass_time(clock, 30, step=5)
    assert {call.args["ts"] for call in calls(bot, "chat.update")} == {ours.ts}
    assert calls(bot, "chat.delete") == []


async def test_a_lost_answer_in_a_thread_leads_to_one_card_there(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    root = await bot.card("a-1")
    await approve(bot, "a-1")
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_answer"))

    await bot.post(UNSURE, id="a-2", retry_of="a-1")

    await in_time(clock, lambda: calls(bot, "chat.update", "ok")[1:])
    [card] = open_cards(bot, "a-2")
    assert card["thread_ts"] == root["ts"]
    assert len(calls(bot, "chat.postMessage")) == 2


async def test_a_request_that_was_lost_is_made_again(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_request", times=3))
    await bot.post(UNSURE, id="a-1")
    await in_time(clock, lambda: calls(bot, "chat.postMessage", "ok"))
    assert len(open_cards(bot, "a-1")) == 1


@pytest.mark.parametrize("in_thread", [False, True])
async def test_a_card_that_arrives_late_is_taken_away_again(
    tmp_path: Path, clock: LeapingClock, monkeypatch: pytest.MonkeyPatch, in_thread: bool
) -> None:
    """Slack does what was asked after we gave up waiting, looked, saw nothing and posted once more."""
    monkeypatch.setattr("bot.assembly.connection._TIMEOUT", 0.5)
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock) as bot:
        retry = {"retry_of": "a-1"} if in_thread else {}
        if in_thread:
            await bot.post(UNSURE, id="a-1")
            await bot.card("a-1")
        bot.sandbox.faults.add(Fault("chat.postMessage", "late", seconds=12, carried_out="after"))
        await bot.post(UNSURE, id="a-2", **retry)

        await in_time(clock, lambda: calls(bot, "chat.postMessage", "pending"))
        await until(lambda: not is_calling())  # that is in real time
        await in_time(clock, lambda: len(open_cards(bot, "a-2")) == 2)
        await in_time(clock, lambda: calls(bot, "chat.delete", "ok"))

        [card] = open_cards(bot, "a-2")
        assert ("thread_ts" in card) is in_thread
        await approve(bot, "a-2")
        await until(lambda: not open_cards(bot, "a-2"))
        assert len(messages(bot, "a-2")) == 1


# -- 429


async def test_a_429_for_a_post_is_obeyed_and_stops_no_other_channel(bot: Bot, clock: LeapingClock) -> None:
    began = clock.now()
    bot.sandbox.faults.add(Fault("chat.postMessage", "ratelimit", seconds=30, channel="#ai-review"))
    await bot.post(UNSURE, id="a-1")
    await until(lambda: calls(bot, "chat.postMessage", "ratelimited"))
    await bot.post(UNSURE, id="a-2")
    await bot.post(REFUND, id="b-1")
    await in_time(clock, lambda: open_cards(bot, "a-1") and open_cards(bot, "a-2"))

    at = {(call.args["channel"], call.outcome): call.at - began for call in reversed(calls(bot, "chat.postMessage"))}
    assert at[("#ai-review", "ok")] >= timedelta(seconds=30)
    assert at[("#refunds", "ok")] < timedelta(seconds=10)
    assert len(open_cards(bot, "b-1", "C0REFUND")) == 1
    assert calls(bot, "conversations.history") == [], "a refused post need not be looked for"


async def test_a_429_for_updates_is_obeyed_and_stops_no_post(bot: Bot, clock: LeapingClock) -> None:
    for name in ("a-1", "a-2"):
        await bot.post(UNSURE, id=name)
    await in_time(clock, lambda: open_cards(bot, "a-1") and open_cards(bot, "a-2"))
    bot.sandbox.faults.add(Fault("chat.update", "ratelimit", seconds=30))
    await approve(bot, "a-1")
    [refused] = await until(lambda: calls(bot, "chat.update", "ratelimited"))
    await approve(bot, "a-2")
    await bot.post(UNSURE, id="a-3")

    await in_time(clock, lambda: len(calls(bot, "chat.update", "ok")) == 2)

    assert min(call.at for call in calls(bot, "chat.update", "ok")) >= refused.at + timedelta(seconds=30)
    assert calls(bot, "chat.postMessage")[-1].at < refused.at + timedelta(seconds=10)
    assert len(calls(bot, "chat.update")) == 3


async def test_a_429_for_looking_is_obeyed(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_answer", times=2))
    bot.sandbox.faults.add(Fault("conversations.history", "ratelimit", seconds=30))
    await bot.post(UNSURE, id="a-1")
    await in_time(clock, lambda: calls(bot, "conversations.history"))
    await bot.post(REFUND, id="b-1")
    await in_time(clock, lambda: len(calls(bot, "chat.update", "ok")) == 2)

    refused, *others = calls(bot, "conversations.history")
    assert refused.outcome == "ratelimited"
    assert min(call.at for call in others) >= refused.at + timedelta(seconds=30)
    assert len(calls(bot, "chat.postMessage")) == 2


# -- Slack is not well


def troubles(log: list[Any]) -> list[str]:
    return [entry["error"] for entry in log if entry["event"] == "delivery.trouble"]


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("*", "status", times=4, status=500), "http_500"),
        (Fault("*", "lose_request", times=4), "unreachable"),
        (Fault("*", "error", times=4, error="internal_error"), "internal_error"),
    ],
)
async def test_an_outage_is_told_once_and_the_card_goes_out(
    bot: Bot, clock: LeapingClock, fault: Fault, told: str
) -> None:
    await until(lambda: calls(bot, "auth.test", "ok"))
    bot.sandbox.faults.add(fault)
    with capture_logs() as log:
        await bot.post(UNSURE, id="a-1")
        await in_time(clock, lambda: open_cards(bot, "a-1"))
        await until(lambda: [entry for entry in log if entry["event"] == "delivery.recovered"])
    assert troubles(log) == [told]
    assert len(messages(bot, "a-1")) == 1


async def test_cards_wait_for_a_slack_that_is_down_for_long(bot: Bot, clock: LeapingClock) -> None:
    await until(lambda: calls(bot, "auth.test", "ok"))
    port = int(bot.sandbox.url.rpartition(":")[2])
    await bot.sandbox.stop()
    with capture_logs() as log:
        for number in range(5):
            status, _ = await bot.post(UNSURE, id=f"a-{number}")
            assert status == 201
        await bot.post(UNSURE, id="urgent", context={"amount": 20000})
        await pass_time(clock, 200, step=5)
        assert troubles(log) == ["unreachable"]
        await bot.sandbox.start(port)
        await in_time(clock, lambda: all(open_cards(bot, name) for name in ("urgent", *(f"a-{n}" for n in range(5)))))
    assert troubles(log) == ["unreachable"]
    assert all(len(messages(bot, f"a-{number}")) == 1 for number in range(5))


# -- a channel or a token that is wrong


def archive(sandbox: Sandbox) -> None:
    sandbox.world.channels["C0REVIEW"].is_archived = True


def unarchive(sandbox: Sandbox) -> None:
    sandbox.world.channels["C0REVIEW"].is_archived = False


def leave(sandbox: Sandbox) -> None:
    sandbox.world.channels["C0REVIEW"].members.remove("U0BOT")


def join(sandbox: Sandbox) -> None:
    sandbox.world.channels["C0REVIEW"].members.append("U0BOT")


def rename(sandbox: Sandbox) -> None:
    sandbox.world.channels["C0REVIEW"].name = "something-else"


def rename_back(sandbox: Sandbox) -> None:
    sandbox.world.channels["C0REVIEW"].name = "ai-review"


@pytest.mark.parametrize(
    ("spoil", "repair", "code"),
    [
        (archive, unarchive, "is_archived"),
        pytest.param(leave, join, "not_in_channel", marks=pytest.mark.long),
        pytest.param(rename, rename_back, "channel_not_found", marks=pytest.mark.long),
    ],
)
async def test_a_channel_that_takes_no_card_is_told_once_and_stops_no_other(
    bot: Bot, clock: LeapingClock, spoil: Callable[[Sandbox], None], repair: Callable[[Sandbox], None], code: str
) -> None:
    spoil(bot.sandbox)
    with capture_logs() as log:
        for number in range(3):
            status, _ = await bot.post(UNSURE, id=f"a-{number}")
            assert status == 201
            await bot.post(REFUND, id=f"b-{number}")
            await pass_time(clock, 30, step=2)
        assert all(open_cards(bot, f"b-{number}", "C0REFUND") for number in range(3))
        tries = [call for call in calls(bot, "chat.postMessage") if call.outcome == code]
        assert 3 <= len(tries) <= 8, "one card tries for all that wait"
        [told] = [entry for entry in log if entry["event"] == "delivery.trouble"]
        assert (told["where"], told["error"]) == ("#ai-review", code)
        assert "channel" in told["remedy"]
        [stuck] = await bot.services.stores.messages.stuck()
        assert (stuck[0], stuck[1]) == ("#ai-review", code)

        repair(bot.sandbox)
        await in_time(clock, lambda: all(open_cards(bot, f"a-{number}") for number in range(3)))
    assert troubles(log) == [code]
    assert await bot.services.stores.messages.stuck() == []


async def test_a_missing_scope_is_told_once_and_the_card_goes_out_after_it_was_added(
    bot: Bot, clock: LeapingClock
) -> None:
    bot.sandbox.scopes.granted.remove("chat:write")
    with capture_logs() as log:
        await bot.post(UNSURE, id="a-1")
        await bot.post(REFUND, id="b-1")
        await pass_time(clock, 60, step=2)
        bot.sandbox.scopes.granted.append("chat:write")
        await in_time(clock, lambda: open_cards(bot, "a-1") and open_cards(bot, "b-1", "C0REFUND"))
    assert troubles(log) == ["missing_scope"]


async def test_without_the_right_to_look_a_lost_card_is_posted_again(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.scopes.granted.remove("channels:history")
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_request"))
    await bot.post(UNSURE, id="a-1")
    await in_time(clock, lambda: open_cards(bot, "a-1"))


async def test_cards_wait_for_the_right_token(tmp_path: Path, clock: LeapingClock) -> None:
    url = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, url, clock=clock, slack_bot_token="xoxb-wrong") as bot:
        with capture_logs() as log:
            await bot.post(UNSURE, id="a-1")
            await pass_time(clock, 60, step=2)
        assert troubles(log) == ["invalid_auth"]
        bot.settings = bot.settings.model_copy(update={"slack_bot_token": BOT_TOKEN})
        await bot.restart()
        await in_time(clock, lambda: open_cards(bot, "a-1"))


async def test_waiting_cards_move_to_the_channel_that_the_policy_names_now(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.world.channels["C0NEW"] = Channel("C0NEW", "new-review", ["U0ADA", "U0BOT"])
    archive(bot.sandbox)
    await bot.post(UNSURE, id="a-1")
    await until(lambda: calls(bot, "chat.postMessage", "is_archived"))
    bot.policy.write_text(POLICY.replace("#ai-review", "#new-review"))
    await bot.services.policy.reload()
    await in_time(clock, lambda: open_cards(bot, "a-1", "C0NEW"))


async def test_an_alert_moves_with_its_task(bot: Bot, clock: LeapingClock) -> None:
    bot.sandbox.world.channels["C0NEW"] = Channel("C0NEW", "new-review", ["U0ADA", "U0BOT"])
    archive(bot.sandbox)
    assert await bot.services.alerts.raise_own("breach", "Too many escape", "3 of 40", "label", "low")
    await until(lambda: calls(bot, "chat.postMessage", "is_archived"))
    bot.policy.write_text(POLICY.replace("#ai-review", "#new-review"))
    await bot.services.policy.reload()
    [posted] = await in_time(clock, lambda: of_kind(bot, "alert:", "C0NEW"))
    ack = await bot.sandbox.click("U0ADA", "C0NEW", posted["ts"], "alert.acknowledge")
    assert (ack.status, ack.error) == (200, None)
    await in_time(clock, lambda: "Acknowledged by" in str(of_kind(bot, "alert:", "C0NEW")))


# -- messages that are gone, or closed to changes


async def refresh(bot: Bot, card: Json) -> None:
    """As if somebody had seen a card that was behind."""
    await stillness()
    review_pk = await bot.services.stores.messages.card_at(Place("C0REVIEW", card["ts"]))
    assert review_pk is not None
    await bot.services.writer.submit(RefreshCards(review_pk, bot.clock.now()))
    bot.services.wakeups.wake(Topic.REVIEWS)


async def delete_by_hand(bot: Bot, card: Json) -> None:
    await stillness()
    await AsyncWebClient(BOT_TOKEN, base_url=bot.sandbox.api_url).chat_delete(channel="C0REVIEW", ts=card["ts"])


async def test_a_card_deleted_by_hand_is_posted_anew_while_it_is_open(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    await delete_by_hand(bot, card)
    again = await in_time(clock, lambda: open_cards(bot, "a-1"))
    await bot.sandbox.click("U0ADA", "C0REVIEW", again[0]["ts"], "review.approve")
    await in_time(clock, lambda: messages(bot, "a-1") and not open_cards(bot, "a-1"))
    await delete_by_hand(bot, again[0])
    await pass_time(clock, 5)
    assert messages(bot, "a-1") == [], "what is decided needs no card"


async def test_a_card_that_can_no_longer_be_edited_is_posted_anew(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    former = await bot.card("a-1")
    bot.sandbox.world.edit_window_seconds = 60
    await pass_time(clock, 90, step=30)
    await refresh(bot, former)
    await in_time(clock, lambda: len(calls(bot, "chat.postMessage", "ok")) == 2)
    [card] = open_cards(bot, "a-1")
    assert card["ts"] != former["ts"]


async def test_a_message_that_slack_will_not_let_us_change_is_posted_anew(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    former = await bot.card("a-1")
    bot.sandbox.faults.add(Fault("chat.update", "error", error="cant_update_message"))
    await refresh(bot, former)
    await in_time(clock, lambda: len(calls(bot, "chat.postMessage", "ok")) == 2)
    [card] = open_cards(bot, "a-1")
    assert card["ts"] != former["ts"]


async def test_a_retry_goes_to_the_channel_of_today_and_not_into_a_thread_of_the_former_one(
    bot: Bot, clock: LeapingClock
) -> None:
    await bot.post(UNSURE, id="a-1")
    await bot.card("a-1")
    bot.policy.write_text(POLICY.replace("#ai-review", "#refunds"))
    await bot.services.policy.reload()
    await bot.post(UNSURE, id="a-2", retry_of="a-1")
    [card] = await in_time(clock, lambda: open_cards(bot, "a-2", "C0REFUND"))
    assert "thread_ts" not in card
    assert open_cards(bot, "a-2") == []


async def test_a_retry_whose_thread_was_deleted_gets_a_card_of_its_own(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    await approve(bot, "a-1")
    await until(lambda: not open_cards(bot, "a-1"))
    await delete_by_hand(bot, card)
    await bot.post(UNSURE, id="a-2", retry_of="a-1")
    [fresh] = await in_time(clock, lambda: open_cards(bot, "a-2"))
    assert "thread_ts" not in fresh


async def test_ten_changes_become_one_update(bot: Bot, clock: LeapingClock) -> None:
    await bot.post(UNSURE, id="a-1")
    card = await bot.card("a-1")
    bot.sandbox.faults.add(Fault("chat.update", "ratelimit", seconds=20))
    await refresh(bot, card)
    await until(lambda: calls(bot, "chat.update", "ratelimited"))
    for _ in range(10):
        await bot.sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.approve")
    assert len(await until(lambda: bot.sandbox.ephemerals("U0ADA")[8:])) == 1, "nine came too late and were told"
    await in_time(clock, lambda: not open_cards(bot, "a-1"))
    await pass_time(clock, 10, step=5)
    assert len(calls(bot, "chat.update", "ok")) == 1


# -- pace, order and floods


async def test_the_twenty_first_card_waits_and_the_most_urgent_goes_first(bot: Bot, clock: LeapingClock) -> None:
    for number in range(23):
        await bot.post(UNSURE, id=f"a-{number:02}")
    await in_time(clock, lambda: open_cards(bot, "a-19"))
    await bot.post(UNSURE, id="escalated", context={"amount": 20000})
    await pass_time(clock, 30, step=5)
    assert [bool(open_cards(bot, f"a-{number:02}")) for number in range(23)] == [True] * 20 + [False] * 3
    assert open_cards(bot, "escalated") == []

    await approve(bot, "a-07")
    await in_time(clock, lambda: open_cards(bot, "escalated"))
    await pass_time(clock, 10, step=5)
    assert open_cards(bot, "a-20") == []
    await approve(bot, "a-08")
    await in_time(clock, lambda: open_cards(bot, "a-20"))


async def test_a_lost_card_keeps_its_place_among_the_live_ones(bot: Bot, clock: LeapingClock) -> None:
    bot.policy.write_text(POLICY.replace("rules:", "  queue: {max_live_cards: 1}\nrules:", 1))
    await bot.services.policy.reload()
    bot.sandbox.faults.add(Fault("chat.postMessage", "lose_answer"))
    await bot.post(UNSURE, id="a-1")
    await bot.post(UNSURE, id="a-2")
    await in_time(clock, lambda: calls(bot, "chat.update", "ok"))
    await pass_time(clock, 10, step=5)
    assert (len(open_cards(bot, "a-1")), len(open_cards(bot, "a-2"))) == (1, 0)


FLOOD_CHANNELS = [f"flood-{number}" for number in range(5)]
FLOOD_POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  reviewers: {users: [U0ADA]}
  matrix: {low: {confident: AUTO, unsure: ESCALATE}, medium: {confident: AUTO_AUDIT, unsure: ESCALATE}}
  queue: {max_live_cards: 1000}
tasks:
""" + "".join(f"  {name}: {{risk: low, channel: '#{name}'}}\n" for name in FLOOD_CHANNELS)


async def test_a_flood_for_several_channels_keeps_the_pace_of_each(tmp_path: Path) -> None:
    clock = LeapingClock()
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock, policy=FLOOD_POLICY) as bot:
        for name in FLOOD_CHANNELS:
            bot.sandbox.world.channels[name] = Channel(name, name, ["U0ADA", "U0BOT"])
        posts = (bot.post(UNSURE, id=f"f-{n:04}", task_type=FLOOD_CHANNELS[n % 5]) for n in range(50))
        assert {status for status, _ in await asyncio.gather(*posts)} == {201}
        await in_time(clock, lambda: len(calls(bot, "chat.postMessage", "ok")) == 50)

        assert [len(bot.sandbox.messages(name)) for name in FLOOD_CHANNELS] == [10] * 5
        for name in FLOOD_CHANNELS:
            at = [call.at for call in calls(bot, "chat.postMessage") if call.args["channel"] == f"#{name}"]
            assert min(later - sooner for sooner, later in itertools.pairwise(at)) >= timedelta(seconds=1)
        reviews = {
            message["metadata"]["event_payload"]["message"]
            for name in FLOOD_CHANNELS
            for message in bot.sandbox.messages(name)
        }
        assert len(reviews) == 50


# -- replicas and crashes


async def test_two_replicas_never_post_one_card_twice(tmp_path: Path, postgres_url: str) -> None:
    async with running_bot(tmp_path, postgres_url, policy=FLOOD_POLICY) as bot:
        for name in FLOOD_CHANNELS:
            bot.sandbox.world.channels[name] = Channel(name, name, ["U0ADA", "U0BOT"])
        second = Application(bot.settings, around=Surroundings(bot.clock))
        await second.start()
        try:
            names = [f"f-{number}" for number in range(10)]
            posts = (bot.post(UNSURE, id=name, task_type=FLOOD_CHANNELS[n % 5]) for n, name in enumerate(names))
            await asyncio.gather(*posts)
            await until(lambda: len(calls(bot, "chat.postMessage", "ok")) >= len(names))
            await asyncio.gather(*(approve(bot, name) for name in names))
            await until(lambda: len(calls(bot, "chat.update", "ok")) >= len(names))
        finally:
            await second.stop()
        assert len(calls(bot, "chat.postMessage")) == len(names)
        shown = [message for name in FLOOD_CHANNELS for message in bot.sandbox.messages(name)]
        assert len({message["metadata"]["event_payload"]["message"] for message in shown}) == len(shown) == len(names)
        assert not any("review.approve" in str(message["blocks"]) for message in shown)


@pytest.mark.parametrize("carried_out", ["before", "after"])
async def test_a_crash_while_posting_leads_to_one_card(
    tmp_path: Path, database_url: str, clock: LeapingClock, carried_out: Any
) -> None:
    """Killed before Slack did it, and after Slack did it but before that was noted.

    With replicas another one takes over when the lease has ended; the only process knows at its start who died.
    """
    async with running_bot(tmp_path, database_url, clock=clock) as bot:
        began = clock.now()
        bot.sandbox.faults.add(Fault("chat.postMessage", "late", seconds=86400, carried_out=carried_out))
        await bot.post(UNSURE, id="a-1")
        await until(lambda: calls(bot, "chat.postMessage"))
        await bot.crash()

        adopted = "chat.update" if carried_out == "before" else "chat.postMessage"
        if database_url.startswith("postgresql"):
            await in_time(clock, lambda: calls(bot, adopted, "ok"), step=5)
            assert clock.now() - began >= timedelta(seconds=60)
        await until(lambda: calls(bot, adopted, "ok"))  # on SQLite while the clock stands still
        assert len(open_cards(bot, "a-1")) == 1
        await pass_time(clock, 30, step=5)
        assert len(messages(bot, "a-1")) == 1
