"""The sweep over what is due, on rows in memory."""

from datetime import datetime, timedelta

from bot.reviewing.sweep import sweep
from tests.support.clock import ManualClock


class Rows:
    """When each is due, by key. Advancing a broken one fails, any other is done."""

    def __init__(self, due: dict[int, datetime], broken: set[int]) -> None:
        self.at, self.broken, self.done = due, broken, list[int]()

    async def due(self, by: datetime, limit: int) -> list[int]:
        return sorted(pk for pk, at in self.at.items() if at <= by)[:limit]

    async def advance(self, pk: int, _by: datetime) -> None:
        if pk in self.broken:
            raise OSError("broken")
        self.done.append(pk)
        del self.at[pk]

    async def put_off(self, pk: int, _by: datetime, at: datetime) -> None:
        self.at[pk] = at

    async def sweep(self, clock: ManualClock, until: datetime | None = None) -> int:
        return await sweep(clock, until, due=self.due, advance=self.advance, put_off=self.put_off)


async def test_more_than_one_look_holds_is_all_done() -> None:
    clock = ManualClock()
    rows = Rows(dict.fromkeys(range(250), clock.now()), broken=set())
    assert await rows.sweep(clock) == 250
    assert rows.done == list(range(250))


async def test_one_that_fails_stops_no_other_and_is_tried_again_after_a_minute_of_the_clock() -> None:
    clock = ManualClock()
    tomorrow = clock.now() + timedelta(days=1)
    rows = Rows(dict.fromkeys(range(3), tomorrow), broken={1})
    assert await rows.sweep(clock, until=tomorrow) == 3
    assert rows.done == [0, 2]
    assert rows.at == {1: clock.now() + timedelta(minutes=1)}
