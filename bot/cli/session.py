"""What commands run in, and how they end."""

import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, NoReturn, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.app import Application
from bot.config import load_secret, load_settings
from bot.logs import set_up_logging
from bot.reporting.days import YEARS, moment
from bot.secretbox import SecretBox
from store import schema
from store.engine import open_engine
from store.writer import Writer

Result = TypeVar("Result")


def give_up(message: str) -> NoReturn:
    """Wrong use, or wrong surroundings: one message and exit code 2."""
    typer.echo(message, err=True)
    sys.exit(2)


@contextlib.asynccontextmanager
async def database() -> AsyncIterator[AsyncEngine]:
    """The database that the settings name, with a schema that is new enough. Raises SchemaTooOldError."""
    engine = open_engine(load_settings().database)
    try:
        await schema.require(engine)
        yield engine
    finally:
        await engine.dispose()


def moment_of(option: str, text: str) -> datetime:
    """An ISO 8601 time; without an offset it is UTC."""
    try:
        at = moment(text)
    except (ValueError, OverflowError):
        give_up(f"{option}: {text} is no ISO 8601 time, such as 2026-11-30T09:00:00+01:00 or 2026-11-30T08:00Z.")
    if at.year not in YEARS:
        give_up(f"{option}: {text} lies outside the years {YEARS.start} to {YEARS.stop - 1}.")
    return at


async def with_application(work: Callable[[Application], Awaitable[Result]], *, urgent: bool = False) -> Result:
    """For commands that act as the serving process does, beside it. `urgent`: also while the policy file is broken."""
    settings = load_settings()
    set_up_logging(settings.hitl_log)  # beside what is printed, not in it
    application = Application(settings, role="jobs")
    try:
        await application.prepare(urgent=urgent)
        return await work(application)
    finally:
        await application.stop()


async def with_writer(work: Any) -> Any:
    settings = load_settings()
    box = SecretBox(load_secret(settings))
    async with database() as engine:
        writer = Writer(engine)
        writer.start()
        try:
            return await work(writer, box)
        finally:
            await writer.stop()
