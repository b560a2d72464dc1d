"""Which records are not what was sealed: a block of the history against the digests in its seal."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from store.seals import DIGEST, HeldRecord, Seal


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it was written. `seq`: of the record, where one is to blame."""

    what: str
    seq: int | None = None


def differences(seal: Seal, held: Sequence[HeldRecord], *, after: int) -> Iterator[Finding]:
    """Names the records that are not what was sealed. `held` are those with a seq above `after` and up to the seal's
    last, in order."""
    digests = [seal.digests[start : start + DIGEST] for start in range(0, len(seal.digests), DIGEST)]
    found = [record.digest for record in held]
    if found == digests:
        return
    for was, now in _gaps(digests, found):
        low = max(held[now.start - 1].seq if now.start else after, seal.first_seq - 1)
        high = held[now.stop].seq if now.stop < len(held) else seal.last_seq + 1
        yield from _told(len(was), held[now.start : now.stop], low, high)


def _gaps(was: Sequence[bytes], now: Sequence[bytes]) -> Iterator[tuple[range, range]]:
    """Where the two differ, between what both have; each digest holds its seq, so what both have is in one order."""
    place = {digest: index for index, digest in enumerate(was)}
    common = [(place[digest], index) for index, digest in enumerate(now) if digest in place]
    for (left, below), (right, above) in pairwise([(-1, -1), *common, (len(was), len(now))]):
        if right - left > 1 or above - below > 1:
            yield range(left + 1, right), range(below + 1, above)


def _told(sealed: int, held: Sequence[HeldRecord], low: int, high: int) -> Iterator[Finding]:
    """One gap: so many records were sealed in it, with seqs between `low` and `high`, and these are held."""
    there = {record.seq for record in held if low < record.seq}
    for record in held:
        if not sealed or record.seq not in there:
            yield Finding(f"record {record.seq} was inserted", record.seq)
        elif sealed == len(there):
            yield Finding(f"record {record.seq} was changed", record.seq)
        else:
            yield Finding(f"record {record.seq} was changed or inserted", record.seq)
    missing, numbers = sealed - len(there), range(low + 1, high)
    if missing == len(numbers) - len(there):
        yield from (Finding(f"record {seq} is missing", seq) for seq in numbers if seq not in there)
    elif missing > 0:
        yield Finding(f"{missing} of the records {low + 1} to {high - 1} are missing", low + 1)
