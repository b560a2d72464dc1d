"""Removes what has been kept for as long as the policy's `retention` says, day by day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.jobs.calendar import days_until
from bot.policy_in_force import PolicyInForce
from routing.decision import Json
from routing.redaction import Redaction, redaction
from store.retention import Cutoffs, Expired, ForgetRuns, RemoveAlertContent, RemoveContent, RetentionStore
from store.runs import Tick
from store.writer import Writer

_AT = time(4, 30)
"""Local: no zone changes its clocks then, and few people are at work."""
_AT_ONCE = 500
_RUNS_KEPT = timedelta(days=400)
_NO_TASK = ""
"""No task type has this name: what holds for it holds for all that the policy does not name."""


class Retention:
    name = "retention"
    owed = 1

    def __init__(self, *, clock: Clock, writer: Writer, store: RetentionStore, policy: PolicyInForce) -> None:
        self._clock, self._writer, self._store, self._policy = clock, writer, store, policy

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return days_until(now, _AT, ZoneInfo(self._policy.current.timezone))

    async def run(self, tick: Tick) -> dict[str, Json]:
        """In small commits, so that nobody waits long; what one did is done, whatever becomes of the next."""
        now = self._clock.now()
        cutoffs = self._cutoffs(now)
        decisions, after = 0, 0
        while expired := await self._store.expired(cutoffs, now, after=after, limit=_AT_ONCE):
            for command in self._commands(expired, cutoffs, now):
                decisions += await self._writer.submit(command)
            after = expired[-1].pk
        alerts = 0
        while removed := await self._writer.submit(RemoveAlertContent(cutoffs, _AT_ONCE, now)):
            alerts += removed
        runs = await self._writer.submit(ForgetRuns(now - _RUNS_KEPT))
        return {"decisions": decisions, "alerts": alerts, "runs": runs}

    def _cutoffs(self, now: datetime) -> Cutoffs:
        policy = self._policy.current
        tasks = {task: now - policy.task(task).retention for task in policy.file.tasks}
        return Cutoffs(tasks, now - policy.task(_NO_TASK).retention)

    def _commands(self, expired: Sequence[Expired], cutoffs: Cutoffs, now: datetime) -> Iterator[RemoveContent]:
        by_task: defaultdict[str, list[Expired]] = defaultdict(list)
        for decision in expired:
            by_task[decision.task_type].append(decision)
        for task, decisions in by_task.items():
            patterns = redaction(self._policy.current.task(task).redact)
            facts = {decision.pk: changed for decision in decisions if (changed := _hidden(decision, patterns))}
            yield RemoveContent(task, [decision.pk for decision in decisions], facts, cutoffs.of(task), now)


def _hidden(decision: Expired, patterns: Redaction) -> dict[str, Any]:
    """New values of facts in which the policy's `redact` finds something. A subject or a cohort goes as a whole: two
    that are hidden alike would seem to be one."""
    changed: dict[str, Any] = {
        name: None for name in ("subject", "cohort") if (text := getattr(decision, name)) and patterns.matches(text)
    }
    reasons = [
        reason | {"detail": patterns.of(reason["detail"]).value} if "detail" in reason else reason
        for reason in decision.reasons
    ]
    return changed | ({"reasons": reasons} if reasons != decision.reasons else {})
