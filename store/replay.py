"""Decisions as they were made, to be tried under another policy; read one after another, however many there are."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.decision import CORRECTED, ReviewKind, Risk, Route
from routing.review import ReviewState
from routing.simulation import Cell, Judgement
from store import tables as t
from store.facts import Window
from store.recount import AT_INTAKE

_AT_ONCE = 100
"""Requests have up to a mebibyte each."""


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One decision and what became of it.

    Attributes:
        request: as the app posted it, JSON; None: retention has removed it.
        reviewed: a person was to see it before or while it went out.
        judgement: what people say of it now; None: nothing.
    """

    id: str
    request: str | None
    cell: Cell
    reviewed: bool
    judgement: Judgement | None


class ReplayStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def count(self, window: Window) -> int:
        async with self._engine.connect() as connection:
            found = await connection.execute(select(func.count()).select_from(t.decisions).where(window.condition))
            return found.scalar_one()

    async def decisions(self, window: Window) -> AsyncIterator[StoredDecision]:
        """Those of the window, a hundred in memory at a time. Shadows are none."""
        async with self._engine.connect() as connection:
            rows = await connection.stream(_query(window), execution_options={"yield_per": _AT_ONCE})
            async for decision_id, body, route, risk, reviewed, wrong, inclusion in rows:
                judgement = None if inclusion is None else Judgement(bool(wrong), inclusion)
                cell = Cell(Route(route), Risk(risk))
                yield StoredDecision(decision_id, body, cell, bool(reviewed), judgement)


def _query(window: Window) -> Select[Any]:
    d, c = t.decisions.c, t.contents.c
    chance = case(
        (_has(d.pk, AT_INTAKE, decided=True), 1.0), (_has(d.pk, (ReviewKind.AUDIT,), decided=True), d.inclusion)
    )
    return (
        select(
            d.id,
            c.body,
            d.route,
            d.risk,
            _has(d.pk, AT_INTAKE, decided=False),
            d.outcome.in_(CORRECTED),
            func.nullif(chance, 0.0),
        )
        .join_from(t.decisions, t.contents, and_(c.decision_pk == d.pk, c.part == "request"), isouter=True)
        .where(window.condition)
    )


def _has(pk: ColumnElement[int], kinds: tuple[str, ...], *, decided: bool) -> ColumnElement[bool]:
    r = t.reviews.c
    found = exists().where(r.decision_pk == pk, r.kind.in_(kinds))
    return found.where(r.state == ReviewState.DECIDED) if decided else found
