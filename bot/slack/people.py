"""Who belongs where, asked of Slack."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, TypeVar

import structlog
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.reviewing.people import MembershipUnknownError, Reviewer
from bot.slack.channels import Channels
from bot.slack.messages import SLACK_TROUBLE, error_code
from routing.policy import Circle

log = structlog.get_logger(__name__)

_REMEMBERED = timedelta(seconds=60)
_PAGE = 1_000
_TOO_OFTEN = frozenset({"ratelimited", "http_429"})
# What Slack says of people whom this workspace does not show, such as some of another company's.
_UNSEEN = frozenset({"user_not_found", "user_not_visible"})

Answer = TypeVar("Answer")


class SlackMembership:
    """Slack is asked for every click and every form, because people leave; those who ask at once share the answer.

    An answer of the last minute counts only for lists, and when Slack says that we ask too often.
    """

    def __init__(self, client: AsyncWebClient, clock: Clock, channels: Channels) -> None:
        self._client, self._clock, self._channels = client, clock, channels
        self._asking: dict[tuple[str, str], asyncio.Task[Any]] = {}
        self._known: dict[tuple[str, str], tuple[datetime, Any]] = {}
        self._home: Mapping[str, Any] | None = None

    async def includes(self, circle: Circle, reviewer: Reviewer, channels: Sequence[str], *, recent: bool) -> bool:
        """As people.Membership: raises MembershipUnknownError."""
        if reviewer.user_id in circle.users:
            return True
        with _unknown_in_trouble():
            if circle.usergroup and reviewer.user_id in await self._group(circle.usergroup, recent=recent):
                return True
            if not circle.channel_members or not await self._is_in_one(reviewer.user_id, channels, recent=recent):
                return False
            return await self._is_full(reviewer.user_id, recent=recent)

    async def is_colleague(self, user_id: str) -> bool:
        """Whether this is a member of the workspace: no guest, no stranger, no bot. Raises MembershipUnknownError."""
        with _unknown_in_trouble():
            return await self._is_full(user_id, recent=False)

    async def _is_in_one(self, user_id: str, channels: Sequence[str], *, recent: bool) -> bool:
        for channel in channels:
            channel_id = await self._channels.id_of(channel)
            if channel_id is not None and user_id in await self._channel(channel_id, recent=recent):
                return True
        return False

    async def _group(self, usergroup: str, *, recent: bool) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            answer = await self._client.usergroups_users_list(usergroup=usergroup)
            return frozenset(answer["users"])

        return await self._asked(("group", usergroup), ask, recent=recent)

    async def _channel(self, channel_id: str, *, recent: bool) -> frozenset[str]:
        async def ask() -> frozenset[str]:
            members: set[str] = set()
            cursor = ""
            while True:
                answer = await self._client.conversations_members(channel=channel_id, limit=_PAGE, cursor=cursor)
                members.update(answer["members"])
                cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
                if not cursor:
                    return frozenset(members)

        return await self._asked(("channel", channel_id), ask, recent=recent)

    async def _is_full(self, user_id: str, *, recent: bool) -> bool:
        async def ask() -> bool:
            try:
                answer = await self._client.users_info(user=user_id)
            except SlackApiError as error:
                if error_code(error) in _UNSEEN:
                    return False
                raise
            return _is_full_user(answer["user"], await self._workspace())

        return await self._asked(("user", user_id), ask, recent=recent)

    async def _workspace(self) -> Mapping[str, Any]:
        """The workspace (and on Enterprise Grid the company) that this bot is installed in; a token has but one."""
        if self._home is None:
            answer = await self._client.auth_test()
            self._home = {"team_id": answer.get("team_id"), "enterprise_id": answer.get("enterprise_id")}
        return self._home

    async def _asked(self, key: tuple[str, str], ask: Callable[[], Awaitable[Answer]], *, recent: bool) -> Answer:
        if recent and self._remembers(key):
            remembered: Answer = self._known[key][1]
            return remembered
        task: asyncio.Task[Answer] | None = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(key, ask))
            self._asking[key] = task
            task.add_done_callback(lambda _task: self._asking.pop(key))
        return await asyncio.shield(task)

    async def _ask(self, key: tuple[str, str], ask: Callable[[], Awaitable[Answer]]) -> Answer:
        try:
            answer = await ask()
        except SlackApiError as error:
            if error_code(error) not in _TOO_OFTEN or not self._remembers(key):
                raise
            remembered: Answer = self._known[key][1]
            return remembered
        self._known[key] = (self._clock.now(), answer)
        return answer

    def _remembers(self, key: tuple[str, str]) -> bool:
        # A clock that was set back makes what is old look as if it came from the future.
        return key in self._known and timedelta(0) <= self._clock.now() - self._known[key][0] <= _REMEMBERED


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


@contextmanager
def _unknown_in_trouble() -> Iterator[None]:
    try:
        yield
    except SLACK_TROUBLE as error:
        log.warning("slack.membership.unknown", error=error_code(error))
        raise MembershipUnknownError from error
