import asyncio

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import REVIEW
from bot.sandbox.server import Sandbox
from bot.sandbox.sight import NotPossibleError
from bot.sandbox.world import Person
from tests.bot.sandbox.blockkit import home, section
from tests.bot.sandbox.receiver import Receiver
from tests.support.clock import START, ManualClock


async def test_a_message_is_told_with_its_thread(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
    ts = str((await slack.chat_postMessage(channel=REVIEW, text="card"))["ts"])
    said = await sandbox.say("U0ADA", REVIEW, "reject: <b> & co, ask <@U0BEN>", thread_ts=ts)
    assert said.ack is not None
    assert said.ack.status == 200
    assert app.last["type"] == "event_callback"
    assert app.last["event"] == {
        "type": "message",
        "channel": REVIEW,
        "channel_type": "channel",
        "user": "U0ADA",
        "team": "T0SANDBOX",
        "text": "reject: &lt;b&gt; &amp; co, ask <@U0BEN>",
        "ts": said.ts,
        "event_ts": said.ts,
        "thread_ts": ts,
        "parent_user_id": "U0BOT",
    }


async def test_the_apps_own_posts_and_other_bots_are_marked(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
) -> None:
    await slack.chat_postMessage(channel=REVIEW, text="card")
    await clock.run_until(lambda: len(app.received) == 1)
    assert app.last["event"]["bot_id"] == "B0BOT"
    sandbox.world.add_person(Person("U0CI", "ci", "CI", is_bot=True), [REVIEW])
    await sandbox.say("U0CI", REVIEW, "approve")
    assert (app.last["event"]["subtype"], app.last["event"]["bot_id"]) == ("bot_message", "B0CI")


async def test_edits_and_deletions_are_told(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
) -> None:
    ts = (await sandbox.say("U0ADA", REVIEW, "maybe")).ts
    await sandbox.edit_message("U0ADA", REVIEW, ts, "approve")
    await clock.run_until(lambda: len(app.received) == 2)
    event = app.last["event"]
    assert (event["subtype"], event["message"]["text"], event["previous_message"]["text"]) == (
        "message_changed",
        "approve",
        "maybe",
    )
    with pytest.raises(NotPossibleError):
        await sandbox.edit_message("U0BEN", REVIEW, ts, "reject")
    posted = await slack.chat_postMessage(channel=REVIEW, text="card")
    await slack.chat_delete(channel=REVIEW, ts=str(posted["ts"]))
    await clock.run_until(lambda: len(app.received) == 4)
    told = {payload["event"].get("deleted_ts") for payload in app.payloads}
    assert posted["ts"] in told


async def test_nothing_is_told_of_where_the_app_may_not_listen(sandbox: Sandbox, app: Receiver) -> None:
    sandbox.scopes.granted.remove("channels:history")
    assert (await sandbox.say("U0ADA", REVIEW, "psst")).ack is None
    sandbox.scopes.granted.append("channels:history")
    sandbox.world.channels[REVIEW].members.remove("U0BOT")
    assert (await sandbox.say("U0ADA", REVIEW, "psst")).ack is None
    assert app.received == []


async def test_an_event_is_told_four_times_at_most(sandbox: Sandbox, app: Receiver, clock: ManualClock) -> None:
    app.status = 500
    await sandbox.say("U0ADA", REVIEW, "approve")
    times: list[float] = []

    def arrived(number: int) -> bool:
        while len(times) < len(app.received):
            times.append((clock.now() - START).total_seconds())
        return len(times) >= number

    await clock.run_until(lambda: arrived(4))
    assert times == [0.0, 0.0, 60.0, 360.0]
    assert len({payload["event_id"] for payload in app.payloads}) == 1
    headers = [(got.headers.get("X-Slack-Retry-Num"), got.headers.get("X-Slack-Retry-Reason")) for got in app.received]
    assert headers == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    await clock.advance(3600)
    assert len(app.received) == 4


async def test_a_slow_app_hears_why_it_is_told_again(sandbox: Sandbox, app: Receiver, clock: ManualClock) -> None:
    app.delay = 5
    said = asyncio.create_task(sandbox.say("U0ADA", REVIEW, "approve"))
    await clock.run_until(lambda: said.done() and len(app.received) == 2)
    app.delay = 0
    await clock.advance(3600)
    reasons = [got.headers.get("X-Slack-Retry-Reason") for got in app.received]
    assert reasons == [None, "http_timeout", "http_timeout"]


async def test_an_app_can_opt_out_of_retries(sandbox: Sandbox, app: Receiver, clock: ManualClock) -> None:
    app.status, app.headers = 500, {"X-Slack-No-Retry": "1"}
    await sandbox.say("U0ADA", REVIEW, "approve")
    await clock.advance(3600)
    assert len(app.received) == 1


async def test_opening_the_home_is_told(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
    await sandbox.open_home("U0ADA")
    first = app.last["event"]
    assert (first["type"], first["user"], first["tab"], "view" in first) == ("app_home_opened", "U0ADA", "home", False)
    await slack.views_publish(user_id="U0ADA", view=home(section("waiting")))
    await sandbox.open_home("U0ADA")
    assert app.last["event"]["view"]["blocks"][0]["text"]["text"] == "waiting"


async def test_a_request_url_is_verified_by_its_echo(sandbox: Sandbox, app: Receiver) -> None:
    assert not await sandbox.verify_url()
    assert app.last["type"] == "url_verification"
