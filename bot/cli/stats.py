"""The metrics on a terminal."""

import asyncio
import json
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.session import database, give_up
from bot.clock import SystemClock
from bot.config import load_settings
from bot.policy_in_force import read_policy
from bot.reporting.agreement import agreement_object, read_agreement
from bot.reporting.agreement_text import agreement_text
from bot.reporting.days import Span, SpanError, asked_for
from bot.reporting.overview import Overviews
from bot.reporting.statistics import read_prices, read_statistics, statistics_object
from bot.reporting.terminal import overview_text
from routing.policy import Policy
from store.agreement import AgreementStore
from store.facts import FactStore, Window
from store.load import LoadStore

app = typer.Typer()


@app.command()
def stats(
    task: Annotated[str | None, typer.Option(help="One task type. Default all, each with a line of its own.")] = None,
    window: Annotated[str | None, typer.Option(help="Back from now: a number and h or d. Default 7d.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first day, as 2026-11-09.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The day after the last. Default up to now.")] = None,
    agreement: Annotated[
        bool, typer.Option("--agreement", help="Instead: how far people agree with each other and with the model.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The metrics of the decisions that were created in a stretch of time, what waits for people now, and how far each
    task has come.

    Days are those of the policy's time zone, from --from on and before --to: the week from Monday 2026-11-09 to Sunday
    2026-11-15 is --from 2026-11-09 --to 2026-11-16, and these are the numbers of its weekly digest.
    """
    settings = load_settings()
    policy = read_policy(settings.hitl_policy)
    tz = ZoneInfo(policy.timezone)
    try:
        span = asked_for(window, first, end, now=SystemClock().now(), tz=tz)
    except SpanError as error:
        give_up(f"--{error.name}: {error}")

    telling = _agreement if agreement else _metrics
    typer.echo(asyncio.run(telling(span, task, policy, as_json=as_json)))


async def _metrics(span: Span, task: str | None, policy: Policy, *, as_json: bool) -> str:
    async with database() as engine:
        if not as_json:
            overview = await Overviews(engine).read(span, task, policy, SystemClock().now())
            return overview_text(overview)
        found = await read_statistics(FactStore(engine), span, task)
        prices = await read_prices(LoadStore(engine), found.window, policy.cost)
    return json.dumps(statistics_object(found, prices))


async def _agreement(span: Span, task: str | None, policy: Policy, *, as_json: bool) -> str:
    async with database() as engine:
        found = await read_agreement(AgreementStore(engine), Window(span.since, span.until, task))
    return json.dumps(agreement_object(found)) if as_json else agreement_text(found, ZoneInfo(policy.timezone))
