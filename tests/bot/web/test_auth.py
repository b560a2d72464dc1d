"""Keys and scopes: which key may make which call, and how soon a change is in force."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.web.auth import sha256_of_key
from store.keys import CreateKey, RevokeKey
from tests.support.bot import ADMIN_KEY, KEY, READ_KEY, SURE, UNSURE, Bot, running_bot
from tests.support.clock import ManualClock

FEEDBACK_KEY = "hitl_feedback"
CALLS: list[tuple[str, str, str, dict[str, Any]]] = [
    ("ingest", "POST", "/v1/decisions", {"json": SURE}),
    ("ingest", "POST", "/v1/decisions/one/cancel", {}),
    ("read", "GET", "/v1/decisions", {}),
    ("read", "GET", "/v1/decisions/one", {}),
    ("read", "GET", "/metrics", {}),
]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bot(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock) as running:
        yield running


async def create(bot: Bot, key: str, app: str, *scopes: str) -> None:
    await bot.services.writer.submit(
        CreateKey(
            id=f"key_{key}",
            app=app,
            key_sha256=sha256_of_key(key),
            scopes=list(scopes),
            webhook_secret="sealed",
            at=bot.clock.now(),
        )
    )


async def status_of(bot: Bot, method: str, path: str, key: str | None, **options: Any) -> tuple[int, Any]:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with bot.http.request(method, bot.application.url + path, headers=headers, **options) as answer:
        problem = await answer.json() if "problem" in answer.content_type else None
        return answer.status, problem


async def test_each_call_needs_its_scope_and_admin_has_all(bot: Bot) -> None:
    await create(bot, FEEDBACK_KEY, "shop", "feedback")
    await create(bot, "hitl_ingest", "shop", "ingest")
    holders = {"ingest": "hitl_ingest", "read": READ_KEY}
    for scope, method, path, options in CALLS:
        await bot.post(UNSURE, id="one")
        for other in ({"hitl_ingest", READ_KEY, FEEDBACK_KEY}) - {holders[scope]}:
            status, problem = await status_of(bot, method, path, other, **options)
            assert (status, problem["type"]) == (403, "urn:hitl:problem:forbidden"), (method, path, other)
            assert scope in problem["detail"]
        for key in (holders[scope], ADMIN_KEY):
            status, _ = await status_of(bot, method, path, key, **options)
            assert status < 300 or (status, key) == (409, ADMIN_KEY), (method, path, key)  # cancelled just before


async def test_without_a_good_key_nothing_is_said_but_how_to_bring_one(bot: Bot) -> None:
    url = bot.application.url + "/v1/decisions/one"
    for header in (
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {KEY}",
        KEY,
        "Bearer hitl_",
        "Bearer hitl_wrong",
        f"Bearer {KEY}x",
    ):
        headers = {} if header is None else {"Authorization": header}
        async with bot.http.get(url, headers=headers) as answer:
            problem = await answer.json()
            assert (answer.status, problem["type"]) == (401, "urn:hitl:problem:unauthorized"), header
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert KEY not in str(problem)
    for header in (f"bearer {KEY}", f"BEARER   {KEY} "):
        async with bot.http.get(url, headers={"Authorization": header}) as answer:
            assert answer.status == 404, header


async def test_bytes_that_are_no_text_are_a_wrong_key(bot: Bot) -> None:
    host, port = bot.application.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"GET /v1/decisions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer hitl_\xff\xfe\r\nConnection: close\r\n\r\n"
    )
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_new_key_is_in_force_at_once_and_a_revoked_one_no_longer_within_two_seconds(
    bot: Bot, clock: ManualClock
) -> None:
    assert (await bot.get("/v1/decisions", "hitl_new"))[0] == 401
    await create(bot, "hitl_new", "shop", "read")
    assert (await bot.get("/v1/decisions", "hitl_new"))[0] == 200

    await bot.services.writer.submit(RevokeKey("key_hitl_new", clock.now()))
    await clock.advance(2)
    assert (await bot.get("/v1/decisions", "hitl_new"))[0] == 401
    assert (await bot.get("/v1/decisions"))[0] == 200


async def test_a_key_is_looked_up_once_a_second_for_all_requests(
    bot: Bot, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []
    find = bot.services.stores.keys.find

    async def counting(digest: str) -> Any:
        looked_up.append(digest)
        return await find(digest)

    monkeypatch.setattr(bot.services.stores.keys, "find", counting)
    for seconds in (0, 0.9, 0.2):
        await clock.advance(seconds)
        together = await asyncio.gather(*(bot.get("/v1/decisions") for _ in range(8)))
        assert {status for status, _ in together} == {200}
    assert len(looked_up) == 2
