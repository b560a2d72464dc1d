"""Where to begin with a task: the checklist, and the snippet for the policy file."""

import re
import sys
from collections.abc import Callable
from typing import Annotated, TypeVar

import typer

from bot.cli.session import give_up
from routing.advice import Checklist, advise, snippet
from routing.decision import Risk

app = typer.Typer()

_TASK_TYPE = re.compile("[a-z0-9_.-]{1,64}")
Answer = TypeVar("Answer")


@app.command("advise")
def advise_task(
    task: Annotated[str | None, typer.Option(help="The task type, as apps post it.")] = None,
    irreversible: Annotated[
        bool | None, typer.Option("--irreversible/--reversible", help="Whether what is done can be undone.")
    ] = None,
    per_day: Annotated[int | None, typer.Option(min=1, help="Decisions a day.")] = None,
    error_cost: Annotated[Risk | None, typer.Option(help="How bad one error is.")] = None,
    reviews_per_day: Annotated[int | None, typer.Option(min=1, help="How many of them people have time for.")] = None,
) -> None:
    """Answer four questions about a task, and get its snippet of the policy with the reasons.

    What no option answers is asked on the terminal.
    """
    name = _answered(task, "--task", "Task type", str)
    if not _TASK_TYPE.fullmatch(name):
        give_up("--task: 1 to 64 of a-z, 0-9, dot, hyphen and underscore, as apps post it.")
    checklist = Checklist(
        task_type=name,
        irreversible=_answered(irreversible, "--irreversible or --reversible", "Irreversible? (yes or no)", _yes),
        per_day=_answered(per_day, "--per-day", "Decisions a day", _number),
        error_cost=_answered(error_cost, "--error-cost", f"How bad is one error? ({', '.join(Risk)})", Risk),
        reviews_per_day=_answered(reviews_per_day, "--reviews-per-day", "How many can people look at a day?", _number),
    )
    typer.echo(snippet(advise(checklist)), nl=False)


def _answered(given: Answer | None, option: str, question: str, read: Callable[[str], Answer]) -> Answer:
    """`read` raises ValueError, with what to write, for an answer that is none; then it is asked again."""
    if given is not None:
        return given
    if not sys.stdin.isatty():
        give_up(f"{option} is missing, and nobody can be asked: this is no terminal.")
    while True:
        try:
            return read(typer.prompt(question, err=True))
        except ValueError as error:
            typer.echo(str(error), err=True)


def _yes(answer: str) -> bool:
    known = {"yes": True, "y": True, "no": False, "n": False}
    if answer.lower() not in known:
        raise ValueError(f"{answer} is neither yes nor no.")
    return known[answer.lower()]


def _number(answer: str) -> int:
    if not answer.isdecimal() or int(answer) < 1:
        raise ValueError(f"{answer} is no number of 1 or more.")
    return int(answer)
