"""The policy in force: read at start, read again when the file changes, and never replaced by a broken one."""

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bot.clock import Clock
from routing.policy import Policy, PolicyError, Problem, parse_policy
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


class PolicyInForce:
    """`current` is the policy of the moment. Every version is stored before it routes anything."""

    def __init__(self, path: Path, writer: Writer, clock: Clock) -> None:
        self._path, self._writer, self._clock = path, writer, clock
        self._current: Policy | None = None
        self._seen: tuple[int, int, int] | None = None
        self._told: str | None = None
        self._lock = asyncio.Lock()  # a signal and a change of the file come together, and the later read must win

    @property
    def current(self) -> Policy:
        if self._current is None:
            raise RuntimeError("the policy is asked for before load()")
        return self._current

    async def load(self) -> None:
        """Reads the file and puts it in force. Raises PolicyUnreadableError, and the old one stays."""
        async with self._lock:
            seen = self._signature()
            try:
                policy = await asyncio.to_thread(read_policy, self._path)
            except PolicyUnreadableError:
                self._seen = seen
                raise
            if self._current is None or policy.version != self._current.version:
                await self._writer.submit(KeepPolicy(policy.version, policy.document, self._clock.now()))
                for warning in warnings_of(policy, self._path):
                    log.warning("policy.doubtful", detail=warning)
            self._current, self._seen = policy, seen

    async def reload(self) -> None:
        """As load(), but what goes wrong is only told in the log, once, and the old policy stays."""
        try:
            await self.load()
        except PolicyUnreadableError as error:
            self._tell("policy.refused", str(error))
        except (SQLAlchemyError, OSError) as error:
            self._tell("policy.not_stored", f"{type(error).__name__}: tried again until the database is back")
        else:
            self._told = None
            log.info("policy.loaded", version=self.current.version)

    def _tell(self, event: str, detail: str) -> None:
        if detail != self._told:
            log.error(event, detail=detail, in_force=self.current.version)
        self._told = detail

    async def watch(self, interval: float = 1.0) -> None:
        """Reloads when the file changes; runs until cancelled."""
        while True:
            await self._clock.sleep(interval)
            if self._signature() != self._seen:
                await self.reload()

    def _signature(self) -> tuple[int, int, int] | None:
        with suppress(OSError):
            found = self._path.stat()
            return (found.st_mtime_ns, found.st_size, found.st_ino)
        return None
