"""One process of the bot, from its start to its end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, Literal

import structlog
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from bot.assembly.connection import Connection
from bot.assembly.deliveries import Deliveries
from bot.assembly.doors import doors
from bot.assembly.schedule import scheduled
from bot.assembly.screens import Screens
from bot.assembly.services import Services
from bot.assembly.surroundings import Surroundings
from bot.config import Settings, SettingsError, need_slack
from bot.delivery.loops import remedy
from bot.jobs.scheduler import Scheduler
from bot.policy_in_force import PolicyUnreadableError
from bot.slack.endpoint import SlackEndpoint, bolt_app
from bot.slack.messages import SLACK_TROUBLE, error_code
from bot.slack.reception import acknowledge_the_rest
from bot.slack.socket import SocketMode
from bot.web.auth import Authenticator
from bot.web.health import Health
from bot.web.problem import problem_middleware
from store import schema
from store.engine import sqlite_path
from store.messages import ReleaseLeases
from store.notify import PostgresListener
from store.policies import last_document

log = structlog.get_logger(__name__)

Role = Literal["all", "web", "worker", "jobs"]
"""`jobs` is the command line's: it composes all and serves nothing (`Application.prepare`)."""

_SLACK_BODY = 4 << 20
# SIGTERM: all of it together stays under 10 s.
_FINISH_REQUESTS = 4.0
_FINISH_DELIVERIES = 3.0
_FINISH_STORE = 2.0


class Application:
    """`start()` returns when it answers; `stop()` finishes what is in flight."""

    def __init__(self, settings: Settings, role: Role = "all", around: Surroundings | None = None) -> None:
        if role in ("web", "worker") and sqlite_path(settings.database) is not None:
            raise SettingsError(
                f"--role {role} splits the work over processes, and SQLite is for one: set HITL_DATABASE_URL to a "
                "postgresql:// URL, or run without --role."
            )
        around = around or Surroundings()
        token = settings.slack_bot_token or "" if role == "jobs" else need_slack(settings)
        self._settings, self._role, self._loops = settings, role, around.loops
        self._slack = Connection(token, settings.slack_api_url, around.clock)
        self.services = Services(settings, around, self._slack.membership, ends_adjustments=role != "jobs")
        self._screens = Screens(self.services, self._slack)
        self.deliveries = Deliveries(settings, around, self.services, self._slack, self._screens)
        self.jobs = scheduled(self.services, self.deliveries.batches)
        self._scheduler = Scheduler(self.jobs)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._socket: SocketMode | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._listener = (
            PostgresListener(settings.database, self.services.wakeups)
            if settings.database.drivername.startswith("postgresql")
            else None
        )

    @property
    def url(self) -> str:
        """Where the HTTP API answers, with the port that was really taken."""
        if self._runner is None:
            raise RuntimeError("the application has not been started")
        port = self._runner.addresses[0][1]
        return f"http://{self._settings.hitl_host}:{port}"

    async def prepare(self, *, urgent: bool = False) -> None:
        """All that a command needs which only reads and writes. `urgent`: where the policy file is broken, the policy
        that was in force last does, as it does for those that serve. Raises SchemaTooOldError, PolicyUnreadableError.
        """
        await schema.require(self.services.engine)
        self.services.writer.start()
        try:
            await self.services.policy.load()
        except PolicyUnreadableError:
            last = await last_document(self.services.engine) if urgent else None
            if last is None:
                raise
            await self.services.policy.stand_in(last)

    async def start(self) -> None:
        """Raises SchemaTooOldError, PolicyUnreadableError, SettingsError (port taken)."""
        await self.prepare()
        if sqlite_path(self._settings.database) is not None:
            await self.services.writer.submit(ReleaseLeases())
        await self._slack.open()
        await self.deliveries.events.open()
        if self._listener is not None:
            self._listener.start()
        await self._serve()
        if self._loops:
            self._start_loops()
        self._spawn(self._say_hello(), "slack-hello")
        log.info("serve.ready", url=self.url, role=self._role, policy=self.services.policy.current.version)

    def _start_loops(self) -> None:
        self._spawn(self.services.policy.watch(), "policy-watch")
        if self._role != "worker":
            self._spawn(self._screens.home.run(), "home")
        if self._role != "web":
            self._spawn(self.deliveries.messages.run(), "message-sender")
            self._spawn(self.deliveries.batches.run(), "batch-keeper")
            self._spawn(self.deliveries.deadlines.run(), "deadline-keeper")
            self._spawn(self.deliveries.events.run(), "event-sender")
            self._scheduler.start()

    async def stop(self) -> None:
        if self._site is not None:
            await self._site.stop()
        if self._socket is not None:
            await self._socket.stop()
        self.services.wakeups.close()
        if self._runner is not None:
            await self._runner.cleanup()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for finish in (
            self._screens.reception.stop,
            self._scheduler.stop,
            self.deliveries.messages.stop,
            self.deliveries.events.stop,
        ):
            await _within(finish, _FINISH_DELIVERIES / 4)
        if self._listener is not None:
            await self._listener.stop()
        await self._slack.close()
        for finish in (self.services.writer.stop, self.services.engine.dispose):
            await _within(finish, _FINISH_STORE / 2)

    async def _serve(self) -> None:
        bolt = bolt_app(self._slack.client)
        for listeners in self._screens.listeners:
            listeners.register(bolt)
        acknowledge_the_rest(bolt)
        app = web.Application(middlewares=[problem_middleware], client_max_size=_SLACK_BODY)
        auth = Authenticator(self.services.stores.keys, self.services.clock)
        app.add_routes(Health(auth, self.services.metrics, self._ready).routes())
        if self._role != "worker":
            for door in doors(self.services, auth):
                app.add_routes(door.routes())
            app.add_routes(self._slack_routes(bolt))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_FINISH_REQUESTS)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._settings.hitl_host, self._settings.hitl_port)
        try:
            await self._site.start()
        except OSError as error:
            raise SettingsError(f"HITL_HOST, HITL_PORT: {error.strerror or error}. Choose a free port.") from error
        if self._settings.slack_app_token and self._role != "worker":
            self._socket = SocketMode(bolt, self._settings.slack_app_token, self._slack.client)
            self._socket.start()

    def _slack_routes(self, bolt: AsyncApp) -> list[web.RouteDef]:
        secret = self._settings.slack_signing_secret
        return [] if secret is None else SlackEndpoint(bolt, secret, self.services.clock).routes()

    async def _ready(self) -> None:
        await schema.require(self.services.engine)

    async def _say_hello(self) -> None:
        """Tells once in the log whether Slack knows us; cards wait in the database either way."""
        try:
            answer = await self._slack.client.auth_test()
        except SlackApiError as error:
            code = error_code(error)
            log.error("slack.refused", error=code, remedy=remedy(code))
        except SLACK_TROUBLE as error:
            log.error("slack.unreachable", error=type(error).__name__, remedy="cards wait and go out when it is back")
        else:
            log.info("slack.connected", team=answer.get("team"), bot=answer.get("user"))

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_tell_of_failure)
        self._tasks.append(task)


def _tell_of_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("serve.task_failed", task=task.get_name(), exc_info=task.exception())


async def _within(finish: Callable[[], Awaitable[None]], seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await finish()
