"""The card sender: makes Slack show what the database says.

A card is rendered when it is sent, so that ten changes collapse into one update and two writers cannot disagree.
Slack's pace is obeyed per channel and method. A post whose answer was lost is looked for before it is made again.
"""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from slack_sdk.errors import SlackApiError

from bot.clock import Clock
from bot.delivery.loops import Outages, nap
from bot.delivery.pace import Pace
from bot.policy_in_force import PolicyInForce
from bot.reviewing import Case, Reviewing
from bot.slack.card import render_card
from bot.slack.messages import SLACK_TROUBLE, LostAnswerError, Messages, error_code
from bot.slack.present import card_view
from store.cards import CardJob, CardStore, ClaimCard, MarkSent, Place, PutOff
from store.notify import Wakeups
from store.writer import Writer

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_IDLE = 1.0
_SECOND_LOOK = 20.0

# The message is gone, or closed to changes: what is still open is posted anew.
_GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})


class CardSender:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        cards: CardStore,
        policy: PolicyInForce,
        reviewing: Reviewing,
        messages: Messages,
        wakeups: Wakeups,
    ) -> None:
        self._clock, self._writer, self._cards = clock, writer, cards
        self._policy, self._reviewing = policy, reviewing
        self._messages, self._wakeups = messages, wakeups
        self._channels: set[str] = set()
        self._pace = Pace(clock)
        self._outages = Outages("card")
        self._at_work: dict[str, asyncio.Task[None]] = {}
        self._later: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Sends until cancelled; what is under way is finished by stop()."""
        known = False
        while True:
            self._wakeups.cards.clear()
            try:
                if not known:
                    self._channels |= await self._cards.waiting_channels()
                    known = True
                while await self._start_one():
                    pass
            except Exception as error:  # the database may be away; the loop must outlive it
                self._outages.note("store", type(error).__name__)
            await nap(self._clock, self._wakeups.cards, min(_IDLE, self._pace.until_free()))

    async def stop(self) -> None:
        for task in self._later:
            task.cancel()
        await asyncio.gather(*self._at_work.values(), *self._later, return_exceptions=True)

    async def _start_one(self) -> bool:
        """Begins one card in the background. False: nothing can be sent now."""
        if len(self._at_work) >= _AT_ONCE or self._pace.blocked():
            return False
        job = await self._claim()
        if job is None:
            return False
        task = asyncio.create_task(self._send(job), name=f"card-{job.review_pk}")
        self._at_work[job.channel] = task
        task.add_done_callback(lambda _task: self._done(job.channel))
        return True

    def _done(self, channel: str) -> None:
        self._at_work.pop(channel, None)
        self._wakeups.cards.set()

    async def _claim(self) -> CardJob | None:
        self._channels |= self._policy.current.channels
        live = await self._cards.live_counts()
        full = {
            channel
            for channel in self._channels
            if live.get(channel, 0) >= self._policy.current.max_live_cards(channel)
        }
        busy = set(self._at_work) | self._pace.busy_channels()
        free = sorted(self._channels - busy - full)
        return await self._writer.submit(ClaimCard(self._clock.now(), sorted(busy), free))

    async def _send(self, job: CardJob) -> None:
        try:
            await self._show(job, await self._reviewing.case_by_pk(job.review_pk))
        except SlackApiError as error:
            await self._refused(job, error)
        except (LostAnswerError, *SLACK_TROUBLE) as error:
            self._outages.note("slack", type(error).__name__)
            await self._put_off(job, self._backoff(job), type(error).__name__)
        except Exception:
            log.exception("card.failed", review_pk=job.review_pk)
            with suppress(Exception):  # the lease ends by itself
                await self._put_off(job, self._backoff(job), "internal error, see the log")
        else:
            self._outages.over()

    async def _show(self, job: CardJob, case: Case) -> None:
        is_open = case.review.state == "open"
        place = await self._find(job, case)
        if place is None and not is_open:
            # Nobody ever saw it, and nobody has to act: there is nothing to show.
            await self._writer.submit(MarkSent(job.review_pk, job.wanted, None, live=False))
            return
        message = render_card(card_view(case, self._reviewing.task(case)))
        if place is None:
            self._pace.took("chat.postMessage", job.channel)
            thread = await self._cards.thread_root(case.decision.pk)
            place = await self._messages.post(job.channel, message, case.review.id, thread)
            if job.sought:
                self._look_again(place, job, case.review.id, thread)
        else:
            self._pace.took("chat.update", job.channel)
            await self._messages.update(place, message, case.review.id)
        await self._writer.submit(MarkSent(job.review_pk, job.wanted, place, live=is_open))

    async def _find(self, job: CardJob, case: Case) -> Place | None:
        if job.message_ts is not None and job.message_channel is not None:
            return Place(job.message_channel, job.message_ts)
        if not job.sought:
            return None
        thread = await self._cards.thread_root(case.decision.pk)
        try:
            found = await self._messages.find(job.channel, case.review.id, job.posting_since, thread)
        except SlackApiError as error:
            if error_code(error) != "missing_scope":
                raise
            # Without the right to look, two cards are better than none.
            self._outages.note(job.channel, "missing_scope")
            return None
        for duplicate in found[1:]:
            await self._messages.delete(duplicate)
        return found[0] if found else None

    def _look_again(self, kept: Place, job: CardJob, review_id: str, thread: Place | None) -> None:
        """A post that was carried out late shows up after the search: the later one of two cards goes."""

        async def look() -> None:
            await self._clock.sleep(_SECOND_LOOK)
            with suppress(*SLACK_TROUBLE):
                for place in await self._messages.find(job.channel, review_id, job.posting_since, thread):
                    if place != kept:
                        await self._messages.delete(place)

        task = asyncio.create_task(look(), name=f"card-second-look-{job.review_pk}")
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _refused(self, job: CardJob, error: SlackApiError) -> None:
        code = error_code(error)
        if error.response.status_code == 429 or code == "ratelimited":
            wait = float(error.response.headers.get("Retry-After", "1"))
            method = str(error.response.api_url).rsplit("/", 1)[-1]
            self._pace.pause(method, job.channel, wait)
            await self._put_off(job, self._clock.now() + timedelta(seconds=wait), code, untouched=True)
            return
        if code in _GONE:
            await self._gone(job)
            return
        self._outages.note(job.channel, code)
        untouched = job.message_ts is None and error.response.status_code < 500
        await self._put_off(job, self._backoff(job), code, untouched=untouched)

    async def _gone(self, job: CardJob) -> None:
        log.info("card.gone", review_pk=job.review_pk)
        if (await self._reviewing.case_by_pk(job.review_pk)).review.state != "open":
            await self._writer.submit(MarkSent(job.review_pk, job.wanted, None, live=False))
            return
        await self._put_off(job, self._clock.now(), "the message was gone: posted anew", forget=True)

    async def _put_off(
        self, job: CardJob, due_at: datetime, error: str, *, untouched: bool = False, forget: bool = False
    ) -> None:
        untouched = untouched and not job.sought
        await self._writer.submit(PutOff(job.review_pk, due_at, error, untouched=untouched, forget=forget))

    def _backoff(self, job: CardJob) -> datetime:
        return self._clock.now() + timedelta(seconds=min(2.0 ** min(job.attempts, 6), 60.0))
