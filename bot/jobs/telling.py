"""What the command line says about jobs."""

from typing import Any

from bot.answer import timestamp
from bot.jobs.runner import Busy, Overview, Ran


def overview_line(overview: Overview) -> dict[str, Any]:
    """One job of `hitl jobs --json`."""
    last = overview.last
    return {
        "name": overview.name,
        "last_run": None if last is None else timestamp(last.finished_at or last.started_at),
        "period": None if last is None else last.tick.period,
        "state": None if last is None else last.state,
        "last_error": None if last is None else last.last_error,
        "next_run": timestamp(overview.next_at),
    }


def ran_object(name: str, ran: Ran | Busy) -> dict[str, Any]:
    """The answer of `hitl jobs run NAME --json`."""
    about = {"job": name, "scope": ran.tick.scope, "period": ran.tick.period, "at": timestamp(ran.tick.at)}
    if isinstance(ran, Busy):
        return {**about, "state": "running"}
    return {**about, "state": "done", "already_done": ran.again, "did": ran.told}


def ran_text(name: str, ran: Ran | Busy) -> str:
    tick = f"{name} {ran.tick.period}"
    if isinstance(ran, Busy):
        return f"{tick}: another process is at it"
    did = ", ".join(f"{key} {value}" for key, value in ran.told.items()) or "nothing to do"
    return f"{tick}: {'already done: ' if ran.again else ''}{did}"
