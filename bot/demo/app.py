"""The demo's app: posts decisions to the bot and receives its signed callbacks. All that an integration needs."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Literal

import aiohttp
from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from bot.demo.stream import DemoDecision
from bot.demo.summary import Callbacks, Record, Tally

_LOOPBACK = "127.0.0.1"
_PATH = "/hitl"

Receipt = Literal["verified", "repeated", "refused"]


class RefusedError(Exception):
    """The bot did not take a request. `problem` is its RFC 9457 body."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(f"the bot answered {status}: {problem.get('detail') or problem.get('title')}")


class DemoApp:
    """A small app on 127.0.0.1. Start it, connect it to the bot, submit decisions, stop it.

    `key` and `webhook_secret` are what `hitl keys create` prints; `say` is given one readable line per event.
    """

    def __init__(self, *, key: str, webhook_secret: str, say: Callable[[str], None]) -> None:
        self._key = key
        self._webhook = Webhook(webhook_secret)
        self._say = say
        self._submitted: dict[str, DemoDecision] = {}
        self._answers: dict[str, dict[str, Any]] = {}
        self._seen: set[str] = set()
        self._receipts: Counter[Receipt] = Counter()
        self._news = asyncio.Condition()
        self._open = AsyncExitStack()

    async def start(self, port: int = 0) -> None:
        """Listen for callbacks; port 0 takes a free one, see `callback_url`."""
        receiver = web.Application()
        receiver.router.add_post(_PATH, self._receive)
        runner = web.AppRunner(receiver, access_log=None)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, _LOOPBACK, port).start()
        self.callback_url = f"http://{_LOOPBACK}:{runner.addresses[0][1]}{_PATH}"

    async def connect(self, bot_url: str) -> None:
        """From now on `submit` and `fetch` talk to the bot at `bot_url`, e.g. "http://127.0.0.1:8080"."""
        session = aiohttp.ClientSession(bot_url, headers={"Authorization": f"Bearer {self._key}"})
        self._session = await self._open.enter_async_context(session)

    async def stop(self) -> None:
        await self._open.aclose()

    async def submit(self, decision: DemoDecision) -> dict[str, Any]:
        """Post a decision; the bot's answer. Submitting the same one again changes nothing.

        Raises RefusedError when the bot does not take it, aiohttp.ClientError when it can not be reached.
        """
        body = decision.request | {"callback_url": self.callback_url}
        async with self._session.post("/v1/decisions", json=body) as response:
            answer = await _taken(response)
        # A callback may have overtaken this answer; then that is the later word.
        self._answers.setdefault(decision.id, answer)
        self._submitted[decision.id] = decision
        confidence = decision.request.get("confidence", "unknown")
        self._say(
            f"{decision.id}: {answer['route']}, {answer['disposition']} ({answer['risk']}, confidence {confidence})"
        )
        return answer

    async def fetch(self, decision_id: str, *, wait: int = 0) -> dict[str, Any]:
        """Ask for a decision, waiting up to `wait` (0..60) seconds for its end: what an app without callbacks does."""
        async with self._session.get(f"/v1/decisions/{decision_id}", params={"wait": wait}) as response:
            answer = await _taken(response)
        await self._note(answer)
        return answer

    def waiting(self) -> list[str]:
        """Ids of the submitted decisions that are not resolved, oldest first."""
        return [name for name in self._submitted if self._answers[name]["status"] == "pending"]

    async def all_through(self) -> None:
        """Return when every submitted decision is resolved."""
        await self.at_most_waiting(0)

    async def at_most_waiting(self, count: int) -> None:
        """Return when no more than `count` of the submitted decisions wait."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.waiting()) <= count)

    def tally(self) -> Tally:
        """The run so far."""
        records = [Record(decision, self._answers[name]) for name, decision in self._submitted.items()]
        counts = self._receipts
        return Tally.of(records, Callbacks(counts["verified"], counts["repeated"], counts["refused"]))

    async def _receive(self, request: web.Request) -> web.Response:
        event = self._opened(request.headers, await request.read())
        if event is None:
            self._receipts["refused"] += 1
            self._say("callback refused: its signature is not the bot's")
            return web.Response(status=401)
        name = f"{event['type']} {event['data']['id']}"
        if request.headers["webhook-id"] in self._seen:
            self._receipts["repeated"] += 1
            self._say(f"callback repeated: {name}")
            return web.Response(status=204)
        self._seen.add(request.headers["webhook-id"])
        self._receipts["verified"] += 1
        await self._note(event["data"])
        self._say(f"callback verified: {name}, {_ending(event['data'])}")
        return web.Response(status=204)

    def _opened(self, headers: Mapping[str, str], body: bytes) -> dict[str, Any] | None:
        """The event in a delivery, None unless the bot signed it within the last minutes."""
        try:
            event: dict[str, Any] = self._webhook.verify(body, dict(headers))
        except (WebhookVerificationError, ValueError):  # ValueError: a signature or body that can not even be read
            return None
        return event

    async def _note(self, answer: dict[str, Any]) -> None:
        known = self._answers.get(answer["id"])
        if known is not None and known["status"] == "resolved" and answer["status"] == "pending":
            return  # asked for before the end, and answered after the callback that told it
        self._answers[answer["id"]] = answer
        async with self._news:
            self._news.notify_all()


async def _taken(response: aiohttp.ClientResponse) -> dict[str, Any]:
    answer: dict[str, Any] = await response.json(content_type=None)
    if not response.ok:
        raise RefusedError(response.status, answer)
    return answer


def _ending(answer: dict[str, Any]) -> str:
    outcome = answer["outcome"]
    people = " and ".join(outcome["decided_by"])
    return f"{outcome['result']} by {people}" if people else str(outcome["result"])
