"""The Web API through the real slack_sdk client."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import GUEST, REVIEW
from bot.sandbox.scopes import DEFAULT_SCOPES
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Channel, Message
from tests.bot.sandbox.blockkit import actions, button, field, home, modal, plain, section
from tests.support.clock import ManualClock

Json = dict[str, Any]


async def refusal(call: Any) -> Json:
    with pytest.raises(SlackApiError) as caught:
        await call
    return dict(caught.value.response.data)


async def error_of(call: Any) -> str:
    return str((await refusal(call))["error"])


async def post(slack: AsyncWebClient, text: str = "hello", **more: Any) -> str:
    return str((await slack.chat_postMessage(channel=REVIEW, text=text, **more))["ts"])


async def test_auth_test_says_who_and_which_scopes(slack: AsyncWebClient) -> None:
    answer = await slack.auth_test()
    assert answer.data == {
        "ok": True,
        "url": "https://sandbox.slack.com/",
        "team": "Sandbox",
        "user": "hitl",
        "team_id": "T0SANDBOX",
        "user_id": "U0BOT",
        "bot_id": "B0BOT",
        "is_enterprise_install": False,
    }
    assert answer.headers["x-oauth-scopes"] == ",".join(DEFAULT_SCOPES)


@pytest.mark.parametrize(("token", "error"), [("xoxb-wrong", "invalid_auth"), ("", "not_authed")])
async def test_the_token_is_checked(sandbox: Sandbox, token: str, error: str) -> None:
    assert await error_of(AsyncWebClient(token, base_url=sandbox.api_url).auth_test()) == error


async def test_an_unknown_method_and_broken_json_are_refused(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    assert await error_of(slack.api_call("chat.shout")) == "unknown_method"
    async with aiohttp.ClientSession() as session:
        url, headers = f"{sandbox.api_url}auth.test", {"Content-Type": "application/json"}
        async with session.post(url, data=b"{", headers=headers) as response:
            assert (await response.json())["error"] == "invalid_json"


async def test_blocks_also_come_as_json_strings_in_a_form(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    form = {"channel": REVIEW, "text": "x", "blocks": '[{"type": "divider", "block_id": "line"}]'}
    await slack.api_call("chat.postMessage", data=form)
    assert sandbox.messages(REVIEW)[0]["blocks"] == [{"type": "divider", "block_id": "line"}]
    assert await error_of(slack.api_call("chat.postMessage", data={**form, "blocks": "["})) == "invalid_blocks_format"


async def test_missing_ids_are_made_up(sandbox: Sandbox, slack: AsyncWebClient) -> None:
    await post(slack, blocks=[actions(button(), button())])
    [block] = sandbox.messages(REVIEW)[0]["blocks"]
    assert block["block_id"]
    assert len({element["action_id"] for element in block["elements"]}) == 2


class TestRefusals:
    async def test_unknown_channel(self, slack: AsyncWebClient) -> None:
        assert await error_of(slack.chat_postMessage(channel="C0NONE", text="x")) == "channel_not_found"

    async def test_channel_without_the_bot(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        sandbox.world.channels["C0OPEN"] = Channel("C0OPEN", "open", ["U0ADA"])
        sandbox.world.channels["C0SHUT"] = Channel("C0SHUT", "shut", ["U0ADA"], is_private=True)
        assert await error_of(slack.chat_postMessage(channel="C0OPEN", text="x")) == "not_in_channel"
        assert await error_of(slack.chat_postMessage(channel="C0SHUT", text="x")) == "channel_not_found"

    async def test_archived_channel(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        ts = await post(slack)
        sandbox.world.channels[REVIEW].is_archived = True
        assert await error_of(slack.chat_postMessage(channel=REVIEW, text="x")) == "is_archived"
        assert await error_of(slack.chat_update(channel=REVIEW, ts=ts, text="x")) == "is_archived"

    async def test_nothing_to_say(self, slack: AsyncWebClient) -> None:
        assert await error_of(slack.api_call("chat.postMessage", json={"channel": REVIEW, "text": " "})) == "no_text"

    async def test_a_thread_that_is_not_there(self, slack: AsyncWebClient) -> None:
        gone = slack.chat_postMessage(channel=REVIEW, text="x", thread_ts="1.000001")
        assert await error_of(gone) == "thread_not_found"
        assert await error_of(slack.conversations_replies(channel=REVIEW, ts="1.000001")) == "thread_not_found"

    async def test_someone_elses_message(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        ts = (await sandbox.say("U0ADA", REVIEW, "mine")).ts
        assert await error_of(slack.chat_update(channel=REVIEW, ts=ts, text="x")) == "cant_update_message"
        assert await error_of(slack.chat_delete(channel=REVIEW, ts=ts)) == "cant_delete_message"

    async def test_a_message_that_is_gone(self, slack: AsyncWebClient) -> None:
        ts = await post(slack)
        await slack.chat_delete(channel=REVIEW, ts=ts)
        assert await error_of(slack.chat_update(channel=REVIEW, ts=ts, text="x")) == "message_not_found"

    async def test_a_closed_edit_window(self, sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock) -> None:
        sandbox.world.edit_window_seconds = 60
        ts = await post(slack)
        await clock.advance(60)
        await slack.chat_update(channel=REVIEW, ts=ts, text="in time")
        await clock.advance(1)
        assert await error_of(slack.chat_update(channel=REVIEW, ts=ts, text="late")) == "edit_window_closed"

    async def test_a_scope_that_was_not_granted(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        sandbox.scopes.granted.remove("usergroups:read")
        answer = await refusal(slack.usergroups_users_list(usergroup="S0LEADS"))
        assert (answer["error"], answer["needed"]) == ("missing_scope", "usergroups:read")
        assert answer["provided"] == ",".join(sandbox.scopes.granted)

    async def test_wrong_metadata(self, slack: AsyncWebClient) -> None:
        wrong = slack.chat_postMessage(channel=REVIEW, text="x", metadata={"event_type": "card"})
        assert await error_of(wrong) == "invalid_metadata_format"


class TestTextLengths:
    async def test_forty_thousand_characters_are_kept(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        whole = await slack.chat_postMessage(channel=REVIEW, text="x" * 40_000)
        assert "warning" not in whole.data
        cut = await slack.chat_postMessage(channel=REVIEW, text="x" * 40_001)
        assert cut["warning"] == "message_truncated"
        assert [len(message["text"]) for message in sandbox.messages(REVIEW)] == [40_000, 40_000]

    async def test_an_update_takes_four_thousand(self, slack: AsyncWebClient) -> None:
        ts = await post(slack)
        await slack.chat_update(channel=REVIEW, ts=ts, text="x" * 4000)
        assert await error_of(slack.chat_update(channel=REVIEW, ts=ts, text="x" * 4001)) == "msg_too_long"


class TestMessages:
    async def test_an_update_without_blocks_takes_the_blocks_away(
        self, sandbox: Sandbox, slack: AsyncWebClient
    ) -> None:
        ts = await post(slack, blocks=[section()])
        await slack.chat_update(channel=REVIEW, ts=ts, text="decided")
        [message] = sandbox.messages(REVIEW)
        assert "blocks" not in message
        assert message["edited"]["user"] == "U0BOT"

    async def test_time_stamps_are_unique_while_the_clock_stands(self, slack: AsyncWebClient) -> None:
        stamps = [await post(slack) for _ in range(3)]
        assert len(set(stamps)) == 3
        assert stamps == sorted(stamps)

    async def test_metadata_is_shown_on_request_only(self, slack: AsyncWebClient) -> None:
        metadata = {"event_type": "card", "event_payload": {"review": "r1"}}
        ts = await post(slack, metadata=metadata)
        plainly = await slack.conversations_history(channel=REVIEW)
        assert "metadata" not in plainly["messages"][0]
        asked = await slack.conversations_history(channel=REVIEW, include_all_metadata=True)
        assert asked["messages"][0]["metadata"] == metadata
        thread = await slack.conversations_replies(channel=REVIEW, ts=ts, include_all_metadata=True)
        assert thread["messages"][0]["metadata"] == metadata

    async def test_an_update_keeps_metadata_unless_it_takes_it_away(
        self, sandbox: Sandbox, slack: AsyncWebClient
    ) -> None:
        metadata = {"event_type": "card", "event_payload": {}}
        ts = await post(slack, metadata=metadata)
        await slack.chat_update(channel=REVIEW, ts=ts, text="decided")
        assert sandbox.messages(REVIEW)[0]["metadata"] == metadata
        await slack.chat_update(channel=REVIEW, ts=ts, text="decided", metadata={})
        assert "metadata" not in sandbox.messages(REVIEW)[0]

    async def test_history_runs_newest_first_in_pages(self, slack: AsyncWebClient) -> None:
        stamps = [await post(slack, str(number)) for number in range(5)]
        first = await slack.conversations_history(channel=REVIEW, limit=2)
        assert [m["text"] for m in first["messages"]] == ["4", "3"]
        assert first["has_more"]
        cursor = first["response_metadata"]["next_cursor"]
        second = await slack.conversations_history(channel=REVIEW, limit=2, cursor=cursor)
        assert [m["text"] for m in second["messages"]] == ["2", "1"]
        oldest, latest = stamps[1], stamps[3]
        inner = await slack.conversations_history(channel=REVIEW, oldest=oldest, latest=latest)
        assert [m["text"] for m in inner["messages"]] == ["2"]
        closed = await slack.conversations_history(channel=REVIEW, oldest=oldest, latest=latest, inclusive=True)
        assert [m["text"] for m in closed["messages"]] == ["3", "2", "1"]
        assert await error_of(slack.conversations_history(channel=REVIEW, oldest="noon")) == "invalid_ts_oldest"

    async def test_replies_stay_in_their_thread(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        ts = await post(slack, "card")
        reply = await post(slack, "note", thread_ts=ts)
        await post(slack, "note on note", thread_ts=reply)
        thread = (await slack.conversations_replies(channel=REVIEW, ts=ts))["messages"]
        assert [message["text"] for message in thread] == ["card", "note", "note on note"]
        assert thread[0]["reply_count"] == 2
        assert {message["thread_ts"] for message in thread} == {ts}
        assert [message["text"] for message in sandbox.messages(REVIEW)] == ["card"]

    async def test_a_deleted_parent_leaves_a_tombstone(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        ts = await post(slack, "card")
        await post(slack, "note", thread_ts=ts)
        await slack.chat_delete(channel=REVIEW, ts=ts)
        assert sandbox.messages(REVIEW)[0]["subtype"] == "tombstone"
        assert await error_of(slack.chat_update(channel=REVIEW, ts=ts, text="x")) == "cant_update_message"

    async def test_an_ephemeral_message_is_for_one_and_cannot_be_updated(
        self, sandbox: Sandbox, slack: AsyncWebClient
    ) -> None:
        answer = await slack.chat_postEphemeral(channel=REVIEW, user="U0ADA", text="psst")
        assert [message["text"] for message in sandbox.ephemerals("U0ADA")] == ["psst"]
        assert sandbox.ephemerals("U0BEN") == []
        assert sandbox.messages(REVIEW) == []
        late = slack.chat_update(channel=REVIEW, ts=answer["message_ts"], text="x")
        assert await error_of(late) == "message_not_found"
        stranger = slack.chat_postEphemeral(channel=REVIEW, user="U0GUS", text="x")
        assert await error_of(stranger) == "user_not_in_channel"

    async def test_a_permalink_leads_to_the_thread(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        ts = await post(slack)
        link = (await slack.chat_getPermalink(channel=REVIEW, message_ts=ts))["permalink"]
        assert link == f"{sandbox.url}/archives/{REVIEW}/p{ts.replace('.', '')}"
        async with aiohttp.ClientSession() as session, session.get(link, allow_redirects=False) as response:
            assert response.headers["Location"] == f"/#//{REVIEW}/thread/{ts}"

    async def test_a_reaction_needs_its_scope_and_counts_once(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        ts = await post(slack)
        reaction = {"channel": REVIEW, "timestamp": ts, "name": "eyes"}
        assert await error_of(slack.reactions_add(**reaction)) == "missing_scope"
        sandbox.scopes.granted.append("reactions:write")
        await slack.reactions_add(**reaction)
        assert await error_of(slack.reactions_add(**reaction)) == "already_reacted"
        assert sandbox.messages(REVIEW)[0]["reactions"] == [{"name": "eyes", "users": ["U0BOT"], "count": 1}]

    async def test_an_image_shows_an_upload_only_once_it_was_processed(
        self, sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock
    ) -> None:
        file_id = (await slack.files_upload_v2(filename="a.png", content=b"png", title="A"))["file"]["id"]
        image = {"type": "image", "slack_file": {"id": file_id}, "alt_text": "A"}
        assert await error_of(slack.chat_postMessage(channel=REVIEW, text="x", blocks=[image])) == "invalid_blocks"
        await clock.advance(1)
        await post(slack, blocks=[image])
        url = sandbox.messages(REVIEW)[0]["blocks"][0]["slack_file"]["url"]
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            assert (response.content_type, await response.read()) == ("image/png", b"png")


class TestDirectory:
    async def test_people(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        sandbox.world.add_person(GUEST, [REVIEW])
        gus = (await slack.users_info(user="U0GUS"))["user"]
        assert (gus["is_restricted"], gus["is_bot"], gus["deleted"]) == (True, False, False)
        ids = [person["id"] for person in (await slack.users_list())["members"]]
        assert ids == ["U0ADA", "U0BEN", "U0CHEN", "U0DANA", "U0BOT", "U0GUS"]
        assert await error_of(slack.users_info(user="U0NONE")) == "user_not_found"

    async def test_channels_and_members_in_pages(self, slack: AsyncWebClient) -> None:
        names = [channel["name"] for channel in (await slack.conversations_list())["channels"]]
        assert names == ["ai-review", "refunds"]
        first = await slack.conversations_members(channel=REVIEW, limit=3)
        cursor = first["response_metadata"]["next_cursor"]
        second = await slack.conversations_members(channel=REVIEW, limit=3, cursor=cursor)
        assert first["members"] + second["members"] == ["U0ADA", "U0BEN", "U0CHEN", "U0DANA", "U0BOT"]
        assert second["response_metadata"]["next_cursor"] == ""
        assert await error_of(slack.conversations_members(channel=REVIEW, cursor="?")) == "invalid_cursor"
        assert (await slack.conversations_info(channel=REVIEW))["channel"]["is_member"] is True

    async def test_a_direct_conversation_is_opened_once(self, slack: AsyncWebClient) -> None:
        first = await slack.conversations_open(users="U0ADA")
        second = await slack.conversations_open(users=["U0ADA"])
        assert first["channel"] == second["channel"]
        assert await error_of(slack.conversations_open(users="U0BOT")) == "cannot_dm_bot"
        assert await error_of(slack.conversations_history(channel=first["channel"]["id"])) == "missing_scope"

    async def test_usergroups(self, slack: AsyncWebClient) -> None:
        groups = (await slack.usergroups_list(include_users=True))["usergroups"]
        assert [(group["id"], group["users"]) for group in groups] == [("S0LEADS", ["U0ADA", "U0DANA"])]
        assert (await slack.usergroups_users_list(usergroup="S0LEADS"))["users"] == ["U0ADA", "U0DANA"]
        assert await error_of(slack.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"


class TestHome:
    async def test_a_home_is_published_and_replaced_by_hash(self, sandbox: Sandbox, slack: AsyncWebClient) -> None:
        first = (await slack.views_publish(user_id="U0ADA", view=home(section("one"))))["view"]
        stale = first["hash"]
        second = (await slack.views_publish(user_id="U0ADA", view=home(section("two")), hash=stale))["view"]
        assert second["id"] == first["id"]
        third = slack.views_publish(user_id="U0ADA", view=home(section("three")), hash=stale)
        assert await error_of(third) == "hash_conflict"
        shown = sandbox.home("U0ADA")
        assert shown is not None
        assert shown["blocks"][0]["text"]["text"] == "two"

    async def test_a_modal_is_no_home(self, slack: AsyncWebClient) -> None:
        wrong = await refusal(slack.views_publish(user_id="U0ADA", view=modal(field(), title=plain("x"))))
        assert wrong["error"] == "invalid_arguments"
        assert wrong["response_metadata"]["messages"] == ["[ERROR] unsupported type: modal [json-pointer:/view/type]"]


async def test_every_call_is_on_record(sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock) -> None:
    await post(slack, "hello")
    await error_of(slack.chat_postMessage(channel="C0NONE", text="x"))
    assert [(call.method, call.args["channel"], call.outcome, call.at) for call in sandbox.calls] == [
        ("chat.postMessage", REVIEW, "ok", clock.now()),
        ("chat.postMessage", "C0NONE", "channel_not_found", clock.now()),
    ]


async def test_what_the_app_gets_is_a_copy(sandbox: Sandbox) -> None:
    blocks = [section("safe", block_id="a")]
    sandbox.world.put(Message("1.000001", REVIEW, "U0BOT", "x", blocks=blocks, bot_id="B0BOT"))
    sandbox.messages(REVIEW)[0]["blocks"].clear()
    assert sandbox.messages(REVIEW)[0]["blocks"] == blocks
