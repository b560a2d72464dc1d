"""Finding what is wrong with the surroundings."""

import asyncio
import json
from functools import partial
from typing import Annotated, Any

import typer

from bot.cli.session import give_up
from bot.config import load_settings
from bot.doctor import examine
from bot.proof.telling import progress_bar
from bot.recounting import Recounting

app = typer.Typer()


@app.command()
def doctor(
    deep: Annotated[bool, typer.Option("--deep", help="Recount the counters: reads all decisions.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="With --deep: put right what differs.")] = False,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Check settings, database, policy, Slack and dead letters; each failure with its remedy. Exit 1 if any."""
    if repair and not deep:
        give_up("--repair needs --deep: it puts right what the recount finds.")
    settings = load_settings()
    recounting = Recounting(partial(progress_bar, what="eight days each"), repair) if deep else None

    async def work() -> list[dict[str, Any]]:
        findings = []
        async for finding in examine(settings, recounting):
            findings.append({"subject": finding.subject, "detail": finding.detail, "remedy": finding.remedy})
            if not as_json:
                mark = "FAILED" if finding.failed else "ok"
                typer.echo(f"{mark:7}{finding.subject}: {finding.detail}")
                if finding.remedy:
                    typer.echo("       → " + finding.remedy.replace("\n", "\n         "))
        return findings

    findings = asyncio.run(work())
    if as_json:
        typer.echo(json.dumps({"findings": findings}))
    raise typer.Exit(1 if any(finding["remedy"] for finding in findings) else 0)
