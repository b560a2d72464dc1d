"""A running bot and its policy file: changes are taken, broken ones refused, said once, and never put in force."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.policy_in_force import PolicyInForce, PolicyUnreadableError, read_policy
from routing.policy import parse_policy
from store.adjustments import AdjustmentStore
from store.engine import open_engine, parse_url
from store.policies import policy_document
from store.writer import Writer
from tests.support.bot import PATIENCE, POLICY, UNSURE, Bot, running_bot
from tests.support.clock import ManualClock

BROKEN = POLICY.replace("threshold: 0.90", "threshold: 1.90")
STRICTER = POLICY.replace("threshold: 0.70", "threshold: 0.95")


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db") as running:
        yield running


async def threshold(bot: Bot) -> float:
    status, answer = await bot.post(UNSURE)
    assert status == 201
    found: float = answer["threshold"]
    return found


async def until_in_force(bot: Bot, version: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while bot.services.policy.current.version != version:
            await asyncio.sleep(0.01)


async def test_a_changed_file_is_in_force_by_itself(bot: Bot) -> None:
    assert await threshold(bot) == 0.70
    bot.policy.write_text(STRICTER)
    await until_in_force(bot, parse_policy(STRICTER).version)
    assert await threshold(bot) == 0.95


async def test_a_broken_file_leaves_the_old_one_in_force_and_is_told_once(tmp_path: Path) -> None:
    clock = ManualClock()  # stands still, so nobody but this test looks at the file
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db", clock=clock) as bot:
        await break_and_mend(bot)


async def break_and_mend(bot: Bot) -> None:
    before = bot.services.policy.current.version
    with structlog.testing.capture_logs() as logs:
        for text in (BROKEN, BROKEN + "\n"):
            bot.policy.write_text(text)
            await bot.services.policy.reload()
            await bot.services.policy.reload()
        assert await threshold(bot) == 0.70
        bot.policy.unlink()
        await bot.services.policy.reload()
        bot.policy.write_text(STRICTER)
        await bot.services.policy.reload()
        bot.policy.write_text(BROKEN)
        await bot.services.policy.reload()
    told = [
        (entry["event"], entry.get("in_force", entry.get("version"))) for entry in logs if "policy" in entry["event"]
    ]
    after = parse_policy(STRICTER).version
    assert [found for found in told if found[0].startswith("policy.")] == [
        ("policy.refused", before),
        ("policy.refused", before),  # now it is missing
        ("policy.loaded", after),
        ("policy.refused", after),  # broken again, after it had been mended
    ]
    assert any("policy.yml:16: tasks.refund.threshold: " in entry.get("detail", "") for entry in logs)
    assert await threshold(bot) == 0.95


async def test_every_version_is_stored_before_it_routes(bot: Bot) -> None:
    bot.policy.write_text(STRICTER)
    await bot.services.policy.reload()
    for text in (POLICY, STRICTER):
        policy = parse_policy(text)
        assert await policy_document(bot.services.engine, policy.version) == policy.document


class FailingWriter(Writer):
    """A database that is away as long as `away` is true."""

    away = False

    async def submit(self, command: Any) -> Any:
        if self.away:
            raise ConnectionRefusedError
        return await super().submit(command)


async def test_a_policy_that_could_not_be_stored_is_tried_again(tmp_path: Path) -> None:
    """What routed a decision must be explainable, so a policy is not in force before it is stored."""
    async with running_bot(tmp_path, f"sqlite:///{tmp_path}/hitl.db"):
        pass  # a migrated database
    engine = open_engine(parse_url(f"sqlite:///{tmp_path}/hitl.db"))
    writer, clock = FailingWriter(engine), ManualClock()
    writer.start()
    path = tmp_path / "policy.yml"
    policy = PolicyInForce(path, writer, clock, AdjustmentStore(engine))
    await policy.load()
    watching = asyncio.create_task(policy.watch())
    before, after = policy.current.version, parse_policy(STRICTER).version

    with structlog.testing.capture_logs() as logs:
        writer.away = True
        path.write_text(STRICTER)
        await clock.advance(3)
        assert policy.current.version == before
        writer.away = False
        await clock.run_until(lambda: policy.current.version == after, limit=60)

    assert [entry["event"] for entry in logs] == ["policy.not_stored", "policy.loaded"]
    watching.cancel()
    await writer.stop()
    await engine.dispose()


def test_a_file_that_cannot_be_read_is_told_with_its_variable(tmp_path: Path) -> None:
    (tmp_path / "latin.yml").write_bytes(b"version: 1 # \xe9\n")
    for path, word in (
        (tmp_path / "none.yml", "No such file"),
        (tmp_path, "directory"),
        (tmp_path / "latin.yml", "UTF-8"),
    ):
        with pytest.raises(PolicyUnreadableError) as caught:
            read_policy(path)
        assert word in str(caught.value)
        assert "HITL_POLICY" in str(caught.value)


async def test_what_a_policy_will_hardly_mean_is_told_as_it_comes_into_force(bot: Bot) -> None:
    doubtful = POLICY.replace("reviewers: {channel_members: true, users: [U0ADA]}", "reviewers: {users: [U0ADA]}")
    with structlog.testing.capture_logs() as logs:
        bot.policy.write_text(doubtful.replace("rules:", "  approvals: {critical: 2}\nrules:", 1))
        await bot.services.policy.reload()
    told = [log["detail"] for log in logs if log["event"] == "policy.doubtful"]
    assert any("approvals" in detail and "2 people have to agree" in detail for detail in told)
