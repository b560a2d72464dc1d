"""The ids of channels that the policy names by `#name`."""

from datetime import datetime, timedelta

from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock

_A_PAGE = 999  # the most that Slack gives; its pace is 20 pages a minute
# A channel may be renamed, and another take its name.
_REMEMBERED = timedelta(minutes=10)


class Channels:
    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._ids: dict[str, tuple[str, datetime]] = {}

    def learn(self, channel: str, channel_id: str) -> None:
        """Slack has just said which channel goes by that name."""
        self._ids[channel] = (channel_id, self._clock.now())

    async def id_of(self, channel: str) -> str | None:
        """None where there is no such channel that the bot sees; what was said to one person cannot be read with the
        scopes that we ask for. Raises what slack_sdk raises."""
        if channel.startswith(("U", "W")):
            return None
        if not channel.startswith("#"):
            return channel
        known = self._ids.get(channel)
        if known is None or not timedelta(0) <= self._clock.now() - known[1] <= _REMEMBERED:
            self._ids.pop(channel, None)
            await self._look_up(channel)
        found = self._ids.get(channel)
        return None if found is None else found[0]

    async def _look_up(self, channel: str) -> None:
        cursor = ""
        while channel not in self._ids:
            answer = await self._client.conversations_list(
                limit=_A_PAGE, cursor=cursor, exclude_archived=True, types="public_channel,private_channel"
            )
            for found in answer["channels"]:
                self.learn(f"#{found['name']}", str(found["id"]))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return
