"""The history as lines of JSON, each record with the seal that covers it: the same history gives the same bytes."""

import os
import sys
from bisect import bisect_left
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

import orjson

from routing.json_value import canonical
from store.seals import BLOCK, HeldRecord, SealStore, held_time

_SEALS_AT_ONCE = 100


async def lines(store: SealStore, since: datetime | None = None) -> AsyncIterator[bytes]:
    """One line a record, in order, with its line break. `seal` is the number of the seal over it, null for what came
    since the last one; `sha256` the digest of the record in it."""
    numbers, ends = await _ends(store)
    after, earliest = -(1 << 63), "" if since is None else held_time(since)
    while held := await store.records(after, limit=BLOCK):
        for record in held:
            if str(record.at) >= earliest:
                place = bisect_left(ends, record.seq)
                yield _line(record, numbers[place] if place < len(ends) else None)
        after = held[-1].seq


async def _ends(store: SealStore) -> tuple[list[int], list[int]]:
    """The number and the last seq of each seal, in order."""
    numbers: list[int] = []
    ends: list[int] = []
    while seals := await store.seals(numbers[-1] if numbers else 0, limit=_SEALS_AT_ONCE):
        numbers += [seal.number for seal in seals]
        ends += [seal.last_seq for seal in seals]
    return numbers, ends


def _line(record: HeldRecord, seal: int | None) -> bytes:
    told = {"facts": _facts(record.facts), "seal": seal, "sha256": record.digest.hex()}
    return canonical(record.members | told) + b"\n"


def _facts(text: str) -> object:
    """As they were stored, byte by byte; as a text where they have been damaged."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return orjson.Fragment(text)


@contextmanager
def written_to(path: Path | None) -> Iterator[IO[bytes]]:
    """Where the lines go: the standard output, or a file that is there as a whole or not at all."""
    if path is None:
        yield sys.stdout.buffer
        return
    with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        try:
            yield draft
            draft.flush()
            os.fsync(draft.fileno())
            Path(draft.name).replace(path)
        except BaseException:
            Path(draft.name).unlink(missing_ok=True)
            raise
