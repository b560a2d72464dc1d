import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.demo_world import REFUNDS, REVIEW
from bot.sandbox.rates import RateLimitedError, Rates
from bot.sandbox.server import Sandbox
from tests.support.clock import ManualClock


def spend_all(rates: Rates, method: str, channel: str | None = None) -> int:
    """How many calls pass until one does not."""
    for passed in range(10_000):
        try:
            rates.spend(method, channel)
        except RateLimitedError:
            return passed
    raise AssertionError(f"{method} is not limited")


@pytest.mark.parametrize(
    ("method", "per_minute"),
    [
        ("chat.update", 50),
        ("chat.postEphemeral", 100),
        ("views.open", 100),
        ("views.publish", 100),
        ("users.info", 100),
        ("conversations.replies", 50),
        ("conversations.members", 100),
        ("conversations.list", 20),
        ("users.list", 20),
        ("usergroups.users.list", 20),
        ("auth.test", 600),
    ],
)
async def test_a_method_has_its_tier(clock: ManualClock, method: str, per_minute: int) -> None:
    rates = Rates(clock)
    assert spend_all(rates, method) == per_minute
    await clock.advance(30)
    assert spend_all(rates, method) == per_minute / 2


async def test_posts_come_one_a_second_and_channel_after_a_short_burst(clock: ManualClock) -> None:
    rates = Rates(clock)
    assert spend_all(rates, "chat.postMessage", REVIEW) == 5
    assert spend_all(rates, "chat.postMessage", REFUNDS) == 5
    for _ in range(20):
        await clock.advance(1)
        assert spend_all(rates, "chat.postMessage", REVIEW) == 1


async def test_a_workspace_takes_a_few_hundred_posts_a_minute(clock: ManualClock) -> None:
    rates = Rates(clock)
    posted = sum(spend_all(rates, "chat.postMessage", f"C{number}") for number in range(100))
    assert posted == 300


async def test_limits_scale_and_can_be_switched_off(clock: ManualClock) -> None:
    assert spend_all(Rates(clock, scale=0.5), "chat.update") == 25
    rates = Rates(clock)
    rates.enabled = False
    for _ in range(1000):
        rates.spend("chat.update", REVIEW)


async def test_a_limited_call_is_told_when_to_come_back(
    sandbox: Sandbox, slack: AsyncWebClient, clock: ManualClock
) -> None:
    for _ in range(5):
        await slack.chat_postMessage(channel=REVIEW, text="x")
    with pytest.raises(SlackApiError) as caught:
        await slack.chat_postMessage(channel=REVIEW, text="x")
    response = caught.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "1")
    assert len(sandbox.messages(REVIEW)) == 5
    await clock.advance(1)
    await slack.chat_postMessage(channel=REVIEW, text="x")
    assert [call.outcome for call in sandbox.calls] == ["ok"] * 5 + ["ratelimited", "ok"]
