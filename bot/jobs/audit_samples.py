"""The daily audit draw: each morning, from what ran alone on the local day before; and what has earned more of it."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.jobs.calendar import days_until, local_instant
from bot.policy_in_force import PolicyInForce
from bot.reviewing.audit_rates import AuditRates
from bot.reviewing.audits import Audits
from bot.reviewing.promotions import Promotions
from routing.decision import Json
from store.audits import Period
from store.runs import RunStore, Tick

_AT = time(8)
_DAY = timedelta(days=1)


class AuditSamples:
    name = "audit-samples"
    owed = 31

    def __init__(
        self, *, rates: AuditRates, audits: Audits, promotions: Promotions, runs: RunStore, policy: PolicyInForce
    ) -> None:
        self._rates, self._audits, self._promotions = rates, audits, promotions
        self._runs, self._policy = runs, policy

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return days_until(now, _AT, self._tz)

    async def run(self, tick: Tick) -> dict[str, Json]:
        day = date.fromisoformat(tick.period) - _DAY
        period = await self._period(tick, day)
        try:
            changed = await self._rates.learn()
        except Exception:
            await self._audits.draw(period, day)  # by the rates as they are: the day must not go without audits
            raise
        draws = await self._audits.draw(period, day)
        proposed = await self._promotions.look()
        return {
            "tasks": len(draws),
            "eligible": sum(draw.eligible for draw in draws.values()),
            "drawn": sum(draw.drawn for draw in draws.values()),
            "rates_changed": changed,
            "promotions_proposed": proposed,
        }

    async def _period(self, tick: Tick, day: date) -> Period:
        """The local day. Where the day before it was drawn from already, also what that left behind: decisions of its
        last hours, if it was drawn from too early, or of those that another time zone leaves out."""
        drawn = await self._runs.done(self.name, tick.at - 2 * _DAY)
        first = day - _DAY if (tick.scope, day.isoformat()) in drawn else day
        return Period(local_instant(first, time(), self._tz), local_instant(day + _DAY, time(), self._tz))

    @property
    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self._policy.current.timezone)
