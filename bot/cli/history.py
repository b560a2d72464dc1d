"""The tamper-evident history."""

import asyncio
import json
import re
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.session import database, give_up, moment_of
from bot.proof.content import ContentCheck
from bot.proof.export import lines, written_to
from bot.proof.telling import progress_bar, report_lines, report_object
from bot.proof.verify import Printed, Report, Verification
from store.retention import RetentionStore
from store.seals import SealStore

app = typer.Typer(no_args_is_help=True, help="The tamper-evident history.")

_PRINTED_SEAL = re.compile("([1-9][0-9]{0,8}):([0-9a-fA-F]{4,64})")


@app.command("verify")
def verify_history(
    seal: Annotated[list[str] | None, typer.Option(metavar="NUMBER:SHA256", help="As a digest printed it.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Recompute the history. Exit 1 if a record, a seal or content is not what was written; says which."""
    printed = [_printed_seal(text) for text in seal or ()]

    async def work() -> Report:
        async with database() as engine:
            seals = SealStore(engine)
            with progress_bar(await seals.count()) as progress:
                content = ContentCheck(seals, RetentionStore(engine))
                return await Verification(seals, content, printed, progress).run()

    report = asyncio.run(work())
    typer.echo(json.dumps(report_object(report)) if as_json else "\n".join(report_lines(report)))
    raise typer.Exit(1 if report.problems else 0)


@app.command("export")
def export_history(
    since: Annotated[str | None, typer.Option(help="ISO 8601; default: from the beginning.")] = None,
    out: Annotated[Path | None, typer.Option(help="Default: the standard output.")] = None,
) -> None:
    """The history as JSON lines, each record with the seal over it."""
    moment = moment_of("--since", since) if since else None
    if out is not None and not out.parent.is_dir():
        give_up(f"--out: {out.parent} is no folder.")

    async def work() -> None:
        async with database() as engine:
            with written_to(out) as file:
                async for line in lines(SealStore(engine), moment):
                    file.write(line)

    asyncio.run(work())


def _printed_seal(text: str) -> Printed:
    match = _PRINTED_SEAL.fullmatch(text)
    if match is None:
        give_up(
            f"--seal: {text} is no seal: write its number, a colon and the beginning of its SHA-256, as 12:9f2c1e0a."
        )
    return Printed(int(match[1]), match[2])
