"""API keys: `Authorization: Bearer hitl_…`. Looked up by SHA-256, remembered for a second."""

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Literal

from aiohttp import web

from bot.clock import Clock
from bot.problem import Problem
from store.keys import ApiKey, KeyStore

Scope = Literal["ingest", "read", "feedback", "admin"]

# A new or revoked key is in force within two seconds (contract §6).
_REMEMBERED = timedelta(seconds=1)
_MOST = 10_000


def sha256_of_key(key: str) -> str:
    # A header may hold any bytes; aiohttp gives those that are not UTF-8 as lone surrogates.
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class Authenticator:
    def __init__(self, keys: KeyStore, clock: Clock) -> None:
        self._keys, self._clock = keys, clock
        self._known: dict[str, tuple[datetime, ApiKey]] = {}
        self._lookups: dict[str, asyncio.Task[ApiKey | None]] = {}

    async def require(self, request: web.Request, scope: Scope) -> ApiKey:
        """The key of a request. Raises Problem (unauthorized, forbidden)."""
        kind, _, secret = request.headers.get("Authorization", "").partition(" ")
        secret = secret.strip()
        if kind.lower() != "bearer" or not secret.startswith("hitl_"):
            raise Problem("unauthorized", "Send the header Authorization: Bearer hitl_…")
        key = await self._find(sha256_of_key(secret))
        if key is None:
            raise Problem("unauthorized", "This API key is not known or was revoked. `hitl keys create` makes one.")
        if not key.scopes & {scope, "admin"}:
            raise Problem("forbidden", f"This API key lacks the scope {scope}.")
        return key

    async def _find(self, digest: str) -> ApiKey | None:
        now = self._clock.now()
        known = self._known.get(digest)
        if known is not None and timedelta(0) <= now - known[0] < _REMEMBERED:
            return known[1]
        # All requests that find the key forgotten wait for one look: a busy app would else ask the database as often
        # as it has requests under way, every second.
        lookup = self._lookups.get(digest)
        if lookup is None:
            lookup = self._lookups[digest] = asyncio.create_task(self._look_up(digest, now))
            lookup.add_done_callback(lambda _lookup: self._lookups.pop(digest))
        return await asyncio.shield(lookup)

    async def _look_up(self, digest: str, now: datetime) -> ApiKey | None:
        key = await self._keys.find(digest)
        if key is None:
            self._known.pop(digest, None)
            return None
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[digest] = (now, key)
        return key
