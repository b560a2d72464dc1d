"""What people said of the same items, and of the model, counted by who said it. Nothing here reads content."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, ColumnElement, and_, func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.agreement import Whose
from routing.metrics import CORRECTIONS
from store import tables as t
from store.digests import Shown, with_cards
from store.facts import Window
from store.recount import beside_second_opinions, final_verdicts


@dataclass(frozen=True, slots=True)
class Said:
    """One person's verdict. `category` None: it needs none, or none was named."""

    user_id: str
    verdict: str
    category: str | None


@dataclass(frozen=True, slots=True)
class TwoOpinions:
    """How many items of a task there are of which one person said this first, and another that, blind."""

    task_type: str
    first: Said
    second: Said
    count: int


@dataclass(frozen=True, slots=True)
class OnModel:
    """How many of a task's reviews, second opinions apart, ended with this verdict."""

    task_type: str
    said: Said
    count: int


class AgreementStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def two_opinions(self, window: Window) -> list[TwoOpinions]:
        d, v, final = t.decisions.c, t.verdicts.c, _compared(window)
        by = (d.task_type, *_said(final.c), *_said(v))
        query = beside_second_opinions(select(*by, func.count()), final).group_by(*by).order_by(*by)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return [TwoOpinions(row[0], Said(*row[1:4]), Said(*row[4:7]), row[7]) for row in rows]

    async def on_model(self, window: Window) -> list[OnModel]:
        d, final = t.decisions.c, final_verdicts(window.condition)
        by = (d.task_type, *_said(final.c))
        query = select(*by, func.count()).join_from(final, t.decisions, d.pk == final.c.decision_pk).group_by(*by)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query.order_by(*by))
            return [OnModel(row[0], Said(*row[1:4]), row[4]) for row in rows]

    async def showing(self, whose: Whose, window: Window, limit: int) -> list[Shown]:
        """The latest items that show whose doing it is (`routing.agreement.whose_doing`): the model's, where two people
        have corrected it, each for themselves; else those on which two people differ."""
        d, v, final = t.decisions.c, t.verdicts.c, _compared(window)
        corrected_twice = and_(final.c.verdict.in_(CORRECTIONS), v.verdict.in_(CORRECTIONS))
        which = corrected_twice if whose == "model" else final.c.verdict != v.verdict
        query = beside_second_opinions(select(d.id, final.c.review_pk), final).where(which)
        async with self._engine.connect() as connection:
            return await with_cards(connection, query.order_by(d.created_at.desc(), d.pk.desc()).limit(limit))


def _compared(window: Window) -> CTE:
    """The final verdicts on what has a second opinion. One is asked for after its decision came, so that an index leads
    to them, however many decisions have none."""
    r = t.reviews.c
    twice = select(r.decision_pk).where(r.opened_at >= window.since, r.kind == "double")
    return final_verdicts(and_(window.condition, t.decisions.c.pk.in_(twice)))


def _said(columns: Any) -> tuple[ColumnElement[str], ColumnElement[str], ColumnElement[str | None]]:
    return columns.user_id, columns.verdict, columns.category
