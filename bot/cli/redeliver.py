"""Dead letters once more."""

import asyncio
from typing import Annotated

import typer

from bot.cli.session import with_writer
from bot.clock import SystemClock
from bot.secretbox import SecretBox
from store.events import Redeliver
from store.writer import Writer

app = typer.Typer()


@app.command()
def redeliver(event_ids: Annotated[list[str] | None, typer.Argument(metavar="[EVENT_ID]...")] = None) -> None:
    """Send dead letters again: all of them, or the named ones."""
    wanted = tuple(dict.fromkeys(event_ids or ()))

    async def work(writer: Writer, _box: SecretBox) -> int:
        return await writer.submit(Redeliver(wanted, SystemClock().now()))

    count = asyncio.run(with_writer(work))
    typer.echo(f"{count} events will be sent again")
    if count < len(wanted):
        typer.echo("Some of the named events are no dead letters: `hitl doctor` lists those that are.", err=True)
        raise typer.Exit(1)
