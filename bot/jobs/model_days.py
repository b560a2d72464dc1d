"""How many decisions of each model came on local days. A day that is over is read once, by whichever process needs it
first, and kept."""

from collections import defaultdict
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.jobs.calendar import local_instant
from routing.drift import DayCount
from store.audits import Period
from store.drift import Came, DriftStore, KeepDay, Model
from store.writer import Writer

_DAY = timedelta(days=1)
_LATE = timedelta(hours=1)
"""By how much later than it was created a decision may be committed, on replicas whose clocks differ too."""


class ModelDays:
    def __init__(self, *, clock: Clock, writer: Writer, store: DriftStore) -> None:
        self._clock, self._writer, self._store = clock, writer, store

    async def until(self, last: date, count: int, tz: ZoneInfo) -> dict[Model, list[DayCount]]:
        """Of so many days up to the last one, oldest first, those on which each model decided anything."""
        days = {day: _period(day, tz) for day in (last - back * _DAY for back in reversed(range(count)))}
        whole = Period(days[min(days)].since, days[last].until)
        kept = await self._store.kept(whole)
        found: defaultdict[Model, list[DayCount]] = defaultdict(list)
        for day, period in days.items():
            models = kept[period] if period in kept else await self._count(period, whole.since)
            for model, came in models.items():
                found[model].append(DayCount(day, *came))
        return dict(found)

    async def _count(self, day: Period, oldest: datetime) -> dict[Model, Came]:
        models = await self._store.came(day)
        if day.until + _LATE <= self._clock.now():
            await self._writer.submit(KeepDay(day, models, oldest))
        return models


def _period(day: date, tz: ZoneInfo) -> Period:
    return Period(local_instant(day, time(), tz), local_instant(day + _DAY, time(), tz))
