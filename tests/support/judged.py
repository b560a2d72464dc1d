"""Decisions of the past with their reviews and verdicts, as rows: what statistics are made of."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.review import ReviewState
from store import tables as t
from store.counters import counting, noted, write
from store.engine import WRITE
from tests.support.rows import decision, review


@dataclass(frozen=True)
class Voted:
    """One verdict. `after`: seconds after the review was opened."""

    verdict: str
    category: str | None = None
    after: float = 60.0
    user_id: str = "U0ADA"
    round: int = 1
    adjudicates: bool = False


@dataclass(frozen=True)
class Judgement:
    """A review and its votes. Without votes it waits; `state` says otherwise."""

    kind: str
    votes: Sequence[Voted] = ()
    state: str | None = None
    opened_at: datetime | None = None
    deadline: timedelta = timedelta(hours=4)


@asynccontextmanager
async def counted(connection: AsyncConnection, decision_pks: Sequence[int]) -> AsyncIterator[None]:
    """What happens to these decisions meanwhile is counted, as the writer has it."""
    noted(connection).clear()
    async with counting(connection, decision_pks):
        yield
    await write(connection, shard=0)


@dataclass
class Past:
    """Writes rows as they would have come about. Each decision has one pk more than the one before it."""

    engine: AsyncEngine
    app_pk: int
    policy_version: str = "abcdef012345"
    first_pk: int = 1
    """Beside a bot that takes in decisions: one that it will not reach."""
    _connection: AsyncConnection | None = None

    def __post_init__(self) -> None:
        self._pks = count(self.first_pk)
        # Beside a bot at work: who first reads and then writes finds the database locked.
        self.engine = self.engine.execution_options(**WRITE)

    async def add(self, created_at: datetime, *judgements: Judgement, **changes: Any) -> int:
        """The pk of a decision; alone, by route AUTO_AUDIT, where no gate or provisional review judges it."""
        pk = next(self._pks)
        alone = not any(each.kind in ("gate", "provisional") for each in judgements)
        ends = (
            {"route": "AUTO_AUDIT", "status": "resolved", "outcome": "auto", "disposition": "execute"} if alone else {}
        )
        told = {"created_at": created_at, "policy_version": self.policy_version}
        made = decision(pk, self.app_pk, **told | ends | changes)
        async with self._transaction() as connection, counted(connection, [pk]):
            await connection.execute(insert(t.decisions), [asdict(made)])
            for number, judgement in enumerate(judgements):
                await self._judge(connection, pk * 10 + number, made.task_type, pk, judgement, created_at)
        return pk

    @asynccontextmanager
    async def together(self) -> AsyncIterator[None]:
        """What is added meanwhile is committed once: a commit each costs more than all the rest."""
        async with self.engine.begin() as self._connection:
            yield
        self._connection = None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        if self._connection is not None:
            yield self._connection
            return
        async with self.engine.begin() as connection:
            yield connection

    async def _judge(
        self,
        connection: AsyncConnection,
        review_pk: int,
        task_type: str,
        decision_pk: int,
        judgement: Judgement,
        created_at: datetime,
    ) -> None:
        opened_at = judgement.opened_at or created_at
        last = judgement.votes[-1] if judgement.votes else None
        row = review(decision_pk, kind=judgement.kind, task_type=task_type).row(decision_pk, opened_at)
        row |= {
            "pk": review_pk,
            "id": f"rev_{review_pk}",
            "state": judgement.state or (ReviewState.DECIDED if last else ReviewState.OPEN),
            "round": last.round if last else 1,
            "deadline": opened_at + judgement.deadline,
            "closed_at": opened_at + timedelta(seconds=last.after) if last else None,
            "release_at": opened_at + timedelta(days=1) if judgement.state == ReviewState.HELD else None,
        }
        await connection.execute(insert(t.reviews), [row])
        for vote in judgement.votes:
            given = {name: value for name, value in asdict(vote).items() if name != "after"}
            at = opened_at + timedelta(seconds=vote.after)
            more = {"review_pk": review_pk, "team_id": "T0HOME", "severity": None, "labels": {}, "characters": 100}
            await connection.execute(insert(t.verdicts), [{**given, **more, "at": at, "began_at": None}])
