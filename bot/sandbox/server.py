"""The sandbox: a local Slack. One aiohttp server speaks the Web API and serves the page; tests drive it from Python."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from aiohttp import web

from bot.clock import Clock
from bot.sandbox import limits
from bot.sandbox.actor import Actor, Entry
from bot.sandbox.chat import Chat
from bot.sandbox.courier import Courier
from bot.sandbox.demo_world import demo_world
from bot.sandbox.directory import Directory
from bot.sandbox.errors import SlackError
from bot.sandbox.events import Events
from bot.sandbox.faults import Faults
from bot.sandbox.files import Files
from bot.sandbox.interactions import Payloads
from bot.sandbox.passes import Passes
from bot.sandbox.payloads import message_json
from bot.sandbox.rates import Rates
from bot.sandbox.scopes import DEFAULT_SCOPES, Scopes
from bot.sandbox.sight import Sight
from bot.sandbox.socket_mode import SocketMode
from bot.sandbox.talk import Talk
from bot.sandbox.ui import Ui
from bot.sandbox.views import Views
from bot.sandbox.webapi import ResponseUrls, WebApi
from bot.sandbox.world import View, World

Json = dict[str, Any]
BOT_TOKEN = "xoxb-sandbox"  # noqa: S105  opens nothing but a sandbox
APP_TOKEN = "xapp-sandbox"  # noqa: S105  likewise
SIGNING_SECRET = "sandbox-signing-secret"  # noqa: S105  likewise
MAX_REQUEST_BYTES = 16 * 1024 * 1024
APP_LINES_KEPT = 200


class Sandbox:
    """Start it, hand `api_url`, the token and the signing secret to the app, then `connect` the app's request URL.

    What people do (`click`, `submit_view`, `say`, …) takes the same way as a visitor's action on the page. With a
    manual clock nothing times out until the clock is moved. `ack_seconds` is how long the app has for its answer and
    for the use of a trigger.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        bot_token: str = BOT_TOKEN,
        app_token: str = APP_TOKEN,
        signing_secret: str = SIGNING_SECRET,
        world: Callable[[Clock], World] = demo_world,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        entries: Sequence[Entry] = (),
        rate_scale: float = 1.0,
        ack_seconds: float = limits.ACK_SECONDS,
    ) -> None:
        self.bot_token = bot_token
        self.signing_secret = signing_secret
        self.world = world(clock)
        self.scopes = Scopes(scopes)
        self.rates = Rates(clock, scale=rate_scale)
        self.faults = Faults()
        self.socket = SocketMode(self.world)
        self._courier = Courier(clock, self.faults, signing_secret, self.socket, ack_seconds)
        self._events = Events(self.world, clock, self._courier, self.scopes)
        passes = Passes(self.world, ack_seconds)
        chat = Chat(self.world, self.scopes, self._events.announce)
        views = Views(self.world, passes)
        files = Files(self.world, self.scopes, chat)
        directory = Directory(self.world, self.scopes)
        payloads = Payloads(self.world, passes)
        sight = Sight(self.world)
        talk = Talk(self.world, sight=sight, chat=chat, events=self._events)
        actor = Actor(
            self.world,
            sight=sight,
            chat=chat,
            views=views,
            payloads=payloads,
            courier=self._courier,
            events=self._events,
            entries=entries,
        )
        self._app_lines: list[Json] = []
        self._api = WebApi(
            self.world,
            clock,
            tokens={"apps.connections.open": app_token},
            token=bot_token,
            scopes=self.scopes,
            rates=self.rates,
            faults=self.faults,
            methods={
                **chat.methods,
                **views.methods,
                **files.methods,
                **directory.methods,
                **self.socket.methods,
            },
        )
        self.calls = self._api.calls
        """Every Web API call and response URL use so far, oldest first."""
        self._response_urls = ResponseUrls(clock, passes, chat, self.faults, self.calls)
        self._files = files
        self._ui = Ui(
            self.world,
            actor=actor,
            talk=talk,
            events=self._events,
            faults=self.faults,
            files=files,
            app_lines=self._app_lines,
        )
        self._runner: web.AppRunner | None = None

        self.click = actor.click
        self.click_in_view = actor.click_in_view
        self.click_in_home = actor.click_in_home
        self.submit_view = actor.submit_view
        self.close_view = actor.close_view
        self.say = talk.say
        self.reply = talk.reply
        self.edit_message = talk.edit_message
        self.delete_message = talk.delete_message
        self.command = actor.command
        self.shortcut = actor.shortcut
        self.message_shortcut = actor.message_shortcut
        self.open_home = actor.open_home
        self.verify_url = self._events.verify_url
        self.disconnect_sockets = self.socket.disconnect
        self.drop_sockets = self.socket.drop

    @property
    def url(self) -> str:
        """The page; empty until started."""
        return self.world.site

    @property
    def api_url(self) -> str:
        """What SLACK_API_URL should be."""
        return f"{self.url}/api/"

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1; port 0 takes any free one."""
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/api/{method}", self._api.handle)
        app.router.add_get("/socket/{ticket}", self.socket.handle)
        app.router.add_post("/response/{key}", self._response_urls.handle)
        app.router.add_post("/upload/{id}", self._upload)
        self._ui.add_routes(app)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.world.site = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        await self._courier.start()

    async def stop(self) -> None:
        self.faults.clear()
        await self._events.stop()
        await self._courier.stop()
        await self.socket.disconnect("link_disabled")
        if self._runner is not None:
            await self._runner.cleanup()

    def connect(self, url: str | None) -> None:
        """Where the app listens for everything (…/slack/events); None disconnects it."""
        self._courier.url = url

    # -- what is there, as Slack's JSON

    def messages(self, channel: str) -> list[Json]:
        """Top-level messages, oldest first, with their metadata."""
        return [message_json(self.world, m, with_metadata=True) for m in self.world.top_level(channel)]

    def thread(self, channel: str, ts: str) -> list[Json]:
        """The parent and its replies, oldest first, with their metadata."""
        found = [self.world.message(channel, ts), *self.world.replies(channel, ts)]
        return [message_json(self.world, message, with_metadata=True) for message in found]

    def ephemerals(self, user: str) -> list[Json]:
        """What only this person sees, oldest first, with `channel`."""
        mine = [message for message in self.world.ephemerals if message.ephemeral_to == user]
        return [{**message_json(self.world, message), "channel": message.channel} for message in mine]

    def views(self, user: str) -> list[Json]:
        """The open modals of this person, bottom first."""
        return [self.world.view_json(view) for view in self.world.stacks[user]]

    def home(self, user: str) -> Json | None:
        view: View | None = self.world.homes.get(user)
        return self.world.view_json(view) if view else None

    def show_app_line(self, text: str, level: str = "info") -> None:
        """Show on the page what the demo's app received."""
        line = {"at": self.world.now().isoformat(), "text": text, "level": level}
        self._app_lines.append(line)
        del self._app_lines[:-APP_LINES_KEPT]
        self.world.feed.publish_to_all({"type": "app", "line": line})

    async def _upload(self, request: web.Request) -> web.Response:
        try:
            self._files.receive(request.match_info["id"], await request.read())
        except SlackError as error:
            return web.json_response(error.answer(), status=400)
        return web.Response(text="OK")
