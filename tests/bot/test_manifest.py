"""The manifest that is pasted into Slack: every scope is one that Slack knows, and clicks find their way."""

import io
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.manifest import COMMANDS, SCOPES, ManifestError, as_yaml, manifest
from bot.sandbox.scopes import DEFAULT_SCOPES
from bot.slack.endpoint import PATH
from bot.slack.stats_message import COMMAND
from tests.support.hitl import Hitl

# Bot token scopes as listed at docs.slack.dev/reference/scopes (those near to what a review bot might ask for).
KNOWN_SCOPES = frozenset(
    {
        "app_mentions:read", "bookmarks:read", "channels:history", "channels:join", "channels:manage", "channels:read",
        "chat:write", "chat:write.customize", "chat:write.public", "commands", "dnd:read", "emoji:read", "files:read",
        "files:write", "groups:history", "groups:read", "groups:write", "im:history", "im:read", "im:write",
        "links:read", "metadata.message:read", "mpim:history", "mpim:read", "pins:read", "reactions:read",
        "reactions:write", "team:read", "usergroups:read", "usergroups:write", "users.profile:read", "users:read",
        "users:read.email", "users:write",
    }
)  # fmt: skip


def read(text: str) -> dict[str, Any]:
    document: dict[str, Any] = YAML(typ="safe", pure=True).load(io.StringIO(text))
    return document


def test_every_scope_is_spelled_as_slack_spells_it_and_has_its_reason() -> None:
    assert set(SCOPES) <= KNOWN_SCOPES
    assert all(SCOPES.values())


def test_the_sandbox_grants_what_the_manifest_asks_for() -> None:
    assert set(SCOPES) <= set(DEFAULT_SCOPES)


def test_over_http_clicks_go_to_our_endpoint() -> None:
    for url in ("https://hitl.example", "https://hitl.example/"):
        settings = manifest(url, socket=False)["settings"]
        assert settings["interactivity"] == {"is_enabled": True, "request_url": f"https://hitl.example{PATH}"}
        assert settings["socket_mode_enabled"] is False


def test_a_slash_command_goes_there_too_and_over_the_socket_has_no_address() -> None:
    for document, address in (
        (manifest("https://hitl.example/", socket=False), {"url": f"https://hitl.example{PATH}"}),
        (manifest(None, socket=True), {}),
    ):
        [command] = document["features"]["slash_commands"]
        assert command == {**COMMANDS[0], **address}
        assert command["command"] == COMMAND
        assert len(command["description"]) <= 2_000
        assert "commands" in document["oauth_config"]["scopes"]["bot"]


def test_socket_mode_needs_no_url() -> None:
    settings = manifest(None, socket=True)["settings"]
    assert settings["interactivity"] == {"is_enabled": True}
    assert settings["socket_mode_enabled"] is True


@pytest.mark.parametrize("url", [None, ""])
def test_without_a_way_for_clicks_there_is_no_manifest(url: str | None) -> None:
    with pytest.raises(ManifestError, match="--socket"):
        manifest(url, socket=False)


@pytest.mark.parametrize("url", ["hitl.example", "ftp://hitl.example", "http://hitl.example"])
def test_slack_calls_https_only(url: str) -> None:
    with pytest.raises(ManifestError, match="has to begin with https://"):
        manifest(url, socket=False)


def test_the_yaml_says_what_the_document_says() -> None:
    document = manifest("https://hitl.example", socket=False)
    assert read(as_yaml(document)) == document
    assert set(document["oauth_config"]["scopes"]["bot"]) == set(SCOPES)
    assert len(document["display_information"]["name"]) <= 35
    assert len(document["display_information"]["description"]) <= 140


def test_the_one_in_the_repository_is_the_one_that_is_printed() -> None:
    kept = read((Path(__file__).parents[2] / "manifest.yml").read_text())
    assert kept == manifest("https://bot.example", socket=False)


def test_the_command_takes_the_url_or_the_setting_or_socket_mode(hitl: Hitl, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = hitl("manifest")
    assert (ended.code, ended.out) == (2, "")
    assert "--url" in ended.err
    assert read(hitl("manifest", "--socket").out)["settings"]["socket_mode_enabled"] is True
    asked = hitl("manifest", "--url", "https://a.example")
    assert (asked.code, asked.err) == (0, "")
    assert read(asked.out)["settings"]["interactivity"]["request_url"] == f"https://a.example{PATH}"
    monkeypatch.setenv("HITL_PUBLIC_URL", "https://b.example")
    assert read(hitl("manifest").out)["settings"]["interactivity"]["request_url"] == f"https://b.example{PATH}"
