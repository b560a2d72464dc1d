"""The counters beside the recount."""

from sqlalchemy.ext.asyncio import AsyncEngine

from store.counter_check import CounterCheck, Difference


async def wrong_counters(engine: AsyncEngine) -> list[Difference]:
    """All that differ from the recount; there is something to count."""
    check = CounterCheck(engine)
    blocks = await check.blocks()
    assert blocks
    return [each for block in blocks for each in await check.differences(block)]
