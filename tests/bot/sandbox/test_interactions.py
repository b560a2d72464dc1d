"""What people do, what the app gets of it, and what Slack makes of the app's answer."""

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.courier import TROUBLE
from bot.sandbox.demo_world import GUEST, REVIEW
from bot.sandbox.server import Sandbox
from bot.sandbox.sight import NotPossibleError
from tests.bot.sandbox.blockkit import actions, button, field, home, modal, option, options, plain, section
from tests.bot.sandbox.receiver import Receiver
from tests.support.clock import ManualClock

Json = dict[str, Any]
MENU: Json = {"type": "overflow", "action_id": "more", "options": options(2)}
PICK: Json = {"type": "static_select", "action_id": "pick", "options": options(3), "initial_option": option(1)}
CARD = [
    actions(button("Approve", action_id="approve", value="r1"), MENU, block_id="verdict"),
    actions(PICK, block_id="choice"),
]
REASON = field(block_id="reason")


@pytest.fixture(autouse=True)
def only_interactions(sandbox: Sandbox) -> None:
    """Without the history scope the app gets no message events between what these tests look at."""
    sandbox.scopes.granted.remove("channels:history")


async def post_card(slack: AsyncWebClient) -> str:
    return str((await slack.chat_postMessage(channel=REVIEW, text="Refund?", blocks=CARD))["ts"])


async def open_modal(sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, view: Json) -> str:
    """Ada's modal, opened by her click on a fresh card."""
    await sandbox.click("U0ADA", REVIEW, await post_card(slack), "approve")
    return str((await slack.views_open(trigger_id=app.last["trigger_id"], view=view))["view"]["id"])


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


class TestClicks:
    async def test_a_click_says_who_where_and_on_what(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        ts = await post_card(slack)
        ack = await sandbox.click("U0ADA", REVIEW, ts, "approve")
        assert (ack.status, ack.latency, ack.error) == (200, 0.0, None)
        payload = app.last
        [action] = payload["actions"]
        del action["action_ts"]
        assert action == {
            "type": "button",
            "action_id": "approve",
            "block_id": "verdict",
            "value": "r1",
            "text": plain("Approve"),
        }
        assert payload["user"] == {"id": "U0ADA", "username": "ada", "name": "ada", "team_id": "T0SANDBOX"}
        assert payload["container"] == {
            "type": "message",
            "message_ts": ts,
            "channel_id": REVIEW,
            "is_ephemeral": False,
        }
        assert payload["message"]["blocks"] == sandbox.messages(REVIEW)[0]["blocks"]
        assert payload["channel"] == {"id": REVIEW, "name": "ai-review"}
        assert (payload["enterprise"], payload["api_app_id"]) == (None, "A0HITL")
        assert payload["state"]["values"]["choice"]["pick"]["selected_option"] == option(1)

    async def test_menus_send_the_chosen_option(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        ts = await post_card(slack)
        await sandbox.click("U0ADA", REVIEW, ts, "more", "1")
        assert app.last["actions"][0]["selected_option"] == option(1)
        await sandbox.click("U0ADA", REVIEW, ts, "pick", "2", block_id="choice")
        assert app.last["actions"][0]["selected_option"] == option(2)
        with pytest.raises(LookupError):
            await sandbox.click("U0ADA", REVIEW, ts, "more", "7")

    async def test_requests_are_signed_with_the_sandbox_time(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
    ) -> None:
        await sandbox.click("U0ADA", REVIEW, await post_card(slack), "approve")
        got = app.received[-1]
        timestamp = got.headers["X-Slack-Request-Timestamp"]
        assert timestamp == str(int(clock.now().timestamp()))
        expected = SignatureVerifier(sandbox.signing_secret).generate_signature(timestamp=timestamp, body=got.body)
        assert got.headers["X-Slack-Signature"] == expected

    async def test_nobody_clicks_what_is_not_shown(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        ts = await post_card(slack)
        sandbox.world.add_person(GUEST)
        with pytest.raises(NotPossibleError, match="not in"):
            await sandbox.click("U0GUS", REVIEW, ts, "approve")
        with pytest.raises(NotPossibleError, match="no message"):
            await sandbox.click("U0ADA", REVIEW, "1.000001", "approve")
        await slack.chat_update(channel=REVIEW, ts=ts, text="Approved")
        with pytest.raises(NotPossibleError, match="no element"):
            await sandbox.click("U0ADA", REVIEW, ts, "approve")
        assert app.received == []

    async def test_an_answer_after_three_seconds_is_too_late(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
    ) -> None:
        ts = await post_card(slack)
        for delay, error in ((2.9, None), (3.1, TROUBLE)):
            app.delay = delay
            with sandbox.world.feed.watch("U0ADA") as screen:
                click = asyncio.create_task(sandbox.click("U0ADA", REVIEW, ts, "approve"))
                await clock.run_until(click.done)
                assert click.result().error == error
                assert click.result().latency == pytest.approx(min(delay, 3.0))
                toasts = [screen.get_nowait() for _ in range(screen.qsize())]
            assert toasts == ([{"type": "toast", "text": TROUBLE, "level": "error"}] if error else [])

    async def test_an_error_or_a_dead_app_is_trouble(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        ts = await post_card(slack)
        app.status = 500
        ack = await sandbox.click("U0ADA", REVIEW, ts, "approve")
        assert (ack.status, ack.error) == (500, TROUBLE)
        await app.stop()
        ack = await sandbox.click("U0ADA", REVIEW, ts, "approve")
        assert (ack.status, ack.error, ack.failure) == (None, TROUBLE, "connection_failed")

    async def test_buttons_in_attachments_work_too(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        attached = [{"blocks": [actions(button())], "fallback": "x"}]
        posted = await slack.chat_postMessage(channel=REVIEW, text="x", attachments=attached)
        [block] = sandbox.messages(REVIEW)[0]["attachments"][0]["blocks"]
        await sandbox.click("U0ADA", REVIEW, str(posted["ts"]), block["elements"][0]["action_id"])
        assert app.last["actions"][0]["block_id"] == block["block_id"]

    async def test_a_home_is_clicked_without_a_message(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        view = (await slack.views_publish(user_id="U0ADA", view=home(CARD[0])))["view"]
        await sandbox.click_in_view("U0ADA", view["id"], "approve")
        assert app.last["container"] == {"type": "view", "view_id": view["id"]}
        assert not {"message", "channel", "response_url"} & set(app.last)
        with pytest.raises(NotPossibleError):
            await sandbox.click_in_view("U0BEN", view["id"], "approve")


class TestTriggers:
    async def test_a_trigger_works_for_three_seconds(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
    ) -> None:
        ts = await post_card(slack)
        await sandbox.click("U0ADA", REVIEW, ts, "approve")
        in_time = app.last["trigger_id"]
        await clock.advance(3)
        await slack.views_open(trigger_id=in_time, view=modal())
        await sandbox.click("U0ADA", REVIEW, ts, "approve")
        await clock.advance(3.001)
        assert await error_of(slack.views_open(trigger_id=app.last["trigger_id"], view=modal())) == "expired_trigger_id"

    async def test_a_trigger_works_once(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        await open_modal(sandbox, slack, app, modal())
        again = slack.views_open(trigger_id=app.last["trigger_id"], view=modal())
        assert await error_of(again) == "exchanged_trigger_id"
        assert await error_of(slack.views_open(trigger_id="none", view=modal())) == "invalid_trigger_id"

    async def test_a_refused_view_leaves_the_trigger_usable(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        await sandbox.click("U0ADA", REVIEW, await post_card(slack), "approve")
        trigger_id = app.last["trigger_id"]
        long = modal(private_metadata="x" * 3001)
        assert await error_of(slack.views_open(trigger_id=trigger_id, view=long)) == "invalid_arguments"
        await slack.views_open(trigger_id=trigger_id, view=modal())


class TestModals:
    async def test_an_empty_answer_closes(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        view_id = await open_modal(sandbox, slack, app, modal(REASON, private_metadata="r1"))
        assert (await sandbox.submit_view("U0ADA", view_id, {"reason": "too much"})).ok
        assert sandbox.views("U0ADA") == []
        view = app.last["view"]
        assert (app.last["type"], view["private_metadata"]) == ("view_submission", "r1")
        assert view["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "too much"}}}

    async def test_inputs_keep_their_initial_values(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        draft = field({"type": "plain_text_input", "action_id": "a", "initial_value": "draft"}, block_id="draft")
        choice = field(PICK, block_id="choice")
        view_id = await open_modal(sandbox, slack, app, modal(draft, choice))
        await sandbox.submit_view("U0ADA", view_id, {"choice": "2"})
        assert app.last["view"]["state"]["values"] == {
            "draft": {"a": {"type": "plain_text_input", "value": "draft"}},
            "choice": {"pick": {"type": "static_select", "selected_option": option(2)}},
        }

    async def test_slack_itself_insists_on_required_inputs(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        short = field({"type": "plain_text_input", "action_id": "a", "max_length": 3}, block_id="short", optional=True)
        view_id = await open_modal(sandbox, slack, app, modal(REASON, short))
        before = len(app.received)
        ack = await sandbox.submit_view("U0ADA", view_id, {"short": "four"})
        assert ack.errors == {
            "reason": "Please complete this required field.",
            "short": "Must be between 0 and 3 characters.",
        }
        assert len(app.received) == before

    async def test_errors_keep_it_open(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        view_id = await open_modal(sandbox, slack, app, modal(REASON))
        app.answer = {"response_action": "errors", "errors": {"reason": "Say more"}}
        ack = await sandbox.submit_view("U0ADA", view_id, {"reason": "x"})
        assert (ack.ok, ack.errors) == (False, {"reason": "Say more"})
        assert [view["id"] for view in sandbox.views("U0ADA")] == [view_id]

    async def test_update_and_push_and_clear(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        view_id = await open_modal(sandbox, slack, app, modal(REASON))
        app.answer = {"response_action": "update", "view": modal(section("next"))}
        await sandbox.submit_view("U0ADA", view_id, {"reason": "x"})
        [view] = sandbox.views("U0ADA")
        assert (view["id"], view["blocks"][0]["text"]["text"]) == (view_id, "next")
        app.answer = {"response_action": "push", "view": modal(section("on top"))}
        await sandbox.submit_view("U0ADA", view_id)
        top = sandbox.views("U0ADA")[-1]
        assert (top["previous_view_id"], top["root_view_id"]) == (view_id, view_id)
        with pytest.raises(NotPossibleError, match="not on top"):
            await sandbox.submit_view("U0ADA", view_id)
        app.answer = {"response_action": "clear"}
        await sandbox.submit_view("U0ADA", top["id"])
        assert sandbox.views("U0ADA") == []

    @pytest.mark.parametrize(
        "answer",
        [
            {"response_action": "update", "view": {"type": "modal"}},
            {"response_action": "errors", "errors": {"elsewhere": "x"}},
            {"response_action": "errors", "errors": {}},
            {"response_action": "dance"},
            {"text": "thanks"},
            ["thanks"],
        ],
    )
    async def test_an_answer_slack_cannot_use_is_trouble(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, answer: Any
    ) -> None:
        view_id = await open_modal(sandbox, slack, app, modal(REASON))
        app.answer = answer
        assert (await sandbox.submit_view("U0ADA", view_id, {"reason": "x"})).error == TROUBLE
        assert [view["id"] for view in sandbox.views("U0ADA")] == [view_id]

    async def test_the_stack_holds_three(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        view_id = await open_modal(sandbox, slack, app, modal(CARD[0]))
        for _ in range(2):
            await sandbox.click_in_view("U0ADA", view_id, "approve")
            await slack.views_push(trigger_id=app.last["trigger_id"], view=modal())
        await sandbox.click_in_view("U0ADA", view_id, "approve")
        fourth = slack.views_push(trigger_id=app.last["trigger_id"], view=modal())
        assert await error_of(fourth) == "push_limit_reached"
        assert len(sandbox.views("U0ADA")) == 3

    async def test_an_update_names_the_view_and_its_hash(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        view_id = await open_modal(sandbox, slack, app, modal(external_id="x1"))
        stale = sandbox.views("U0ADA")[0]["hash"]
        await slack.views_update(view_id=view_id, hash=stale, view=modal(section("loaded"), external_id="x1"))
        assert await error_of(slack.views_update(view_id=view_id, hash=stale, view=modal())) == "hash_conflict"
        await slack.views_update(external_id="x1", view=modal(section("by external id")))
        assert sandbox.views("U0ADA")[0]["blocks"][0]["text"]["text"] == "by external id"
        assert await error_of(slack.views_update(external_id="x1", view=modal())) == "not_found"
        await sandbox.close_view("U0ADA", view_id)
        assert await error_of(slack.views_update(view_id=view_id, view=modal())) == "not_found"

    async def test_an_external_id_is_unique(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        await open_modal(sandbox, slack, app, modal(external_id="x1"))
        await sandbox.click("U0BEN", REVIEW, await post_card(slack), "approve")
        second = slack.views_open(trigger_id=app.last["trigger_id"], view=modal(external_id="x1"))
        assert await error_of(second) == "duplicate_external_id"

    async def test_closing_is_told_to_who_asked(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        quiet = await open_modal(sandbox, slack, app, modal())
        await sandbox.close_view("U0ADA", quiet)
        assert app.last["type"] == "block_actions"
        curious = await open_modal(sandbox, slack, app, modal(notify_on_close=True))
        await sandbox.close_view("U0ADA", curious, everything=True)
        assert (app.last["type"], app.last["view"]["id"], app.last["is_cleared"]) == ("view_closed", curious, True)
        with pytest.raises(NotPossibleError):
            await sandbox.submit_view("U0ADA", curious)


class TestResponseUrls:
    async def use(self, url: str, body: Json) -> tuple[int, str]:
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
            return response.status, await response.text()

    async def test_five_uses(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        await sandbox.click("U0ADA", REVIEW, await post_card(slack), "approve")
        uses = [await self.use(app.last["response_url"], {"text": "noted"}) for _ in range(6)]
        assert [status for status, _ in uses] == [200] * 5 + [404]
        assert "used_url" in uses[-1][1]
        assert len(sandbox.ephemerals("U0ADA")) == 5
        assert len(sandbox.messages(REVIEW)) == 1

    async def test_half_an_hour(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver, clock: ManualClock
    ) -> None:
        await sandbox.click("U0ADA", REVIEW, await post_card(slack), "approve")
        url = app.last["response_url"]
        await clock.advance(1800)
        assert (await self.use(url, {"text": "in time"}))[0] == 200
        await clock.advance(1)
        status, body = await self.use(url, {"text": "late"})
        assert (status, "expired_url" in body) == (404, True)

    async def test_it_can_replace_and_delete_what_was_clicked(
        self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver
    ) -> None:
        private = await slack.chat_postEphemeral(channel=REVIEW, user="U0ADA", text="Sure?", blocks=CARD)
        await sandbox.click("U0ADA", REVIEW, private["message_ts"], "approve")
        assert app.last["container"]["is_ephemeral"] is True
        assert "message" not in app.last
        url = app.last["response_url"]
        await self.use(url, {"replace_original": True, "text": "Done"})
        assert [message["text"] for message in sandbox.ephemerals("U0ADA")] == ["Done"]
        await self.use(url, {"delete_original": True})
        assert sandbox.ephemerals("U0ADA") == []
        await self.use(url, {"response_type": "in_channel", "text": "For all"})
        assert [message["text"] for message in sandbox.messages(REVIEW)] == ["For all"]

    async def test_blocks_are_checked(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        await sandbox.click("U0ADA", REVIEW, await post_card(slack), "approve")
        status, body = await self.use(app.last["response_url"], {"blocks": [section("x" * 3001)]})
        assert (status, "invalid_blocks" in body) == (400, True)


class TestCommandsAndShortcuts:
    async def test_a_command_is_a_form(self, sandbox: Sandbox, app: Receiver) -> None:
        app.answer = {"text": "12 reviews", "response_type": "ephemeral"}
        ack = await sandbox.command("U0ADA", REVIEW, "/hitl-stats", "refund 7d")
        assert ack.ok
        wanted = {"command": "/hitl-stats", "text": "refund 7d", "user_id": "U0ADA", "channel_id": REVIEW}
        assert wanted.items() <= app.last.items()
        assert [message["text"] for message in sandbox.ephemerals("U0ADA")] == ["12 reviews"]
        assert sandbox.messages(REVIEW) == []

    async def test_a_command_without_an_answer_tells_the_asker(
        self, sandbox: Sandbox, app: Receiver, clock: ManualClock
    ) -> None:
        app.delay = 9
        command = asyncio.create_task(sandbox.command("U0ADA", REVIEW, "/hitl-stats"))
        await clock.run_until(command.done)
        [message] = sandbox.ephemerals("U0ADA")
        assert message["text"] == "/hitl-stats failed with the error “operation_timeout”"

    async def test_only_registered_commands_and_shortcuts_exist(self, sandbox: Sandbox, app: Receiver) -> None:
        with pytest.raises(NotPossibleError):
            await sandbox.command("U0ADA", REVIEW, "/other")
        with pytest.raises(NotPossibleError):
            await sandbox.shortcut("U0ADA", "send_for_review")
        assert app.received == []

    async def test_shortcuts(self, sandbox: Sandbox, slack: AsyncWebClient, app: Receiver) -> None:
        await sandbox.shortcut("U0ADA", "review_queue")
        assert (app.last["type"], app.last["callback_id"]) == ("shortcut", "review_queue")
        await slack.views_open(trigger_id=app.last["trigger_id"], view=modal())
        ts = await post_card(slack)
        await sandbox.message_shortcut("U0ADA", "send_for_review", REVIEW, ts)
        assert (app.last["type"], app.last["message"]["ts"]) == ("message_action", ts)
