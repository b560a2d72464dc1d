"""The callback sender under bad luck: at least once, in order, signed, and nobody waits for a receiver of others."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from time import monotonic
from typing import Any

import orjson
import pytest
from aiohttp import web
from sqlalchemy import insert, select
from structlog.testing import capture_logs

from bot.app import Application
from bot.assembly.surroundings import Surroundings
from bot.clock import SystemClock
from bot.secretbox import SecretBox, new_webhook_secret
from store import tables as t
from store.engine import WRITE
from store.events import Redeliver, receiver_of
from store.keys import RotateSecret
from tests.bot.delivery.hook import Hook, listening
from tests.bot.delivery.simulated import LeapingClock, approve, in_time, pass_time
from tests.support.bot import PATIENCE, SECRET, UNSURE, Bot, running_bot, until
from tests.support.stillness import stillness

POLICY = """
version: 1
defaults:
  channel: "#ai-review"
  reviewers: {users: [U0ADA]}
"""
THREE_DAYS = 3 * 86400.0
HALF_A_DAY = 43200.0


@pytest.fixture
def clock() -> LeapingClock:
    return LeapingClock()


@pytest.fixture
async def hook(clock: LeapingClock) -> AsyncIterator[Hook]:
    async with listening(clock) as found:
        yield found


@pytest.fixture
async def bot(tmp_path: Path, clock: LeapingClock, hook: Hook) -> AsyncIterator[Bot]:
    url = f"sqlite:///{tmp_path}/hitl.db"
    async with running_bot(tmp_path, url, clock=clock, policy=POLICY, hitl_callback_allow=hook.origin) as running:
        yield running


async def resolve(bot: Bot, decision_id: str, callback_url: str, **changes: Any) -> int:
    """Posts a decision and approves it, which makes its event; the decision's pk."""
    status, answer = await bot.post({**UNSURE, **changes}, id=decision_id, callback_url=callback_url)
    assert status == 201, answer
    return await approve(bot, decision_id)


async def add_event(bot: Bot, decision_pk: int, position: int, url: str) -> str:
    """One more event of a decision, as later features make them; its id."""
    now, event_id = bot.clock.now(), f"evt_{decision_pk}_{position}"
    async with bot.services.engine.connect() as plain:
        connection = await plain.execution_options(**WRITE)
        async with connection.begin():
            await connection.execute(
                insert(t.contents).values(decision_pk=decision_pk, part=f"event:{event_id}", body="{}")
            )
            await connection.execute(
                insert(t.events).values(
                    id=event_id,
                    app_pk=1,
                    decision_pk=decision_pk,
                    position=position,
                    type="decision.corrected",
                    url=url,
                    receiver=receiver_of(url),
                    state="pending",
                    attempts=0,
                    created_at=now,
                    due_at=now,
                )
            )
    bot.services.wakeups.events.set()
    return event_id


async def states(bot: Bot) -> dict[str, str]:
    """Every event's state, by the path of its URL."""
    async with bot.services.engine.connect() as connection:
        rows = await connection.execute(select(t.events.c.url, t.events.c.state).order_by(t.events.c.pk))
        return {row.url.partition("/hook")[2]: row.state for row in rows}


def failing(status: int, times: int, **headers: str) -> list[web.Response]:
    return [web.Response(status=status, headers=headers) for _ in range(times)]


# -- attempts


async def test_the_same_signed_event_comes_again_until_it_is_acknowledged(
    bot: Bot, hook: Hook, clock: LeapingClock
) -> None:
    hook.answers = [*failing(500, 3), *failing(404, 1), *failing(302, 1, Location="/elsewhere")]
    await resolve(bot, "a-1", hook.url)
    await in_time(clock, lambda: hook.attempts[5:], limit=400)

    assert {attempt.event_id for attempt in hook.attempts} == {hook.attempts[0].event_id}
    assert {attempt.body for attempt in hook.attempts} == {hook.attempts[0].body}
    assert hook.paths() == ["/hook"] * 6, "a redirect is not followed"
    gaps = [(later.at - sooner.at).total_seconds() for sooner, later in itertools.pairwise(hook.attempts)]
    for number, gap in enumerate(gaps):
        assert 2.5 * 2**number <= gap <= 5 * 2**number + 2, "exponential, half of it by chance"
    await pass_time(clock, 60, step=5)
    assert len(hook.attempts) == 6


async def test_a_receiver_may_ask_for_more_time(bot: Bot, hook: Hook, clock: LeapingClock) -> None:
    hook.answers = [web.Response(status=429, headers={"Retry-After": "120"})]
    await resolve(bot, "a-1", hook.url)
    await in_time(clock, lambda: hook.attempts[1:], step=5)
    first, second = hook.attempts
    assert second.at - first.at >= timedelta(seconds=120)


async def test_the_body_is_the_event_however_long(bot: Bot, hook: Hook) -> None:
    output = {"text": "ü" * 10 + "x" * 1_000_000, "number": 2**53 + 1, "amount": 1.0}
    await resolve(bot, "a-1", hook.url, output=output)
    [attempt] = await until(lambda: hook.attempts)
    _, decision = await bot.get("/v1/decisions/a-1")
    event = orjson.loads(attempt.body)
    assert event["data"] == decision
    assert event["data"]["outcome"]["output"] == output
    assert b'"amount":1.0' in attempt.body


async def test_after_three_days_the_event_is_a_dead_letter_and_the_next_one_goes(
    bot: Bot, hook: Hook, clock: LeapingClock
) -> None:
    hook.answers = failing(500, 1)
    pk = await resolve(bot, "a-1", f"{hook.url}/first")
    await until(lambda: hook.attempts)
    await add_event(bot, pk, 2, f"{hook.url}/second")
    await resolve(bot, "a-2", f"{hook.url}/other")
    await until(lambda: hook.attempts[1:])
    assert hook.paths() == ["/hook/first", "/hook/other"], "in order per decision, and no decision waits for another"
    with capture_logs() as log:
        hook.answers = failing(500, 1)
        await clock.leap(THREE_DAYS)
        await in_time(clock, lambda: "/hook/second" in hook.paths())
    await until(lambda: [entry for entry in log if entry["event"] == "event.dead"])
    assert (await states(bot))["/first"] == "dead"

    [letter] = await bot.services.stores.events.dead_letters()
    assert letter.error == "HTTP 500"
    assert await bot.services.writer.submit(Redeliver((letter.id,), clock.now())) == 1
    await in_time(clock, lambda: hook.paths().count("/hook/first") == 3)
    await stillness()
    assert set((await states(bot)).values()) == {"delivered"}


async def test_410_stops_the_url_of_the_app_until_redelivered(bot: Bot, hook: Hook, clock: LeapingClock) -> None:
    hook.answers = failing(410, 1)
    await resolve(bot, "a-1", f"{hook.url}/gone")
    await in_time(clock, lambda: hook.attempts)
    await resolve(bot, "a-2", f"{hook.url}/gone")
    await resolve(bot, "a-3", f"{hook.url}/there")
    await in_time(clock, lambda: "/hook/there" in hook.paths())
    await pass_time(clock, 20, step=5)
    assert hook.paths() == ["/hook/gone", "/hook/there"]

    letters = await bot.services.stores.events.dead_letters()
    assert [letter.error for letter in letters] == ["410 Gone: the receiver asked for no more"] * 2
    assert await bot.services.writer.submit(Redeliver((), clock.now())) == 2
    await in_time(clock, lambda: hook.paths().count("/hook/gone") == 3)


# -- whom it may call, and what it says about it


async def test_a_receiver_that_is_not_listed_gets_no_request(bot: Bot, hook: Hook, clock: LeapingClock) -> None:
    """It was listed when the decision was posted, or its name stood for another address then."""
    async with listening(clock) as private:
        pk = await resolve(bot, "a-1", hook.url)
        with capture_logs() as log:
            await add_event(bot, pk, 2, f"{private.url}?key=hunter2")
            told = await in_time(clock, lambda: [entry for entry in log if entry["event"] == "event.retry"])
        assert told[0]["error"].startswith("refused: ")
        assert private.attempts == []


@pytest.mark.parametrize("status", [500, 410, 302])
async def test_the_log_names_the_receiver_and_never_the_rest_of_its_url(
    bot: Bot, hook: Hook, clock: LeapingClock, status: int
) -> None:
    hook.answers = failing(status, 2)
    with capture_logs() as log:
        await resolve(bot, "a-1", f"{hook.url}/seg-hunter2?key=hunter3")
        await in_time(clock, lambda: [entry for entry in log if entry["event"].startswith("event.")])
        await clock.leap(THREE_DAYS)
        await pass_time(clock, 5)
    assert "hunter" not in str(log)


# -- slow receivers


async def test_a_receiver_that_hangs_delays_no_other(tmp_path: Path) -> None:
    """Hundreds of its events are pending, each with a URL of its own."""
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        slow, fast = [await stack.enter_async_context(listening(clock)) for _ in range(2)]
        slow.hangs = True
        allow = f"{slow.origin},{fast.origin}"
        url = f"sqlite:///{tmp_path}/hitl.db"
        bot = await stack.enter_async_context(running_bot(tmp_path, url, policy=POLICY, hitl_callback_allow=allow))
        await asyncio.gather(*(resolve(bot, f"a-{number}", f"{slow.url}?id={number}") for number in range(120)))
        await until(lambda: slow.under_way == 4)
        for number in range(5):
            await resolve(bot, f"b-{number}", fast.url)
        await until(lambda: fast.attempts[4:])  # behind the slow one's they would come after minutes
        assert slow.most_under_way == 4


async def test_the_process_ends_in_time_though_a_receiver_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.egress.TOTAL_SECONDS", 600.0)
    async with AsyncExitStack() as stack:
        slow = await stack.enter_async_context(listening(SystemClock()))
        slow.hangs = True
        url = f"sqlite:///{tmp_path}/hitl.db"
        bot = await stack.enter_async_context(
            running_bot(tmp_path, url, policy=POLICY, hitl_callback_allow=slow.origin)
        )
        await resolve(bot, "a-1", slow.url)
        await until(lambda: slow.under_way)
        began = monotonic()
        await bot.restart()
        assert monotonic() - began < 60
        slow.hangs = False
        await until(lambda: slow.attempts[1:])


# -- secrets


async def test_after_a_rotation_the_former_secrets_sign_too_each_for_a_day(
    bot: Bot, hook: Hook, clock: LeapingClock
) -> None:
    box = SecretBox(SECRET)
    first = box.decrypt((await bot.services.stores.keys.secrets(1, clock.now())).current)
    second, third = new_webhook_secret(), new_webhook_secret()
    await rotate(bot, second)
    await clock.leap(HALF_A_DAY)
    await rotate(bot, third)
    for number, signing in enumerate([[third, second, first], [third, second], [third]]):
        await resolve(bot, f"a-{number}", hook.url)
        await until(lambda: hook.attempts)
        attempt = hook.attempts.pop()
        assert attempt.signatures() == [attempt.signature_with(secret) for secret in signing]
        await clock.leap(HALF_A_DAY)


async def rotate(bot: Bot, secret: str) -> None:
    """As `hitl keys rotate-secret` does it."""
    now = bot.clock.now()
    until_then = now + timedelta(seconds=2 * HALF_A_DAY)
    await bot.services.writer.submit(RotateSecret("shop", SecretBox(SECRET).encrypt(secret), until_then, now))


# -- replicas and crashes


async def test_an_event_comes_again_after_a_crash(
    tmp_path: Path, database_url: str, hook: Hook, clock: LeapingClock
) -> None:
    """With replicas when the lease of the one that died has ended; the only process knows it at its start."""
    async with running_bot(tmp_path, database_url, clock=clock, policy=POLICY, hitl_callback_allow=hook.origin) as bot:
        hook.hangs = True
        await resolve(bot, "a-1", hook.url)
        await until(lambda: hook.under_way)
        began = clock.now()
        await bot.crash()
        hook.hangs = False
        if database_url.startswith("postgresql"):
            await in_time(clock, lambda: hook.attempts[1:], step=5)
            assert clock.now() - began >= timedelta(seconds=60)
        await until(lambda: hook.attempts[1:])  # on SQLite while the clock stands still
        first, second = hook.attempts
        assert first.event_id == second.event_id
        await pass_time(clock, 10, step=5)
        assert len(hook.attempts) == 2


async def test_two_replicas_deliver_each_event_once(tmp_path: Path, postgres_url: str) -> None:
    clock = SystemClock()
    async with (
        listening(clock) as hook,
        running_bot(tmp_path, postgres_url, policy=POLICY, hitl_callback_allow=hook.origin) as bot,
    ):
        second = Application(bot.settings, around=Surroundings(clock))
        await second.start()
        try:
            names = [f"a-{number}" for number in range(30)]
            await asyncio.gather(*(resolve(bot, name, f"{hook.url}/{name}") for name in names))
            await until(lambda: len(hook.attempts) >= len(names))
            async with asyncio.timeout(PATIENCE):
                while set((await states(bot)).values()) != {"delivered"}:
                    await asyncio.sleep(0.01)
        finally:
            await second.stop()
        assert sorted(hook.paths()) == sorted(f"/hook/{name}" for name in names)
