"""App Home: published when it is opened, and anew when something changes while somebody looks at it."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.clock import Clock
from bot.reviewing.people import MembershipUnknownError, Reviewer
from bot.reviewing.queue import Line, Queue
from bot.slack import notices
from bot.slack.home_view import NEWER, OLDER, OPEN, PAGE, START, TOP, HomeView, home_view
from bot.slack.interaction import Click
from bot.slack.messages import SLACK_TROUBLE, error_code
from bot.slack.present import Presenter
from bot.slack.reception import Reception
from bot.slack.walk import WalkListeners
from store.notify import Wakeups

log = structlog.get_logger(__name__)

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
    page: int
    opened_at: datetime
    digest: str = ""
    """Of what was published last."""


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
                await self._publish_quietly(looker)

    # Listeners ------------------------------------------------------------------------------------------------------

    async def _opened(self, body: dict[str, Any]) -> None:
        event = body["event"]
        if event.get("tab", "home") != "home":
            return
        reviewer = Reviewer(str(body.get("team_id") or ""), str(event["user"]))
        await self._show(reviewer, page=0)

    async def _turn(self, click: Click) -> None:
        await self._show(click.reviewer, page=max(int(click.value), 0))

    async def _start(self, click: Click) -> None:
        await self._walk.start_everywhere(click)

    async def _open(self, click: Click) -> None:
        await self._walk.open_one(click)

    # Publishing -----------------------------------------------------------------------------------------------------

    async def _show(self, reviewer: Reviewer, page: int) -> None:
        looker = _Looker(reviewer, page, self._clock.now())
        await self._publish(looker)
        self._lookers[reviewer.user_id] = looker
        self._lookers.move_to_end(reviewer.user_id)
        while len(self._lookers) > _MOST_LOOKERS:
            self._lookers.popitem(last=False)

    def _looking(self) -> list[_Looker]:
        now = self._clock.now()
        for user_id in [user for user, looker in self._lookers.items() if now - looker.opened_at > _LOOKS_FOR]:
            del self._lookers[user_id]
        return list(self._lookers.values())

    async def _publish_quietly(self, looker: _Looker) -> None:
        """Nobody asked for it: what fails is tried again with the next change."""
        try:
            await self._publish(looker)
        except SlackApiError as error:
            log.info("slack.home.unpublished", error=error_code(error))
        except SLACK_TROUBLE as error:
            log.info("slack.home.unpublished", error=type(error).__name__)
        except Exception:
            log.exception("slack.home.failed")

    async def _publish(self, looker: _Looker) -> None:
        home = await self._home(looker.reviewer, looker.page)
        view = home_view(home)
        told = [block for block in view["blocks"] if block["block_id"] != TOP]
        digest = hashlib.sha256(orjson.dumps(told)).hexdigest()
        if digest == looker.digest:
            return
        await self._client.views_publish(user_id=looker.reviewer.user_id, view=view)
        looker.digest = digest

    async def _home(self, reviewer: Reviewer, page: int) -> HomeView:
        trouble = None
        try:
            line = await self._queue.line(reviewer, offset=page * PAGE, limit=PAGE)
        except MembershipUnknownError:
            line, trouble = Line((), 0), notices.CANNOT_CHECK_NOW
        claimed = await self._queue.claimed(reviewer, _CLAIMED)
        decided = await self._queue.decided(reviewer, _DECIDED)
        form = self._presenter.form
        return HomeView(
            claimed=[form(case) for case in claimed],
            waiting=[form(case) for case in line.cases],
            count=line.count,
            page=page,
            decided=[form(case) for case in decided],
            now=self._clock.now(),
            trouble=trouble,
        )
