"""What `hitl audit verify` says."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bot.proof.verify import Report


def report_object(report: Report) -> dict[str, Any]:
    """The answer of `hitl audit verify --json`."""
    latest = report.latest
    return {
        "good": not report.problems,
        "records": report.records,
        "seals": report.seals,
        "latest_seal": None if latest is None else {"number": latest.number, "sha256": latest.prefix},
        "unsealed": report.unsealed,
        "content_removed": report.removed,
        "problems": report.problems,
        "findings": [{"seq": finding.seq, "what": finding.what} for finding in report.findings],
    }


def report_lines(report: Report) -> Iterator[str]:
    for finding in report.findings:
        yield f"BROKEN  {finding.what}"
    if report.problems > len(report.findings):
        yield f"BROKEN  and {report.problems - len(report.findings)} more"
    yield f"{report.records} records, {report.unsealed} of them not sealed yet; content removed: {report.removed}"
    if report.latest is not None:
        yield f"seal {report.latest.number}:{report.latest.prefix}"
    yield "broken" if report.problems else "whole"


@contextmanager
def progress_bar(total: int, what: str = "records") -> Iterator[Callable[[int], None]]:
    """A bar on a terminal, nothing elsewhere; what it gives is told of each step."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(what, total=total)
        yield lambda step: progress.advance(task, step)
