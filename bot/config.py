"""Settings from the environment (contract §2). A missing or wrong one is named together with its remedy."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy.engine import URL

from bot.egress import AllowList
from store.engine import DatabaseUrlError, parse_url, sqlite_path


class SettingsError(Exception):
    """A setting is missing or wrong. The message names the variable and the remedy, and repeats no secret."""


class Settings(BaseSettings):
    """Field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, env_ignore_empty=True)

    hitl_database_url: str = "sqlite:///hitl.db"
    hitl_secret: str | None = None
    hitl_policy: Path = Path("policy.yml")
    hitl_host: str = "127.0.0.1"
    hitl_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    hitl_public_url: str | None = None
    slack_bot_token: str | None = None
    slack_signing_secret: str | None = None
    slack_app_token: str | None = None
    slack_api_url: str = "https://slack.com/api/"
    hitl_callback_allow: str = ""
    hitl_log: Literal["text", "json"] = "text"

    @field_validator("hitl_database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        try:
            file = sqlite_path(parse_url(value))
        except DatabaseUrlError as error:
            raise ValueError(str(error)) from error
        if file is not None and not file.parent.is_dir():
            raise ValueError(f"there is no folder {file.parent}")
        return value

    @field_validator("hitl_callback_allow")
    @classmethod
    def _readable_allow_list(cls, value: str) -> str:
        AllowList.parse(value)
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_slash(cls, value: str) -> str:
        if not value.startswith(("https://", "http://")):
            raise ValueError("it must begin with https:// (http:// for a local stand-in)")
        return value if value.endswith("/") else value + "/"

    @property
    def database(self) -> URL:
        return parse_url(self.hitl_database_url)

    @property
    def callback_allow(self) -> AllowList:
        return AllowList.parse(self.hitl_callback_allow)


def load_settings() -> Settings:
    """Settings of this process. Raises SettingsError with every problem, one a line."""
    try:
        return Settings()
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(problem) for problem in error.errors())) from error


_PLAIN = {"HITL_PORT": "it has to be a whole number from 0 to 65535", "HITL_LOG": "it has to be text or json"}


def _sentence(problem: Mapping[str, object]) -> str:
    loc = problem["loc"]
    name = str(loc[0]).upper() if isinstance(loc, tuple) and loc else "settings"
    message = _PLAIN.get(name) or str(problem["msg"]).removeprefix("Value error, ")
    return f"{name}: {message}. Set {name} to a valid value."


def need_slack(settings: Settings) -> str:
    """The bot token of a process that serves. Raises SettingsError."""
    missing = []
    if not settings.slack_bot_token:
        missing.append("SLACK_BOT_TOKEN is not set: copy the Bot User OAuth Token (xoxb-…) from your Slack app's page.")
    if not settings.slack_signing_secret and not settings.slack_app_token:
        missing.append(
            "SLACK_SIGNING_SECRET is not set: copy it from your Slack app's Basic Information page "
            "(or set SLACK_APP_TOKEN for Socket Mode)."
        )
    if missing or settings.slack_bot_token is None:
        raise SettingsError("\n".join(missing))
    return settings.slack_bot_token


def load_secret(settings: Settings) -> str:
    """HITL_SECRET, or on SQLite the one kept beside the database. Raises SettingsError."""
    if settings.hitl_secret:
        return settings.hitl_secret
    path = _secret_path(settings)
    if path is None:
        raise SettingsError("HITL_SECRET is not set: with PostgreSQL give every replica the same long random string.")
    try:
        secret = path.read_text().strip()
    except FileNotFoundError:
        raise SettingsError(
            f"HITL_SECRET is not set and {path.name} is not there: run `hitl migrate`, which makes it, "
            "or bring the file back beside the database."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"HITL_SECRET is not set and {path} cannot be read ({type(error).__name__}).") from error
    if not secret:
        raise SettingsError(
            f"HITL_SECRET is not set and {path.name} is empty: bring back what was in it, or, where no key was made "
            "yet, remove it and run `hitl migrate`."
        )
    return secret


def make_secret(settings: Settings) -> None:
    """Keeps a new secret beside a SQLite database that has none, readable by its owner only."""
    path = _secret_path(settings)
    if settings.hitl_secret or path is None:
        return
    # Written aside and then linked: a file that is there is whole, and of two migrations at once one makes it.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48) + "\n")
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    _keep_entries(path.parent)


def _keep_entries(folder: Path) -> None:
    """After a power cut the folder still names what it names now."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _secret_path(settings: Settings) -> Path | None:
    database = sqlite_path(settings.database)
    return None if database is None else database.with_name(database.name + ".secret")
