"""Alerts: anomalies that people take and explain. Each is a review without a decision, and one message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import ReviewKind
from routing.review import ReviewState
from store import tables as t
from store.history import HistoryRecord, append
from store.messages import NewMessage, add
from store.notify import Topic, notify
from store.writer import SingleCommand

URGENCY = 40
"""Before everything that decisions bring."""

AlertStatus = Literal["open", "acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Alert:
    """`app` None: the bot raised it itself. `content` holds title, detail and url, and cause and mitigation once it is
    resolved; {} after retention has removed it."""

    review_pk: int
    review_id: str
    version: int
    id: str
    app_pk: int | None
    app: str | None
    task_type: str
    channel: str
    severity: str
    body_sha256: str
    content: Mapping[str, Any]
    created_at: datetime
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    began_at: datetime | None
    recovered_at: datetime | None
    resolved_by: str | None
    resolved_at: datetime | None

    @property
    def status(self) -> AlertStatus:
        if self.resolved_by is not None:
            return "resolved"
        return "open" if self.acknowledged_by is None else "acknowledged"


@dataclass(frozen=True, slots=True)
class RaiseAlert(SingleCommand[int | None]):
    """Opens an alert. The review's pk of the one that has its id already, and then nothing is done; else None."""

    alert: Alert
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> int | None:
        alert, a = self.alert, t.alerts.c
        known: int | None = await connection.scalar(
            select(a.review_pk).where(a.id == alert.id, a.app_pk.is_not_distinct_from(alert.app_pk))
        )
        if known is not None:
            return known
        await connection.execute(insert(t.reviews).values(_review_row(alert)))
        await connection.execute(
            insert(t.alerts).values(
                review_pk=alert.review_pk,
                app_pk=alert.app_pk,
                id=alert.id,
                body_sha256=alert.body_sha256,
                severity=alert.severity,
                content=dict(alert.content),
            )
        )
        key = f"alert:{alert.review_pk}@{alert.channel}"
        await add(connection, [NewMessage(key, "alert", alert.channel, URGENCY, alert.review_pk)], alert.created_at)
        await append(connection, [self.history])
        return None


def _review_row(alert: Alert) -> dict[str, Any]:
    """An alert has no deadline of its own, and the clock nothing to do with it."""
    return {
        "pk": alert.review_pk,
        "id": alert.review_id,
        "kind": ReviewKind.ALERT,
        "state": ReviewState.OPEN,
        "version": alert.version,
        "round": 1,
        "lane": "alert",
        "channel": alert.channel,
        "task_type": alert.task_type,
        "risk": alert.severity,
        "urgency": URGENCY,
        "opened_at": alert.created_at,
        "deadline": alert.created_at,
        "overdue": False,
        "steps_done": 0,
    }


@dataclass(frozen=True, slots=True)
class ChangeAlert(SingleCommand[bool]):
    """Somebody takes or explains an alert. False: it has changed since it was `seen`, and nothing was done."""

    seen: Alert
    at: datetime
    columns: Mapping[str, Any]
    """New values of the alert's columns."""
    closes: bool
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> bool:
        r, m, pk = t.reviews.c, t.messages.c, self.seen.review_pk
        values: dict[str, Any] = {"version": r.version + 1}
        if self.closes:
            values |= {"state": ReviewState.DECIDED, "closed_at": self.at}
        won = await connection.execute(
            update(t.reviews).where(r.pk == pk, r.version == self.seen.version).values(values)
        )
        if won.rowcount == 0:
            return False
        await connection.execute(update(t.alerts).where(t.alerts.c.review_pk == pk).values(self.columns))
        shown = update(t.messages).where(m.review_pk == pk, m.kind == "alert")
        await connection.execute(shown.values(wanted=m.wanted + 1, due_at=self.at, attempts=0))
        await append(connection, [self.history])
        await notify(connection, Topic.REVIEWS)
        return True


class AlertStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def by_review_id(self, review_id: str) -> Alert | None:
        return await self._one(t.reviews.c.id == review_id)

    async def by_review_pk(self, review_pk: int) -> Alert:
        """Raises LookupError."""
        found = await self._one(t.reviews.c.pk == review_pk)
        if found is None:
            raise LookupError(f"there is no alert {review_pk}")
        return found

    async def _one(self, condition: ColumnElement[bool]) -> Alert | None:
        r = t.reviews.c
        query = (
            select(t.alerts, r.id.label("review_id"), r.version, r.task_type, r.channel, r.opened_at, r.closed_at)
            .add_columns(t.apps.c.name.label("app"))
            .join_from(t.alerts, t.reviews, r.pk == t.alerts.c.review_pk)
            .outerjoin(t.apps, t.apps.c.pk == t.alerts.c.app_pk)
            .where(condition)
        )
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _alert(row)


def _alert(row: Row[Any]) -> Alert:
    return Alert(
        review_pk=row.review_pk,
        review_id=row.review_id,
        version=row.version,
        id=row.id,
        app_pk=row.app_pk,
        app=row.app,
        task_type=row.task_type,
        channel=row.channel,
        severity=row.severity,
        body_sha256=row.body_sha256,
        content=row.content or {},
        created_at=row.opened_at,
        acknowledged_by=row.acknowledged_by,
        acknowledged_at=row.acknowledged_at,
        began_at=row.began_at,
        recovered_at=row.recovered_at,
        resolved_by=row.resolved_by,
        resolved_at=row.closed_at,
    )
