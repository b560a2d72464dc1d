"""Finding what is wrong with the surroundings."""

import asyncio
import json
from typing import Annotated, Any

import typer

from bot.config import load_settings
from bot.doctor import examine

app = typer.Typer()


@app.command()
def doctor(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Check settings, database, policy, Slack and dead letters; each failure with its remedy. Exit 1 if any."""
    settings = load_settings()

    async def work() -> list[dict[str, Any]]:
        findings = []
        async for finding in examine(settings):
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
