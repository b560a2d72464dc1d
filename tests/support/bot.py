"""A whole bot for a test: the sandbox as Slack, the application as it serves, an app's key and a receiver."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from aiohttp.web_app import _cached_build_middleware
from standardwebhooks import Webhook

from bot.app import Application, Role
from bot.assembly.services import Services
from bot.assembly.surroundings import Surroundings
from bot.clock import Clock, SystemClock
from bot.config import Settings
from bot.demo.entries import ENTRIES
from bot.manifest import SCOPES
from bot.sandbox.server import BOT_TOKEN, SIGNING_SECRET, Sandbox
from bot.secretbox import SecretBox, new_webhook_secret
from bot.slack.endpoint import PATH
from bot.web.auth import sha256_of_key
from store.engine import open_engine, parse_url
from store.keys import CreateKey
from store.writer import Writer
from tests.support.databases import migrate

Json = dict[str, Any]
SECRET = "a secret for tests"
KEY, READ_KEY, ADMIN_KEY, OTHER_KEY = "hitl_first", "hitl_reader", "hitl_admin", "hitl_other"
PATIENCE = 60.0
"""Real seconds: what a failure costs, on a machine of any speed."""
Found = TypeVar("Found")

POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  reviewers: {channel_members: true, users: [U0ADA]}
  matrix:
    low: {confident: AUTO, unsure: ESCALATE}
    medium: {confident: AUTO_AUDIT, unsure: ESCALATE}
    high: {confident: AUTO_AUDIT, unsure: ESCALATE}
    critical: {confident: ESCALATE, unsure: ESCALATE}
rules:
  - {id: big_money, when: "has(context.amount) && context.amount > 10000", risk: critical}
tasks:
  refund:
    risk: medium
    threshold: 0.90
    channel: "#refunds"
    reviewers: {users: [U0ADA], usergroup: S0LEADS}
    checks:
      - {id: no_sql, field: output, forbid: '(?i)drop\\s+table', on_fail: reject}
      - {id: cap, cel: "!has(output.amount) || output.amount <= 500.0", on_fail: escalate}
  label: {risk: low, threshold: 0.70}
  draft: {risk: low, queue: {provisional_from: 0.5}, matrix: &queued
    {low: {confident: AUTO, unsure: QUEUE}, medium: {confident: AUTO_AUDIT, unsure: QUEUE},
     high: {confident: AUTO_AUDIT, unsure: ESCALATE}, critical: {confident: ESCALATE, unsure: ESCALATE}}}
  queued: {risk: low, matrix: *queued}
"""

UNSURE: Json = {"task_type": "label", "input": "Where is my parcel?", "output": "shipping", "confidence": 0.5}
"""A decision that waits for a person on a card: low risk, in #ai-review, which every member may decide."""
QUEUED: Json = {**UNSURE, "task_type": "queued"}
"""The same, but it waits for its turn in the queue of #ai-review."""
SURE: Json = {**UNSURE, "confidence": 0.9}
"""A decision that runs alone."""


@dataclass
class Receiver:
    """The app's end of the callbacks. `answers` are statuses given before the usual 204, oldest first."""

    webhook: Webhook
    url: str = ""
    events: list[Json] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    delay: float = 0.0

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.answers:
            return web.Response(status=self.answers.pop(0))
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        self.events.append(self.webhook.verify(body, dict(request.headers)))
        return web.Response(status=204)


@dataclass
class Bot:
    settings: Settings
    sandbox: Sandbox
    application: Application
    receiver: Receiver
    clock: Clock
    policy: Path
    http: aiohttp.ClientSession

    @property
    def services(self) -> Services:
        return self.application.services

    async def post(self, body: Json, key: str = KEY, **changes: Any) -> tuple[int, Json]:
        return await self.call("POST", "/v1/decisions", key=key, json={**body, **changes})

    async def get(self, path: str, key: str = KEY) -> tuple[int, Json]:
        return await self.call("GET", path, key=key)

    async def call(self, method: str, path: str, key: str = KEY, **options: Any) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {key}", **options.pop("headers", {})}
        async with self.http.request(method, self.application.url + path, headers=headers, **options) as response:
            return response.status, await response.json(content_type=None)

    async def card(self, decision_id: str, channel: str = "C0REVIEW") -> Json:
        """The card of a decision, once it is there."""
        return await until(lambda: self._card(decision_id, channel))

    def _card(self, decision_id: str, channel: str) -> Json | None:
        cards = self.cards(decision_id, channel)
        return cards[0] if cards else None

    def cards(self, decision_id: str, channel: str = "C0REVIEW") -> list[Json]:
        """Every top-level message about a decision."""
        return [message for message in self.sandbox.messages(channel) if decision_id in str(message["blocks"])]

    async def restart(self) -> None:
        """Ends the process and starts it again on the same database."""
        await self.application.stop()
        self.application = Application(self.settings, around=Surroundings(self.clock))
        await self.application.start()
        self.sandbox.connect(self.application.url + PATH)

    async def crash(self) -> None:
        """What kill -9 leaves behind: no task finishes, nothing is tidied in the database."""
        for task in asyncio.all_tasks():
            if task.get_name().startswith(("message-", "event-")):
                task.cancel()
        await self.restart()


async def until(look: Callable[[], Found | None], patience: float = PATIENCE) -> Found:
    """What `look` finds, once it finds something."""
    async with asyncio.timeout(patience):
        while not (found := look()):
            await asyncio.sleep(0.01)
        return found


@asynccontextmanager
async def running_bot(
    folder: Path,
    database_url: str,
    *,
    clock: Clock | None = None,
    policy: str = POLICY,
    role: Role = "all",
    rate_scale: float = 1.0,
    loops: bool = True,
    is_new: bool = True,
    **settings: Any,
) -> AsyncIterator[Bot]:
    clock = clock or SystemClock()
    sandbox = Sandbox(clock, scopes=SCOPES, entries=ENTRIES, rate_scale=rate_scale, ack_seconds=PATIENCE)
    await sandbox.start()
    secret = new_webhook_secret()
    receiver = Receiver(Webhook(secret))
    runner = await listen(receiver)
    path = folder / "policy.yml"
    path.write_text(policy)
    made = make_settings(database_url, path, sandbox, receiver, **settings)
    if is_new:
        await prepare(database_url, secret, clock)
    application = Application(made, role, Surroundings(clock, loops=loops))
    await application.start()
    sandbox.connect(application.url + PATH)
    async with aiohttp.ClientSession() as http:
        bot = Bot(made, sandbox, application, receiver, clock, path, http)
        try:
            yield bot
        finally:
            await bot.application.stop()
            await runner.cleanup()
            await sandbox.stop()
            # It keeps every application that ever answered, and hundreds of bots are gigabytes.
            _cached_build_middleware.cache_clear()


def make_settings(database_url: str, policy: Path, sandbox: Sandbox, receiver: Receiver, **changes: Any) -> Settings:
    values: Json = {
        "hitl_database_url": database_url,
        "hitl_secret": SECRET,
        "hitl_policy": policy,
        "hitl_port": 0,
        "slack_bot_token": BOT_TOKEN,
        "slack_signing_secret": SIGNING_SECRET,
        "slack_api_url": sandbox.api_url,
        "hitl_callback_allow": receiver.url,
    }
    return Settings(**{**values, **changes})


async def prepare(database_url: str, webhook_secret: str, clock: Clock) -> None:
    """Schema and keys, as `hitl migrate` and `hitl keys create` make them."""
    await migrate(database_url)
    engine = open_engine(parse_url(database_url))
    writer = Writer(engine)
    writer.start()
    box = SecretBox(SECRET)
    for key, app, scopes in (
        (KEY, "shop", ["ingest", "read"]),
        (READ_KEY, "shop", ["read"]),
        (ADMIN_KEY, "ops", ["admin"]),
        (OTHER_KEY, "other", ["ingest", "read"]),
    ):
        await writer.submit(
            CreateKey(
                id=f"key_{key}",
                app=app,
                key_sha256=sha256_of_key(key),
                scopes=scopes,
                webhook_secret=box.encrypt(webhook_secret),
                at=clock.now(),
            )
        )
    await writer.stop()
    await engine.dispose()


async def listen(receiver: Receiver) -> web.AppRunner:
    app = web.Application()
    app.router.add_post("/hitl", receiver.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hitl"
    return runner
