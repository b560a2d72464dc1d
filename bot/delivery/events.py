"""The callback sender: delivers events to the apps, signed, at least once, in order per decision.

A receiver (scheme, host and port) gets few requests at a time, and so does an app, so that a slow one delays nobody
else.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import structlog

from bot.clock import Clock
from bot.delivery.backoff import next_attempt
from bot.delivery.loops import Outages, nap
from bot.delivery.webhook import Delivered, Failed, Gone, deliver, sign
from bot.egress import AllowList, Egress
from bot.secretbox import SecretBox
from store.events import ClaimEvents, EventJob, EventStore, MarkDead, MarkDelivered, RetryLater, StopReceiver
from store.history import HistoryRecord
from store.keys import KeyStore
from store.notify import Wakeups
from store.writer import Writer

log = structlog.get_logger(__name__)

_AT_ONCE = 96  # below aiohttp's own limit of 100 connections, where requests would wait unseen
_PER_RECEIVER = 4
_PER_APP = 24  # an app whose receivers all hang leaves the others most of the places
_IDLE = 1.0


class EventSender:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        events: EventStore,
        keys: KeyStore,
        secretbox: SecretBox,
        allow: AllowList,
        wakeups: Wakeups,
        chance: Callable[[], float],
    ) -> None:
        self._clock, self._writer, self._events, self._keys = clock, writer, events, keys
        self._secretbox, self._allow, self._wakeups, self._chance = secretbox, allow, wakeups, chance
        self._egress: Egress | None = None
        self._outages = Outages("event")
        self._at_work: dict[asyncio.Task[None], EventJob] = {}

    async def open(self) -> None:
        self._egress = Egress(self._allow)

    async def run(self) -> None:
        """Sends until cancelled; what is under way is finished by stop()."""
        while True:
            self._wakeups.events.clear()
            try:
                await self.turn()
                self._outages.over("store")
            except Exception as error:  # the database may be away; the loop must outlive it
                self._outages.note("store", type(error).__name__)
            await nap(self._clock, self._wakeups.events, _IDLE)

    async def turn(self) -> None:
        """Begins all that may be sent now."""
        while await self._start_some():
            pass

    async def settled(self) -> None:
        """Returns when nothing is under way."""
        await asyncio.gather(*self._at_work, return_exceptions=True)

    async def stop(self) -> None:
        try:
            await self.settled()
        finally:  # also when a receiver that hangs outlasts our caller's patience
            if self._egress is not None:
                await self._egress.close()

    async def _start_some(self) -> bool:
        free = _AT_ONCE - len(self._at_work)
        if free <= 0:
            return False
        jobs = await self._writer.submit(
            ClaimEvents(
                self._clock.now(),
                receivers=Counter(job.receiver for job in self._at_work.values()),
                apps=Counter(job.app_pk for job in self._at_work.values()),
                limit=free,
                per_receiver=_PER_RECEIVER,
                per_app=_PER_APP,
            )
        )
        for job in jobs:
            task = asyncio.create_task(self._send(job), name=f"event-{job.pk}")
            self._at_work[task] = job
            task.add_done_callback(self._done)
        return bool(jobs)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._at_work.pop(task, None)
        self._wakeups.events.set()

    async def _send(self, job: EventJob) -> None:
        try:
            await self._attempt(job)
        except Exception:  # the database is away, or the secret cannot be read
            log.exception("event.failed", event_id=job.id)
            with suppress(Exception):  # the lease ends by itself
                await self._retry(job, "internal error, see the log", None)

    async def _attempt(self, job: EventJob) -> None:
        if self._egress is None:
            raise RuntimeError("the sender has not been opened")
        body = job.body.encode()
        headers = sign(await self._secrets(job), job.id, self._clock.now(), body)
        match await deliver(self._egress, job.url, headers, body):
            case Delivered():
                await self._writer.submit(MarkDelivered(job.pk, self._clock.now(), self._history(job, "delivered")))
            case Gone():
                log.warning("event.receiver_gone", receiver=job.receiver, event_id=job.id)
                stopped = StopReceiver(job.app_pk, job.url, self._clock.now(), self._history(job, "stopped"))
                await self._writer.submit(stopped)
            case Failed(reason, retry_after):
                await self._retry(job, reason, retry_after)

    async def _secrets(self, job: EventJob) -> list[str]:
        """The secret in force, and the former ones while they sign too."""
        found = await self._keys.secrets(job.app_pk, self._clock.now())
        return [self._secretbox.decrypt(secret) for secret in (found.current, *found.former)]

    async def _retry(self, job: EventJob, reason: str, retry_after: float | None) -> None:
        now = self._clock.now()
        at = next_attempt(job.attempts, job.created_at, now, self._chance(), retry_after)
        if at is None:
            log.error("event.dead", event_id=job.id, error=reason, remedy="`hitl redeliver` sends it again")
            await self._writer.submit(MarkDead(job.pk, now, reason, self._history(job, "dead")))
            return
        log.info("event.retry", event_id=job.id, attempt=job.attempts, error=reason, at=at.isoformat())
        await self._writer.submit(RetryLater(job.pk, at, reason))

    def _history(self, job: EventJob, action: str) -> HistoryRecord:
        facts = {"event": job.id, "type": job.type, "attempts": job.attempts}
        return HistoryRecord(self._clock.now(), f"bot:event:{action}", "bot", job.app_pk, job.decision_pk, facts=facts)
