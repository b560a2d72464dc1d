"""Recomputes the history: every record against its seal, every seal against the one before, content against hashes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bot.proof.comparison import Finding, differences
from bot.proof.content import ContentCheck
from store.seals import BLOCK, HeldRecord, Seal, SealStore

# Rolled-back transactions leave numbers out, never add any: more than this between two seals are not the bot's.
_MOST_BETWEEN = 10 * BLOCK
_SEALS_AT_ONCE = 50
_BEFORE_ALL = -(1 << 63)
_MOST_TOLD = 1_000


@dataclass(frozen=True, slots=True)
class Printed:
    """A seal as a digest printed it: its number and the beginning of its SHA-256."""

    number: int
    prefix: str


@dataclass(slots=True)
class Report:
    """`unsealed`: records since the last seal. `removed`: decisions whose content is gone because their retention was
    over. `problems` counts what `findings` tell, and what did not find room there."""

    records: int = 0
    seals: int = 0
    latest: Printed | None = None
    unsealed: int = 0
    removed: int = 0
    problems: int = 0
    findings: list[Finding] = field(default_factory=list)

    def add(self, findings: Sequence[Finding]) -> None:
        self.problems += len(findings)
        self.findings += findings[: max(_MOST_TOLD - len(self.findings), 0)]


class Verification:
    """One walk through the history, in bounded memory. `progress` is told of each block's number of records."""

    def __init__(
        self,
        store: SealStore,
        content: ContentCheck,
        printed: Sequence[Printed] = (),
        progress: Callable[[int], None] = lambda records: None,
    ) -> None:
        self._store, self._content, self._progress = store, content, progress
        self._printed = {each.number: each for each in printed}
        self._report = Report()
        self._number = 0
        self._hashes: tuple[str | None, ...] | None = (None,)
        """What the next seal may follow: the SHA-256 of the last one, as it says and as it is computed; None after a
        seal that is not there."""
        self._after: int | None = _BEFORE_ALL
        """The last seq that is known to have been sealed; None: a seal is broken or not there."""
        self._last = _BEFORE_ALL

    async def run(self) -> Report:
        while seals := await self._store.seals(self._number, limit=_SEALS_AT_ONCE):
            for seal in seals:
                await self._check(seal)
        await self._check_tail()
        gone = sorted(number for number in self._printed if number > self._number)
        self._report.add([Finding(f"seal {number}, which was printed, is not there") for number in gone])
        self._report.removed = self._content.removed
        self._report.add(await self._content.surplus())
        return self._report

    async def _check(self, seal: Seal) -> None:
        self._check_order(seal)
        self._check_printed(seal)
        computed = [seal.computed(former) for former in self._hashes or ()]
        is_sound = seal.sha256 in computed or (self._hashes is None and seal.has_bounds)
        self._last = seal.last_seq if seal.has_bounds else self._last
        self._number, self._hashes = seal.number, (seal.sha256, *computed)
        self._report.seals += 1
        self._report.latest = Printed(seal.number, str(seal.sha256))
        if not is_sound:
            told = f"seal {seal.number} is broken: records {seal.first_seq} to {seal.last_seq} cannot be checked"
            self._report.add([Finding(told)])
            self._after = None
            return
        after = seal.first_seq - 1 if self._after is None else self._after
        held = await self._store.records(after, seal.last_seq, limit=_MOST_BETWEEN)
        self._report.add(list(differences(seal, held, after=after)))
        await self._check_content(held)
        self._after = seal.last_seq

    def _check_order(self, seal: Seal) -> None:
        missing = range(self._number + 1, seal.number)
        if missing:
            which = f"seal {missing[0]} is" if len(missing) == 1 else f"seals {missing[0]} to {missing[-1]} are"
            self._report.add([Finding(f"{which} missing: what they sealed cannot be checked")])
            self._hashes, self._after = None, None

    def _check_printed(self, seal: Seal) -> None:
        printed = self._printed.get(seal.number)
        if printed is not None and not str(seal.sha256).startswith(printed.prefix.lower()):
            self._report.add([Finding(f"seal {seal.number} is not the one that was printed")])

    async def _check_tail(self) -> None:
        """What came in since the last seal has none to be held against, but tells of content too."""
        after = self._last
        while held := await self._store.records(after, limit=BLOCK):
            self._report.unsealed += len(held)
            await self._check_content(held)
            after = held[-1].seq

    async def _check_content(self, held: Sequence[HeldRecord]) -> None:
        self._report.add(await self._content.of(held))
        self._report.records += len(held)
        self._progress(len(held))
