"""The scheduled looks at what people have found. Each may call a bad threshold good with a part of the policy's `delta`
only, so each is taken once, in its turn, and kept."""

import asyncio
from collections.abc import Mapping

import structlog
from pydantic import TypeAdapter

from bot.calibrating.domain import domain_of
from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reviewing.audit_rates import model_of
from routing.calibration import Calibration, calibrate
from routing.certificate import labels_at_look
from routing.decision import Json
from routing.labels import decisions_of, labels_of
from routing.maturity import Goal
from routing.policy import Policy, TaskPolicy
from routing.redaction import redaction
from store.audit_streams import StreamKey
from store.calibrations import CalibrationStore, KeepCalibration, Look
from store.history import HistoryRecord
from store.labels import LabelStore, StoredLabels
from store.writer import Writer

log = structlog.get_logger(__name__)

_RESULT = TypeAdapter(Calibration)


class Looks:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        labels: LabelStore,
        calibrations: CalibrationStore,
        policy: PolicyInForce,
    ) -> None:
        self._clock, self._writer, self._policy = clock, writer, policy
        self._labels, self._calibrations = labels, calibrations

    async def take(self) -> list[Look]:
        """Looks at every stream that has labels enough, by the policy of the moment; those with fewest labels first.
        Raises an ExceptionGroup of what went wrong with some streams, after a look at all others."""
        last = await self._calibrations.latest_of_streams()
        taken, failures = list[Look](), list[Exception]()
        for stream, labels in reversed((await self._labels.streams()).items()):
            try:
                taken += [look for look in [await self._look(stream, labels, last.get(stream))] if look is not None]
            except Exception as error:
                log.exception("calibration.failed", task_type=stream.task_type)
                failures.append(error)
        if failures:
            raise ExceptionGroup("some streams could not be calibrated", failures)
        return taken

    async def _look(self, stream: StreamKey, judged: int, last: Look | None) -> Look | None:
        """None: its turn has not come, or another replica has taken it."""
        number = 1 if last is None else last.number + 1
        wanted = labels_for(number, last)
        if judged < wanted:
            return None
        policy = self._policy.current
        task = policy.task(stream.task_type)
        domain, at = domain_of(task), self._clock.now()
        labels = await self._labels.read(stream, domain)
        if len(labels) < wanted:
            return None
        found = await calibrated(labels, goal_of(task), threshold=task.threshold_at(task.base_risk), look=number)
        look = Look(
            stream=stream,
            number=number,
            at=at,
            labels=found.labels,
            threshold=found.threshold,
            reason=found.reason,
            result=result_json(found, labels.categories),
        )
        facts = {**_facts(look, found, task), "policy_version": policy.version}
        record = HistoryRecord(self._clock.now(), "bot:calibration:made", "bot", facts=facts)
        return look if await self._writer.submit(KeepCalibration(look, domain, record)) else None


async def explored(
    store: LabelStore, policy: Policy, task_type: str | None, max_error: float | None, delta: float | None
) -> list[tuple[StreamKey, Calibration]]:
    """What the labels so far say of each stream of a task (None: of all tasks), those with most labels first. It is no
    look: nothing is kept, and all of delta goes into it. The policy says what is not named."""
    told = []
    for stream in await store.streams(task_type):
        task = policy.task(stream.task_type)
        goal = Goal(max_error or task.max_error, delta or task.delta)
        labels = await store.read(stream, domain_of(task))
        told.append((stream, await calibrated(labels, goal, threshold=task.threshold_at(task.base_risk))))
    return told


def labels_for(number: int, last: Look | None) -> int:
    """How many labels a look waits for: as many as calibration foresees, and twice those of the look before it, which
    may have come late."""
    return max(labels_at_look(number), 0 if last is None else 2 * last.labels)


def goal_of(task: TaskPolicy) -> Goal:
    return Goal(task.max_error, task.delta)


async def calibrated(labels: StoredLabels, goal: Goal, *, threshold: float, look: int | None = None) -> Calibration:
    """What the labels say, worked out beside the event loop. `threshold`: the one in force, for the table."""
    return await asyncio.to_thread(_calibrated, labels, goal, threshold, look)


def _calibrated(labels: StoredLabels, goal: Goal, threshold: float, look: int | None) -> Calibration:
    others = decisions_of(list(labels.others), list(labels.others.values())) if labels.others else None
    wrong = list(map(bool, labels.is_wrong))
    known = labels_of(labels.confidence, wrong, labels.inclusion, unlabelled=others)
    return calibrate(known, goal, look=look, also=[threshold])


def shown_model(stream: StreamKey, task: TaskPolicy) -> str:
    """The model as it may be shown, and kept in a history that forgets nothing; "" where the app names none."""
    return str(redaction(task.redact).of(model_of(stream)).value)


def result_json(found: Calibration, categories: Mapping[str, int]) -> dict[str, Json]:
    """As it is stored."""
    return {"calibration": _RESULT.dump_python(found, mode="json"), "categories": dict(categories)}


def result_of(look: Look) -> Calibration:
    return _RESULT.validate_python(look.result["calibration"])


def categories_of(look: Look) -> dict[str, int]:
    """How many wrong ones people put into which category."""
    return dict(look.result["categories"])


def _facts(look: Look, found: Calibration, task: TaskPolicy) -> dict[str, Json]:
    return {
        "task_type": look.stream.task_type,
        "model": shown_model(look.stream, task),
        "confidence_source": look.stream.confidence_source,
        "look": look.number,
        "labels": look.labels,
        "errors": found.wrong,
        "threshold": look.threshold,
        "reason": look.reason,
        "max_error": found.goal.max_error,
        "delta": found.goal.delta,
    }
