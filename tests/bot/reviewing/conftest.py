"""The world of the review services, on SQLite or on both databases."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bot.reviewing.world import World, review_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with review_world(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as made:
        yield made


@pytest.fixture
async def any_world(tmp_path: Path, database_url: str) -> AsyncIterator[World]:
    """Once on each database, for what people or replicas do at the same moment."""
    async with review_world(tmp_path, database_url) as made:
        yield made
