"""App Home: published when it is opened, and anew when something changes while somebody looks at it."""

import asyncio
import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.reviewing.people import MembershipUnknownError, Reviewer
from bot.reviewing.queue import Line, Queue
from bot.slack.home_view import NEWER, OLDER, OPEN, PAGE, START, TOP, HomeView, home_view
from bot.slack.interaction import Click
from bot.slack.messages import SLACK_TROUBLE, error_code
from bot.slack.present import Presenter
from bot.slack.reception import Reception
from bot.slack.walk import WalkListeners
from store.notify import Wakeups

log = structlog.get_logger(__name__)

_CANNOT_TELL = "Slack could not say just now what you may review. Please open this again in a moment."
_CLAIMED, _DECIDED = 5, 5
# Slack does not tell when somebody looks away: whoever opened their Home lately is taken to look.
_LOOKS_FOR = timedelta(minutes=10)
_MOST_LOOKERS = 50
_GATHER = 2.0
# Seconds for each Home: views.publish is allowed 100 times a minute, and some are left for those who open theirs.
_PACE = 0.8


@dataclass(slots=True)
class _Looker:
    """Somebody with their Home open."""

    reviewer: Reviewer
    opened_at: datetime
    page: int = 0
    digest: str = ""
    """Of what was published last."""
    publishing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """What was looked up first must not be shown last."""


class HomeListeners:
    def __init__(
        self,
        *,
        client: AsyncWebClient,
        reception: Reception,
        clock: Clock,
        queue: Queue,
        presenter: Presenter,
        walk: WalkListeners,
        wakeups: Wakeups,
    ) -> None:
        self._client, self._reception, self._clock = client, reception, clock
        self._queue, self._presenter, self._walk, self._wakeups = queue, presenter, walk, wakeups
        self._lookers: OrderedDict[str, _Looker] = OrderedDict()

    def register(self, app: AsyncApp) -> None:
        app.event("app_home_opened")(self._reception.event(self._opened))
        app.action(START)(self._reception.click(self._start))
        app.action(OPEN)(self._reception.click(self._open))
        app.action(NEWER)(self._reception.click(self._turn))
        app.action(OLDER)(self._reception.click(self._turn))

    async def run(self) -> None:
        """Keeps the Homes that are looked at up to date; until cancelled."""
        while True:
            await self._wakeups.homes.wait()
            self._wakeups.homes.clear()
            # Many changes become one, and all lookers together stay within Slack's pace.
            await self._clock.sleep(max(_GATHER, len(self._lookers) * _PACE))
            for looker in self._looking():
                if not await self._publish_quietly(looker):
                    self._wakeups.homes.set()

    # Listeners ------------------------------------------------------------------------------------------------------

    async def _opened(self, body: dict[str, Any]) -> None:
        event = body["event"]
        if event.get("tab", "home") != "home":
            return
        looker = self._look(Reviewer(str(body.get("team_id") or ""), str(event["user"])), page=0)
        if not await self._publish_quietly(looker):
            self._wakeups.homes.set()

    async def _turn(self, click: Click) -> None:
        await self._publish(self._look(click.reviewer, page=max(int(click.value), 0)))

    async def _start(self, click: Click) -> None:
        await self._walk.start_everywhere(click)

    async def _open(self, click: Click) -> None:
        await self._walk.open_one(click)

    # Publishing -----------------------------------------------------------------------------------------------------

    def _look(self, reviewer: Reviewer, page: int) -> _Looker:
        """Somebody looks now, and is shown this page whatever was published before."""
        now = self._clock.now()
        looker = self._lookers.setdefault(reviewer.user_id, _Looker(reviewer, now))
        looker.opened_at, looker.page, looker.digest = now, page, ""
        self._lookers.move_to_end(reviewer.user_id)
        while len(self._lookers) > _MOST_LOOKERS:
            self._lookers.popitem(last=False)
        return looker

    def _looking(self) -> list[_Looker]:
        now = self._clock.now()
        for user_id in [user for user, looker in self._lookers.items() if now - looker.opened_at > _LOOKS_FOR]:
            del self._lookers[user_id]
        return list(self._lookers.values())

    async def _publish_quietly(self, looker: _Looker) -> bool:
        """False: Slack did not take it, and it is to be tried again."""
        try:
            await self._publish(looker)
        except SLACK_TROUBLE as error:
            log.info("slack.home.unpublished", error=error_code(error))
            return False
        except Exception:
            log.exception("slack.home.failed")
        return True

    async def _publish(self, looker: _Looker) -> None:
        async with looker.publishing:
            view = home_view(await self._home(looker))
            told = [block for block in view["blocks"] if block["block_id"] != TOP]
            digest = hashlib.sha256(orjson.dumps(told)).hexdigest()
            if digest != looker.digest:
                await self._client.views_publish(user_id=looker.reviewer.user_id, view=view)
                looker.digest = digest

    async def _home(self, looker: _Looker) -> HomeView:
        reviewer, trouble = looker.reviewer, None
        try:
            line = await self._line(looker)
        except MembershipUnknownError:
            line, trouble = Line((), 0), _CANNOT_TELL
        claimed = await self._queue.claimed(reviewer, _CLAIMED)
        decided = await self._queue.decided(reviewer, _DECIDED)
        form = self._presenter.form
        return HomeView(
            claimed=[form(case) for case in claimed],
            waiting=[form(case) for case in line.cases],
            count=line.count,
            page=looker.page,
            decided=[form(case) for case in decided],
            now=self._clock.now(),
            trouble=trouble,
        )

    async def _line(self, looker: _Looker) -> Line:
        """The page that is looked at; the last one, if there are no longer so many."""
        line = await self._queue.line(looker.reviewer, offset=looker.page * PAGE, limit=PAGE)
        if line.cases or not looker.page:
            return line
        looker.page = max(line.count - 1, 0) // PAGE
        return await self._queue.line(looker.reviewer, offset=looker.page * PAGE, limit=PAGE)
