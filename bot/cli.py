"""The command line (contract §6). Exit codes: 0 good, 1 the check failed, 2 wrong use or settings."""

import asyncio
import contextlib
import json
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from bot.app import Application
from bot.clock import SystemClock
from bot.config import Settings, SettingsError, load_secret, load_settings, make_secret
from bot.doctor import examine
from bot.ids import random_id
from bot.jobs.runner import Busy, JobFailedError, Overview, Ran, UnknownJobError
from bot.jobs.telling import overview_line, ran_object, ran_text
from bot.logs import set_up_logging
from bot.manifest import ManifestError, as_yaml, manifest
from bot.policy_in_force import PolicyUnreadableError, read_policy, warnings_of
from bot.proof.content import ContentCheck
from bot.proof.export import lines, written_to
from bot.proof.telling import progress_bar, report_lines, report_object
from bot.proof.verify import Printed, Report, Verification
from bot.reporting.days import SpanError, asked_for
from bot.reporting.statistics import Statistics, read_statistics, statistics_object, statistics_text
from bot.secretbox import SecretBox, new_webhook_secret
from bot.web.auth import sha256_of_key
from store import schema
from store.engine import open_engine
from store.events import Redeliver
from store.facts import FactStore
from store.keys import CreateKey, KeyStore, RevokeKey, RotateSecret
from store.retention import RetentionStore
from store.seals import SealStore
from store.writer import Writer

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
keys_app = typer.Typer(no_args_is_help=True, help="API keys and webhook secrets.")
jobs_app = typer.Typer(help="Scheduled jobs.")
policy_app = typer.Typer(no_args_is_help=True, help="The policy file.")
audit_app = typer.Typer(no_args_is_help=True, help="The tamper-evident history.")
app.add_typer(keys_app, name="keys")
app.add_typer(policy_app, name="policy")
app.add_typer(jobs_app, name="jobs")
app.add_typer(audit_app, name="audit")

_BOTH_SIGN = timedelta(hours=24)
_APP_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_YEARS = range(1970, 9999)
_PRINTED_SEAL = re.compile("([1-9][0-9]{0,8}):([0-9a-fA-F]{4,64})")
_SCOPES = ("ingest", "read", "feedback", "admin")

Result = TypeVar("Result")


def main(arguments: Sequence[str] | None = None) -> None:
    """The entry point: what is wrong with the surroundings is one message and exit code 2, never a traceback."""
    try:
        app(arguments)
    except (SettingsError, schema.SchemaTooOldError, PolicyUnreadableError, ManifestError) as error:
        _give_up(str(error))
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        _give_up(f"HITL_DATABASE_URL: the database cannot be used ({type(cause).__name__}). Is it there and running?")
    except OSError as error:
        _give_up(f"HITL_DATABASE_URL: the database cannot be reached ({error.strerror or error}). Is it running?")


def _give_up(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(2)


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


@app.command()
def demo(
    decisions: Annotated[int | None, typer.Option(min=1, help="How many decisions to stream.")] = None,
    auto: Annotated[bool, typer.Option("--auto", help="Simulated reviewers; ends with a summary.")] = False,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Of the sandbox page; 0 for any.")] = None,
) -> None:
    """Everything on this machine: a local Slack in the browser, the bot, a small app and a stream of decisions."""
    from bot.demo.run import run_demo  # noqa: PLC0415 - the sandbox is no part of a serving process

    raise typer.Exit(run_demo(decisions=decisions, auto=auto, port=port))


@app.command()
def serve(role: Annotated[Literal["all", "web", "worker"], typer.Option()] = "all") -> None:
    """Serve the HTTP API and Slack, deliver cards and callbacks."""
    settings = load_settings()
    application = Application(settings, role)
    set_up_logging(settings.hitl_log)
    run_until_stopped(application)


def run_until_stopped(application: Application) -> None:
    """Serves until SIGTERM or SIGINT; SIGHUP reads the policy again. Raises what Application.start() raises."""
    import uvloop  # noqa: PLC0415 - only where a loop runs for long

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(application))


async def _serve(application: Application) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reload() -> None:
        task = loop.create_task(application.policy.reload())
        reloads.add(task)
        task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload)
    try:
        await application.start()
        await stop.wait()
    finally:
        await application.stop()


@app.command()
def migrate() -> None:
    """Bring the database's schema up; on SQLite also make the secret kept beside it."""
    settings = load_settings()
    make_secret(settings)
    load_secret(settings)

    async def work() -> str | None:
        engine = open_engine(settings.database)
        try:
            await schema.upgrade(engine)
            return await schema.current_revision(engine)
        finally:
            await engine.dispose()

    typer.echo(f"schema {_run(work())}")


@app.command("manifest")
def print_manifest(
    url: Annotated[str | None, typer.Option(help="How Slack reaches this server; default HITL_PUBLIC_URL.")] = None,
    socket: Annotated[bool, typer.Option("--socket", help="For Socket Mode: no public URL.")] = False,
) -> None:
    """Print a Slack app manifest ready to paste."""
    typer.echo(as_yaml(manifest(url or load_settings().hitl_public_url, socket=socket)), nl=False)


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

    findings = _run(work())
    if as_json:
        typer.echo(json.dumps({"findings": findings}))
    raise typer.Exit(1 if any(finding["remedy"] for finding in findings) else 0)


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="APP")],
    scope: Annotated[list[str] | None, typer.Option(help="ingest, read, feedback or admin; repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Make an API key, and the app with its webhook secret if it is new. Both are shown this once."""
    scopes = scope or ["ingest", "read", "feedback"]
    unknown = sorted(set(scopes) - set(_SCOPES))
    if unknown:
        _give_up(f"--scope: unknown {', '.join(unknown)}; use {', '.join(_SCOPES)}.")
    if not _APP_NAME.fullmatch(name):
        _give_up("APP: 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit.")
    key, secret = f"hitl_{secrets.token_urlsafe(32)}", new_webhook_secret()
    key_id = random_id("key")

    async def work(writer: Writer, box: SecretBox) -> bool:
        return await writer.submit(
            CreateKey(
                id=key_id,
                app=name,
                key_sha256=sha256_of_key(key),
                scopes=sorted(set(scopes)),
                webhook_secret=box.encrypt(secret),
                at=SystemClock().now(),
            )
        )

    is_new = _run(_with_writer(work))
    shown = secret if is_new else None
    if as_json:
        typer.echo(json.dumps({"id": key_id, "app": name, "key": key, "webhook_secret": shown}))
        return
    typer.echo(f"id              {key_id}\napp             {name}\nkey             {key}")
    typer.echo(f"webhook secret  {shown or 'as before (hitl keys rotate-secret makes a new one)'}")


@keys_app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the keys, without the keys themselves."""

    async def work() -> list[dict[str, Any]]:
        async with _engine() as engine:
            return [
                {
                    "id": key.id,
                    "app": key.app,
                    "scopes": sorted(key.scopes),
                    "created_at": key.created_at.isoformat(),
                    "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
                }
                for key in await KeyStore(engine).all()
            ]

    found = _run(work())
    if as_json:
        typer.echo(json.dumps(found))
        return
    for key in found:
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else "in force"
        typer.echo(f"{key['id']}  {key['app']}  {','.join(key['scopes'])}  created {key['created_at']}  {state}")


@keys_app.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Revoke a key; in force within two seconds."""

    async def work(writer: Writer, _box: SecretBox) -> bool:
        return await writer.submit(RevokeKey(key_id, SystemClock().now()))

    if not _run(_with_writer(work)):
        typer.echo(f"There is no key {key_id} in force: `hitl keys list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked {key_id}")


@keys_app.command("rotate-secret")
def rotate_secret(
    name: Annotated[str, typer.Argument(metavar="APP")], as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Give an app a new webhook secret; for 24 hours callbacks are signed with both."""
    secret = new_webhook_secret()

    async def work(writer: Writer, box: SecretBox) -> bool:
        now = SystemClock().now()
        return await writer.submit(RotateSecret(name, box.encrypt(secret), now + _BOTH_SIGN, now))

    if not _run(_with_writer(work)):
        typer.echo(f"There is no app {name}: `hitl keys list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps({"app": name, "webhook_secret": secret}) if as_json else secret)


@policy_app.command("check")
def check_policy(file: Annotated[Path | None, typer.Argument(help="Default HITL_POLICY.")] = None) -> None:
    """Validate a policy file. Exit 1 with every problem, each with path and line."""
    file = file or load_settings().hitl_policy
    if not file.is_file():
        _give_up(f"{file}: there is no such file.")
    try:
        policy = read_policy(file)
    except PolicyUnreadableError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for warning in warnings_of(policy, file):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{file.name}: good, version {policy.version}")


@jobs_app.callback(invoke_without_command=True)
def jobs(context: typer.Context, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Scheduled jobs with their last and next run."""
    if context.invoked_subcommand is not None:
        return

    async def work(application: Application) -> list[Overview]:
        return await application.jobs.overview()

    lines = [overview_line(overview) for overview in _run(_with_application(work))]
    if as_json:
        typer.echo(json.dumps({"jobs": lines}))
        return
    for line in lines:
        last = f"{line['last_run']} {line['state']}" if line["last_run"] else "never"
        typer.echo(f"{line['name']:14} last {last:38} next {line['next_run']}")
        if line["last_error"]:
            typer.echo(f"{'':14} → {line['last_error']}")


@jobs_app.command("run")
def run_job(
    name: Annotated[str, typer.Argument(metavar="NAME")],
    at: Annotated[str | None, typer.Option(help="ISO 8601; the latest tick up to then is run. Default now.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Run the latest tick of a job. One that was run already stays as it is."""
    moment = _moment("--at", at) if at else SystemClock().now()

    async def work(application: Application) -> Ran | Busy:
        return await application.jobs.run(name, moment)

    try:
        ran = _run(_with_application(work))
    except UnknownJobError as error:
        _give_up(str(error))
    except JobFailedError as error:
        typer.echo(f"{error}; it is tried again by itself", err=True)
        raise typer.Exit(1) from error
    typer.echo(json.dumps(ran_object(name, ran)) if as_json else ran_text(name, ran))


@audit_app.command("verify")
def verify_history(
    seal: Annotated[list[str] | None, typer.Option(metavar="NUMBER:SHA256", help="As a digest printed it.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Recompute the history. Exit 1 if a record, a seal or content is not what was written; says which."""
    printed = [_printed_seal(text) for text in seal or ()]

    async def work() -> Report:
        async with _engine() as engine:
            seals = SealStore(engine)
            with progress_bar(await seals.count()) as progress:
                content = ContentCheck(seals, RetentionStore(engine))
                return await Verification(seals, content, printed, progress).run()

    report = _run(work())
    typer.echo(json.dumps(report_object(report)) if as_json else "\n".join(report_lines(report)))
    raise typer.Exit(1 if report.problems else 0)


@audit_app.command("export")
def export_history(
    since: Annotated[str | None, typer.Option(help="ISO 8601; default: from the beginning.")] = None,
    out: Annotated[Path | None, typer.Option(help="Default: the standard output.")] = None,
) -> None:
    """The history as JSON lines, each record with the seal over it."""
    moment = _moment("--since", since) if since else None
    if out is not None and not out.parent.is_dir():
        _give_up(f"--out: {out.parent} is no folder.")

    async def work() -> None:
        async with _engine() as engine:
            with written_to(out) as file:
                async for line in lines(SealStore(engine), moment):
                    file.write(line)

    _run(work())


def _printed_seal(text: str) -> Printed:
    match = _PRINTED_SEAL.fullmatch(text)
    if match is None:
        _give_up(
            f"--seal: {text} is no seal: write its number, a colon and the beginning of its SHA-256, as 12:9f2c1e0a."
        )
    return Printed(int(match[1]), match[2])


@app.command()
def stats(
    task: Annotated[str | None, typer.Option(help="One task type. Default all, each with a line of its own.")] = None,
    window: Annotated[str | None, typer.Option(help="Back from now: a number and h or d. Default 7d.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="The first day, as 2026-11-09.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="The day after the last. Default up to now.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """The metrics of the decisions that were created in a stretch of time.

    Days are those of the policy's time zone, from --from on and before --to: the week from Monday 2026-11-09 to Sunday
    2026-11-15 is --from 2026-11-09 --to 2026-11-16, and these are the numbers of its weekly digest.
    """
    settings = load_settings()
    tz = ZoneInfo(read_policy(settings.hitl_policy).timezone)
    try:
        span = asked_for(window, first, end, now=SystemClock().now(), tz=tz)
    except SpanError as error:
        _give_up(str(error))

    async def work() -> Statistics:
        async with _engine() as engine:
            return await read_statistics(FactStore(engine), span, task)

    found = _run(work())
    typer.echo(json.dumps(statistics_object(found)) if as_json else statistics_text(found, tz))


@app.command()
def redeliver(event_ids: Annotated[list[str] | None, typer.Argument(metavar="[EVENT_ID]...")] = None) -> None:
    """Send dead letters again: all of them, or the named ones."""
    wanted = tuple(dict.fromkeys(event_ids or ()))

    async def work(writer: Writer, _box: SecretBox) -> int:
        return await writer.submit(Redeliver(wanted, SystemClock().now()))

    count = _run(_with_writer(work))
    typer.echo(f"{count} events will be sent again")
    if count < len(wanted):
        typer.echo("Some of the named events are no dead letters: `hitl doctor` lists those that are.", err=True)
        raise typer.Exit(1)


@contextlib.asynccontextmanager
async def _engine() -> AsyncIterator[Any]:
    engine = open_engine(load_settings().database)
    try:
        await schema.require(engine)
        yield engine
    finally:
        await engine.dispose()


def _moment(option: str, text: str) -> datetime:
    """An ISO 8601 time; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _give_up(f"{option}: {text} is no ISO 8601 time, such as 2026-11-30T09:00:00+01:00 or 2026-11-30T08:00Z.")
    if moment.year not in _YEARS:
        _give_up(f"{option}: {text} lies outside the years {_YEARS.start} to {_YEARS.stop - 1}.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


async def _with_application(work: Callable[[Application], Awaitable[Result]]) -> Result:
    """For commands that act as the serving process does, beside it."""
    settings = load_settings()
    set_up_logging(settings.hitl_log)  # beside what is printed, not in it
    application = Application(settings, role="jobs")
    try:
        await application.prepare()
        return await work(application)
    finally:
        await application.stop()


async def _with_writer(work: Any) -> Any:
    settings: Settings = load_settings()
    box = SecretBox(load_secret(settings))
    async with _engine() as engine:
        writer = Writer(engine)
        writer.start()
        try:
            return await work(writer, box)
        finally:
            await writer.stop()
