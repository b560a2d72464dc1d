"""Faults a test or a visitor orders: what goes wrong, for which method, how often."""

import asyncio
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

Mode = Literal["lose_answer", "lose_request", "late", "hang", "ratelimit", "error", "status", "duplicate"]
INTERACTIONS = frozenset(
    {
        "block_actions",
        "view_submission",
        "view_closed",
        "command",
        "shortcut",
        "message_action",
        "event",
        "url_verification",
    }
)


@dataclass
class Fault:
    """One ordered misfortune.

    `method` is a Web API method, `response_url`, `*` for all of them, or, with mode `duplicate`, a kind of
    interaction. Modes: `lose_answer` (carried out, then the connection is dropped), `lose_request` (dropped before),
    `late` (answered after `seconds`, carried out `before` or `after` the wait), `hang` (never answered; carried out if
    `before`, not at all if `after`; the connection stays open until the faults are cleared), `ratelimit` (429 with
    Retry-After `seconds`), `error` (Slack's `error`), `status` (HTTP `status`), `duplicate` (the same request is sent
    twice). `times` calls are hit, all of them if None; `channel` narrows to calls that name it.
    """

    method: str
    mode: Mode
    times: int | None = 1
    seconds: float = 1.0
    error: str = "internal_error"
    status: int = 500
    carried_out: Literal["before", "after"] = "before"
    channel: str | None = None

    def __post_init__(self) -> None:
        if self.mode not in get_args(Mode):
            raise ValueError(f"unknown mode {self.mode}; one of {', '.join(get_args(Mode))}")
        if (self.mode == "duplicate") != (self.method in INTERACTIONS):
            raise ValueError(f"mode {self.mode} does not go with {self.method}")
        if self.times is not None and self.times < 1:
            raise ValueError("times must be at least 1, or null")
        if self.seconds < 0 or not 400 <= self.status <= 599 or self.carried_out not in ("before", "after"):
            raise ValueError("seconds, status or carried_out out of range")

    def fits(self, method: str, channel: str | None) -> bool:
        hit = method not in INTERACTIONS if self.method == "*" else self.method == method
        return hit and self.channel in (None, channel)


class Faults:
    """The orders in force, oldest first; the first that fits a call hits it."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._cleared = asyncio.Event()

    def add(self, fault: Fault) -> Fault:
        self._orders.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing goes wrong from now on; what hangs is cut off."""
        self._orders.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def cleared(self) -> None:
        """Return at the next `clear`."""
        await self._cleared.wait()

    def take(self, method: str, channel: str | None = None) -> Fault | None:
        """The fault that hits this call, counted down; None if it goes well."""
        for fault in self._orders:
            if fault.fits(method, channel):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times == 0:
                        self._orders.remove(fault)
                return fault
        return None

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self._orders]
