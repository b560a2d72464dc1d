"""The parameters of a query: each is refused by name, with what to write instead. All raise Problem."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime

from bot.problem import Problem, invalid_body
from bot.reporting.days import moment
from routing.json_value import UNSTORABLE_TEXT


def only(query: Mapping[str, str], known: Collection[str]) -> None:
    use = (
        f"use {'one of ' if len(known) > 1 else ''}{', '.join(sorted(known))}"
        if known
        else "this call takes no parameters"
    )
    for name in query:
        if name not in known:
            raise refused(name, f"unknown; {use}")


def refused(name: str, message: str) -> Problem:
    return invalid_body([{"loc": ["query", name], "msg": message}])


def number(query: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    given = query.get(name)
    if given is None:
        return default
    if not (given.isascii() and given.isdigit() and len(given) <= 9 and low <= int(given) <= high):
        raise refused(name, f"must be a whole number from {low} to {high}")
    return int(given)


def text(query: Mapping[str, str], name: str) -> str | None:
    given = query.get(name)
    if given is not None and UNSTORABLE_TEXT.search(given):
        raise refused(name, "holds a character that no stored value has")
    return given


def choice(query: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str | None:
    given = query.get(name)
    if given is not None and given not in allowed:
        raise refused(name, f"must be one of {', '.join(allowed)}")
    return given


def instant(query: Mapping[str, str], name: str) -> datetime | None:
    given = query.get(name)
    if given is None:
        return None
    with suppress(ValueError, OverflowError):
        return moment(given)
    raise refused(name, "must be an ISO 8601 time such as 2026-11-20T10:00:00Z")
