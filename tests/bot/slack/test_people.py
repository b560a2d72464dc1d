"""Who belongs where, asked of a Slack that can be told what to say."""

import asyncio
from collections import Counter
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.reviewing.people import MembershipUnknownError, Reviewer
from bot.slack.channels import Channels
from bot.slack.people import SlackMembership
from routing.policy import Circle
from tests.support.clock import ManualClock

MEMBERS = Circle(frozenset({"U0ADA"}), None, channel_members=True)
GROUP = Circle(frozenset(), "S0LEADS", channel_members=False)
CHANNEL = "C0REVIEW"
IN = (CHANNEL,)
HOME: dict[str, Any] = {"team_id": "T0HOME", "enterprise_id": "E0HOME"}
FULL: dict[str, Any] = {"id": "U0BEN", "team_id": "T0HOME"}


class FakeSlack(AsyncWebClient):
    """Answers from what it knows; `trouble` is raised instead, by the name of the method."""

    def __init__(self) -> None:
        super().__init__(token="xoxb-fake")
        self.members: list[str] = ["U0BEN"]
        self.elsewhere: list[str] = []
        """Who is in any other channel."""
        self.group: list[str] = ["U0DANA"]
        self.users: dict[str, dict[str, Any]] = {"U0BEN": FULL}
        self.trouble: dict[str, Exception] = {}
        self.calls: Counter[str] = Counter()

    async def auth_test(self, **kwargs: Any) -> AsyncSlackResponse:
        return await self._answer("auth.test", HOME)

    async def users_info(self, *, user: str, **kwargs: Any) -> AsyncSlackResponse:
        if user not in self.users:
            raise refused("user_not_found")
        return await self._answer("users.info", {"user": self.users[user]})

    async def usergroups_users_list(self, *, usergroup: str, **kwargs: Any) -> AsyncSlackResponse:
        return await self._answer("usergroups.users.list", {"users": list(self.group)})

    async def conversations_members(  # type: ignore[override]  # the arguments that we send
        self, *, channel: str, cursor: str, limit: int, **kwargs: Any
    ) -> AsyncSlackResponse:
        members = self.members if channel == CHANNEL else self.elsewhere
        start = int(cursor or 0)
        more = str(start + limit) if start + limit < len(members) else ""
        page = {"members": members[start : start + limit], "response_metadata": {"next_cursor": more}}
        return await self._answer("conversations.members", page)

    async def conversations_list(self, **kwargs: Any) -> AsyncSlackResponse:
        return await self._answer("conversations.list", {"channels": [{"id": CHANNEL, "name": "ai-review"}]})

    async def _answer(self, method: str, data: dict[str, Any]) -> AsyncSlackResponse:
        self.calls[method] += 1
        await asyncio.sleep(0)
        if method in self.trouble:
            raise self.trouble[method]
        return response(data, 200)


def response(data: dict[str, Any], status: int) -> AsyncSlackResponse:
    return AsyncSlackResponse(
        client=None, http_verb="POST", api_url="", req_args={}, data=data, headers={}, status_code=status
    )


def refused(error: str, status: int = 200) -> SlackApiError:
    return api_error(response({"ok": False, "error": error}, status))


def api_error(answer: AsyncSlackResponse) -> SlackApiError:
    return SlackApiError("refused", answer)  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped


@pytest.fixture
def slack() -> FakeSlack:
    return FakeSlack()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def membership(slack: FakeSlack, clock: ManualClock) -> SlackMembership:
    return SlackMembership(slack, clock, Channels(slack, clock))


def person(user_id: str) -> Reviewer:
    return Reviewer("T0HOME", user_id)


@pytest.mark.parametrize(
    ("facts", "counts"),
    [
        ({}, True),
        ({"deleted": True}, False),
        ({"is_bot": True}, False),
        ({"is_workflow_bot": True}, False),
        ({"is_restricted": True}, False),
        ({"is_ultra_restricted": True, "is_restricted": True}, False),
        ({"is_stranger": True, "team_id": "T0ELSE"}, False),
        ({"team_id": "T0ELSE"}, False),
        ({"team_id": "T0ELSE", "enterprise_user": {"enterprise_id": "E0ELSE"}}, False),
        ({"team_id": "T0SISTER", "enterprise_user": {"enterprise_id": "E0HOME"}}, True),
        ({"team_id": "T0SISTER", "enterprise_user": {"enterprise_id": "E0HOME"}, "is_restricted": True}, False),
    ],
)
@pytest.mark.parametrize("user_id", ["U0BEN", "W0BEN"])
async def test_which_members_of_the_channel_count(
    membership: SlackMembership, slack: FakeSlack, facts: dict[str, Any], counts: bool, user_id: str
) -> None:
    slack.members = [user_id]
    slack.users = {user_id: {**FULL, "id": user_id, **facts}}
    assert await membership.includes(MEMBERS, person(user_id), IN, recent=False) is counts


async def test_without_a_company_two_workspaces_have_nothing_in_common(
    slack: FakeSlack, membership: SlackMembership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(HOME, "enterprise_id", None)
    slack.users["U0BEN"] = {**FULL, "team_id": "T0ELSE", "enterprise_user": {"enterprise_id": None}}
    assert not await membership.includes(MEMBERS, person("U0BEN"), IN, recent=False)


async def test_somebody_whom_slack_does_not_show_does_not_count(slack: FakeSlack, membership: SlackMembership) -> None:
    slack.members.append("U0HIDDEN")
    assert not await membership.includes(MEMBERS, person("U0HIDDEN"), IN, recent=False)


async def test_who_is_not_in_the_channel_does_not_count(membership: SlackMembership) -> None:
    assert not await membership.includes(MEMBERS, person("U0EVE"), IN, recent=False)
    assert not await membership.includes(MEMBERS, person("U0BEN"), (), recent=False)


async def test_members_on_later_pages_count(slack: FakeSlack, membership: SlackMembership) -> None:
    slack.members = [f"U{number}" for number in range(2_500)] + ["U0BEN"]
    assert await membership.includes(MEMBERS, person("U0BEN"), IN, recent=False)
    assert slack.calls["conversations.members"] == 3


async def test_the_user_group_counts_and_the_channel_only_if_the_circle_says_so(membership: SlackMembership) -> None:
    assert await membership.includes(GROUP, person("U0DANA"), IN, recent=False)
    assert not await membership.includes(GROUP, person("U0BEN"), IN, recent=False)


async def test_a_named_person_needs_no_answer_of_slack(slack: FakeSlack, membership: SlackMembership) -> None:
    assert await membership.includes(MEMBERS, person("U0ADA"), (), recent=False)
    assert not slack.calls


async def test_who_leaves_is_out_at_once_and_who_joins_is_in(slack: FakeSlack, membership: SlackMembership) -> None:
    assert await membership.includes(GROUP, person("U0DANA"), (), recent=False)
    slack.group = ["U0BEN"]
    assert not await membership.includes(GROUP, person("U0DANA"), (), recent=False)
    assert await membership.includes(GROUP, person("U0BEN"), (), recent=False)

    assert await membership.includes(MEMBERS, person("U0BEN"), IN, recent=False)
    slack.users["U0BEN"] = {**FULL, "deleted": True}
    assert not await membership.includes(MEMBERS, person("U0BEN"), IN, recent=False)


async def test_those_who_ask_at_once_share_the_answer(slack: FakeSlack, membership: SlackMembership) -> None:
    answers = await asyncio.gather(*(membership.includes(GROUP, person("U0DANA"), (), recent=False) for _ in range(50)))
    assert all(answers)
    assert slack.calls["usergroups.users.list"] == 1


@pytest.mark.parametrize(
    "trouble", [refused("internal_error"), refused("missing_scope"), TimeoutError(), aiohttp.ClientError("away")]
)
@pytest.mark.parametrize("method", ["conversations.members", "users.info", "auth.test"])
async def test_when_slack_does_not_say_nobody_guesses(
    slack: FakeSlack, membership: SlackMembership, method: str, trouble: Exception
) -> None:
    slack.trouble[method] = trouble
    with pytest.raises(MembershipUnknownError):
        await membership.includes(MEMBERS, person("U0BEN"), IN, recent=False)
    del slack.trouble[method]
    assert await membership.includes(MEMBERS, person("U0BEN"), IN, recent=False)


async def test_no_old_answer_stands_in_when_slack_fails(slack: FakeSlack, membership: SlackMembership) -> None:
    assert await membership.includes(GROUP, person("U0DANA"), (), recent=False)
    slack.trouble["usergroups.users.list"] = refused("internal_error")
    with pytest.raises(MembershipUnknownError):
        await membership.includes(GROUP, person("U0DANA"), (), recent=False)


@pytest.mark.parametrize("trouble", [refused("ratelimited", 429), api_error(response({}, 429))])
async def test_when_we_ask_too_often_an_answer_of_the_last_minute_will_do(
    slack: FakeSlack, membership: SlackMembership, clock: ManualClock, trouble: SlackApiError
) -> None:
    assert await membership.includes(GROUP, person("U0DANA"), (), recent=False)
    slack.trouble["usergroups.users.list"] = trouble
    await clock.advance(60)
    assert await membership.includes(GROUP, person("U0DANA"), (), recent=False)
    assert not await membership.includes(GROUP, person("U0BEN"), (), recent=False)
    for seconds in (1, -62):  # too old, and of a clock that was set back since
        await clock.advance(seconds)
        with pytest.raises(MembershipUnknownError):
            await membership.includes(GROUP, person("U0DANA"), (), recent=False)


async def test_a_list_may_go_by_an_answer_of_the_last_minute(
    slack: FakeSlack, membership: SlackMembership, clock: ManualClock
) -> None:
    assert await membership.includes(GROUP, person("U0DANA"), (), recent=True)
    slack.group = []
    await clock.advance(60)
    assert await membership.includes(GROUP, person("U0DANA"), (), recent=True)
    assert slack.calls["usergroups.users.list"] == 1
    await clock.advance(1)
    assert not await membership.includes(GROUP, person("U0DANA"), (), recent=True)


async def test_whoever_is_in_one_of_the_channels_counts(slack: FakeSlack, membership: SlackMembership) -> None:
    slack.elsewhere = ["U0EVE"]
    slack.users["U0EVE"] = {**FULL, "id": "U0EVE"}
    assert await membership.includes(MEMBERS, person("U0EVE"), (CHANNEL, "C0LEADS"), recent=False)
    assert not await membership.includes(MEMBERS, person("U0EVE"), IN, recent=False)


async def test_a_channel_that_the_policy_names_is_found(slack: FakeSlack, membership: SlackMembership) -> None:
    assert await membership.includes(MEMBERS, person("U0BEN"), ("#ai-review",), recent=False)
    assert not await membership.includes(MEMBERS, person("U0BEN"), ("#elsewhere",), recent=False)
