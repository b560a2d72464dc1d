"""Scheduled jobs."""

import asyncio
import json
from typing import Annotated

import typer

from bot.app import Application
from bot.cli.session import give_up, moment_of, with_application
from bot.clock import SystemClock
from bot.jobs.runner import Busy, JobFailedError, Overview, Ran, UnknownJobError
from bot.jobs.telling import overview_line, ran_object, ran_text

app = typer.Typer(help="Scheduled jobs.")


@app.callback(invoke_without_command=True)
def jobs(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Scheduled jobs with their last and next run."""
    if context.invoked_subcommand is not None:
        return

    async def work(application: Application) -> list[Overview]:
        return await application.jobs.overview()

    lines = [overview_line(overview) for overview in asyncio.run(with_application(work))]
    if as_json:
        typer.echo(json.dumps({"jobs": lines}))
        return
    for line in lines:
        last = f"{line['last_run']} {line['state']}" if line["last_run"] else "never"
        typer.echo(f"{line['name']:14} last {last:38} next {line['next_run']}")
        if line["last_error"]:
            typer.echo(f"{'':14} → {line['last_error']}")


@app.command("run")
def run_job(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    at: Annotated[str | None, typer.Option(help="ISO 8601; the latest tick up to then is run. Default now.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Run the latest tick of a job. One that was run already stays as it is."""
    moment = moment_of("--at", at) if at else SystemClock().now()

    async def work(application: Application) -> Ran | Busy:
        return await application.jobs.run(name, moment)

    try:
        ran = asyncio.run(with_application(work))
    except UnknownJobError as error:
        give_up(str(error))
    except JobFailedError as error:
        typer.echo(f"{error}; it is tried again by itself", err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps(ran_object(name, ran)) if as_json else ran_text(name, ran))
