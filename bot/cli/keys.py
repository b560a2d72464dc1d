"""API keys and webhook secrets."""

import asyncio
import json
import re
import secrets
from datetime import timedelta
from typing import Annotated, Any

import typer

from bot.cli.session import database, give_up, with_writer
from bot.clock import SystemClock
from bot.ids import random_id
from bot.secretbox import SecretBox, new_webhook_secret
from bot.web.auth import sha256_of_key
from store.keys import CreateKey, KeyStore, RevokeKey, RotateSecret
from store.writer import Writer

app = typer.Typer(no_args_is_help=True, help="API keys and webhook secrets.")

_BOTH_SIGN = timedelta(hours=24)
_APP_NAME = re.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SCOPES = ("ingest", "read", "feedback", "admin")


@app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="APP")],
    scope: Annotated[list[str] | None, typer.Option(help="ingest, read, feedback or admin; repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Make an API key, and the app with its webhook secret if it is new. Both are shown this once."""
    scopes = scope or ["ingest", "read", "feedback"]
    unknown = sorted(set(scopes) - set(_SCOPES))
    if unknown:
        give_up(f"--scope: unknown {', '.join(unknown)}; use {', '.join(_SCOPES)}.")
    if not _APP_NAME.fullmatch(name):
        give_up("APP: 1 to 64 letters, digits, dots, hyphens and underscores, the first a letter or a digit.")
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

    is_new = asyncio.run(with_writer(work))
    shown = secret if is_new else None
    if as_json:
        typer.echo(json.dumps({"id": key_id, "app": name, "key": key, "webhook_secret": shown}))
        return
    typer.echo(f"id              {key_id}\napp             {name}\nkey             {key}")
    typer.echo(f"webhook secret  {shown or 'as before (hitl keys rotate-secret makes a new one)'}")


@app.command("list")
def list_keys(as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """List the keys, without the keys themselves."""

    async def work() -> list[dict[str, Any]]:
        async with database() as engine:
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

    found = asyncio.run(work())
    if as_json:
        typer.echo(json.dumps(found))
        return
    for key in found:
        state = f"revoked {key['revoked_at']}" if key["revoked_at"] else "in force"
        typer.echo(f"{key['id']}  {key['app']}  {','.join(key['scopes'])}  created {key['created_at']}  {state}")


@app.command("revoke")
def revoke_key(key_id: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Revoke a key; in force within two seconds."""

    async def work(writer: Writer, _box: SecretBox) -> bool:
        return await writer.submit(RevokeKey(key_id, SystemClock().now()))

    if not asyncio.run(with_writer(work)):
        typer.echo(f"There is no key {key_id} in force: `hitl keys list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(f"revoked {key_id}")


@app.command("rotate-secret")
def rotate_secret(
    name: Annotated[str, typer.Argument(metavar="APP")], as_json: Annotated[bool, typer.Option("--json")] = False
) -> None:
    """Give an app a new webhook secret; for 24 hours callbacks are signed with both."""
    secret = new_webhook_secret()

    async def work(writer: Writer, box: SecretBox) -> bool:
        now = SystemClock().now()
        return await writer.submit(RotateSecret(name, box.encrypt(secret), now + _BOTH_SIGN, now))

    if not asyncio.run(with_writer(work)):
        typer.echo(f"There is no app {name}: `hitl keys list` shows them.", err=True)
        raise typer.Exit(1)
    typer.echo(json.dumps({"app": name, "webhook_secret": secret}) if as_json else secret)
