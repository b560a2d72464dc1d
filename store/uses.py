"""Corrections that are put to use: when each first entered a dataset or an applied calibration.

What uses them may hold a million, too many for the one commit that says so. So that commit leaves a row in
`unnoted_uses`, and page by page they are noted with the moment of that commit: late, but none is lost, and in which
order uses are noted makes no difference.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, and_, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.metrics import CORRECTIONS
from store import tables as t
from store.audit_streams import key_of
from store.counters import counting
from store.insert_new import insert_new
from store.labels import Domain, is_label_of
from store.notify import Topic, notify
from store.recount import final_verdicts
from store.writer import SingleCommand

_PAGE: Final = 500
"""Decisions. If all of them were corrected, others wait some 50 to 100 ms for the commit."""
_EMPTY_PAGES: Final = 20


async def put_to_use(connection: AsyncConnection, verdict_pks: Collection[int], at: datetime) -> None:
    """Notes that these verdicts entered at this moment what uses them, and counts those that are final corrections, in
    this commit. Of several uses the earliest stays, and nothing takes it back. At most some hundreds at once: all other
    commands wait."""
    v, r = t.verdicts.c, t.reviews.c
    mine = and_(v.pk.in_(verdict_pks), or_(v.used_at.is_(None), v.used_at > at))
    about = select(r.decision_pk).distinct().join_from(t.verdicts, t.reviews, r.pk == v.review_pk).where(mine)
    async with counting(connection, (await connection.scalars(about)).all()):
        await connection.execute(update(t.verdicts).where(mine).values(used_at=at))


async def use_calibration(connection: AsyncConnection, calibration_pk: int, at: datetime) -> None:
    """It is applied in this commit: the corrections among its labels are used from this moment on, unless it was
    applied before."""
    row = {"calibration_pk": calibration_pk, "at": at, "noted_to": 0}
    if await insert_new(connection, t.unnoted_uses, row):
        await notify(connection, Topic.REVIEWS)


@dataclass(frozen=True, slots=True)
class UnnotedUse:
    """A calibration that was applied `at`, of whose labels those up to the decision `noted_to` are done."""

    calibration_pk: int
    at: datetime
    noted_to: int


@dataclass(frozen=True, slots=True)
class Page:
    """The corrections among the labels of the next decisions. `end`: the last of these; None: there are no more."""

    verdict_pks: list[int]
    end: int | None


@dataclass(frozen=True, slots=True)
class NoteUse(SingleCommand[None]):
    """Puts a page of corrections to use. Where another replica was quicker nothing is done."""

    use: UnnotedUse
    page: Page

    async def apply(self, connection: AsyncConnection) -> None:
        u, end = t.unnoted_uses.c, self.page.end
        seen = and_(u.calibration_pk == self.use.calibration_pk, u.noted_to == self.use.noted_to)
        step = delete(t.unnoted_uses) if end is None else update(t.unnoted_uses).values(noted_to=end)
        if (await connection.execute(step.where(seen))).rowcount and self.page.verdict_pks:
            await put_to_use(connection, self.page.verdict_pks, self.use.at)


class UseStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def next(self) -> UnnotedUse | None:
        """The one that was applied first."""
        u = t.unnoted_uses.c
        async with self._engine.connect() as connection:
            row = (await connection.execute(select(t.unnoted_uses).order_by(u.at, u.calibration_pk).limit(1))).first()
        return None if row is None else UnnotedUse(*row)

    async def page(self, use: UnnotedUse) -> Page:
        """Reads on where nothing was corrected, and no more than some thousand decisions."""
        c = t.calibrations.c
        async with self._engine.connect() as connection:
            look = (await connection.execute(select(t.calibrations).where(c.pk == use.calibration_pk))).one()
            after = use.noted_to
            for _ in range(_EMPTY_PAGES):
                end = await _last_of_page(connection, after)
                if end is None:
                    return Page([], None)
                if found := await _corrections(connection, look, after, end):
                    return Page(found, end)
                after = end
        return Page([], after)


async def _last_of_page(connection: AsyncConnection, after: int) -> int | None:
    d = t.decisions.c
    following = select(d.pk).where(d.pk > after).order_by(d.pk).limit(_PAGE).subquery()
    found: int | None = await connection.scalar(select(func.max(following.c.pk)))
    return found


async def _corrections(connection: AsyncConnection, look: Row[Any], after: int, end: int) -> list[int]:
    """The verdicts that stand, and stood at the look, among the labels of these decisions."""
    of_page = t.decisions.c.pk > after, t.decisions.c.pk <= end
    final = final_verdicts(and_(*of_page, is_label_of(key_of(look), Domain(look.floors)))).c
    held = select(final.verdict_pk).where(final.verdict.in_(CORRECTIONS), final.at <= look.at)
    return list(await connection.scalars(held))
