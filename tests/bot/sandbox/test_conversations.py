"""Threads, private answers in them, direct conversations, and the walk of a form over many items."""

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import REVIEW
from bot.sandbox.server import Sandbox
from bot.sandbox.sight import NotPossibleError
from tests.bot.sandbox.blockkit import actions, button, field, home, modal, option, options, section
from tests.bot.sandbox.receiver import Receiver
from tests.support.clock import ManualClock

RADIO = {"type": "radio_buttons", "action_id": "verdict", "options": options(3)}
BOXES = {"type": "checkboxes", "action_id": "labels", "options": options(3)}
WHO = {"type": "users_select", "action_id": "who"}


async def test_a_reply_is_edited_and_deleted_by_its_author_only(sandbox: Sandbox, app: Receiver) -> None:
    ts = (await sandbox.say("U0BEN", REVIEW, "card")).ts
    reply = await sandbox.reply("U0ADA", REVIEW, ts, "maybe")
    for doing in (
        sandbox.edit_message("U0BEN", REVIEW, reply.ts, "approve"),
        sandbox.delete_message("U0BEN", REVIEW, reply.ts),
    ):
        with pytest.raises(NotPossibleError, match="not a message of"):
            await doing
    edited = await sandbox.edit_message("U0ADA", REVIEW, reply.ts, "a < b")
    assert edited is not None
    assert edited.ok
    changed = app.last["event"]["message"]
    assert (changed["text"], changed["thread_ts"], changed["edited"]["user"]) == ("a &lt; b", ts, "U0ADA")
    with sandbox.world.feed.watch("U0BEN") as screen:
        await sandbox.delete_message("U0ADA", REVIEW, reply.ts)
        gone, parent = screen.get_nowait(), screen.get_nowait()
    assert (gone["type"], gone["ts"]) == ("message_deleted", reply.ts)
    assert (parent["message"]["ts"], parent["message"]["reply_count"]) == (ts, 0)
    event = app.last["event"]
    assert (event["subtype"], event["deleted_ts"], event["previous_message"]["thread_ts"]) == (
        "message_deleted",
        reply.ts,
        ts,
    )


async def test_a_broadcast_reply_stands_in_thread_and_channel(sandbox: Sandbox, app: Receiver) -> None:
    ts = (await sandbox.say("U0BEN", REVIEW, "card")).ts
    reply = await sandbox.reply("U0ADA", REVIEW, ts, "approve", broadcast=True)
    assert (app.last["event"]["subtype"], app.last["event"]["thread_ts"]) == ("thread_broadcast", ts)
    assert reply.ts in [message["ts"] for message in sandbox.messages(REVIEW)]
    assert reply.ts in [message["ts"] for message in sandbox.thread(REVIEW, ts)]


async def test_a_deleted_parent_leaves_a_tombstone_and_an_event_that_says_so(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
) -> None:
    ts = str((await slack.chat_postMessage(channel=REVIEW, text="card"))["ts"])
    await sandbox.reply("U0ADA", REVIEW, ts, "hm")
    await slack.chat_delete(channel=REVIEW, ts=ts)
    await clock.run_until(lambda: app.last["event"].get("subtype") == "message_changed")
    event = app.last["event"]
    assert (event["message"]["subtype"], event["previous_message"]["text"]) == ("tombstone", "card")
    assert [message["text"] for message in sandbox.thread(REVIEW, ts)] == ["This message was deleted.", "hm"]


async def test_a_private_answer_in_a_thread_is_seen_only_where_there_is_one(
    sandbox: Sandbox, slack: AsyncWebClient
) -> None:
    ts = str((await slack.chat_postMessage(channel=REVIEW, text="card"))["ts"])
    await slack.chat_postEphemeral(channel=REVIEW, user="U0ADA", text="into the void", thread_ts=ts)
    reply = await sandbox.reply("U0ADA", REVIEW, ts, "approve")
    await slack.chat_postEphemeral(channel=REVIEW, user="U0ADA", text="not you", thread_ts=reply.ts)
    [seen] = sandbox.ephemerals("U0ADA")
    assert (seen["text"], seen["thread_ts"]) == ("not you", ts)


async def test_a_direct_message_opens_the_conversation_with_the_bot(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
) -> None:
    with sandbox.world.feed.watch("U0ADA") as screen:
        posted = await slack.chat_postMessage(channel="U0ADA", text="You are on duty")
        opened, shown = screen.get_nowait(), screen.get_nowait()
    channel = str(posted["channel"])
    assert (opened["type"], opened["channel"]["id"], opened["channel"]["user"]) == ("channel", channel, "U0ADA")
    assert shown["message"]["text"] == "You are on duty"
    assert (await slack.conversations_open(users="U0ADA"))["channel"]["id"] == channel
    assert (await sandbox.say("U0ADA", channel, "thanks")).ack is None
    sandbox.scopes.granted.append("im:history")
    await sandbox.say("U0ADA", channel, "thanks")
    assert app.last["event"]["channel_type"] == "im"


async def test_a_form_walks_over_fifty_items(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
    await sandbox.shortcut("U0ADA", "review_queue")

    def item(number: int) -> dict[str, object]:
        return modal(section(f"item {number}"), field(RADIO, block_id=f"verdict-{number}"))

    view = (await slack.views_open(trigger_id=app.last["trigger_id"], view=item(0)))["view"]["id"]
    for number in range(50):
        assert (await sandbox.submit_view("U0ADA", view)).errors.keys() == {f"verdict-{number}"}
        app.answer = {"response_action": "update", "view": item(number + 1)}
        assert (await sandbox.submit_view("U0ADA", view, {f"verdict-{number}": "2"})).ok
    [shown] = sandbox.views("U0ADA")
    assert (shown["id"], shown["blocks"][0]["text"]["text"]) == (view, "item 50")
    submitted = [payload for payload in app.payloads if payload["type"] == "view_submission"]
    assert len({payload["view"]["hash"] for payload in submitted}) == 50


async def test_what_was_entered_stays_where_an_update_keeps_the_ids(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
) -> None:
    await sandbox.shortcut("U0ADA", "review_queue")
    text = {"type": "plain_text_input", "action_id": "text", "initial_value": "first"}
    fields = [field(text, block_id="note"), field(RADIO, block_id="radio"), actions(button(action_id="more"))]
    opened = await slack.views_open(trigger_id=app.last["trigger_id"], view=modal(*fields))
    view = opened["view"]["id"]
    await sandbox.click_in_view("U0ADA", view, "more", values={"note": "typed", "radio": "2"})
    fewer = {**RADIO, "options": options(2)}
    fields = [field({**text, "initial_value": "second"}, block_id="note"), field(fewer, block_id="radio")]
    await slack.views_update(view_id=view, view=modal(*fields, field(text, block_id="other")))
    refused = await sandbox.submit_view("U0ADA", view)
    assert refused.errors == {"radio": "Please complete this required field."}
    app.answer = {"response_action": "update", "view": modal(*fields)}
    await sandbox.submit_view("U0ADA", view, {"radio": "1"})
    values = app.last["view"]["state"]["values"]
    assert (values["note"]["text"]["value"], values["other"]["text"]["value"]) == ("typed", "first")
    assert values["radio"]["verdict"]["selected_option"] == option(1)
    await sandbox.submit_view("U0ADA", view)
    assert app.last["view"]["state"]["values"] == {name: values[name] for name in ("note", "radio")}


async def test_choices_of_people_and_boxes(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
    await sandbox.shortcut("U0ADA", "review_queue")
    view = modal(field(BOXES, block_id="labels"), field(WHO, block_id="who"))
    opened = (await slack.views_open(trigger_id=app.last["trigger_id"], view=view))["view"]["id"]
    refused = await sandbox.submit_view("U0ADA", opened)
    assert set(refused.errors) == {"labels", "who"}
    await sandbox.submit_view("U0ADA", opened, {"labels": ["0", "2"], "who": "U0BEN"})
    values = app.last["view"]["state"]["values"]
    assert values["labels"]["labels"]["selected_options"] == [option(0), option(2)]
    assert values["who"]["who"]["selected_user"] == "U0BEN"


async def test_a_home_of_a_hundred_blocks_turns_its_pages(
    sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
) -> None:
    with pytest.raises(NotPossibleError, match="no Home"):
        await sandbox.click_in_home("U0ADA", "next")
    page = [section(str(number)) for number in range(99)]
    turn = actions(button(action_id="next", value="2"), block_id="pages")
    await slack.views_publish(user_id="U0ADA", view=home(*page, turn))
    ack = await sandbox.click_in_home("U0ADA", "next")
    assert ack.ok
    published = app.last["view"]
    assert (app.last["actions"][0]["value"], len(published["blocks"])) == ("2", 100)
    await slack.views_publish(user_id="U0ADA", view=home(section("page 2")), hash=published["hash"])
    shown = sandbox.home("U0ADA")
    assert shown is not None
    assert (shown["id"], shown["blocks"][0]["text"]["text"]) == (published["id"], "page 2")
