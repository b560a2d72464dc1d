"""`hitl doctor`: looks at everything the bot needs, and says of each failure what to do."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.answer import moment_in_utc
from bot.clock import SystemClock
from bot.config import Settings, SettingsError, load_secret, need_slack
from bot.delivery.loops import remedy
from bot.manifest import SCOPES
from bot.policy_in_force import PolicyUnreadableError, read_policy, warnings_of
from bot.recounting import Recounted, Recounting
from bot.secretbox import SecretBox, UnsealError
from bot.slack.messages import SLACK_TROUBLE, error_code
from bot.slack.text import one_line
from routing.policy import Policy
from store import schema
from store.adjustments import AdjustmentStore, StoredAdjustment
from store.engine import open_engine, sqlite_path
from store.events import EventStore
from store.keys import KeyStore
from store.messages import MessageStore
from store.rollbacks import RollbackStore

_CHANNELS_A_PAGE = 200
_MIGRATE = "run `hitl migrate`, or set HITL_DATABASE_URL to where the database is"
_UNDO = "have it undone, and let the app say so with POST /v1/decisions/{id}/rolled-back"
_REPAIR = "run `hitl doctor --deep --repair`; on SQLite stop the server first, which could not write meanwhile"
_DATABASE_REMEDY = "HITL_DATABASE_URL: is the server running, and are host, user and database name right?"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `remedy` is set exactly when it failed."""

    subject: str
    detail: str
    remedy: str | None = None

    @property
    def failed(self) -> bool:
        return self.remedy is not None


async def examine(settings: Settings, recounting: Recounting | None = None) -> AsyncIterator[Finding]:
    """All findings, in the order in which they make sense to be mended."""
    yield _setting("Slack settings", need_slack, settings)
    policy = _policy(settings)
    if isinstance(policy, Finding):
        yield policy
    else:
        yield Finding("policy", f"version {policy.version}")
        for warning in warnings_of(policy, settings.hitl_policy):
            yield Finding("policy, doubtful", warning)
    engine = open_engine(settings.database)
    try:
        database = await _database(engine, settings)
        if database.remedy != _MIGRATE or sqlite_path(settings.database) is None:  # else it makes the secret too
            yield _setting("secret", load_secret, settings)
        yield database
        if not database.failed:
            async for finding in _contents(engine, settings):
                yield finding
            if recounting is not None:
                yield _recounted("counters", await recounting.counters(engine))
                yield _recounted("days of drift", await recounting.days(engine))
    finally:
        await engine.dispose()
    if settings.slack_bot_token:
        async for finding in _slack(settings, policy if isinstance(policy, Policy) else None):
            yield finding


def _setting(subject: str, check: Callable[[Settings], str], settings: Settings) -> Finding:
    try:
        check(settings)
    except SettingsError as error:
        return Finding(subject, "missing", str(error))
    return Finding(subject, "set")


def _policy(settings: Settings) -> Policy | Finding:
    try:
        return read_policy(settings.hitl_policy)
    except PolicyUnreadableError as error:
        return Finding("policy", "refused", str(error))


async def _database(engine: AsyncEngine, settings: Settings) -> Finding:
    file = sqlite_path(settings.database)
    if file is not None and not file.exists():  # a look would make an empty one
        return Finding("database", f"no database file {file}", _MIGRATE)
    try:
        await schema.require(engine)
    except schema.SchemaTooOldError as error:
        if error.found is None:
            return Finding("database", "not migrated yet", _MIGRATE)
        return Finding("database", "schema too old", str(error))
    except (SQLAlchemyError, OSError) as error:
        return Finding("database", type(error).__name__, _DATABASE_REMEDY)
    return Finding("database", "reachable, schema sufficient")


async def _contents(engine: AsyncEngine, settings: Settings) -> AsyncIterator[Finding]:
    yield await _sealed(engine, settings)
    letters = await EventStore(engine).dead_letters()
    if letters:
        some = "; ".join(f"{letter.id} {letter.type} to {letter.receiver}: {letter.error}" for letter in letters[:5])
        yield Finding("dead letters", f"{len(letters)}: {some}", "mend the receivers, then run `hitl redeliver`")
    else:
        yield Finding("dead letters", "none")
    yield await _rollbacks(engine)
    for each in await AdjustmentStore(engine).in_force():
        if each.cause != "apply":
            yield _stopped(each)
    for channel, trouble, count in await MessageStore(engine).stuck():
        yield Finding("messages", f"{count} waiting for {channel}: {trouble}", _remedy(trouble))


async def _rollbacks(engine: AsyncEngine) -> Finding:
    found = await RollbackStore(engine).open(SystemClock().now())
    overdue = [each for each in found if each.is_overdue]
    if not overdue:
        return Finding("rollbacks", f"{len(found)} open, none for a day")
    some = "; ".join(f"{each.decision_id} of {each.app}, for {each.age.days} d" for each in overdue[:5])
    return Finding("rollbacks", f"{len(overdue)} open for a day or longer: {some}", _UNDO)


def _stopped(stop: StoredAdjustment) -> Finding:
    """Meant to be so, and easily forgotten."""
    what = "paused" if stop.cause == "brake" else "stopped by a proven breach"
    since = f"{what} since {moment_in_utc(stop.made_at)}"
    why = f", {one_line(stop.why)}" if stop.why else ""
    end = f"everything goes to people until `hitl resume {stop.task_type}`"
    return Finding(f"task {stop.task_type}", f"{since}{why}: {end}")


def _recounted(subject: str, found: Recounted) -> Finding:
    if found.wrong:
        return Finding(subject, f"{found.wrong} differ from a recount: {'; '.join(found.named)}", _REPAIR)
    return Finding(subject, f"{found.repaired} repaired" if found.repaired else "as a recount has them")


async def _sealed(engine: AsyncEngine, settings: Settings) -> Finding:
    """Whether the secret is the one under which the webhook secrets of the apps were sealed."""
    subject, keys = "webhook secrets", KeyStore(engine)
    app_pks = {key.app_pk for key in await keys.all()}
    try:
        box = SecretBox(load_secret(settings))
        for app_pk in app_pks:
            box.decrypt((await keys.secrets(app_pk, SystemClock().now())).current)
    except (SettingsError, UnsealError) as error:
        return Finding(subject, "cannot be read", str(error))
    return Finding(subject, f"of {len(app_pks)} apps")


async def _slack(settings: Settings, policy: Policy | None) -> AsyncIterator[Finding]:
    client = AsyncWebClient(
        token=settings.slack_bot_token, base_url=settings.slack_api_url, timeout=10, retry_handlers=[]
    )
    try:
        answer = await client.auth_test()
    except SlackApiError as error:
        yield Finding("Slack token", error_code(error), _remedy(error_code(error)))
        return
    except SLACK_TROUBLE as error:
        yield Finding("Slack", type(error).__name__, "SLACK_API_URL cannot be reached from here: check the network")
        return
    yield Finding("Slack token", f"team {answer.get('team')}, bot {answer.get('user')}")
    granted = {scope.strip() for scope in str(answer.headers.get("x-oauth-scopes", "")).split(",")}
    missing = [f"{scope} ({why})" for scope, why in SCOPES.items() if scope not in granted]
    if missing:
        yield Finding("Slack scopes", f"missing: {', '.join(missing)}", _remedy("missing_scope"))
    else:
        yield Finding("Slack scopes", "all granted")
    if policy is not None:
        async for finding in _channels(client, policy):
            yield finding


async def _channels(client: AsyncWebClient, policy: Policy) -> AsyncIterator[Finding]:
    try:
        known = await _all_channels(client)
    except SlackApiError as error:
        yield Finding("channels", error_code(error), _remedy(error_code(error)))
        return
    for channel in sorted(policy.channels):
        found = known.get(channel)
        if found is None:
            yield Finding(f"channel {channel}", "not found", _remedy("channel_not_found"))
        elif found.get("is_archived"):
            yield Finding(f"channel {channel}", "archived", _remedy("is_archived"))
        elif not found.get("is_member"):
            yield Finding(f"channel {channel}", "the bot is not in it", _remedy("not_in_channel"))
        else:
            yield Finding(f"channel {channel}", "the bot is in it")


def _remedy(error: str) -> str:
    return remedy(error, "retried by itself while `hitl serve` runs; if it lasts, see its log and status.slack.com")


async def _all_channels(client: AsyncWebClient) -> dict[str, dict[str, object]]:
    """By `#name` and by id."""
    known: dict[str, dict[str, object]] = {}
    cursor = ""
    while True:
        answer = await client.conversations_list(
            limit=_CHANNELS_A_PAGE, cursor=cursor, types="public_channel,private_channel"
        )
        for channel in answer["channels"]:
            known[f"#{channel['name']}"] = known[channel["id"]] = channel
        cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            return known
