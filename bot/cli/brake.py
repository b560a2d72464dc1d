"""The emergency brake."""

import asyncio
import json
from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated

import typer

from bot.adjusting import Adjusted, Post, Refused
from bot.app import Application
from bot.cli.session import give_up, with_application

app = typer.Typer()

_Task = Annotated[str, typer.Argument(metavar="TASK")]
_AsJson = Annotated[bool, typer.Option("--json")]
_NOTICED = "Processes that serve notice it within a second."


@app.command()
def pause(
    task: _Task, why: Annotated[str, typer.Option(help="For whoever asks later.")] = "", as_json: _AsJson = False
) -> None:
    """Send everything of a task to people, at once."""

    async def work(application: Application) -> Adjusted | Refused:
        await _require_known(application, task)
        post = Post(application.services.policy.current.task(task).channel, {"what": "pause"})
        return await application.services.adjusting.pause(task, by="operator", why=why, post=post)

    match asyncio.run(with_application(work, urgent=True)):
        case Adjusted() as done:
            level = f"autonomy {done.before:g} → {done.value:g}" if done.before != done.value else "as it did before"
            said = f"{task} is paused: everything goes to people ({level}). {_NOTICED} `hitl resume {task}` ends it."
            _tell(done, said, as_json=as_json)
        case Refused() as refused:
            _tell(refused, refused.reason, as_json=as_json)


@app.command()
def resume(task: _Task, as_json: _AsJson = False) -> None:
    """Take the brake off: what was in force before is again, unless the policy file says otherwise by now."""

    async def work(application: Application) -> Adjusted | Refused:
        await _require_known(application, task)
        return await application.services.adjusting.resume(task, by="operator")

    match asyncio.run(with_application(work, urgent=True)):
        case Adjusted() as done:
            _tell(done, f"{task} is back at autonomy {done.value:g}. {_NOTICED}", as_json=as_json)
        case Refused() as refused:
            _tell(refused, refused.reason, as_json=as_json)


async def _require_known(application: Application, task: str) -> None:
    """A mistyped name would leave the real task running."""
    listed = application.services.policy.current.tasks
    if task in listed or await application.services.stores.decisions.has_task(task):
        return
    near = get_close_matches(task, listed, n=1)
    meant = f" Did you mean {near[0]}?" if near else ""
    names = ", ".join(sorted(listed)) or "none"
    give_up(f"TASK: no app has posted {task}, and the policy does not list it ({names}).{meant} Nothing was changed.")


def _tell(result: Adjusted | Refused, sentence: str, *, as_json: bool) -> None:
    """What is so already is no failure: the task is as it was asked for."""
    changed = isinstance(result, Adjusted)
    typer.echo(json.dumps({"changed": changed, **asdict(result)}) if as_json else sentence)
