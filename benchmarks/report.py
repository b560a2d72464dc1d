"""The small table that each benchmark ends with."""

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """One figure. `target` None: told for information; else `ok` says whether it is met."""

    name: str
    figure: str
    target: str | None = None
    ok: bool = True


def show(title: str, lines: list[Line]) -> None:
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    print(f"\n{title}  ({machine}, load average {os.getloadavg()[0]:.1f})")
    widths = [max(len(line.name) for line in lines), max(len(line.figure) for line in lines)]
    for line in lines:
        judged = "" if line.target is None else f"  target {line.target}: {'ok' if line.ok else 'NOT OK'}"
        print(f"  {line.name:<{widths[0]}}  {line.figure:>{widths[1]}}{judged}")
