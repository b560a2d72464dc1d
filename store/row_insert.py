"""Inserting many rows on the hot path: what is the same for every row is worked out once.

SQLAlchemy's `executemany` builds the parameters of each row through its expression language, which costs more than
the database does. The statement, the conversion of values and the errors here are still SQLAlchemy's.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from sqlalchemy import Insert, Table, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The statement for one dialect, and what turns a value into the driver's, by position."""

    statement: str
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]

    def parameters(self, values: Iterable[Any]) -> tuple[Any, ...]:
        row = list(values)
        for place, convert in self.converters:
            row[place] = convert(row[place])
        return tuple(row)


class RowInsert:
    """INSERT of objects that have an attribute for every column, but those that the database numbers by itself. Where
    the key is there already, columns in `replacing` take the place of its own; without any that is an error."""

    def __init__(self, table: Table, *, numbered: Collection[str] = (), replacing: Collection[str] = ()) -> None:
        self._table = table
        self._replacing = replacing
        self._columns = [column for column in table.columns if column.name not in numbered]
        self._values: Callable[[object], tuple[Any, ...]] = attrgetter(*(column.name for column in self._columns))
        self._prepared: dict[str, _Prepared] = {}

    async def execute(self, connection: AsyncConnection, objects: Iterable[object]) -> None:
        """Raises what `connection.execute(insert(table), rows)` would; sends nothing when there are no objects."""
        prepared = self._prepared.get(connection.dialect.name) or self._prepare(connection.dialect)
        rows = [prepared.parameters(self._values(each)) for each in objects]
        if rows:
            await connection.exec_driver_sql(prepared.statement, rows)

    def _prepare(self, dialect: Dialect) -> _Prepared:
        names = [column.name for column in self._columns]
        # Inline: without the RETURNING that would fetch a new row's number.
        statement = self._insert(dialect).inline().compile(dialect=dialect, column_keys=names)
        types = [column.type.dialect_impl(dialect) for column in self._columns]
        converters = ((place, kind.bind_processor(dialect)) for place, kind in enumerate(types))
        prepared = _Prepared(str(statement), tuple((place, to) for place, to in converters if to is not None))
        self._prepared[dialect.name] = prepared
        return prepared

    def _insert(self, dialect: Dialect) -> Insert:
        if not self._replacing:
            return insert(self._table)
        made = (postgresql if dialect.name == "postgresql" else sqlite).insert(self._table)
        values = {name: made.excluded[name] for name in self._replacing}
        replacing: Insert = made.on_conflict_do_update(index_elements=self._table.primary_key, set_=values)
        return replacing
