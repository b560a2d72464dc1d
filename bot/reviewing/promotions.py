"""Proposals to give a task more autonomy, as soon as people have agreed with its models often enough."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from bot.adjusting import Adjusting, Post, Wanted
from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reviewing.audit_rates import maturity_of
from bot.reviewing.until_done import unless_outdated
from routing.autonomy import Agreement, Standing, risen
from routing.decision import Json
from store.accuracy import AccuracyOutdatedError, AccuracyStore, AccuracyStream, ReviewVerdict, SaveAccuracy
from store.adjustments import AdjustmentStore, Propose
from store.audit_streams import Stream, StreamKey, StreamStore
from store.writer import Writer


class Promotions:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        accuracy: AccuracyStore,
        streams: StreamStore,
        adjustments: AdjustmentStore,
        policy: PolicyInForce,
        adjusting: Adjusting,
    ) -> None:
        self._clock, self._writer, self._accuracy, self._streams = clock, writer, accuracy, streams
        self._adjustments, self._policy, self._adjusting = adjustments, policy, adjusting

    async def look(self) -> int:
        """Takes in what people have found since the last time, and proposes a level more for each task that has earned
        it; how many were proposed."""
        return await unless_outdated(self._look, AccuracyOutdatedError)

    async def _look(self) -> int:
        now = self._clock.now()
        audits = {stream.key: stream for stream in await self._streams.all()}
        known = {stream.key: stream for stream in await self._accuracy.all()}
        found: defaultdict[StreamKey, list[ReviewVerdict]] = defaultdict(list)
        for verdict in await self._accuracy.verdicts(now):
            found[verdict.stream].append(verdict)
        counted = {
            key: self._counted(key, known.get(key), found[key], audits.get(key), now) for key in {**known, **found}
        }
        proposals = await self._proposals(counted, audits, now)
        changed = [stream for stream in counted.values() if stream != known.get(stream.key)]
        if changed or proposals:
            await self._writer.submit(SaveAccuracy(changed, proposals))
        return len(proposals)

    def _counted(
        self,
        key: StreamKey,
        before: AccuracyStream | None,
        verdicts: Sequence[ReviewVerdict],
        audits: Stream | None,
        now: datetime,
    ) -> AccuracyStream:
        """The counting begins anew at another level of autonomy, and for as long as there is an alarm: what was found
        before says nothing about the task as it is now."""
        level = self._policy.current.task(key.task_type).autonomy
        stream = before or AccuracyStream(key, level, 0, 0, now, 0)
        judged_to = verdicts[-1].pk if verdicts else stream.judged_to
        if stream.autonomy != level or _standing(stream, audits, certified=False).alarmed:
            return replace(_anew(stream, now), autonomy=level, judged_to=judged_to)
        agreement = Agreement(stream.reviews, stream.errors)
        for verdict in verdicts:
            agreement = agreement.with_review(verdict.is_error)
        return replace(stream, reviews=agreement.reviews, errors=agreement.errors, judged_to=judged_to)

    async def _proposals(
        self, counted: dict[StreamKey, AccuracyStream], audits: dict[StreamKey, Stream], now: datetime
    ) -> list[Propose]:
        """What is proposed is counted anew from then on: whoever declines is asked again on new evidence only."""
        calibrated = {each.task_type for each in await self._adjustments.in_force() if each.key == "threshold"}
        made = []
        for task_type, keys in _by_task(await self._accuracy.answering(now)).items():
            streams = [counted.get(key) for key in keys]
            answering = [stream for stream in streams if stream is not None]
            if len(answering) < len(keys):
                continue  # of one nothing is known
            certified = task_type in calibrated
            standings = [_standing(each, audits.get(each.key), certified=certified) for each in answering]
            level = risen(answering[0].autonomy, standings)
            proposal = None if level is None else await self._proposal(task_type, level, answering)
            if proposal is not None:
                made.append(proposal)
                counted.update({each.key: _anew(each, now) for each in answering})
        return made

    async def _proposal(self, task_type: str, level: int, streams: Sequence[AccuracyStream]) -> Propose | None:
        """None: one is open, or the policy does not allow the level."""
        if await self._adjustments.open_proposal(task_type, "autonomy") is not None:
            return None
        reviews, errors = sum(each.reviews for each in streams), sum(each.errors for each in streams)
        facts: dict[str, Json] = {"labels": reviews, "errors": errors}
        why = f"People agreed with {reviews - errors} of {reviews} answers."
        post = Post(self._policy.current.task(task_type).channel, {"what": "promotion", **facts})
        since = min(each.since for each in streams)
        wanted = Wanted(task_type, "autonomy", level, why, "apply", facts, post)
        proposed = await self._adjusting.proposed(wanted, f"rise:{task_type}:{level}:{since.isoformat()}")
        return proposed if isinstance(proposed, Propose) else None


def _anew(stream: AccuracyStream, now: datetime) -> AccuracyStream:
    """Nothing counted yet; one of which nothing was counted stays as it is."""
    return replace(stream, reviews=0, errors=0, since=now) if stream.reviews else stream


def _standing(stream: AccuracyStream, audits: Stream | None, *, certified: bool) -> Standing:
    state = None if audits is None else maturity_of(audits).state
    return Standing(Agreement(stream.reviews, stream.errors), state, certified)


def _by_task(keys: Iterable[StreamKey]) -> dict[str, list[StreamKey]]:
    tasks: defaultdict[str, list[StreamKey]] = defaultdict(list)
    for key in keys:
        tasks[key.task_type].append(key)
    return tasks
