"""Inserting only what is not there yet, on either database."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


async def insert_new(connection: AsyncConnection, table: Table, *rows: dict[str, Any]) -> int:
    """Inserts the rows (at least one) that break no unique constraint, and drops the others. How many were inserted,
    where it was one row."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).on_conflict_do_nothing()
    return (await connection.execute(insert, list(rows))).rowcount
