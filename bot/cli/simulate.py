"""A draft of the policy, tried on stored decisions."""

import asyncio
import json
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from bot.cli.session import database, give_up
from bot.clock import SystemClock
from bot.policy_in_force import PolicyUnreadableError, read_policy
from bot.proof.telling import progress_bar
from bot.reporting.days import SpanError, asked_for
from bot.reporting.statistics import read_prices
from bot.simulating import Tried, simulated, simulation_object, simulation_text
from routing.policy import Policy
from store.facts import Window
from store.load import LoadStore
from store.replay import ReplayStore

app = typer.Typer()


@app.command("simulate")
def simulate(
    file: Annotated[Path, typer.Argument(help="A draft of the policy.")],
    since: Annotated[str, typer.Option(help="Back from now: a number and h or d.")] = "30d",
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Try a draft on stored decisions: what would go another way, and what comes of it.

    It is compared with what happened, under whatever policy was in force then. The draft is tried as the file says it,
    without adjustments. Exit 1 with every problem if it is no valid policy.
    """
    if not file.is_file():
        give_up(f"{file}: there is no such file.")
    try:
        draft = read_policy(file)
    except PolicyUnreadableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    try:
        span = asked_for(since, None, None, now=SystemClock().now(), tz=ZoneInfo(draft.timezone))
    except SpanError as error:
        give_up(f"--since: {error}")
    tried = asyncio.run(_tried(draft, Window(span.since, span.until)))
    typer.echo(json.dumps(simulation_object(tried)) if as_json else simulation_text(tried))


async def _tried(draft: Policy, window: Window) -> Tried:
    async with database() as engine:
        store = ReplayStore(engine)
        with progress_bar(await store.count(window), "decisions") as progress:
            simulation = await simulated(store, draft, window, progress)
        return Tried(simulation, window, await read_prices(LoadStore(engine), window, draft.cost))
