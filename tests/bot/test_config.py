"""Settings: what is missing or wrong is named with its remedy, and no secret is repeated."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.config import Settings, SettingsError, load_secret, load_settings, make_secret, need_slack

pytestmark = pytest.mark.usefixtures("settings")
PASSWORD = "pw-not-to-be-shown"


def test_the_defaults_are_the_contracts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HITL_DATABASE_URL", "HITL_POLICY", "HITL_PORT", "SLACK_API_URL"):
        monkeypatch.delenv(name)
    settings = load_settings()
    assert settings.hitl_database_url == "sqlite:///hitl.db"
    assert (settings.hitl_policy, settings.hitl_host, settings.hitl_port) == (Path("policy.yml"), "127.0.0.1", 8080)
    assert (settings.slack_api_url, settings.hitl_log) == ("https://slack.com/api/", "text")


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("HITL_PORT", "eighty", "it has to be a whole number from 0 to 65535"),
        ("HITL_PORT", "65536", "65535"),
        ("HITL_DATABASE_URL", f"mysql://root:{PASSWORD}@db/hitl", "postgresql://"),
        ("HITL_DATABASE_URL", f"postgresql://root:{PASSWORD}@db:port/hitl", "not a database URL"),
        ("HITL_DATABASE_URL", "hitl.db", "not a database URL"),
        ("HITL_DATABASE_URL", "sqlite://", "name a file"),
        ("HITL_DATABASE_URL", "sqlite:////nowhere/at/all/hitl.db", "no folder /nowhere/at/all"),
        ("HITL_CALLBACK_ALLOW", f"https://ok.example, http://ada:{PASSWORD}@b.example", "entry 2"),
        ("HITL_CALLBACK_ALLOW", "app.example", "entry 1"),
        ("SLACK_API_URL", "slack.com/api", "https://"),
        ("HITL_LOG", "xml", "json"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(
    name: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    [line] = str(caught.value).splitlines()
    assert line.startswith(f"{name}: ")
    assert word in line
    assert PASSWORD not in line


def test_all_wrong_settings_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HITL_PORT", "-1")
    monkeypatch.setenv("HITL_LOG", "xml")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert [line.partition(":")[0] for line in str(caught.value).splitlines()] == ["HITL_PORT", "HITL_LOG"]


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose files pass on what nobody set."""
    for name in ("HITL_PORT", "HITL_PUBLIC_URL", "SLACK_APP_TOKEN", "HITL_LOG"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert (settings.hitl_port, settings.hitl_public_url, settings.slack_app_token) == (8080, None, None)


def test_slack_needs_a_token_and_a_way_to_hear_of_clicks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert need_slack(load_settings()) == "xoxb-sandbox"
    monkeypatch.delenv("SLACK_SIGNING_SECRET")
    with pytest.raises(SettingsError, match=r"SLACK_SIGNING_SECRET is not set: .*SLACK_APP_TOKEN"):
        need_slack(load_settings())
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1")
    assert need_slack(load_settings()) == "xoxb-sandbox"
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    with pytest.raises(SettingsError, match=r"SLACK_BOT_TOKEN is not set: .*xoxb-"):
        need_slack(load_settings())


def test_the_secret_beside_the_database_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    settings = load_settings()
    with ThreadPoolExecutor() as threads:
        list(threads.map(make_secret, [settings] * 8))
    secret = load_secret(settings)
    make_secret(settings)

    assert load_secret(settings) == secret
    assert len(secret) >= 32
    [path] = tmp_path.glob("hitl.db*")
    assert path.name == "hitl.db.secret"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_secret_is_on_the_disk_before_it_is_seen_and_its_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut leaves an empty file, and what was sealed under the secret is lost."""
    path, really = tmp_path / "hitl.db.secret", os.fsync
    synced: list[tuple[bool, bool]] = []

    def note(descriptor: int) -> None:
        synced.append((stat.S_ISDIR(os.fstat(descriptor).st_mode), path.exists()))
        really(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    make_secret(load_settings())
    assert synced == [(False, False), (True, True)]


def test_a_secret_of_the_environment_comes_first_and_is_kept_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HITL_SECRET", "from the environment")
    make_secret(load_settings())
    assert load_secret(load_settings()) == "from the environment"
    assert list(tmp_path.glob("*.secret")) == []


def test_a_secret_that_is_missing_empty_or_unreadable_is_told(tmp_path: Path) -> None:
    settings = load_settings()
    with pytest.raises(
        SettingsError, match=r"HITL_SECRET is not set and hitl.db.secret is not there: run `hitl migrate`"
    ):
        load_secret(settings)
    path = tmp_path / "hitl.db.secret"
    path.touch()
    make_secret(settings)
    with pytest.raises(SettingsError, match=r"hitl.db.secret is empty: .* run `hitl migrate`"):
        load_secret(settings)
    path.unlink()
    path.mkdir()
    with pytest.raises(SettingsError, match=r"hitl.db.secret cannot be read"):
        load_secret(settings)


def test_postgresql_asks_for_the_secret() -> None:
    settings = Settings(hitl_database_url="postgresql://db/hitl")
    make_secret(settings)
    with pytest.raises(SettingsError, match=r"HITL_SECRET is not set: with PostgreSQL"):
        load_secret(settings)
