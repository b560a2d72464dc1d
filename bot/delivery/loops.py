"""What the loops of delivery share: waiting for a wake-up, and saying an outage once."""

import asyncio

import structlog

from bot.clock import Clock

log = structlog.get_logger(__name__)


async def nap(clock: Clock, wakeup: asyncio.Event, seconds: float) -> bool:
    """Returns when woken, or after `seconds` of the clock. Whether it was woken."""
    woken = asyncio.create_task(wakeup.wait())
    rested = asyncio.create_task(clock.sleep(seconds))
    try:
        await asyncio.wait({woken, rested}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        # Not awaited: a cancellation that came meanwhile would be taken for theirs, and swallowed.
        woken.cancel()
        rested.cancel()
    return wakeup.is_set()


class Outages:
    """Logs each trouble once until it is over, so that an outage of an hour is two lines and not a flood."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._known: dict[str, str] = {}

    def note(self, where: str, error: str) -> None:
        if self._known.get(where) == error:
            return
        self._known[where] = error
        log.error("delivery.trouble", subject=self._subject, where=where, error=error, remedy=remedy(error))

    def over(self, *where: str) -> None:
        for place in where:
            if self._known.pop(place, None) is not None:
                log.info("delivery.recovered", subject=self._subject, where=place)


CHANNEL_TROUBLE = frozenset({"channel_not_found", "not_in_channel", "is_archived", "restricted_action"})
"""Slack's refusals that hold for every card of a channel."""

ACCOUNT_TROUBLE = frozenset(
    {"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "missing_scope"}
)
"""Those that hold for every card."""

_REMEDIES = {
    "channel_not_found": "the policy names a channel that is not there, or a private one without the bot: invite it",
    "not_in_channel": "invite the bot into the channel: /invite @HITL",
    "restricted_action": "a setting of the workspace keeps the bot from posting there: ask its owner",
    "is_archived": "unarchive the channel or name another one in the policy",
    "invalid_auth": "SLACK_BOT_TOKEN is wrong: copy it again from the app's page and restart",
    "not_authed": "SLACK_BOT_TOKEN is wrong: copy it again from the app's page and restart",
    "token_revoked": "reinstall the app in the workspace and set the new SLACK_BOT_TOKEN",
    "account_inactive": "reinstall the app in the workspace and set the new SLACK_BOT_TOKEN",
    "unreachable": "Slack does not answer; cards wait and go out when it is back",
    "missing_scope": "add the missing scope (`hitl manifest` lists all) and reinstall the app",
}


def remedy(error: str, otherwise: str = "retried by itself; `hitl doctor` tells what waits") -> str:
    """What a person can do about Slack's refusal; `otherwise` where that is nothing in particular."""
    return _REMEDIES.get(error, otherwise)
