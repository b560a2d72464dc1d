"""The program as it is run, a process of its own: killed, told to stop, and split over replicas."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from time import monotonic

import aiohttp
import orjson
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine
from standardwebhooks import Webhook

from bot.clock import SystemClock
from bot.sandbox.server import BOT_TOKEN, SIGNING_SECRET, Sandbox
from bot.sandbox.world import Channel
from bot.secretbox import new_webhook_secret
from bot.slack.endpoint import PATH
from store import tables as t
from store.engine import open_engine, parse_url
from tests.support.bot import KEY, PATIENCE, SECRET, SURE, UNSURE, Json, Receiver, listen, prepare, until
from tests.support.hitl import Served, run_hitl, served
from tests.support.rows import decision

CHANNELS = [f"flood-{number}" for number in range(5)]
POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  reviewers: {users: [U0ADA]}
  matrix: {low: {confident: AUTO, unsure: ESCALATE}, medium: {confident: AUTO_AUDIT, unsure: ESCALATE}}
tasks:
""" + "".join(f"  {name}: {{risk: low, channel: '#{name}'}}\n" for name in CHANNELS)


@dataclass
class Site:
    """All that stands around the program: a database, Slack, an app."""

    environment: dict[str, str]
    sandbox: Sandbox
    receiver: Receiver
    http: aiohttp.ClientSession

    async def post(self, url: str, body: Json) -> tuple[int, Json]:
        async with self.http.post(f"{url}/v1/decisions", json=body) as response:
            return response.status, await response.json()

    async def get(self, url: str, path: str) -> tuple[int, Json]:
        async with self.http.get(f"{url}/v1/decisions/{path}") as response:
            return response.status, await response.json()

    def posted(self) -> list[str]:
        """The keys of the cards in Slack."""
        shown = [message for channel in self.sandbox.world.channels for message in self.sandbox.messages(channel)]
        return [message["metadata"]["event_payload"]["message"] for message in shown]


@asynccontextmanager
async def site(folder: Path, database_url: str) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(SystemClock(), ack_seconds=PATIENCE)
        for name in CHANNELS:
            sandbox.world.channels[name] = Channel(name, name, ["U0ADA", "U0BOT"])
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        secret = new_webhook_secret()
        receiver = Receiver(Webhook(secret))
        stack.push_async_callback((await listen(receiver)).cleanup)
        policy = folder / "policy.yml"
        policy.write_text(POLICY)
        await prepare(database_url, secret, SystemClock())
        environment = {
            "HITL_DATABASE_URL": database_url,
            "HITL_SECRET": SECRET,
            "HITL_POLICY": str(policy),
            "HITL_PORT": "0",
            "HITL_LOG": "json",
            "HITL_CALLBACK_ALLOW": receiver.url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": sandbox.api_url,
        }
        http = await stack.enter_async_context(
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}, connector=aiohttp.TCPConnector(limit=200))
        )
        yield Site(environment, sandbox, receiver, http)


async def ready(process: Served) -> str:
    """The URL that the process answers at."""
    record = await until(lambda: _record(process, "serve.ready"), patience=120)  # several may start at once
    return str(record["url"])


def _record(process: Served, event: str) -> Json | None:
    assert process.process.returncode is None, process.lines
    records = (orjson.loads(line) for line in process.lines)
    return next((record for record in records if record["event"] == event), None)


@dataclass
class Load:
    """Many apps posting at once. `acknowledged` are the ids that a 2xx was seen for."""

    site: Site
    acknowledged: set[str]

    async def run(self, url: str) -> None:
        numbers = count(len(self.acknowledged))

        async def app() -> None:
            while True:
                number = next(numbers)
                waits = number % 40 == 0
                task_type = CHANNELS[number // 40 % len(CHANNELS)]
                name = f"{'wait' if waits else 'auto'}-{number}"
                status, answer = await self.site.post(
                    url, {**(UNSURE if waits else SURE), "id": name, "task_type": task_type}
                )
                assert status in (200, 201), answer
                self.acknowledged.add(name)

        outcomes = await asyncio.gather(*(app() for _ in range(20)), return_exceptions=True)
        for outcome in outcomes:
            assert isinstance(outcome, aiohttp.ClientError), outcome

    async def found(self) -> set[str]:
        engine = open_engine(parse_url(self.site.environment["HITL_DATABASE_URL"]))
        async with engine.connect() as connection:
            rows = set(await connection.scalars(select(t.decisions.c.id)))
        await engine.dispose()
        return rows


async def test_kill_9_under_load_loses_nothing_and_doubles_nothing(tmp_path: Path) -> None:
    async with site(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as place:
        load = Load(place, set())
        for size in (200, 300):
            async with served(place.environment) as process:
                running = asyncio.create_task(load.run(await ready(process)))
                await until(lambda size=size: len(load.acknowledged) >= size)  # type: ignore[misc]
                process.process.kill()
                await running

        assert load.acknowledged <= await load.found()
        waiting = [name for name in await load.found() if name.startswith("wait-")]
        async with served(place.environment) as process:
            url = await ready(process)
            for name in load.acknowledged:
                status, _ = await place.get(url, name)
                assert status == 200
            await until(lambda: len(set(place.posted())) == len(waiting))
        assert len(place.posted()) == len(waiting) > 5, "one card each"


async def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    async with site(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as place, served(place.environment) as process:
        url = await ready(process)
        await place.post(url, {**UNSURE, "id": "slow", "task_type": CHANNELS[0]})
        poll = asyncio.create_task(place.get(url, "slow?wait=60"))
        load = Load(place, set())
        running = asyncio.create_task(load.run(url))
        await until(lambda: len(load.acknowledged) >= 100)

        began = monotonic()
        process.process.send_signal(signal.SIGTERM)
        status, answer = await poll
        assert (status, answer["status"]) == (200, "pending")
        assert await process.process.wait() == 0
        assert monotonic() - began < 50, "not at the end of the time that the poll may take"
        await running
        assert load.acknowledged <= await load.found()
        assert not [line for line in process.lines if "Traceback" in line or '"exception"' in line]


_FOR_MINUTES = {
    "sqlite": """CREATE VIEW decisions AS SELECT * FROM stored WHERE (
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000000000)
        SELECT max(n) FROM numbers) > 0""",
    "postgresql": "CREATE VIEW decisions AS SELECT * FROM stored WHERE pg_sleep(600) IS NOT NULL",
}


async def make_decisions_slow(engine: AsyncEngine) -> None:
    """Whoever reads this decision of some days ago takes minutes, and all jobs of these days are owed."""
    days_ago = SystemClock().now() - timedelta(days=5)
    policy = {"version": "abcdef012345", "document": {"version": 1}, "first_used_at": days_ago}
    async with engine.begin() as connection:
        await connection.execute(insert(t.policies).values(policy))
        await connection.execute(insert(t.decisions).values(asdict(decision(1, 1, created_at=days_ago))))
        await connection.execute(text("ALTER TABLE decisions RENAME TO stored"))
        await connection.execute(text(_FOR_MINUTES[engine.dialect.name]))


async def is_at_work(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        return await connection.scalar(select(t.runs.c.job).where(t.runs.c.state == "running")) is not None


async def test_sigterm_does_not_wait_for_what_a_job_reads(tmp_path: Path, database_url: str) -> None:
    async with site(tmp_path, database_url) as place:
        engine = open_engine(parse_url(database_url))
        await make_decisions_slow(engine)
        async with served(place.environment) as process:
            await ready(process)
            async with asyncio.timeout(PATIENCE):
                while not await is_at_work(engine):
                    await asyncio.sleep(0.01)
                process.process.send_signal(signal.SIGTERM)
                assert await process.process.wait() == 0
        assert not await is_at_work(engine), "the next process does it at once"
        await engine.dispose()
    assert not [line for line in process.lines if "Traceback" in line or '"exception"' in line]
    assert '"jobs.broken_off"' in process.lines[-1]


async def test_sqlite_is_for_one_process(tmp_path: Path) -> None:
    async with site(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as place:
        calls = (run_hitl("serve", "--role", role, environment=place.environment) for role in ("web", "worker"))
        for ended in await asyncio.gather(*calls):
            assert ended.code == 2
            assert "HITL_DATABASE_URL" in ended.err
            assert "Traceback" not in ended.err


async def test_web_and_worker_share_the_work_on_one_postgresql(tmp_path: Path, postgres_url: str) -> None:
    async with (
        site(tmp_path, postgres_url) as place,
        served(place.environment, "--role", "web") as first,
        served(place.environment, "--role", "web") as second,
        served(place.environment, "--role", "worker") as worker,
    ):
        here, there, behind = [await ready(process) for process in (first, second, worker)]
        place.sandbox.connect(here + PATH)
        body = {**UNSURE, "id": "a-1", "task_type": CHANNELS[0], "callback_url": place.receiver.url}
        status, _ = await place.post(here, body)
        assert status == 201
        assert (await place.post(there, body))[0] == 200, "a replay at the other replica"
        [card] = await until(lambda: place.sandbox.messages(CHANNELS[0]))
        polls = [asyncio.create_task(place.get(url, "a-1?wait=60")) for url in (here, there)]
        for url in (here, there):
            await place.get(url, "a-1")  # by then the polls are under way, too

        began = monotonic()
        ack = await place.sandbox.click("U0ADA", CHANNELS[0], card["ts"], "review.approve")
        assert ack.ok
        for status, answer in await asyncio.gather(*polls):
            assert (status, answer["outcome"]["result"]) == (200, "approved")
        assert monotonic() - began < 50, "woken by the commit, not by the end of their time"
        [event] = await until(lambda: place.receiver.events)
        assert event["data"]["id"] == "a-1"
        await until(lambda: "review.approve" not in str(place.sandbox.messages(CHANNELS[0])[0]["blocks"]))

        status, _ = await place.get(behind, "a-1")
        assert status == 404, "a worker answers no app"
        assert len(place.posted()) == 1
