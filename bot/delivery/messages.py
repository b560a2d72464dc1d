"""The message sender: makes Slack show what the database says.

A message is rendered when it is sent, so that ten changes collapse into one update and two writers cannot disagree.
Slack's pace is obeyed per channel and method. A post whose answer was lost is looked for before it is made again.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus

import structlog
from slack_sdk.errors import SlackApiError

from bot.clock import Clock
from bot.delivery.contents import Content, Contents
from bot.delivery.loops import ACCOUNT_TROUBLE, CHANNEL_TROUBLE, Outages, nap
from bot.delivery.pace import Pace
from bot.policy_in_force import PolicyInForce
from bot.slack.messages import SLACK_TROUBLE, LostAnswerError, Messages, error_code, status_of
from store.messages import LEASE, ClaimMessage, Job, MarkSent, MessageStore, MoveMessage, Place, PutOff
from store.notify import Wakeups
from store.queue_messages import ForgetFormer
from store.writer import Writer

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_IDLE = 1.0
_SECOND_LOOK = 20.0
# The machine's seconds, not the clock's: under load each commit wakes the sender, and one look serves many.
_GATHER = 0.02
_LONGEST_BACKOFF = 60.0
# While Slack does not answer, somebody else's card in the channel is tried after this time: it may be the card.
_LONGEST_SILENCE = 10.0
# Whoever takes a card over must find us done with it.
_LONGEST_SENDING = LEASE.total_seconds() - 15

# A notice waits for the card in whose thread it belongs.
_UNTIL_THE_CARD = timedelta(seconds=2)

# The message is gone, or closed to changes: what is still open is posted anew.
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
# The blocks cannot be shown: what a message can do without goes.
_BAD_BLOCKS = frozenset({"invalid_blocks", "invalid_blocks_format"})
# The thread cannot be continued: the card is posted beside it.
_NO_THREAD = frozenset({"thread_not_found", "message_not_found", "cannot_reply_to_message", *CHANNEL_TROUBLE})


class MessageSender:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        store: MessageStore,
        policy: PolicyInForce,
        contents: Contents,
        messages: Messages,
        wakeups: Wakeups,
    ) -> None:
        self._clock, self._writer, self._store = clock, writer, store
        self._policy, self._contents = policy, contents
        self._messages, self._wakeups = messages, wakeups
        self._channels: set[str] = set()
        self._pace = Pace(clock)
        self._outages = Outages("message")
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sends until cancelled; what is under way is finished by stop()."""
        known = False
        while True:
            self._wakeups.cards.clear()
            try:
                if not known:
                    self._channels |= await self._store.waiting_channels()
                    known = True
                await self.turn()
                self._outages.over("store")
            except Exception as error:  # the database may be away; the loop must outlive it
                self._outages.note("store", type(error).__name__)
            if await nap(self._clock, self._wakeups.cards, min(_IDLE, self._pace.until_free())):
                await asyncio.sleep(_GATHER)

    async def turn(self) -> None:
        """Begins all that may be sent now."""
        while await self._start_one():
            pass

    async def settled(self) -> None:
        """Returns when nothing is under way."""
        await asyncio.gather(*self._at_work.values(), return_exceptions=True)

    async def stop(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._at_work.values(), *self._later, return_exceptions=True)

    async def _start_one(self) -> bool:
        """Begins one card in the background. False: nothing can be sent now."""
        if len(self._at_work) >= _AT_ONCE:
            return False
        job = await self._claim()
        if job is None:
            return False
        task = asyncio.create_task(self._send(job), name=f"message-{job.pk}")
        self._at_work[job.channel] = task
        task.add_done_callback(lambda _task: self._done(job.channel))
        return True

    def _done(self, channel: str) -> None:
        self._at_work.pop(channel, None)
        self._wakeups.cards.set()

    async def _claim(self) -> Job | None:
        self._channels |= self._policy.current.channels | await self._store.waiting_beside_cards()
        live = await self._store.live_counts()
        full = {
            channel
            for channel in self._channels
            if live.get(channel, 0) >= self._policy.current.max_live_cards(channel)
        }
        busy = set(self._at_work) | self._pace.resting()
        no_posts = self._pace.may_not_post()
        return await self._writer.submit(
            ClaimMessage(
                self._clock.now(),
                busy=sorted(busy),
                no_posts=sorted(no_posts),
                free=sorted(self._channels - busy - no_posts),
                full=sorted(full),
                settling=sorted(self._pace.settling()),
                may_update=self._pace.may_update(),
                may_look=self._pace.may_look(),
            )
        )

    async def _send(self, job: Job) -> None:
        try:
            try:
                async with asyncio.timeout(_LONGEST_SENDING):
                    await self._show_at_best(job, await self._contents.of(job))
            except SlackApiError as error:
                await self._refused(job, error)
            except (LostAnswerError, *SLACK_TROUBLE):
                await self._unanswered(job, "unreachable")
            else:
                self._outages.over("slack", job.channel, _name(job))
        except Exception:  # the database is away, or we are wrong; either way the lease ends by itself
            log.exception("message.failed", key=job.key)
            with suppress(Exception):
                await self._put_off(job, self._backoff(job), "internal error, see the log")

    async def _show_at_best(self, job: Job, content: Content) -> None:
        try:
            await self._show(job, content)
        except SlackApiError as error:
            if content.plainer is None or error_code(error) not in _BAD_BLOCKS:
                raise
            log.warning("message.plainer", key=job.key, error=error_code(error))
            await self._show(job, replace(content, message=content.plainer, plainer=None))

    async def _show(self, job: Job, content: Content) -> None:
        if content.waits_for_thread:
            await self._put_off(job, self._clock.now() + _UNTIL_THE_CARD, "its card is not posted yet", untouched=True)
            return
        place = await self._find(job, content)
        if place is None and content.is_void:
            # Nobody ever saw it, and nobody has to act: there is nothing to show.
            await self._mark(job, None)
            if job.sought:
                self._look_again(job, content.thread)
        elif place is None:
            await self._note_posted(job, content, await self._post(job, content))
        else:
            await self._update(job, content, place)

    async def _note_posted(self, job: Job, content: Content, place: Place) -> None:
        # What took another's place is not done with before that one is gone: it comes back as an update.
        is_done = content.replaces is None
        if not await self._mark(job, place, is_done=is_done):
            with suppress(*SLACK_TROUBLE):
                await self._messages.delete(place)
            self._look_again(job, content.thread)
        elif job.sought:
            self._look_again(job, content.thread)

    async def _update(self, job: Job, content: Content, place: Place) -> None:
        self._pace.took("chat.update", job.channel)
        self._pace.changed(job.pk)
        await self._messages.update(place, content.message, job.key)
        if content.replaces is not None:
            await self._messages.delete(content.replaces)
            await self._writer.submit(ForgetFormer(job.pk))
        await self._note_posted(job, replace(content, replaces=None), place)

    async def _mark(self, job: Job, place: Place | None, *, is_done: bool = True) -> bool:
        shown = job.wanted if is_done else job.wanted - 1
        return await self._writer.submit(MarkSent(job.pk, shown, place, self._clock.now()))

    async def _post(self, job: Job, content: Content) -> Place:
        self._pace.took("chat.postMessage", job.channel)
        thread, broadcast = content.thread, content.broadcast
        try:
            return await self._messages.post(job.channel, content.message, job.key, thread, broadcast=broadcast)
        except SlackApiError as error:
            if thread is None or error_code(error) not in _NO_THREAD:
                raise
        return await self._messages.post(job.channel, content.message, job.key, None)

    async def _find(self, job: Job, content: Content) -> Place | None:
        if job.message_ts is not None and job.message_channel is not None:
            return Place(job.message_channel, job.message_ts)
        if not job.sought:
            return None
        try:
            found = await self._look(job, content.thread)
        except SlackApiError as error:
            if error_code(error) != "missing_scope":
                raise
            # Without the right to look, two cards are better than none.
            self._outages.note("looking for a lost message", "missing_scope")
            return None
        # The one whose place is taken has the same key.
        places = [place for place in found if place != content.replaces]
        for duplicate in places[1:]:
            await self._messages.delete(duplicate)
        return places[0] if places else None

    async def _look(self, job: Job, thread: Place | None) -> list[Place]:
        try:
            return await self._messages.find(job.channel, job.key, job.posting_since, thread)
        except SlackApiError as error:
            if thread is None or error_code(error) not in _NO_THREAD:
                raise
        return await self._messages.find(job.channel, job.key, job.posting_since, None)

    def _look_again(self, job: Job, thread: Place | None) -> None:
        """A post that was carried out late shows up after the search: all but the noted message goes."""

        async def look() -> None:
            await self._clock.sleep(_SECOND_LOOK)
            with suppress(*SLACK_TROUBLE):
                found = await self._look(job, thread)
                kept = await self._store.place_of(job.pk)
                for place in found:
                    if place != kept:
                        await self._messages.delete(place)

        task = asyncio.create_task(look(), name=f"message-second-look-{job.pk}")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _refused(self, job: Job, error: SlackApiError) -> None:
        code, status = error_code(error), status_of(error)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            await self._too_fast(job, error)
        elif status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            await self._unanswered(job, code)
        elif job.message_ts is not None and code in _GONE:
            await self._gone(job, code)
        elif not (code in CHANNEL_TROUBLE and await self._move(job)):
            await self._hindered(job, code)

    async def _too_fast(self, job: Job, error: SlackApiError) -> None:
        asked = str(error.response.headers.get("Retry-After", ""))
        wait = float(asked) if asked.isdigit() else 1.0
        self._pace.pause(str(error.response.api_url).rsplit("/", 1)[-1], job.channel, wait)
        await self._put_off(job, self._clock.now() + timedelta(seconds=wait), "ratelimited", untouched=True)

    async def _unanswered(self, job: Job, code: str) -> None:
        """Nobody knows whether Slack did it. The channel rests, or every waiting card would run into the outage."""
        self._outages.note("slack", code)
        at = self._backoff(job)
        self._pace.rest(job.channel, min(at, self._clock.now() + timedelta(seconds=_LONGEST_SILENCE)))
        await self._put_off(job, at, code)

    async def _hindered(self, job: Job, code: str) -> None:
        """Slack says no, and did nothing. A channel that takes no card rests; the most urgent one tries again."""
        at = self._backoff(job)
        if code in ACCOUNT_TROUBLE | CHANNEL_TROUBLE:
            self._pace.rest(job.channel, at)
        where = "slack" if code in ACCOUNT_TROUBLE else job.channel if code in CHANNEL_TROUBLE else _name(job)
        self._outages.note(where, code)
        await self._put_off(job, at, code, untouched=job.message_ts is None)

    async def _move(self, job: Job) -> bool:
        """The policy may name another channel by now: that is how a missing or archived one is mended."""
        channel = await self._contents.channel_by_now(job)
        if channel is None or channel == job.channel:
            return False
        log.info("message.moved", key=job.key, channel=channel)
        await self._writer.submit(MoveMessage(job, channel, self._clock.now()))
        return True

    async def _gone(self, job: Job, code: str) -> None:
        log.info("message.gone", key=job.key, error=code)
        if (await self._contents.of(job)).is_void:
            await self._mark(job, None)
            return
        if job.message_ts is not None and job.message_channel is not None:
            with suppress(*SLACK_TROUBLE):  # one that cannot be changed may still be taken away
                await self._messages.delete(Place(job.message_channel, job.message_ts))
        await self._put_off(job, self._clock.now(), "the message was gone: posted anew", forget=True)

    async def _put_off(
        self, job: Job, due_at: datetime, error: str, *, untouched: bool = False, forget: bool = False
    ) -> None:
        untouched = untouched and job.message_ts is None and not job.sought
        await self._writer.submit(PutOff(job.pk, due_at, error, untouched=untouched, forget=forget))

    def _backoff(self, job: Job) -> datetime:
        return self._clock.now() + timedelta(seconds=min(2.0 ** min(job.attempts, 6), _LONGEST_BACKOFF))


def _name(job: Job) -> str:
    return f"message {job.key}"
