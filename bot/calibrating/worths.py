"""What a confidence is worth, for cards: from the latest look at each stream, remembered by each process."""

from datetime import datetime, timedelta

from pydantic import TypeAdapter

from bot.clock import Clock
from routing.worth import ConfidenceWorth
from store.audit_streams import StreamKey
from store.calibrations import CalibrationStore
from store.decisions import Decision

_EVERY = timedelta(minutes=1)
_WORTH = TypeAdapter[ConfidenceWorth | None](ConfidenceWorth | None)


class Worths:
    def __init__(self, store: CalibrationStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._looked_at: datetime | None = None
        self._last_pk = 0
        self._known: dict[StreamKey, ConfidenceWorth] = {}

    async def refresh(self) -> None:
        """Asks once a minute whether there is a new calibration; only then it reads more than a number."""
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < _EVERY:
            return
        self._looked_at = now
        last_pk = await self._store.last_pk()
        if last_pk != self._last_pk:
            looks = (await self._store.latest_of_streams()).items()
            read = {stream: _WORTH.validate_python(look.result["calibration"]["worth"]) for stream, look in looks}
            self._known = {stream: worth for stream, worth in read.items() if worth is not None}
            self._last_pk = last_pk

    def of(self, decision: Decision) -> tuple[float, int] | None:
        """How often the same model is right where it is as sure as here, 0..1, and the number of labels that say so.
        None: it is not calibrated, or nobody has judged anything like it."""
        worth = self._known.get(_stream_of(decision))
        return None if worth is None or decision.confidence is None else worth.of(decision.confidence)


def _stream_of(decision: Decision) -> StreamKey:
    model = decision.model_name or "", decision.model_version or ""
    return StreamKey(decision.task_type, *model, decision.confidence_source)
