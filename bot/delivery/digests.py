"""The message of a weekly digest, with its chart where Slack takes one."""

import asyncio

import structlog
from slack_sdk.web.async_client import AsyncWebClient

from bot.delivery.loops import remedy
from bot.reporting.chart import alt_text, draw
from bot.slack.blocks import web_address
from bot.slack.card import Message
from bot.slack.digest import Chart, NoChart, render_digest
from bot.slack.messages import SLACK_TROUBLE
from bot.slack.uploads import FileRefusedError, Uploads
from routing.digest import Digest
from store.digests import NoteInBody
from store.messages import Job, Place
from store.writer import Writer

log = structlog.get_logger(__name__)

_MOST_ATTEMPTS = 10
"""With files out of reach for so long, a digest without a chart is better than none."""


class Digests:
    def __init__(self, *, client: AsyncWebClient, uploads: Uploads, writer: Writer) -> None:
        self._client, self._uploads, self._writer = client, uploads, writer
        self._last: tuple[Digest, bytes] | None = None
        """The digest that was drawn last, and its picture: while Slack is away each attempt asks for it again."""

    async def of(self, job: Job) -> tuple[Message, Message | None]:
        """The message, and the one to send where Slack does not take its picture. Raises what slack_sdk raises while
        another attempt may bring the chart."""
        digest = Digest.model_validate((job.body or {})["digest"])
        if digest.is_quiet:
            return render_digest(digest, NoChart("nothing to draw"), {}), None
        chart = await self._chart(job, digest)
        links = await self._links(digest)
        message = render_digest(digest, chart, links)
        if isinstance(chart, NoChart):
            return message, None
        return message, render_digest(digest, NoChart("Slack did not take the picture"), links)

    async def _chart(self, job: Job, digest: Digest) -> Chart | NoChart:
        words, file_id = alt_text(digest), (job.body or {}).get("file")
        try:
            if file_id is None:
                png = await self._drawn(job, digest)
                if png is None:
                    return NoChart("it could not be drawn, see the log")
                file_id = await self._uploads.upload(f"digest-{digest.week}.png", png, words)
                await self._writer.submit(NoteInBody(job.pk, job.wanted, "file", file_id))
            if not await self._uploads.is_ready(file_id):
                return NoChart("Slack has not finished with the picture")
        except FileRefusedError as error:
            log.warning("digest.no_chart", key=job.key, error=error.code)
            return NoChart(f"Slack answers {error.code}; {remedy(error.code, 'the numbers are all here')}")
        except SLACK_TROUBLE:
            if job.attempts < _MOST_ATTEMPTS:
                raise
            return NoChart("Slack takes no files at the moment")
        return Chart(file_id, words)

    async def _drawn(self, job: Job, digest: Digest) -> bytes | None:
        if self._last is None or self._last[0] != digest:
            try:
                self._last = (digest, await asyncio.to_thread(draw, digest.trend))
            except Exception:  # a picture is no reason to keep the numbers back
                log.exception("digest.not_drawn", key=job.key)
                return None
        return self._last[1]

    async def _links(self, digest: Digest) -> dict[Place, str]:
        """Without a link the words have to do."""
        found: dict[Place, str] = {}
        for place in (Place(*each) for each in sorted(digest.places)):
            link = await self._link(place)
            if link is not None:
                found[place] = link
        return found

    async def _link(self, place: Place) -> str | None:
        try:
            answer = await self._client.chat_getPermalink(channel=place.channel, message_ts=place.ts)
        except SLACK_TROUBLE as error:
            log.info("digest.no_link", channel=place.channel, ts=place.ts, error=type(error).__name__)
            return None
        return web_address(str(answer["permalink"]))
