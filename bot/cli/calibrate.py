"""Calibration on a terminal."""

import asyncio
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import open as open_with_progress

from bot.app import Application
from bot.calibrating.labels_file import LabelsFileError, read_labels
from bot.calibrating.looks import explored
from bot.calibrating.telling import calibration_object, calibration_text
from bot.cli.session import give_up, with_application
from bot.slack.text import one_line
from routing.calibration import Calibration
from routing.calibration import calibrate as calibrated
from routing.decision import Json
from routing.labels import Labels, labels_of
from routing.maturity import Goal
from store.audit_streams import StreamKey
from store.labels import LabelStore

app = typer.Typer()


Told = tuple[str | None, Calibration, dict[str, Json]]
"""The task, what its labels say, and what else an object tells of them."""

_EXPLORED = (
    "An exploration: it spends none of the monthly looks, and proposes nothing. Who explores often and keeps the best "
    "answer breaks the bound more often than delta says."
)


@app.command()
def calibrate(
    labels: Annotated[
        Path | None,
        typer.Option(
            help="CSV: task_type,item_id,confidence,is_correct and, where it differs, inclusion_prob. "
            "Without it: what people have said about stored decisions."
        ),
    ] = None,
    task: Annotated[str | None, typer.Option(help="One task type.")] = None,
    max_error: Annotated[
        float | None,
        typer.Option(help="The errors allowed among what runs alone, as a share. Default 0.02, or as the policy says."),
    ] = None,
    delta: Annotated[
        float | None,
        typer.Option(help="The probability with which the bound may fail. Default 0.05, or as the policy says."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Find the confidence from which on decisions may run alone, or say why there is none and what is missing.

    A file is one look at its labels: who looks again and again and keeps the best answer spends delta each time.
    """
    for option, share in (("--max-error", max_error), ("--delta", delta)):
        if share is not None and not 0 < share < 1:
            give_up(f"{option}: {share:g} is no share between 0 and 1, such as 0.02.")
    if labels is None:
        told = asyncio.run(_of_stored(task, max_error, delta))
    else:
        told = _of_file(labels, task, Goal(max_error or 0.02, delta or 0.05))
    told = told or [(task, calibrated(labels_of([], []), Goal(max_error or 0.02, delta or 0.05)), {})]
    tasks = sorted({str(name) for name, _, _ in told})
    if as_json and len(tasks) > 1:
        give_up(f"--json prints one object; choose one task with --task: {', '.join(tasks)}.")
    if as_json:
        largest, *others = ({**calibration_object(name, found), **more} for name, found, more in told)
        typer.echo(json.dumps({**largest, "others": others}))
        return
    typer.echo("\n\n".join(calibration_text(_named(name, more), found) for name, found, more in told))
    if labels is None:
        typer.echo("\n" + "\n".join(wrap(_EXPLORED, 80)))


async def _of_stored(task: str | None, max_error: float | None, delta: float | None) -> list[Told]:
    async def work(application: Application) -> list[Told]:
        found = await explored(
            LabelStore(application.services.engine), application.services.policy.current, task, max_error, delta
        )
        return [(stream.task_type, calibration, _of(stream)) for stream, calibration in found]

    return await with_application(work)


def _of(stream: StreamKey) -> dict[str, Json]:
    model = {"name": stream.model_name or None, "version": stream.model_version or None}
    return {"model": model, "confidence_source": stream.confidence_source}


def _named(task: str | None, more: Mapping[str, Json]) -> str | None:
    """The heading. Apps name their models: what comes from them is one harmless line."""
    if not more:
        return task
    model = " ".join(name for name in more["model"].values() if name)
    return ", ".join([str(task), *([one_line(model)] if model else []), f"confidence from {more['confidence_source']}"])


def _of_file(file: Path, task: str | None, goal: Goal) -> list[Told]:
    return [(name, calibrated(known, goal), {}) for name, known in _asked_for(_read(file), task).items()]


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
