"""The Events API: what happened, told to the app, and told again if it does not answer."""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from bot.clock import Clock
from bot.sandbox import limits
from bot.sandbox.courier import Ack, Courier
from bot.sandbox.scopes import Scopes, family
from bot.sandbox.world import World

Json = dict[str, Any]
T = TypeVar("T")
_CHANNEL_TYPE = {"channels": "channel", "groups": "group", "im": "im"}


class Events:
    def __init__(self, world: World, clock: Clock, courier: Courier, scopes: Scopes) -> None:
        self._world = world
        self._clock = clock
        self._courier = courier
        self._scopes = scopes
        self._tasks: set[asyncio.Future[Any]] = set()

    def announce(self, event: Json) -> None:
        """Send it in the background, if the app may see it at all."""
        if self.wanted(event):
            self.spawn(self.send(event))

    def wanted(self, event: Json) -> bool:
        """The app hears messages of the conversations it is in, given the history scope; and its home's opening."""
        if not self._courier.has_app:
            return False
        if event["type"] != "message":
            return True
        channel = self._world.channels[event["channel"]]
        return self._world.bot.id in channel.members and f"{family(channel)}:history" in self._scopes

    async def send(self, event: Json) -> Ack:
        """The answer to the first attempt; retries go on in the background."""
        envelope = self._envelope(event)
        ack = await self._courier.send_json("event", envelope, {})
        if not ack.ok and not ack.no_retry:
            self.spawn(self._retry(envelope, ack))
        return ack

    async def verify_url(self) -> bool:
        """What Slack does when a request URL is entered: does the app echo the challenge?"""
        challenge = self._world.new_id("challenge")
        payload = {"type": "url_verification", "challenge": challenge, "token": "sandbox"}
        ack = await self._courier.send_json("url_verification", payload, {})
        echoed = ack.response.get("challenge") if isinstance(ack.response, dict) else ack.response
        return ack.ok and echoed == challenge

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def spawn(self, work: Awaitable[T]) -> asyncio.Future[T]:
        """Run beside everything else until the sandbox stops."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _retry(self, envelope: Json, ack: Ack) -> None:
        for number, delay in enumerate(limits.EVENT_RETRY_DELAYS, start=1):
            await self._courier.until_retry(delay)
            headers = {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": str(ack.failure)}
            ack = await self._courier.send_json("event", envelope, headers)
            if ack.ok or ack.no_retry:
                return

    def _envelope(self, event: Json) -> Json:
        world, grid = self._world, self._world.enterprise_id
        if event["type"] == "message":
            event = {**event, "channel_type": _CHANNEL_TYPE[family(world.channels[event["channel"]])]}
        return {
            "token": "sandbox",
            "team_id": world.team_id,
            "context_team_id": world.team_id,
            **({"enterprise_id": grid, "context_enterprise_id": grid} if grid else {}),
            "api_app_id": world.app_id,
            "event": event,
            "type": "event_callback",
            "event_id": world.new_id("Ev"),
            "event_time": int(self._clock.now().timestamp()),
            "authorizations": [
                {
                    "enterprise_id": grid,
                    "team_id": None if grid else world.team_id,
                    "user_id": world.bot.id,
                    "is_bot": True,
                    "is_enterprise_install": grid is not None,
                }
            ],
            "is_ext_shared_channel": False,
        }
