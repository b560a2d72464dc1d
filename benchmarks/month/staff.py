"""People at work: each takes the most urgent review that is free, is at it for some minutes, and says the truth."""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from benchmarks.month.world import TZ
from bot.assembly.services import Services
from bot.demo import reviewers
from bot.demo.stream import DemoDecision
from bot.reviewing.case import Case
from bot.reviewing.people import Reviewer
from routing.review import Approve, Edit, Reject, Verdict
from store.queue import Scope

_TEAM = "T0SANDBOX"
_BY_DAY = range(8, 20)


@dataclass(frozen=True, slots=True, order=True)
class _Finish:
    at: datetime
    user_id: str
    case: Case = field(compare=False)


@dataclass
class Staff:
    """`by_day` and `by_night`: who works when, each a subset of the workspace; `minutes`: what one review takes on
    average, spread as an exponential is."""

    services: Services
    decisions: Mapping[str, DemoDecision]
    by_day: tuple[str, ...]
    by_night: tuple[str, ...]
    minutes: float
    seed: int
    _busy: list[_Finish] = field(default_factory=list)
    _nothing_left: bool = False

    def next_finish(self) -> datetime | None:
        return self._busy[0].at if self._busy else None

    def would_reject(self, decision: DemoDecision) -> bool:
        return isinstance(_verdict(decision, self.seed), Reject)

    def look_again(self) -> None:
        """Something may wait again."""
        self._nothing_left = False

    async def finish_one(self) -> None:
        """The next person to be done decides. The clock stands at that moment."""
        done = heapq.heappop(self._busy)
        decision = self.decisions[done.case.decision.id]
        verdict = _verdict(decision, self.seed)
        await self.services.reviewing.decide(done.case, Reviewer(_TEAM, done.user_id), verdict)

    async def take(self, now: datetime) -> None:
        """Whoever is free takes what is most urgent. The policy lets each of them decide everything."""
        busy = {finish.user_id for finish in self._busy}
        free = [user_id for user_id in self._on_duty(now) if user_id not in busy]
        if not free or self._nothing_left:
            return
        under_way = {finish.case.review.pk for finish in self._busy}
        waiting = await self.services.stores.queue.waiting(Scope(free[0], now), len(under_way) + len(free) + 1)
        left = [pk for pk in waiting if pk not in under_way]
        self._nothing_left = len(left) <= len(free)
        for user_id, pk in zip(free, left, strict=False):
            case = await self.services.cases.by_pk(pk)
            rng = Random(f"{self.seed}-{case.decision.id}-{case.review.kind}")
            heapq.heappush(
                self._busy, _Finish(now + timedelta(minutes=rng.expovariate(1 / self.minutes)), user_id, case)
            )

    def _on_duty(self, now: datetime) -> tuple[str, ...]:
        return self.by_day if now.astimezone(TZ).hour in _BY_DAY else self.by_night


def _verdict(decision: DemoDecision, seed: int) -> Verdict:
    match reviewers.review(decision, seed, error_rate=0.0).verdict:
        case reviewers.Approve():
            return Approve()
        case reviewers.Edit(output, category, severity):
            return Edit(output, category, severity)
        case reviewers.Reject(category, severity, reason, correct_answer):
            return Reject(category, severity, reason=reason, correct_answer=correct_answer)
