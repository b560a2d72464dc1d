"""Making a database ready, and serving."""

import asyncio
import gc
import signal
from typing import Annotated, Literal

import typer

from bot.app import Application
from bot.config import load_secret, load_settings, make_secret
from bot.logs import set_up_logging
from bot.manifest import as_yaml, manifest
from store import schema
from store.engine import open_engine

app = typer.Typer()


@app.command()
def demo(
    decisions: Annotated[int | None, typer.Option(min=1, help="How many decisions to stream.")] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Simulated reviewers; ends with a summary.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of the sandbox page; 0 for any.")] = None,
) -> None:
    """Everything on this machine: a local Slack in the browser, the bot, a small app and a stream of decisions."""
    from bot.demo.run import run_demo  # noqa: PLC0415 - the sandbox is no part of a serving process

    raise typer.Exit(run_demo(decisions=decisions, auto=auto, port=port))


@app.command()
def serve(role: Annotated[Literal["all", "web", "worker"], typer.Option()] = "all") -> None:
    """Serve the HTTP API and Slack, deliver cards and callbacks."""
    settings = load_settings()
    application = Application(settings, role)
    set_up_logging(settings.hitl_log)
    run_until_stopped(application)


def run_until_stopped(application: Application) -> None:
    """Serves until SIGTERM or SIGINT; SIGHUP reads the policy again. Raises what Application.start() raises."""
    import uvloop  # noqa: PLC0415 - only where a loop runs for long

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(application))


async def _serve(application: Application) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(application.services.policy.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        await application.start()
        # What was imported stays to the end: to look through it for garbage would stop every answer for a seventh of a
        # second now and then.
        gc.freeze()
        await stop.wait()
    finally:
        await application.stop()


@app.command()
def migrate() -> None:
    """Bring the database's schema up; on SQLite also make the secret kept beside it."""
    settings = load_settings()
    make_secret(settings)
    load_secret(settings)

    async def work() -> str | None:
        engine = open_engine(settings.database)
        try:
            await schema.upgrade(engine)
            return await schema.current_revision(engine)
        finally:
            await engine.dispose()

    typer.echo(f"schema {asyncio.run(work())}")


@app.command("manifest")
def print_manifest(
    url: Annotated[str | None, typer.Option(help="How Slack reaches this server; default HITL_PUBLIC_URL.")] = None,
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode: no public URL.")] = False,
) -> None:
    """Print a Slack app manifest ready to paste."""
    typer.echo(as_yaml(manifest(url or load_settings().hitl_public_url, socket=socket)), nl=False)
