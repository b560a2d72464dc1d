"""What applied calibrations have used: noted portion by portion, beside everything else that is due."""

from datetime import datetime
from typing import Final

from store.uses import NoteUse, UseStore
from store.writer import Writer

_PAGES_AT_ONCE: Final = 5
"""Some 0.5 s: deadlines are kept by the same loop, and should not wait for a million labels."""


class Uses:
    def __init__(self, *, writer: Writer, store: UseStore) -> None:
        self._writer, self._store = writer, store

    async def sweep(self, until: datetime | None = None) -> int:
        """Notes the next portion, whenever it was due; how many corrections that were. What is left is due at once."""
        noted = 0
        for _ in range(_PAGES_AT_ONCE):
            use = await self._store.next()
            if use is None:
                break
            page = await self._store.page(use)
            await self._writer.submit(NoteUse(use, page))
            noted += len(page.verdict_pks)
        return noted

    async def next_due(self) -> datetime | None:
        use = await self._store.next()
        return None if use is None else use.at
