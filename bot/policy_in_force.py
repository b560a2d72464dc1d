"""The policy in force: read at start, read again when the file changes, and never replaced by a broken one."""

import asyncio
from contextlib import suppress
from pathlib import Path

import structlog

from bot.clock import Clock
from routing.policy import Policy, PolicyError, parse_policy
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
        problems = "\n".join(f"  {path.name}:{p.line or '?'}: {p.path}: {p.message}" for p in error.problems)
        raise PolicyUnreadableError(f"{path.name} is refused as a whole:\n{problems}") from error


def _why(error: Exception) -> str:
    return error.strerror or "cannot be read" if isinstance(error, OSError) else "it is not UTF-8 text"


class PolicyInForce:
    """`current` is the policy of the moment. Every version is stored before it routes anything."""

    def __init__(self, path: Path, writer: Writer, clock: Clock) -> None:
        self._path, self._writer, self._clock = path, writer, clock
        self._current: Policy | None = None
        self._seen: tuple[int, int, int] | None = None
        self.last_error: str | None = None

    @property
    def current(self) -> Policy:
        if self._current is None:
            raise RuntimeError("the policy is asked for before load()")
        return self._current

    async def load(self) -> None:
        """Reads the file and puts it in force. Raises PolicyUnreadableError, and the old one stays."""
        self._seen = self._signature()
        policy = await asyncio.to_thread(read_policy, self._path)
        if self._current is None or policy.version != self._current.version:
            await self._writer.submit(KeepPolicy(policy.version, policy.document, self._clock.now()))
        self._current = policy

    async def reload(self) -> None:
        """As load(), but a broken file is only told in the log, once."""
        try:
            await self.load()
        except PolicyUnreadableError as error:
            if str(error) != self.last_error:
                log.error("policy.refused", detail=str(error), in_force=self.current.version)
            self.last_error = str(error)
        else:
            self.last_error = None
            log.info("policy.loaded", version=self.current.version)

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
