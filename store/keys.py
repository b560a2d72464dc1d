"""Apps, their webhook secrets (encrypted by the caller) and their API keys (only a SHA-256 is kept)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from store import tables as t
from store.history import HistoryRecord, append
from store.writer import SingleCommand


@dataclass(frozen=True, slots=True)
class ApiKey:
    id: str
    app_pk: int
    app: str
    scopes: frozenset[str]
    created_at: datetime
    revoked_at: datetime | None

    @property
    def sees(self) -> int | None:
        """The only app whose data it sees; None: those of all."""
        return None if "admin" in self.scopes else self.app_pk


@dataclass(frozen=True, slots=True)
class AppSecrets:
    """Encrypted webhook secrets: the one in force, and the former ones that sign too at the time asked for."""

    current: str
    former: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CreateKey(SingleCommand[bool]):
    """Adds a key, and its app where it is new. True: the app is new, and `webhook_secret` is now its secret."""

    id: str
    app: str
    key_sha256: str
    scopes: list[str]
    webhook_secret: str
    at: datetime

    async def apply(self, connection: AsyncConnection) -> bool:
        app_pk = await connection.scalar(select(t.apps.c.pk).where(t.apps.c.name == self.app))
        is_new = app_pk is None
        if app_pk is None:
            app_pk = await connection.scalar(
                insert(t.apps)
                .values(name=self.app, webhook_secret=self.webhook_secret, former_secrets=[], created_at=self.at)
                .returning(t.apps.c.pk)
            )
        await connection.execute(
            insert(t.api_keys).values(
                id=self.id, app_pk=app_pk, key_sha256=self.key_sha256, scopes=self.scopes, created_at=self.at
            )
        )
        facts = {"key": self.id, "scopes": self.scopes}
        await append(connection, [HistoryRecord(self.at, "operator:key:created", "operator", app_pk, facts=facts)])
        return is_new


@dataclass(frozen=True, slots=True)
class EnsureApp(SingleCommand[int]):
    """The pk of the app of this name, which is made where it is new."""

    name: str
    webhook_secret: str
    at: datetime

    async def apply(self, connection: AsyncConnection) -> int:
        known = await connection.scalar(select(t.apps.c.pk).where(t.apps.c.name == self.name))
        if known is None:
            row = {"name": self.name, "webhook_secret": self.webhook_secret, "former_secrets": []}
            known = await connection.scalar(insert(t.apps).values(created_at=self.at, **row).returning(t.apps.c.pk))
        return int(known or 0)


@dataclass(frozen=True, slots=True)
class RevokeKey(SingleCommand[bool]):
    """False: there is no such key in force."""

    id: str
    at: datetime

    async def apply(self, connection: AsyncConnection) -> bool:
        changed = await connection.execute(
            update(t.api_keys)
            .where(t.api_keys.c.id == self.id, t.api_keys.c.revoked_at.is_(None))
            .values(revoked_at=self.at)
        )
        if changed.rowcount == 0:
            return False
        record = HistoryRecord(self.at, "operator:key:revoked", "operator", facts={"key": self.id})
        await append(connection, [record])
        return True


@dataclass(frozen=True, slots=True)
class RotateSecret(SingleCommand[bool]):
    """The app's secret joins the former ones, and signs too until `former_until`. False: no such app."""

    app: str
    webhook_secret: str
    former_until: datetime
    at: datetime

    async def apply(self, connection: AsyncConnection) -> bool:
        query = select(t.apps).where(t.apps.c.name == self.app).with_for_update()
        app = (await connection.execute(query)).one_or_none()
        if app is None:
            return False
        former = [
            {"secret": app.webhook_secret, "until": self.former_until.isoformat()},
            *(secret for secret in app.former_secrets if _signs(secret, self.at)),
        ]
        await connection.execute(
            update(t.apps)
            .where(t.apps.c.pk == app.pk)
            .values(webhook_secret=self.webhook_secret, former_secrets=former)
        )
        await append(connection, [HistoryRecord(self.at, "operator:secret:rotated", "operator", app.pk)])
        return True


def _signs(former: dict[str, str], at: datetime) -> bool:
    return at < datetime.fromisoformat(former["until"])


class KeyStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def find(self, key_sha256: str) -> ApiKey | None:
        """A key in force."""
        keys = await self._select(t.api_keys.c.key_sha256 == key_sha256, t.api_keys.c.revoked_at.is_(None))
        return keys[0] if keys else None

    async def all(self) -> list[ApiKey]:
        return await self._select()

    async def secrets(self, app_pk: int, at: datetime) -> AppSecrets:
        query = select(t.apps).where(t.apps.c.pk == app_pk)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one()
        former = tuple(secret["secret"] for secret in row.former_secrets if _signs(secret, at))
        return AppSecrets(row.webhook_secret, former)

    async def _select(self, *conditions: ColumnElement[bool]) -> list[ApiKey]:
        query = (
            select(t.api_keys, t.apps.c.name)
            .join(t.apps, t.apps.c.pk == t.api_keys.c.app_pk)
            .where(*conditions)
            .order_by(t.api_keys.c.created_at, t.api_keys.c.id)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [
            ApiKey(row.id, row.app_pk, row.name, frozenset(row.scopes), row.created_at, row.revoked_at) for row in rows
        ]
