"""Whether what the history holds a hash of is still there, unchanged, or was removed when its time was over."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from bot.answer import sha256_of
from bot.proof.comparison import Finding
from store.retention import Removal, RetentionStore
from store.seals import HeldRecord, SealStore


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A record with the hash of some content: the request as it was posted, or an outcome."""

    record: HeldRecord
    facts: dict[str, Any]

    @property
    def decision_pk(self) -> int:
        pk: int = self.record.decision_pk
        return pk

    @property
    def part(self) -> str:
        return "request" if "body_sha256" in self.facts else "outcome"

    @property
    def sha256(self) -> str:
        return str(self.facts["body_sha256" if self.part == "request" else "content_sha256"])

    def finding(self, problem: str) -> Finding:
        return Finding(f"the {self.part} of which record {self.record.seq} tells {problem}", self.record.seq)


class ContentCheck:
    """Goes through the history with whoever reads it, in order. `removed`: decisions whose content is gone because
    their retention was over."""

    def __init__(self, seals: SealStore, retention: RetentionStore) -> None:
        self._seals, self._retention = seals, retention
        self._removals: list[Removal] = []
        self._removals_to = 0
        self._gone: Counter[str] = Counter()

    @property
    def removed(self) -> int:
        return self._gone.total()

    async def of(self, records: Sequence[HeldRecord]) -> list[Finding]:
        """What is wrong with the content that these records tell of. The last outcome of a decision is the one that
        is kept, so that earlier ones cannot be checked."""
        hashed = [each for record in records if (each := _hashed(record)) is not None]
        if not hashed:
            return []
        posted = [each for each in hashed if each.part == "request"]
        decided = {each.decision_pk: each for each in hashed if each.part == "outcome"}
        kept = {
            (pk, part): _sha256(body)
            async for pk, part, body in self._seals.contents(
                {each.decision_pk for each in hashed}, "request", "outcome"
            )
        }
        # Asked for after the content: a verdict that came in between has a record by now.
        later = await self._later(decided) if decided else set()
        findings = []
        for each in (*posted, *(each for pk, each in decided.items() if pk not in later)):
            place = each.decision_pk, each.part
            if place not in kept:
                findings += await self._missing(each, is_alone=(each.decision_pk, "request") in kept)
            elif kept[place] != each.sha256:
                findings.append(each.finding("was changed"))
        return findings

    async def surplus(self) -> list[Finding]:
        """More content of a task is gone than retention has told of removing. To be asked at the end."""
        await self._look_for_removals()
        told: Counter[str] = Counter()
        for removal in self._removals:
            told[removal.task_type] += removal.decisions
        return [
            Finding(f"the content of {gone - told[task]} decisions of {task} is missing that retention did not remove")
            for task, gone in sorted(self._gone.items())
            if gone > told[task]
        ]

    async def _later(self, decided: Mapping[int, _Hashed]) -> set[int]:
        """The decisions whose outcome has changed since."""
        records = await self._seals.records_of(decided, after=min(each.record.seq for each in decided.values()))
        changes = [each for record in records if (each := _hashed(record)) and each.part == "outcome"]
        return {each.decision_pk for each in changes if each.record.seq > decided[each.decision_pk].record.seq}

    async def _missing(self, each: _Hashed, *, is_alone: bool) -> list[Finding]:
        """`is_alone`: the rest of the decision's content is there."""
        if each.part == "outcome":
            return [each.finding("is missing")] if is_alone else []  # else told of the request
        if not self._was_removed(each):
            await self._look_for_removals()
        if not self._was_removed(each):
            return [each.finding("is missing")]
        self._gone[str(each.facts.get("task_type"))] += 1
        return []

    async def _look_for_removals(self) -> None:
        """Those that came in since the last look: retention may be at work beside us."""
        found, to = await self._retention.removals(after=self._removals_to)
        self._removals += found
        self._removals_to = to

    def _was_removed(self, each: _Hashed) -> bool:
        task, posted_at = each.facts.get("task_type"), _instant(each.record.at)
        return posted_at is not None and any(
            removal.task_type == task and posted_at < removal.created_before for removal in self._removals
        )


def _hashed(record: HeldRecord) -> _Hashed | None:
    """What a verdict that is held says becomes the outcome only when it is released, which has a record of its own."""
    if (
        not isinstance(record.decision_pk, int)
        or "_sha256" not in str(record.facts)
        or str(record.event).endswith(":held")
    ):
        return None
    try:
        facts = orjson.loads(record.facts)
    except (orjson.JSONDecodeError, TypeError):  # a damaged record, which is told of elsewhere
        return None
    told = facts if isinstance(facts, dict) else {}
    return _Hashed(record, told) if "body_sha256" in told or {"content_sha256", "outcome"} <= told.keys() else None


def _sha256(body: Any) -> str | None:
    try:
        return sha256_of(orjson.loads(body))
    except (orjson.JSONDecodeError, TypeError):
        return None


def _instant(at: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(at).replace(tzinfo=UTC)
    except (TypeError, ValueError):
        return None
