"""`hitl demo`: the whole product on one machine, in a temporary folder: sandbox, bot, a small app, a stream."""

import asyncio
import itertools
import logging
import secrets
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from rich.console import Console

from bot.app import Application
from bot.clock import SystemClock
from bot.config import Settings, load_secret, make_secret
from bot.demo.app import DemoApp
from bot.demo.entries import ENTRIES
from bot.demo.hands import give_verdict, walk_queue
from bot.demo.stream import DemoDecision, story
from bot.demo.summary import table
from bot.ids import random_id
from bot.logs import set_up_logging
from bot.manifest import SCOPES
from bot.sandbox.demo_world import PEOPLE
from bot.sandbox.server import BOT_TOKEN, SIGNING_SECRET, Sandbox
from bot.secretbox import SecretBox, new_webhook_secret
from bot.slack.batch import START
from bot.slack.endpoint import PATH
from bot.web.auth import sha256_of_key
from routing.review import WAITING
from store import schema
from store.engine import open_engine
from store.keys import CreateKey
from store.messages import Place
from store.writer import Writer

_PORT = 8070
_AUTO_DECISIONS = 50
_SHOWN_DECISIONS = 300
_SECONDS_BETWEEN = 1.5
_MOST_WAITING = 12
_SOME_WAITING = 6
_SEED = 7
_LOOK_EVERY = 0.1
_OPEN_ACTION = "review.approve"
_DECIDE_CARDS = {"U0ADA", "U0DANA"}
"""Cards are of refunds, which the policy leaves to these two."""


def run_demo(*, decisions: int | None, auto: bool, port: int | None) -> int:
    """The exit code. Without a terminal it runs by itself, as with --auto."""
    by_itself = auto or not sys.stdout.isatty()
    count = decisions or (_AUTO_DECISIONS if by_itself else _SHOWN_DECISIONS)
    with tempfile.TemporaryDirectory(prefix="hitl-demo-") as folder:
        if port is None:
            port = 0 if by_itself else _PORT
        try:
            return asyncio.run(_run(Path(folder), count, by_itself, port))
        except PortTakenError as error:
            Console(stderr=True).print(error)
            return 2


class PortTakenError(Exception):
    def __init__(self, port: int) -> None:
        super().__init__(f"Port {port} cannot be used: give another one with --port, or 0 for any.")


@dataclass(frozen=True, slots=True)
class Stage:
    """All that runs in a demo."""

    sandbox: Sandbox
    application: Application
    app: DemoApp


async def _run(folder: Path, count: int, by_itself: bool, port: int) -> int:
    console = Console()
    set_up_logging("text", logging.WARNING)
    async with AsyncExitStack() as opened:
        stage = await set_up(
            folder,
            opened,
            port=port,
            say=lambda line: console.print(f"the app: {line}", highlight=False, markup=False, soft_wrap=True),
            # Simulated people take nothing back, so nobody need wait for that.
            undo=not by_itself,
        )
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        console.print(f"The sandbox, a local Slack: {stage.sandbox.url}", highlight=False)
        chosen = story(count, _SEED)
        work = _by_itself(stage, chosen) if by_itself else _for_visitors(stage, chosen, console)
        working, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if not working.done():
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working
        elif working.exception() is not None:
            await working
        console.print(stage.app.tally().story(), table(stage.app.tally()), sep="\n", highlight=False)
        return 0


async def set_up(
    folder: Path,
    opened: AsyncExitStack,
    *,
    port: int = 0,
    say: Callable[[str], None] | None = None,
    undo: bool = True,
) -> Stage:
    """Starts everything; `opened` ends it in the right order. `say` hears of each callback that the app received.
    `undo`: whether verdicts on tickets wait a while, as the demo's policy has it."""

    def show(line: str) -> None:
        for person in sandbox.world.people.values():
            line = line.replace(person.id, person.real_name)
        sandbox.show_app_line(line)
        if say is not None and line.startswith("callback"):
            say(line)

    clock = SystemClock()
    sandbox = Sandbox(clock, scopes=SCOPES, entries=ENTRIES)
    try:
        await sandbox.start(port)
    except OSError as error:
        raise PortTakenError(port) from error
    opened.push_async_callback(sandbox.stop)
    policy = folder / "policy.yml"
    rules = files("bot.demo").joinpath("policy.yml").read_text(encoding="utf-8")
    policy.write_text(rules if undo else rules.replace("undo: 30s", "undo: 0s"), encoding="utf-8")
    key, secret = f"hitl_{secrets.token_urlsafe(32)}", new_webhook_secret()
    app = DemoApp(key=key, webhook_secret=secret, say=show)
    await app.start()
    opened.push_async_callback(app.stop)
    settings = Settings(
        hitl_database_url=f"sqlite:///{folder / 'demo.db'}",
        hitl_secret=None,
        hitl_policy=policy,
        hitl_host="127.0.0.1",
        hitl_port=0,
        slack_bot_token=BOT_TOKEN,
        slack_signing_secret=SIGNING_SECRET,
        slack_app_token=None,
        slack_api_url=sandbox.api_url,
        hitl_callback_allow=app.callback_url,
    )
    make_secret(settings)
    await _prepare(settings, key, secret)
    application = Application(settings)
    await application.start()
    opened.push_async_callback(application.stop)
    await app.connect(application.url)
    sandbox.connect(application.url + PATH)
    return Stage(sandbox, application, app)


async def _prepare(settings: Settings, key: str, secret: str) -> None:
    """Makes the schema and the app's key, as `hitl migrate` and `hitl keys create` do."""
    engine = open_engine(settings.database)
    writer = Writer(engine)
    try:
        await schema.upgrade(engine)
        writer.start()
        box = SecretBox(load_secret(settings))
        await writer.submit(
            CreateKey(
                id=random_id("key"),
                app="demo-app",
                key_sha256=sha256_of_key(key),
                scopes=["ingest", "read"],
                webhook_secret=box.encrypt(secret),
                at=SystemClock().now(),
            )
        )
    finally:
        await writer.stop()
        await engine.dispose()


async def _for_visitors(stage: Stage, chosen: Iterable[DemoDecision], console: Console) -> None:
    console.print("Open it, act as any of the people, and decide the cards. Ctrl-C ends the demo with a summary.")
    for decision in chosen:
        await stage.app.at_most_waiting(_MOST_WAITING - 1)  # or a visitor alone would never catch up
        await stage.app.submit(decision)
        if len(stage.app.waiting()) >= _SOME_WAITING:  # a visitor finds work from the first moment on
            await asyncio.sleep(_SECONDS_BETWEEN)
    console.print("All decisions are posted; what is open in the channels waits for you.")
    await stage.app.all_through()


async def _by_itself(stage: Stage, chosen: list[DemoDecision]) -> None:
    """Posts all, and lets simulated people decide each card as it appears, until the app has every answer."""
    reviewing = asyncio.create_task(_review_cards(stage, {decision.id: decision for decision in chosen}))
    try:
        for decision in chosen:
            await stage.app.submit(decision)
        through = asyncio.create_task(stage.app.all_through())
        await asyncio.wait({through, reviewing}, return_when=asyncio.FIRST_COMPLETED)
        if reviewing.done():
            await reviewing
        await through
    finally:
        reviewing.cancel()


async def _review_cards(stage: Stage, decisions: dict[str, DemoDecision]) -> None:
    people = itertools.cycle(PEOPLE)

    async def asked(review_id: str) -> DemoDecision | None:
        case = await stage.application.services.cases.by_id(review_id)
        return None if case is None else decisions[case.decision.id]

    while True:
        for channel in list(stage.sandbox.world.channels.values()):  # the bot opens one to write to a person alone
            for message in stage.sandbox.messages(channel.id):
                if _button(message, START) is not None:
                    await walk_queue(stage.sandbox, next(people), Place(channel.id, str(message["ts"])), asked, _SEED)
                review_id = _button(message, _OPEN_ACTION)
                case = None if review_id is None else await stage.application.services.cases.by_id(review_id)
                if case is None or case.review.state not in WAITING:
                    continue
                free = _DECIDE_CARDS - {vote.user_id for vote in case.votes}
                if not free:
                    continue
                person = next(person for person in people if person in free)
                await give_verdict(stage.sandbox, person, channel.id, message, decisions[case.decision.id], _SEED)
        await asyncio.sleep(_LOOK_EVERY)


def _button(message: dict[str, object], action: str) -> str | None:
    """The value of the button with this action, while the message has one."""
    blocks = message.get("blocks")
    for block in blocks if isinstance(blocks, list) else []:
        for element in block.get("elements", []):
            if element.get("action_id") == action:
                return str(element["value"])
    return None
