"""The slash command `/hitl-stats`, and the chart that its button sends: both for the asker alone."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reporting.chart import draw, overview_words
from bot.reporting.days import Span, asked_for
from bot.reporting.hiding import Hiding
from bot.reporting.overview import Overview, Overviews
from bot.reviewing.people import MembershipUnknownError
from bot.slack.interaction import Click, Command
from bot.slack.messages import SLACK_TROUBLE, error_code
from bot.slack.people import SlackMembership
from bot.slack.private import Asker
from bot.slack.reception import Reception
from bot.slack.stats_message import CHART, COMMAND, WINDOWS, render_help, render_overview
from bot.slack.text import clip_line, escape
from bot.slack.uploads import FileRefusedError, Uploads

log = structlog.get_logger(__name__)

_DEFAULT = "7d"
_KNOWN_FROM = timedelta(days=30)
"""A task type that the policy does not list is known by its decisions of this time."""
_NOT_YOU = "These numbers are for members of this workspace."
_CANNOT_TELL = "Slack could not confirm just now that you belong to this workspace. Please try again in a moment."
_SENT = "The chart is in your direct messages with me."
_NOT_FINISHED = "Slack has not finished with the picture yet. Please try again in a moment."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the words of a command ask for."""

    task_type: str | None
    window: str

    def __str__(self) -> str:
        """The words that ask for the same."""
        return f"{self.task_type} {self.window}" if self.task_type else self.window


@dataclass(frozen=True, slots=True)
class Unknown:
    """`word` None: help was asked for."""

    task_types: list[str]
    word: str | None = None


class StatsCommand:
    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reception: Reception,
        membership: SlackMembership,
        overviews: Overviews,
        policy: PolicyInForce,
        uploads: Uploads,
        clock: Clock,
    ) -> None:
        self._client, self._reception, self._membership = client, reception, membership
        self._overviews, self._policy, self._uploads, self._clock = overviews, policy, uploads, clock
        self._private = reception.private

    def register(self, app: AsyncApp) -> None:
        app.command(COMMAND)(self._reception.command(self._tell))
        app.action(CHART)(self._reception.click(self._send_chart))

    async def _tell(self, command: Command) -> None:
        if not await self._may_ask(command):
            return
        hiding, wanted = Hiding(self._policy.current), await self._wanted(command.text)
        if isinstance(wanted, Unknown):
            await self._private.show(command, render_help(wanted.task_types, hiding, wanted.word))
            return
        overview = await self._overview(wanted)
        await self._private.show(command, render_overview(overview, hiding, wanted.window, str(wanted)))

    async def _may_ask(self, asker: Asker) -> bool:
        try:
            if await self._membership.is_colleague(asker.reviewer.user_id):
                return True
            await self._private.tell(asker, _NOT_YOU)
        except MembershipUnknownError:
            await self._private.tell(asker, _CANNOT_TELL)
        return False

    async def _wanted(self, text: str) -> Wanted | Unknown:
        task_type, window, known = None, _DEFAULT, self._policy.current.tasks
        for word in text.lower().split():
            if word in WINDOWS:
                window = word
            elif task_type is None and (word in known or word in await self._task_types()):
                task_type = word
            else:
                return Unknown(await self._task_types(), None if word == "help" else word)
        return Wanted(task_type, window)

    async def _task_types(self) -> list[str]:
        now = self._clock.now()
        return await self._overviews.task_types(Span(now - _KNOWN_FROM, now), self._policy.current)

    async def _overview(self, wanted: Wanted) -> Overview:
        now, policy = self._clock.now(), self._policy.current
        span = asked_for(wanted.window, None, None, now=now, tz=ZoneInfo(policy.timezone))
        return await self._overviews.read(span, wanted.task_type, policy, now)

    # The chart ------------------------------------------------------------------------------------------------------

    async def _send_chart(self, click: Click) -> None:
        """The button's words are looked at again, as if they had been written."""
        if not await self._may_ask(click):
            return
        hiding, wanted = Hiding(self._policy.current), await self._wanted(click.value)
        if isinstance(wanted, Unknown):
            await self._private.show(click, render_help(wanted.task_types, hiding, wanted.word))
            return
        overview = await self._overview(wanted)
        about = "all task types" if wanted.task_type is None else hiding.of(wanted.task_type, wanted.task_type)
        png = await asyncio.to_thread(draw, overview.trend)
        await self._private.tell(click, await self._sent(click, png, overview_words(overview, about)))

    async def _sent(self, click: Click, png: bytes, words: str) -> str:
        """What came of it, as mrkdwn."""
        try:
            file_id = await self._uploads.upload("hitl-stats.png", png, words)
            if not await self._uploads.is_ready(file_id):
                return _NOT_FINISHED
            image = {"type": "image", "block_id": "stats.chart", "slack_file": {"id": file_id}}
            block = {**image, "alt_text": clip_line(words, 2_000)}
            await self._client.chat_postMessage(channel=click.reviewer.user_id, text=escape(words), blocks=[block])
        except FileRefusedError as error:
            log.warning("stats.no_chart", error=error.code)
            return f"Slack does not take the picture ({escape(error.code)}). `hitl doctor` says what is missing."
        except SLACK_TROUBLE as error:
            log.warning("stats.no_chart", error=error_code(error))
            return "The chart could not be sent just now. Please try again in a moment."
        return _SENT
