"""What time brings for rollbacks that are open: the app is reminded, and people are told what nobody undoes.

Due work is rows found by a sweep. Each step is one commit against the state that was seen, so that a killed process or
a second replica neither loses nor doubles one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.clock import Clock
from bot.ids import NewId
from bot.reviewing.announce import NOTICE_URGENCY
from bot.reviewing.sweep import sweep
from routing.decision import Json
from routing.review import EventType
from routing.rollback import is_overdue, next_reminder, passed
from store.events import GONE, NewEvent
from store.history import HistoryRecord
from store.messages import NewMessage
from store.rollbacks import AdvanceRollback, PutOffRollback, Rollback, RollbackStore
from store.writer import Writer

Unheard = Literal["no_receiver", "gone", "dead"]
Told = Unheard | Literal["failed", "open"]
"""What people are told: that nobody can be asked, that the app could not, that it has not answered for long."""


@dataclass(frozen=True, slots=True)
class Step:
    """What has come about for one rollback by now."""

    reminders: int
    due_at: datetime | None
    asks_again: bool = False
    tells: tuple[Told, ...] = ()


def step(rollback: Rollback, now: datetime) -> Step:
    """Of an open one. What is on its way already is not sent a second time, and nothing is sent to who is gone. Times
    that were missed are one reminder."""
    if rollback.state == "failed":
        return Step(rollback.reminders, None, tells=("failed",))
    told: list[Told] = []
    unheard = _unheard(rollback)
    if unheard is not None:
        told.append(unheard)
    reminders = passed(rollback.requested_at, now)
    is_reminder = reminders > rollback.reminders
    if is_reminder and is_overdue(rollback.requested_at, now):
        told.append("open")
    delivered = rollback.event is not None and rollback.event.state == "delivered"
    return Step(reminders, next_reminder(rollback.requested_at, now), is_reminder and delivered, tuple(told))


def _unheard(rollback: Rollback) -> Unheard | None:
    """Why nobody can be asked."""
    if rollback.event is None:
        return "no_receiver"
    if rollback.event.state != "dead":
        return None
    return "gone" if rollback.event.error == GONE else "dead"


class Rollbacks:
    def __init__(self, *, clock: Clock, writer: Writer, store: RollbackStore, new_id: NewId) -> None:
        self._clock, self._writer, self._store, self._new_id = clock, writer, store, new_id

    async def sweep(self, until: datetime | None = None) -> int:
        """Does everything that is due by now, or `until` then where that is later; how many rollbacks that were. One
        that fails stops no other, and is tried again after a minute."""
        return await sweep(
            self._clock,
            until,
            due=self._store.due,
            advance=self._advance,
            put_off=lambda pk, by, at: self._writer.submit(PutOffRollback(pk, by, at)),
        )

    async def next_due(self) -> datetime | None:
        return await self._store.next_due()

    async def _advance(self, pk: int, by: datetime) -> None:
        rollback = await self._store.find(pk)
        if rollback.due_at is None or rollback.due_at > by:
            return
        now, done = self._clock.now(), step(rollback, by)
        event = self._event(rollback) if done.asks_again else None
        # One that somebody else was quicker with is looked at again by the next sweep, if there is anything left to do.
        await self._writer.submit(
            AdvanceRollback(
                seen=rollback,
                at=now,
                reminders=done.reminders,
                due_at=done.due_at,
                event=event,
                messages=tuple(_message(rollback, told, done, by) for told in done.tells),
                history=_history(rollback, done, event, now),
            )
        )

    def _event(self, rollback: Rollback) -> NewEvent | None:
        """The same once more, under an id of its own; None once retention has removed what it said."""
        asked = rollback.event
        if asked is None or asked.body is None:
            return None
        return NewEvent(self._new_id("evt"), EventType.ROLLBACK_REQUESTED, asked.url, asked.body)


def _message(rollback: Rollback, told: Told, done: Step, by: datetime) -> NewMessage:
    """What repeats itself has a key for each time; that nobody can be asked is said once, whatever the reason."""
    name = {"open": f"rollback_open.{done.reminders}", "failed": "rollback_failed"}.get(told, "rollback_unheard")
    hours = (by - rollback.requested_at) // timedelta(hours=1)
    key = f"{name}.{rollback.pk}:{rollback.review_pk}@{rollback.channel}"
    body: dict[str, Json] = {"what": "rollback", "rollback": rollback.pk, "told": told, "hours": hours}
    return NewMessage(key, "notice", rollback.channel, NOTICE_URGENCY, rollback.review_pk, body)


def _history(rollback: Rollback, done: Step, event: NewEvent | None, now: datetime) -> tuple[HistoryRecord, ...]:
    about = (rollback.app_pk, rollback.decision_pk, rollback.review_pk)
    if done.reminders > rollback.reminders:
        asked: dict[str, Json] = {"reminder": done.reminders, "event": None if event is None else event.id}
        return (HistoryRecord(now, "bot:rollback:reminded", "bot", *about, asked),)
    facts: dict[str, Json] = {"told": list(done.tells)}
    return (HistoryRecord(now, "bot:rollback:told", "bot", *about, facts),) if done.tells else ()
