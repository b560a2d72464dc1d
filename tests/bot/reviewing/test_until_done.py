"""Trying anew while others are quicker."""

import pytest

from bot.reviewing.until_done import unless_outdated, until_done


class OutdatedError(Exception):
    pass


async def test_each_attempt_is_made_on_what_is_seen_then() -> None:
    seen = iter([2, 3])

    async def attempt(value: int) -> str | None:
        return f"done on {value}" if value == 3 else None

    async def look_again() -> int:
        return next(seen)

    assert await until_done(1, attempt, look_again) == "done on 3"


async def test_giving_up_does_not_tell_what_was_seen() -> None:
    async def attempt(_: str) -> str | None:
        return None

    async def look_again() -> str:
        return "a customer's words"

    with pytest.raises(RuntimeError, match="faster than anybody can act on it") as raised:
        await until_done("a customer's words", attempt, look_again)
    assert "customer" not in str(raised.value)


async def test_what_is_outdated_is_made_anew_and_nothing_else() -> None:
    errors: list[Exception] = [OutdatedError(), OutdatedError(), ValueError("broken")]

    async def attempt() -> str:
        if errors:
            raise errors.pop(0)
        return "done"

    with pytest.raises(ValueError, match="broken"):
        await unless_outdated(attempt, OutdatedError)
    assert await unless_outdated(attempt, OutdatedError) == "done"


async def test_what_never_comes_to_an_end_is_an_error() -> None:
    async def attempt() -> str:
        raise OutdatedError

    with pytest.raises(RuntimeError, match="faster than it can be worked out"):
        await unless_outdated(attempt, OutdatedError)
