"""The policy in force: the file and its adjustments. Read at start, read again when the file or an adjustment changes,
and never replaced by a broken one."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.answer import sha256_of
from bot.clock import Clock
from routing.decision import Json
from routing.policy import Policy, PolicyError, Problem, parse_policy
from store.adjustments import AdjustmentsOutdatedError, AdjustmentStore, ChangeAdjustments, StoredAdjustment
from store.history import HistoryRecord
from store.policies import KeepPolicy
from store.writer import Writer

log = structlog.get_logger(__name__)


class PolicyUnreadableError(Exception):
    """The policy file cannot be read or is not valid; the message lists every problem with path and line."""


def read_policy(path: Path) -> Policy:
    """Raises PolicyUnreadableError."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyUnreadableError(f"{path}: {_why(error)}. HITL_POLICY names the policy file.") from error
    try:
        return parse_policy(text)
    except PolicyError as error:
        problems = "\n".join(f"  {_told(path.name, problem)}" for problem in error.problems)
        raise PolicyUnreadableError(f"{path.name} is refused as a whole:\n{problems}") from error


def warnings_of(policy: Policy, path: Path) -> list[str]:
    """What the policy says and will hardly mean, each with place and remedy."""
    return [_told(path.name, warning) for warning in policy.warnings]


def _told(name: str, problem: Problem) -> str:
    """As compilers write it, without what is not known: an empty file has neither lines nor members."""
    place = f"{name}:{problem.line}" if problem.line else name
    return ": ".join(part for part in (place, problem.path, problem.message) if part)


def _why(error: Exception) -> str:
    return error.strerror or "cannot be read" if isinstance(error, OSError) else "it is not UTF-8 text"


def facts_of(adjustment: StoredAdjustment, cause: str, before: float, policy: Policy) -> dict[str, Json]:
    """What the history keeps of a change of what is in force; `policy`: that it makes."""
    return {
        "adjustment": adjustment.id,
        "task_type": adjustment.task_type,
        "key": adjustment.key,
        "before": before,
        "after": policy.value(adjustment.task_type, adjustment.key),
        "cause": cause,
        "why_sha256": sha256_of(adjustment.why),
        "policy_version": policy.version,
    }


def adjusted(file: Policy, adjustments: Sequence[StoredAdjustment]) -> Policy:
    """Raises PolicyError."""
    return file.with_adjustments([each.of_policy for each in adjustments]) if adjustments else file


def holding(file: Policy, adjustments: Sequence[StoredAdjustment]) -> tuple[list[StoredAdjustment], dict[str, str]]:
    """Those that hold with this file, the oldest first, and why the others do not, by their ids."""
    with suppress(PolicyError):
        adjusted(file, adjustments)
        return list(adjustments), {}
    held: list[StoredAdjustment] = []
    why_not: dict[str, str] = {}
    for each in adjustments:
        try:
            adjusted(file, [*held, each])
        except PolicyError as error:
            why_not[each.id] = "; ".join(problem.message for problem in error.problems)
        else:
            held.append(each)
    return held, why_not


_MOST_TRIES = 5


class PolicyInForce:
    """`current` is the policy of the moment. Every version is stored before it routes anything."""

    def __init__(
        self, path: Path, writer: Writer, clock: Clock, adjustments: AdjustmentStore, *, ends: bool = True
    ) -> None:
        """`ends`: a file that is loaded ends the adjustments of what it changes. A command beside the serving process,
        which may see another file, leaves them alone."""
        self._path, self._writer, self._clock = path, writer, clock
        self._adjustments, self._ends = adjustments, ends
        self._file: Policy | None = None
        self._current: Policy | None = None
        self._in_force: tuple[str, ...] = ()
        self._seen: tuple[int, int, int] | None = None
        self._told: dict[str, str] = {}
        self._lock = asyncio.Lock()  # a signal and a change of the file come together, and the later read must win

    @property
    def current(self) -> Policy:
        if self._current is None:
            raise RuntimeError("the policy is asked for before load()")
        return self._current

    @property
    def file(self) -> Policy:
        """What the file alone says."""
        if self._file is None:
            raise RuntimeError("the policy is asked for before load()")
        return self._file

    async def load(self) -> None:
        """Reads the file and puts it in force. Raises PolicyUnreadableError, and the old one stays."""
        async with self._lock:
            seen = self._signature()
            try:
                file = await asyncio.to_thread(read_policy, self._path)
            except PolicyUnreadableError:
                self._seen = seen
                raise
            is_new = self._file is None or file.version != self._file.version
            await self._put_in_force(file, await self._settled(file) if is_new else await self._adjustments.in_force())
            if is_new:
                for warning in warnings_of(file, self._path):
                    log.warning("policy.doubtful", detail=warning)
            self._seen = seen

    async def stand_in(self, document: dict[str, Json]) -> None:
        """Puts a stored policy in force in the place of a file that cannot be read, with the adjustments of now."""
        file = Policy.from_document({"file": document["file"], "adjustments": []})
        async with self._lock:
            await self._put_in_force(file, await self._adjustments.in_force(), adjusts=True)

    async def refresh(self) -> None:
        """Puts the adjustments in force that the database has now."""
        async with self._lock:
            adjustments = await self._adjustments.in_force()
            if tuple(each.id for each in adjustments) != self._in_force:
                await self._put_in_force(self.file, adjustments, adjusts=True)
                log.info("policy.adjusted", version=self.current.version)

    async def _put_in_force(
        self, file: Policy, adjustments: Sequence[StoredAdjustment], *, adjusts: bool = False
    ) -> None:
        """One that does not hold with this file is left out: where another replica has a newer file, it may there."""
        held, _ = holding(file, adjustments)
        policy = adjusted(file, held)
        if self._current is None or policy.version != self._current.version:
            await self._writer.submit(KeepPolicy(policy.version, policy.document, self._clock.now(), adjusts))
        self._file, self._current = file, policy
        self._in_force = tuple(each.id for each in adjustments)

    async def _settled(self, file: Policy) -> list[StoredAdjustment]:
        """The adjustments that go on with this file; the others end, once, on whichever replica is first."""
        for _ in range(_MOST_TRIES):
            found = await self._adjustments.in_force()
            theirs = {
                each.id: "the file changes it"
                for each in found
                if file.said_by_file(each.task_type, each.key) != each.file_value
            }
            held, why_not = holding(file, [each for each in found if each.id not in theirs])
            over = theirs | why_not
            if not over or not self._ends:
                return held
            with suppress(AdjustmentsOutdatedError):
                await self._writer.submit(self._ending(file, found, held, over))
                return held
        raise RuntimeError("the adjustments change faster than they can be read")

    def _ending(
        self, file: Policy, found: list[StoredAdjustment], held: list[StoredAdjustment], over: dict[str, str]
    ) -> ChangeAdjustments:
        now, policy = self._clock.now(), adjusted(file, held)
        ended = [each for each in found if each.id in over]
        for each in ended:
            log.warning("policy.adjustment_ended", task_type=each.task_type, key=each.key, why=over[each.id])
        return ChangeAdjustments(
            seen=[each.id for each in found],
            over=list(over),
            by="operator",
            at=now,
            policy=KeepPolicy(policy.version, policy.document, now),
            history=[
                HistoryRecord(
                    now, "operator:policy:adjusted", "operator", facts=facts_of(each, "file", each.value, policy)
                )
                for each in ended
            ],
        )

    async def reload(self) -> None:
        """As load(), but what goes wrong is only told in the log, once, and the old policy stays."""
        try:
            await self.load()
        except PolicyUnreadableError as error:
            self._tell("policy.refused", str(error))
        except (SQLAlchemyError, OSError) as error:
            self._tell("policy.not_stored", f"{type(error).__name__}: tried again until the database is back")
        else:
            self._told.clear()
            log.info("policy.loaded", version=self.current.version)

    async def notice(self) -> None:
        """As refresh(), but what goes wrong is only told in the log, once, and the old policy stays."""
        try:
            await self.refresh()
        except (SQLAlchemyError, OSError) as error:
            self._tell("policy.adjustments_unknown", f"{type(error).__name__}: read again until the database is back")
        else:
            self._told.pop("policy.adjustments_unknown", None)

    def _tell(self, event: str, detail: str) -> None:
        if self._told.get(event) != detail:
            log.error(event, detail=detail, in_force=self.current.version)
        self._told[event] = detail

    async def watch(self, interval: float = 1.0) -> None:
        """Reloads when the file or an adjustment changes; runs until cancelled."""
        while True:
            await self._clock.sleep(interval)
            if self._signature() != self._seen:
                await self.reload()
            else:
                await self.notice()

    def _signature(self) -> tuple[int, int, int] | None:
        with suppress(OSError):
            found = self._path.stat()
            return (found.st_mtime_ns, found.st_size, found.st_ino)
        return None
