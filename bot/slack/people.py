"""Who belongs where, asked of Slack and remembered for a short while."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.reviewing import Refusal, Reviewer
from bot.slack.messages import SLACK_TROUBLE, error_code
from routing.policy import Circle

log = structlog.get_logger(__name__)

_REMEMBERED = timedelta(seconds=60)
_PAGE = 200

Answer = TypeVar("Answer")


class SlackMembership:
    """Answers whether a person is in a review's circle. When Slack cannot be asked, the answer is no, for now."""

    def __init__(self, client: AsyncWebClient, clock: Clock) -> None:
        self._client, self._clock = client, clock
        self._cache: dict[tuple[str, str], tuple[datetime, Any]] = {}

    async def refusal(self, circle: Circle, reviewer: Reviewer, channel_id: str | None) -> Refusal | None:
        if reviewer.user_id in circle.users:
            return None
        try:
            if circle.usergroup and reviewer.user_id in await self._group(circle.usergroup):
                return None
            if circle.channel_members and channel_id and await self._is_full_member(reviewer, channel_id):
                return None
        except SLACK_TROUBLE as error:
            log.warning(
                "slack.membership.unknown",
                error=error_code(error) if isinstance(error, SlackApiError) else type(error).__name__,
            )
            return Refusal("unknown_now")
        return Refusal("not_a_reviewer" if circle.channel_members else "named_reviewers_only")

    async def _is_full_member(self, reviewer: Reviewer, channel_id: str) -> bool:
        if reviewer.user_id not in await self._channel(channel_id):
            return False
        return _is_full_user(await self._user(reviewer.user_id), await self._home())

    async def _home(self) -> Mapping[str, Any]:
        """The workspace (and on Enterprise Grid the company) that this bot is installed in."""

        async def ask() -> Mapping[str, Any]:
            answer = await self._client.auth_test()
            return {"team_id": answer.get("team_id"), "enterprise_id": answer.get("enterprise_id")}

        return await self._remembered(("home", ""), ask)

    async def _group(self, usergroup: str) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            answer = await self._client.usergroups_users_list(usergroup=usergroup)
            return frozenset(answer["users"])

        return await self._remembered(("group", usergroup), ask)

    async def _channel(self, channel_id: str) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            members: set[str] = set()
            cursor = ""
            while True:
                answer = await self._client.conversations_members(channel=channel_id, limit=_PAGE, cursor=cursor)
                members.update(answer["members"])
                cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    return frozenset(members)

        return await self._remembered(("channel", channel_id), ask)

    async def _user(self, user_id: str) -> Mapping[str, Any]:
        async def ask() -> Mapping[str, Any]:
            answer = await self._client.users_info(user=user_id)
            user: Mapping[str, Any] = answer["user"]
            return user

        return await self._remembered(("user", user_id), ask)

    async def _remembered(self, key: tuple[str, str], ask: Callable[[], Awaitable[Answer]]) -> Answer:
        known = self._cache.get(key)
        now = self._clock.now()
        if known is not None and now - known[0] < _REMEMBERED:
            remembered: Answer = known[1]
            return remembered
        value = await ask()
        self._cache[key] = (now, value)
        return value


def _is_full_user(user: Mapping[str, Any], home: Mapping[str, Any]) -> bool:
    """Guests, Slack Connect strangers, bots and deactivated people never count as channel members (contract §5)."""
    excluded = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger", "is_workflow_bot")
    if any(user.get(flag) for flag in excluded):
        return False
    if user.get("team_id") == home["team_id"]:
        return True
    # On Enterprise Grid a colleague's home may be another workspace of the same company.
    company = (user.get("enterprise_user") or {}).get("enterprise_id")
    return company is not None and company == home["enterprise_id"]
