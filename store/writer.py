"""Group commit: what arrives together is committed together.

One task per process drains a queue of commands into one transaction and answers them all after its commit. A command
that breaks the transaction is found by running the batch again one by one, so it fails alone.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from secrets import randbelow
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import counters
from store.engine import WRITE
from store.notify import Wakeups, noted

Result = TypeVar("Result", covariant=True)  # noqa: PLC0105 - reads better without the suffix

MAX_BATCH = 256

# No command is to blame for these, and trying each alone would wait out a time limit each.
_DATABASE_AWAY = (OperationalError, InterfaceError, OSError)


class Command(Protocol[Result]):
    """One unit of writing.

    `group` names commands that are applied by one call of `apply_all`, in order of arrival; it returns one result a
    command. What a caller can foresee (already decided, a replay) is a result; an exception means that nothing of the
    transaction may stay.
    """

    @property
    def group(self) -> type["Command[Any]"]: ...

    @classmethod
    async def apply_all(cls, connection: AsyncConnection, commands: Sequence[Any]) -> Sequence[Result]: ...


class SingleCommand(Generic[Result]):
    """A command that is applied on its own inside the shared transaction."""

    @property
    def group(self) -> type["SingleCommand[Any]"]:
        return type(self)

    async def apply(self, connection: AsyncConnection) -> Result:
        raise NotImplementedError

    @classmethod
    async def apply_all(
        cls, connection: AsyncConnection, commands: Sequence["SingleCommand[Result]"]
    ) -> Sequence[Result]:
        return [await command.apply(connection) for command in commands]


class WriterStoppedError(RuntimeError):
    """The process is going down; nothing of this command was written."""


_Job = tuple[Command[Any], "asyncio.Future[Any]"]


class Writer:
    def __init__(self, engine: AsyncEngine, wakeups: Wakeups | None = None) -> None:
        self._engine = engine
        self._wakeups = wakeups or Wakeups()
        # SQLite has one writer at a time, whoever that is.
        self._shard = randbelow(counters.SHARDS) if engine.dialect.name == "postgresql" else 0
        self._queue: asyncio.Queue[_Job] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="store-writer")

    async def stop(self) -> None:
        """Commits what was submitted, then refuses more."""
        self._stopping = True
        if self._task is None:
            return
        await self._queue.join()
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def submit(self, command: Command[Result]) -> Result:
        """Returns when the command is committed. Raises what its transaction raised."""
        if self._stopping or self._task is None:
            raise WriterStoppedError
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((command, future))
        # Shielded by nature: a caller that goes away leaves the commit untouched.
        return await future

    async def _run(self) -> None:
        while True:
            jobs = [await self._queue.get()]
            while len(jobs) < MAX_BATCH and not self._queue.empty():
                jobs.append(self._queue.get_nowait())
            try:
                await self._commit_together(jobs)
            finally:
                for _ in jobs:
                    self._queue.task_done()

    async def _commit_together(self, jobs: list[_Job]) -> None:
        try:
            results = await self._commit([command for command, _ in jobs])
        except Exception as error:  # whatever it was, it must not fail the neighbours
            if isinstance(error, _DATABASE_AWAY):
                for _, future in jobs:
                    _answer(future, error=error)
                return
            for job in jobs:
                await self._commit_alone(job)
            return
        for (_, future), result in zip(jobs, results, strict=True):
            _answer(future, result=result)

    async def _commit_alone(self, job: _Job) -> None:
        command, future = job
        try:
            try:
                [result] = await self._commit([command])
            except DBAPIError as error:
                if not _met_another(error):
                    raise
                # A second look sees what the other has committed; what is broken by itself fails again.
                [result] = await self._commit([command])
        except Exception as error:
            _answer(future, error=error)
        else:
            _answer(future, result=result)

    async def _commit(self, commands: list[Command[Any]]) -> list[Any]:
        results: list[Any] = []
        async with self._engine.connect() as plain:
            connection = await plain.execution_options(**WRITE)
            woken = noted(connection)
            # A transaction that failed on this connection has left its own.
            woken.clear()
            counters.noted(connection).clear()
            async with connection.begin():
                for group in _runs(commands):
                    results.extend(await group[0].group.apply_all(connection, group))
                await counters.write(connection, self._shard)
            for topic, pk in woken:
                self._wakeups.wake(topic, pk)
        return results


def _met_another(error: DBAPIError) -> bool:
    """Whether another replica was in the way: it committed the same key between this command's look and its insert, or
    waited for what this one had locked (PostgreSQL's error codes 40001 and 40P01)."""
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in ("40001", "40P01")


def _runs(commands: list[Command[Any]]) -> list[list[Command[Any]]]:
    """Neighbours of one group together; the order of arrival is kept."""
    runs: list[list[Command[Any]]] = []
    for command in commands:
        if runs and runs[-1][0].group is command.group:
            runs[-1].append(command)
        else:
            runs.append([command])
    return runs


def _answer(future: "asyncio.Future[Any]", *, result: Any = None, error: Exception | None = None) -> None:
    if future.done():  # its caller has gone
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
