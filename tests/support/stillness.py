"""When nothing real is left to do, so that simulated time may move on: on a machine of any speed."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any

from aiohttp.web_protocol import RequestHandler

_PATIENCE = 60.0
_TURNS = 5
_LOOKS = 4
"""What is between two waits takes a few turns of the loop; so many times so many without any are the end."""

_AT_WORK = ("/sqlalchemy/", "/aiosqlite/", "/asyncpg/", "/asyncio/threads.py")
"""Whose coroutines end by themselves: the database's, and those that wait for a thread."""
_CALLING = {"ClientSession._request", "ClientResponse.read"}
_HELD_BACK = {"ManualClock.sleep", "Event.wait"}
"""What a server's answer waits for if only simulated time, or the test, brings it."""


async def stillness() -> None:
    """Returns when all tasks wait for simulated time or for the test: none for the database, a thread or an answer."""
    async with asyncio.timeout(_PATIENCE):
        looks = 0
        while looks < _LOOKS:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            if is_at_work():
                looks = 0
                await asyncio.sleep(0.001)
            else:
                looks += 1


def is_at_work() -> bool:
    """Whether another task works in the database or in a thread, or awaits an answer that nobody holds back."""
    calling = held_back = 0
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        chain = list(_chain(task))
        if any(place in awaited.cr_code.co_filename for awaited in chain for place in _AT_WORK):
            return True
        names = {awaited.__qualname__ for awaited in chain}
        calling += bool(names & _CALLING)
        held_back += bool(names & _HELD_BACK) and _has_client(task)
    return calling > held_back


def is_calling() -> bool:
    """Whether a task awaits an answer over HTTP, be it one that is held back."""
    return any(awaited.__qualname__ in _CALLING for task in asyncio.all_tasks() for awaited in _chain(task))


def _chain(task: "asyncio.Task[Any]") -> Iterator[Any]:
    """The task's coroutine, what that awaits, and so on."""
    link: Any = task.get_coro()
    while inspect.iscoroutine(link):
        yield link
        link = link.cr_await


def _has_client(task: "asyncio.Task[Any]") -> bool:
    """Whether it is a server's, and its client is still there: of a killed process the server knows nothing."""
    frame = getattr(task.get_coro(), "cr_frame", None)
    handler = frame.f_locals.get("self") if frame is not None else None
    return isinstance(handler, RequestHandler) and handler.transport is not None
