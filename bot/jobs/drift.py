"""Each morning: does a model send people more or less than it used to, and have the errors of one risen?

An alarm is an alert for people, once, and has what the model does alone audited more for a while: the chart tells that
something has changed, and only audits tell whether it has got worse.
"""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.alerts import Alerts
from bot.answer import timestamp
from bot.clock import Clock
from bot.jobs.calendar import days_until
from bot.jobs.model_days import ModelDays
from bot.policy_in_force import PolicyInForce
from bot.reporting.drift import errors_risen, people_asked, tripling
from bot.reviewing.audit_rates import maturity_of, model_of
from routing.decision import Json
from routing.drift import MOST_BASELINE, ONE_EPISODE, Reading, alarm
from routing.maturity import MaturityState
from routing.redaction import redaction
from store.audit_streams import Stream, StreamStore, WatchStreams
from store.drift import Model
from store.facts import FactStore, Window
from store.history import HistoryRecord
from store.runs import Tick
from store.writer import Writer

_AT = time(8, 30)
"""Local; after the daily draw has learnt from the audits."""
_DAY = timedelta(days=1)
READ_DAYS = 2 * MOST_BASELINE + ONE_EPISODE
"""Two make a point of a task with little to do."""
WATCHED_FOR = timedelta(days=14)
_PACE = timedelta(days=28)
"""Over which audits a day are counted."""


class Drift:
    name = "drift"
    owed = ONE_EPISODE
    """Each missed day of the last week is looked at by itself, or what began on one of them would not be told."""

    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        days: ModelDays,
        streams: StreamStore,
        facts: FactStore,
        alerts: Alerts,
        policy: PolicyInForce,
    ) -> None:
        self._clock, self._writer, self._days, self._streams = clock, writer, days, streams
        self._facts, self._alerts, self._policy = facts, alerts, policy

    def ticks(self, now: datetime) -> Iterator[Tick]:
        return days_until(now, _AT, self._tz)

    async def run(self, tick: Tick) -> dict[str, Json]:
        day = date.fromisoformat(tick.period) - _DAY
        models = await self._days.until(day, READ_DAYS, self._tz)
        charted = {model: days for model, days in models.items() if days[-1].day == day}
        out = {model: found for model, days in charted.items() if (found := alarm(days)) is not None}
        for model, found in out.items():
            await self._watch(model, found, tick)
            await self._tell_of_people(model, found, tick)
        degraded = [each for each in await self._streams.all() if maturity_of(each).state is MaturityState.DEGRADED]
        risen = [await self._tell_of_errors(stream, tick) for stream in degraded]
        return {"models": len(charted), "alarms": len(out), "risen_errors": sum(risen)}

    async def _watch(self, model: Model, found: Reading, tick: Tick) -> None:
        until, policy = tick.at + WATCHED_FOR, self._policy.current
        facts: dict[str, Json] = {
            "task_type": model.task_type,
            "model": redaction(policy.task(model.task_type).redact).of(_name(model)).value,
            "day": found.last.isoformat(),
            "decisions": found.decisions,
            **{key: getattr(found, key) for key in ("rate", "usual", "low", "high")},
            "until": timestamp(until),
            "policy_version": policy.version,
        }
        record = HistoryRecord(self._clock.now(), "bot:audit:watched", "bot", facts=facts)
        await self._writer.submit(WatchStreams(*model, until, record))

    async def _tell_of_people(self, model: Model, found: Reading, tick: Tick) -> bool:
        more = "more" if found.direction == "up" else "less"
        title = f"{model.task_type}: people are asked {more} often than usual"
        until = (tick.at + WATCHED_FOR).astimezone(self._tz).date()
        detail = people_asked(_name(model), found, until, await self._pace(model.task_type, tick))
        key = f"drift:{model.task_type}:{_short(model)}:{found.last.isoformat()}"
        return await self._alerts.raise_own(key, title, detail, model.task_type, "medium")

    async def _tell_of_errors(self, stream: Stream, tick: Tick) -> bool:
        """Once for each time that the detector's alarm degrades the stream, however long it stays so."""
        task_type = stream.key.task_type
        pace = await self._pace(task_type, tick)
        detail = errors_risen(model_of(stream.key), maturity_of(stream).evidence, pace)
        key = f"degraded:{task_type}:{_short(stream.key)}:{stream.since:%Y%m%dT%H%M%SZ}"
        return await self._alerts.raise_own(key, f"{task_type}: the errors have risen", detail, task_type, "high")

    async def _pace(self, task_type: str, tick: Tick) -> str:
        whole = await self._facts.whole(Window(tick.at - _PACE, tick.at, task_type))
        return tripling(whole.audits.total() / (_PACE / _DAY), self._policy.current.task(task_type).max_error)

    @property
    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self._policy.current.timezone)


def _name(model: Model) -> str:
    """In one line; untrusted."""
    return f"{model.name} {model.version}".strip()


def _short(names: object) -> str:
    """What stands for the names of apps where only certain characters may stand."""
    return hashlib.sha256(repr(names).encode()).hexdigest()[:12]
