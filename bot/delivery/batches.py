"""Keeps the messages that lead to the queues: one of what waits for its turn in a channel, one of the cards for which
there is no room.

People are notified by a new message, at most one in `batch_every`; in between the same message is changed in silence.
Where reviewers are behind, they are notified half as often, and find twice as much when they come.
"""

import asyncio
from datetime import timedelta

from bot.clock import Clock
from bot.delivery.loops import Outages, nap
from bot.policy_in_force import PolicyInForce
from routing.load import Level
from store.load import LoadStore
from store.messages import MessageKind, MessageStore, NewMessage, QueueMessage
from store.notify import Wakeups
from store.queue import QueueStore
from store.queue_messages import ShowQueue
from store.writer import Writer

# Slack takes 50 changes a minute in all: a count that only grows or shrinks can wait.
_BETWEEN_CHANGES = timedelta(seconds=15)
_IDLE = 15.0
# The machine's seconds: under load every commit wakes us, and one look serves many.
_GATHER = 0.5
_SELDOMER = 2
_URGENCY: dict[MessageKind, int] = {"batch": 20, "more": 22}


class BatchKeeper:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        store: MessageStore,
        queue: QueueStore,
        load: LoadStore,
        policy: PolicyInForce,
        wakeups: Wakeups,
    ) -> None:
        self._clock, self._writer, self._store, self._queue = clock, writer, store, queue
        self._load, self._policy, self._wakeups = load, policy, wakeups
        self._outages = Outages("batches")

    async def run(self) -> None:
        """Runs until cancelled."""
        while True:
            self._wakeups.queues.clear()
            try:
                await self.look()
                self._outages.over("store")
            except Exception as error:  # the database may be away; the loop must outlive it
                self._outages.note("store", type(error).__name__)
            if await nap(self._clock, self._wakeups.queues, _IDLE):
                await asyncio.sleep(_GATHER)

    async def look(self) -> None:
        """Compares what waits with what the messages tell, and has those sent that tell something else."""
        shown = {message.key: message for message in await self._store.queue_messages()}
        waiting: dict[tuple[MessageKind, str], tuple[int, int]] = {}
        for group in await self._queue.groups():
            if group.lane == "batch":
                count, newest = waiting.get(("batch", group.channel), (0, 0))
                waiting["batch", group.channel] = (count + group.count, max(newest, group.newest_pk))
        live = await self._store.live_counts()
        for channel, (count, newest) in (await self._store.unposted_cards()).items():
            # What there is room for is on its way.
            room = max(self._policy.current.max_live_cards(channel) - live.get(channel, 0), 0)
            if count > room:
                waiting["more", channel] = (count - room, newest)
        behind = {channel for channel, now in (await self._load.levels()).items() if now.level >= Level.BATCH}
        for message in shown.values():
            waiting.setdefault((message.kind, message.channel), (0, 0))
        for (kind, channel), (count, newest) in waiting.items():
            every = self._policy.current.batch_every(channel) * (_SELDOMER if channel in behind else 1)
            await self._show(kind, channel, count, newest, shown.get(f"{kind}:{channel}"), every)

    async def _show(
        self, kind: MessageKind, channel: str, count: int, newest: int, shown: QueueMessage | None, every: timedelta
    ) -> None:
        counted = 0 if shown is None else int(shown.body.get("count", 0))
        told = 0 if shown is None else int(shown.body.get("newest", 0))
        now = self._clock.now()
        anew = count > 0 and newest > told and shown is not None and self._may_notify(shown, every)
        if count == counted and not anew:
            return
        if shown is not None and count and counted and not anew and not self._may_change(shown):
            return
        # What people are notified of: the newest review at the last new message.
        notifies = anew or shown is None or shown.message_ts is None
        body = {"count": count, "newest": newest if notifies else told, "at": now.timestamp()}
        message = NewMessage(f"{kind}:{channel}", kind, channel, _URGENCY[kind], body=body)
        await self._writer.submit(ShowQueue(message, now, anew=anew))

    def _may_notify(self, shown: QueueMessage, every: timedelta) -> bool:
        if shown.posted_at is None or shown.body.get("former"):
            return False
        return self._clock.now() - shown.posted_at >= every

    def _may_change(self, shown: QueueMessage) -> bool:
        last = float(shown.body.get("at", 0.0))
        return self._clock.now().timestamp() - last >= _BETWEEN_CHANGES.total_seconds()
