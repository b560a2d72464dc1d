"""Calibration on a terminal."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import open as open_with_progress

from bot.calibrating.labels_file import LabelsFileError, read_labels
from bot.calibrating.telling import calibration_object, calibration_text
from bot.cli.session import give_up
from routing.calibration import Calibration
from routing.calibration import calibrate as calibrated
from routing.labels import Labels, labels_of
from routing.maturity import Goal

app = typer.Typer()


@app.command()
def calibrate(
    labels: Annotated[
        Path, typer.Option(help="CSV: task_type,item_id,confidence,is_correct and, where it differs, inclusion_prob.")
    ],
    task: Annotated[str | None, typer.Option(help="One task type of the file.")] = None,
    max_error: Annotated[float, typer.Option(help="The errors allowed among what runs alone, as a share.")] = 0.02,
    delta: Annotated[float, typer.Option(help="The probability with which the bound may fail.")] = 0.05,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Find the confidence from which on decisions may run alone, or say why there is none and what is missing.

    It is one look at the labels: who looks again and again and keeps the best answer spends delta each time.
    """
    for option, share in (("--max-error", max_error), ("--delta", delta)):
        if not 0 < share < 1:
            give_up(f"{option}: {share:g} is no share between 0 and 1, such as 0.02.")
    found = _asked_for(_read(labels), task)
    if as_json and len(found) > 1:
        give_up(f"--json prints one object; choose one task with --task: {', '.join(sorted(found))}.")
    goal = Goal(max_error, delta)
    results: list[tuple[str | None, Calibration]] = [(name, calibrated(known, goal)) for name, known in found.items()]
    results = results or [(None, calibrated(labels_of([], []), goal))]
    if as_json:
        typer.echo(json.dumps(calibration_object(*results[0])))
        return
    typer.echo("\n\n".join(calibration_text(*result) for result in results))


def _read(file: Path) -> dict[str, Labels]:
    if not file.is_file():
        give_up(f"--labels: {file}: there is no such file.")
    console, quiet = Console(stderr=True), not sys.stderr.isatty()
    try:
        with open_with_progress(
            file, "rt", encoding="utf-8-sig", newline="", description=file.name, transient=True, console=console,
            disable=quiet,
        ) as lines:  # fmt: skip
            return read_labels(lines)
    except LabelsFileError as error:
        give_up(f"--labels: {file.name}:\n{error}")
    except OSError as error:
        give_up(f"--labels: {file}: cannot be read ({error.strerror}).")


def _asked_for(found: dict[str, Labels], task: str | None) -> dict[str, Labels]:
    if task is None:
        return found
    if task not in found:
        give_up(f"--task: {task} has no labels in this file; these have: {', '.join(sorted(found)) or 'none'}.")
    return {task: found[task]}
