"""The log of a serving process: one event name a record, an outage said once, and no secret or prompt in it."""

import asyncio
import json
import signal
import subprocess
import sys
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from standardwebhooks import Webhook

from bot.clock import SystemClock
from bot.sandbox.faults import Fault
from bot.sandbox.server import BOT_TOKEN, SIGNING_SECRET, Sandbox
from bot.secretbox import new_webhook_secret
from bot.slack.endpoint import PATH
from tests.support.bot import KEY, PATIENCE, POLICY, SECRET, Receiver, listen, prepare, until
from tests.support.hitl import Served, served

MARK = "quartz-zebra-4711"
BODY = {
    "task_type": "label",
    "input": f"the {MARK} question",
    "output": f"the {MARK} draft",
    "confidence": 0.5,
    "subject": MARK,
    "metadata": {"note": MARK},
}


def records(serving: Served) -> list[dict[str, Any]]:
    return [json.loads(line) for line in serving.lines]


def first(serving: Served, event: str) -> dict[str, Any] | None:
    return next((record for record in records(serving) if record["event"] == event), None)


async def test_a_day_in_the_life_leaves_no_secret_and_no_prompt_in_the_log(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        sandbox = Sandbox(SystemClock(), ack_seconds=PATIENCE)
        await sandbox.start()
        stack.push_async_callback(sandbox.stop)
        webhook_secret = new_webhook_secret()
        receiver = Receiver(Webhook(webhook_secret))
        stack.push_async_callback((await listen(receiver)).cleanup)
        policy = tmp_path / "policy.yml"
        policy.write_text(POLICY)
        database_url = f"sqlite:///{tmp_path}/hitl.db"
        await prepare(database_url, webhook_secret, SystemClock())
        serving = await stack.enter_async_context(
            served(
                {
                    "HITL_DATABASE_URL": database_url,
                    "HITL_SECRET": SECRET,
                    "HITL_POLICY": str(policy),
                    "HITL_PORT": "0",
                    "HITL_LOG": "json",
                    "HITL_CALLBACK_ALLOW": receiver.url,
                    "SLACK_BOT_TOKEN": BOT_TOKEN,
                    "SLACK_SIGNING_SECRET": SIGNING_SECRET,
                    "SLACK_API_URL": sandbox.api_url,
                }
            )
        )
        url = str((await until(lambda: first(serving, "serve.ready")))["url"])
        sandbox.connect(url + PATH)
        sandbox.faults.add(Fault("chat.postMessage", "status", status=500))
        http = await stack.enter_async_context(aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}))

        await post_good_and_bad(http, url, receiver.url)
        await say_what_is_no_http(url)
        await reject(sandbox)
        [event] = await until(lambda: receiver.events)
        assert MARK in str(event["data"]["outcome"])
        await break_and_mend_policy(serving, policy)

        serving.process.send_signal(signal.SIGTERM)
        assert await serving.process.wait() == 0

    log = "\n".join(serving.lines)
    for secret in (MARK, KEY, "hitl_wrong", webhook_secret, SECRET, BOT_TOKEN, SIGNING_SECRET):
        assert secret not in log
    assert "Traceback" not in log
    assert all(record["level"] in {"info", "warning", "error"} for record in records(serving))
    told = Counter(record["event"] for record in records(serving))
    assert told["delivery.trouble"] == told["delivery.recovered"], "an outage is told when it begins and when it ends"


async def post_good_and_bad(http: aiohttp.ClientSession, url: str, callback_url: str) -> None:
    cases: list[tuple[dict[str, Any], int]] = [
        ({**BODY, "id": "one", "callback_url": callback_url}, 201),
        ({**BODY, "id": "one"}, 409),
        ({**BODY, "confidence": MARK}, 422),
        ({**BODY, MARK: MARK}, 422),
        ({**BODY, "callback_url": f"http://{MARK}:{MARK}@10.0.0.1/"}, 422),
    ]
    for body, status in cases:
        async with http.post(f"{url}/v1/decisions", json=body) as answer:
            assert answer.status == status
            assert f"{MARK} question" not in await answer.text()
    async with http.post(f"{url}/v1/decisions", data=f'{{"{MARK}') as answer:
        assert answer.status == 400
    async with http.get(f"{url}/v1/decisions", headers={"Authorization": "Bearer hitl_wrong"}) as answer:
        assert answer.status == 401
    async with http.get(f"{url}/v1/decisions?cursor={MARK}") as answer:
        assert answer.status == 422


async def say_what_is_no_http(url: str) -> None:
    host, port = url.removeprefix("http://").split(":")
    for request in (
        f"GET / HTTP/1.1\r\nAuthorization Bearer {KEY}\r\n\r\n",
        f"{KEY} {MARK}\r\n\r\n",
        f"POST /v1/decisions HTTP/1.1\r\nHost: x\r\nContent-Length: -{MARK}\r\nAuthorization: Bearer {KEY}\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(request.encode())
        assert b" 400 Bad Request" in await reader.read()
        writer.close()
        await writer.wait_closed()


async def reject(sandbox: Sandbox) -> None:
    [card] = await until(lambda: sandbox.messages("C0REVIEW"))
    await sandbox.click("U0ADA", "C0REVIEW", card["ts"], "review.reject")
    [view] = await until(lambda: sandbox.views("U0ADA"))
    answers = {"category": "tone", "severity": "minor", "reason": f"{MARK} is rude", "answer": f"not {MARK}"}
    await sandbox.submit_view("U0ADA", view["id"], answers)


async def break_and_mend_policy(serving: Served, policy: Path) -> None:
    """By the signal; the file's change would be seen too, and then says nothing new."""
    before = str((await until(lambda: first(serving, "serve.ready")))["policy"])
    policy.write_text(POLICY.replace("threshold: 0.90", "threshold: 1.90"))
    serving.process.send_signal(signal.SIGHUP)
    refused = await until(lambda: first(serving, "policy.refused"))
    assert (refused["in_force"], refused["level"]) == (before, "error")
    assert "policy.yml:16: tasks.refund.threshold" in refused["detail"]
    policy.write_text(POLICY.replace("threshold: 0.90", "threshold: 0.91"))
    serving.process.send_signal(signal.SIGHUP)
    loaded = await until(lambda: first(serving, "policy.loaded"))
    assert loaded["version"] != before


FAILING = """
import sys
import structlog
from bot.logs import set_up_logging

set_up_logging(sys.argv[1])

def fail(prompt):
    raise ValueError("a message")

try:
    fail("quartz-" + "zebra-4711")
except ValueError:
    structlog.get_logger("x").exception("thing.failed", pk=7)
"""


@pytest.mark.parametrize("style", ["text", "json"])
def test_a_traceback_shows_the_place_and_no_local_variable(style: str) -> None:
    ended = subprocess.run([sys.executable, "-c", FAILING, style], capture_output=True, text=True, check=True)  # noqa: S603
    assert ended.stdout == ""
    assert "thing.failed" in ended.stderr
    assert "a message" in ended.stderr
    assert "fail" in ended.stderr
    assert MARK not in ended.stderr
    if style == "json":
        assert json.loads(ended.stderr)["pk"] == 7
