"""Seals over the history: blocks of its records, each sealed together with all before it.

Nothing of it is on the hot path. A record is sealed as the database holds it, `facts` as the text that was stored: one
changed byte changes its digest, on either database alike.
"""

import hashlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    LargeBinary,
    Row,
    Select,
    Table,
    Text,
    cast,
    func,
    insert,
    select,
    text,
    type_coerce,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.json_value import canonical
from store import tables as t
from store.types import JsonText
from store.writer import SingleCommand

BLOCK = 1_000
"""Records under one seal, at most."""
DIGEST = hashlib.sha256().digest_size

_BODIES_AT_ONCE = 50
_BEFORE_THE_FIRST = "0" * 64
# Behind a transaction that takes long the lock would wait, and everybody who writes history would queue behind it.
_LOCK_TIMEOUT = "1s"


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record of the history as the database holds it: times and facts as text. In a damaged database a member may
    be anything."""

    seq: int
    at: Any
    event: Any
    actor: Any
    app_pk: Any
    decision_pk: Any
    review_pk: Any
    facts: Any

    @property
    def members(self) -> dict[str, Any]:
        return {
            "seq": self.seq,
            "at": self.at,
            "event": self.event,
            "actor": self.actor,
            "app_pk": self.app_pk,
            "decision_pk": self.decision_pk,
            "review_pk": self.review_pk,
            "facts": self.facts,
        }

    @property
    def digest(self) -> bytes:
        """SHA-256 of the members as canonical JSON."""
        return hashlib.sha256(canonical(self.members)).digest()


@dataclass(frozen=True, slots=True)
class Seal:
    """One row of `seals`, `at` as text. It covers the records from `first_seq` to `last_seq`; transactions that were
    rolled back leave numbers out between them."""

    number: int
    first_seq: Any
    last_seq: Any
    records: Any
    digests: bytes = field(repr=False)
    """Of each record in order, `DIGEST` bytes each."""
    sha256: Any
    at: Any

    @property
    def has_bounds(self) -> bool:
        """Not so where the database is damaged."""
        return isinstance(self.first_seq, int) and isinstance(self.last_seq, int)

    def computed(self, former: str | None) -> str:
        """What `sha256` has to be after a seal with this `former` one (None: this is the first): SHA-256 of one line
        of text (`former` or 64 zeros, number, first_seq, last_seq, records, at, with spaces between) and the digests.
        """
        line = f"{former or _BEFORE_THE_FIRST} {self.number} {self.first_seq} {self.last_seq} {self.records} {self.at}"
        return hashlib.sha256(f"{line}\n".encode() + self.digests).hexdigest()


@dataclass(frozen=True, slots=True)
class SealMark:
    """A seal without what it covers: what a digest prints, to hold the history against later."""

    number: int
    sha256: str
    last_seq: int
    at: datetime


def sealed(former: SealMark | None, records: Sequence[HeldRecord], at: datetime) -> tuple[Seal, SealMark]:
    """The next seal, over these records."""
    blank = Seal(
        number=1 if former is None else former.number + 1,
        first_seq=records[0].seq,
        last_seq=records[-1].seq,
        records=len(records),
        digests=b"".join(record.digest for record in records),
        sha256="",
        at=held_time(at),
    )
    sha256 = blank.computed(None if former is None else former.sha256)
    return replace(blank, sha256=sha256), SealMark(blank.number, sha256, blank.last_seq, at)


@dataclass(frozen=True, slots=True)
class AddSeal(SingleCommand[bool]):
    """False: another replica has sealed these records."""

    seal: Seal
    at: datetime

    async def apply(self, connection: AsyncConnection) -> bool:
        # Of two replicas that look at once the later one meets the primary key, and then looks again.
        latest = await connection.scalar(select(func.coalesce(func.max(t.seals.c.number), 0)))
        if latest != self.seal.number - 1:
            return False
        row = {column.name: getattr(self.seal, column.name) for column in t.seals.columns}
        await connection.execute(insert(t.seals).values(row | {"at": self.at}))
        return True


class SealStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def latest(self) -> SealMark | None:
        s = t.seals.c
        query = select(s.number, s.sha256, s.last_seq, s.at).order_by(s.number.desc()).limit(1)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else SealMark(*row)

    async def settled(self) -> int:
        """The seq up to which no record can appear any more; 0 without records.

        On PostgreSQL a record with a lower seq may be committed after one with a higher. The lock waits for every
        transaction that has written history, and holds new ones back while the highest seq is read. That is enough: a
        seq is drawn inside an INSERT, which holds ROW EXCLUSIVE on the table until its transaction ends. So whatever
        was drawn before is committed or gone by now, and whatever is drawn afterwards is higher. On SQLite one process
        writes at a time, and each seq is above all that are committed.
        """
        async with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
                await connection.execute(text("LOCK TABLE history IN SHARE MODE"))
            return await connection.scalar(select(func.coalesce(func.max(t.history.c.seq), 0))) or 0

    async def count(self) -> int:
        """Records in the history."""
        async with self._engine.connect() as connection:
            return await connection.scalar(select(func.count()).select_from(t.history)) or 0

    async def records(self, after: int, to: int | None = None, *, limit: int) -> list[HeldRecord]:
        """Those with a seq above `after` and up to `to` (None: all), in order."""
        h = t.history.c
        async with self._engine.connect() as connection:
            query = _as_held(connection.dialect, t.history).where(h.seq > after).order_by(h.seq).limit(limit)
            if to is not None:
                query = query.where(h.seq <= to)
            return [HeldRecord(*map(_plain, row)) for row in await connection.execute(query)]

    async def records_of(self, decision_pks: Collection[int], *, after: int) -> list[HeldRecord]:
        """Those of these decisions with a seq above `after`, in order."""
        h = t.history.c
        async with self._engine.connect() as connection:
            mine = _as_held(connection.dialect, t.history).where(h.decision_pk.in_(decision_pks), h.seq > after)
            return [HeldRecord(*map(_plain, row)) for row in await connection.execute(mine.order_by(h.seq))]

    async def contents(self, decision_pks: Collection[int], *parts: str) -> AsyncIterator[tuple[int, str, Any]]:
        """Decision, part and body of content as it is held, a few at a time: each may have a megabyte."""
        c = t.contents.c
        async with self._engine.connect() as connection:
            query = _as_held(connection.dialect, t.contents).where(c.decision_pk.in_(decision_pks), c.part.in_(parts))
            found = await connection.stream(query)
            async for rows in found.partitions(_BODIES_AT_ONCE):
                for row in rows:
                    yield row.decision_pk, _plain(row.part), _plain(row.body)

    async def seals(self, after: int, *, limit: int) -> list[Seal]:
        """Those with a number above `after`, in order."""
        s = t.seals.c
        async with self._engine.connect() as connection:
            query = _as_held(connection.dialect, t.seals).where(s.number > after).order_by(s.number).limit(limit)
            return [_seal(row) for row in await connection.execute(query)]


def _seal(row: Row[Any]) -> Seal:
    told = {column.name: _plain(getattr(row, column.name)) for column in t.seals.columns if column.name != "digests"}
    return Seal(**told, digests=row.digests or b"")


def _as_held(dialect: Dialect, table: Table) -> Select[Any]:
    """All columns, read so that no damage to them can get in the way. SQLite keeps anything in any column."""
    return select(*(_held(dialect, column) for column in table.columns))


def _held(dialect: Dialect, column: ColumnElement[Any]) -> ColumnElement[Any]:
    is_number = column.type.python_type is int
    if dialect.name == "sqlite" and not is_number:
        return cast(column, LargeBinary).label(column.name)
    return type_coerce(column, Text) if isinstance(column.type, JsonText) else column


def _plain(value: Any) -> Any:
    match value:
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return {"bytes": value.hex()}
        case float():  # none is written; canonical JSON would take the infinite ones for nothing
            return {"real": repr(value)}
        case datetime():
            return held_time(value)
        case _:
            return value


def held_time(at: datetime) -> str:
    """A time as it is sealed, and as SQLite keeps it: texts that sort as the times do."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
