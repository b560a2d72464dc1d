"""The policy file."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.session import give_up
from bot.config import load_settings
from bot.policy_in_force import PolicyUnreadableError, read_policy, warnings_of

app = typer.Typer(no_args_is_help=True, help="The policy file.")


@app.command("check")
def check_policy(file: Annotated[Path | None, typer.Argument(help="Default HITL_POLICY.")] = None) -> None:
    """Validate a policy file. Exit 1 with every problem, each with path and line."""
    file = file or load_settings().hitl_policy
    if not file.is_file():
        give_up(f"{file}: there is no such file.")
    try:
        policy = read_policy(file)
    except PolicyUnreadableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for warning in warnings_of(policy, file):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{file.name}: good, version {policy.version}")
