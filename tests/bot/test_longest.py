"""Everything that has a greatest length is taken at that length, on PostgreSQL too, which enforces its columns'."""

import asyncio
from pathlib import Path

import pytest

from bot.reviewing.people import Reviewer
from bot.reviewing.verdicts import Decided
from bot.sandbox.world import Channel
from bot.web.auth import sha256_of_key
from routing.review import Reject
from store.keys import CreateKey
from tests.support.bot import PATIENCE, UNSURE, Bot, running_bot, until

CHANNEL, CATEGORY, SEVERITY = "c" * 80, "k" * 75, "s" * 75
POLICY = f"""
version: 1
defaults:
  channel: "#{CHANNEL}"
  reviewers: {{users: [U0ADA]}}
  matrix: {{low: {{confident: AUTO, unsure: ESCALATE}}, medium: {{confident: AUTO_AUDIT, unsure: ESCALATE}}}}
rubrics:
  default: {{categories: [{CATEGORY}], severities: [{SEVERITY}]}}
"""


@pytest.mark.parametrize("status", [204, 410])
async def test_the_longest_of_everything_goes_all_the_way(tmp_path: Path, database_url: str, status: int) -> None:
    async with running_bot(tmp_path, database_url, policy=POLICY) as bot:
        bot.sandbox.world.channels["C0LONG"] = Channel("C0LONG", CHANNEL, ["U0ADA", "U0BOT"])
        await add_app(bot, "a" * 64)
        bot.receiver.answers = [status] * (status != 204)
        callback = bot.receiver.url + "?q="
        longest = {
            "id": "i" * 128,
            "task_type": "t" * 64,
            "compare_to": "o" * 128,
            "model": {"name": "m" * 200, "version": "v" * 200},
            "cohort": "h" * 100,
            "subject": "b" * 200,
            "requested_by": "U" + "0" * 31,
            "callback_url": callback + "x" * (2000 - len(callback)),
        }
        assert (await bot.post({**UNSURE, **longest}, key="hitl_long"))[0] == 201
        [card] = await until(lambda: bot.sandbox.messages("C0LONG"))
        [buttons] = [block for block in card["blocks"] if block["type"] == "actions"]
        await reject(bot, buttons["elements"][0]["value"])
        _, decision = await bot.get(f"/v1/decisions/{longest['id']}", "hitl_long")
        assert (decision["outcome"]["category"], decision["outcome"]["severity"]) == (CATEGORY, SEVERITY)
        if status == 204:
            assert await until(lambda: bot.receiver.events)
            return
        async with asyncio.timeout(PATIENCE):
            while not await bot.services.stores.events.dead_letters():
                await asyncio.sleep(0.01)


async def add_app(bot: Bot, name: str) -> None:
    """With the key `hitl_long`, and the webhook secret that the receiver knows."""
    known, now = bot.services.stores.keys, bot.clock.now()
    sealed = (await known.secrets(1, now)).current
    digest = sha256_of_key("hitl_long")
    await bot.services.writer.submit(
        CreateKey(id="key_long", app=name, key_sha256=digest, scopes=["ingest", "read"], webhook_secret=sealed, at=now)
    )


async def reject(bot: Bot, review_id: str) -> None:
    case = await bot.services.cases.by_id(review_id)
    assert case is not None
    verdict = Reject(category=CATEGORY, severity=SEVERITY, reason="r" * 3000)
    assert isinstance(await bot.services.reviewing.decide(case, Reviewer("T0SANDBOX", "U0ADA"), verdict), Decided)
