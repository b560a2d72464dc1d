"""The monthly calibration: looks at every stream that has labels enough, and tells its channel what they prove."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.adjusting import Adjusting, Refused
from bot.calibrating.domain import domain_of
from bot.calibrating.looks import Looks, categories_of, result_of, shown_model
from bot.calibrating.telling import sentence
from bot.clock import Clock
from bot.jobs.calendar import months_until
from bot.policy_in_force import PolicyInForce
from bot.slack.calibration_post import CalibrationPost, render_calibration
from routing.decision import Json
from routing.policy import TaskPolicy
from store.calibrations import CalibrationStore, Look, TellOfCalibration
from store.messages import NewMessage
from store.runs import Tick
from store.threshold_effect import ThresholdEffectStore
from store.writer import Writer

_AT = time(9)
_LAST_MONTH = timedelta(days=30)
_URGENCY = 3
_OTHER_STREAM = (
    "Most of last month's decisions came from another model, for which this threshold is not proven. Put it into the "
    "policy file if you want it all the same."
)


class Calibrate:
    name = "calibrate"
    owed = 1
    """A month that was missed is made up for by the next look, which takes in its labels."""

    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        looks: Looks,
        calibrations: CalibrationStore,
        effects: ThresholdEffectStore,
        adjusting: Adjusting,
        policy: PolicyInForce,
    ) -> None:
        self._clock, self._writer, self._policy = clock, writer, policy
        self._looks, self._calibrations = looks, calibrations
        self._effects, self._adjusting = effects, adjusting

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return months_until(now, _AT, ZoneInfo(self._policy.current.timezone))

    async def run(self, tick: Tick) -> dict[str, Json]:
        """What was looked at and not told of, because the process died in between, is told by whoever comes next."""
        since = min(tick.at, self._clock.now())
        try:
            taken = await self._looks.take()
        finally:
            # Also where one stream fails: the looks at the others are spent, and by next month too old to be told.
            await self._tell_since(since)
        return {"calibrated": len(taken), "certified": sum(look.threshold is not None for look in taken)}

    async def _tell_since(self, since: datetime) -> None:
        for look in (await self._calibrations.latest_of_streams()).values():
            if look.at >= since:
                await self._tell(look)

    async def _tell(self, look: Look) -> None:
        task_type = look.stream.task_type
        task, key = self._policy.current.task(task_type), f"calibration:{look.pk}"
        post = await self._post(look, task)
        if post.effect is not None and 2 * post.effect.of_stream < post.effect.decisions:
            post = replace(post, why_no_button=_OTHER_STREAM)
        elif look.threshold is not None and look.threshold != post.in_force:
            refused = await self._propose(look, post, task.channel, key)
            if refused is None:
                return
            post = replace(post, why_no_button=refused.reason)
        message = render_calibration(post)
        body: dict[str, Json] = {"task": task_type, "text": message.text, "blocks": message.blocks}
        told = NewMessage(key, "report", task.channel, _URGENCY, body=body)
        await self._writer.submit(TellOfCalibration(told, self._clock.now()))

    async def _post(self, look: Look, task: TaskPolicy) -> CalibrationPost:
        now = self._clock.now()
        effect = None
        if look.threshold is not None:
            read = self._effects.read
            effect = await read(look.stream, look.threshold, domain_of(task), now - _LAST_MONTH, now)
        return CalibrationPost(
            task_type=look.stream.task_type,
            model=shown_model(look.stream, task),
            confidence_source=look.stream.confidence_source,
            found=result_of(look),
            categories=categories_of(look),
            in_force=task.threshold_at(task.base_risk),
            autonomy=task.autonomy,
            effect=effect,
            now=now,
        )

    async def _propose(self, look: Look, post: CalibrationPost, channel: str, key: str) -> Refused | None:
        message = render_calibration(post)
        proposed = await self._adjusting.propose(
            post.task_type,
            "threshold",
            look.threshold or 0.0,
            channel=channel,
            why=sentence(post.found),
            body={"text": message.text, "blocks": message.blocks},
            dedup_key=key,
            facts={"calibration": look.pk, "look": look.number, "labels": look.labels, "model": post.model},
        )
        return proposed if isinstance(proposed, Refused) else None
