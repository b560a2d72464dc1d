"""App Home as an inbox: what I am at, what waits for me, what I decided last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.slack import phrases, standing
from bot.slack.blocks import Block, Element, button, context, header, plain, rich_text, words
from bot.slack.blocks import line as words_line
from bot.slack.item import ending, item_line
from bot.slack.view import CardView

PAGE = 10
TOP = "top"
"""The block that tells the time, and so differs each time."""
START, OPEN, NEWER, OLDER = "home.start", "home.open", "home.newer", "home.older"


@dataclass(frozen=True, slots=True)
class HomeView:
    """One person's inbox. `page` counts from 0; `count` is how much waits for them in all."""

    claimed: Sequence[CardView]
    waiting: Sequence[CardView]
    count: int
    page: int
    decided: Sequence[CardView]
    now: datetime
    trouble: str | None = None
    """What keeps us from knowing what waits."""


def home_view(home: HomeView) -> dict[str, Any]:
    """For views.publish; within the 100 blocks of a Home."""
    blocks: list[Block] = [*_top(home)]
    if home.claimed:
        blocks.append(header("claimed", "You are working on"))
        blocks += [block for view in home.claimed for block in _item("claimed", view)]
    blocks.append(header("waiting", "Waiting for you" if home.trouble else f"Waiting for you: {home.count:,}"))
    blocks += [block for view in home.waiting for block in _item("waiting", view)]
    if not home.waiting:
        blocks.append(context("waiting.none", [_mrkdwn(home.trouble or "Nothing waits for you.")]))
    blocks += _pages(home)
    if home.decided:
        blocks.append(header("decided", "You decided last"))
        blocks += [_decided(view) for view in home.decided]
    return {"type": "home", "blocks": blocks}


def _top(home: HomeView) -> list[Block]:
    as_of = context(TOP, [_mrkdwn(f"As of {phrases.moment(home.now)}; kept up to date while you look.")])
    if not home.count:
        return [as_of]
    start = button(START, "Start reviewing", "start", style="primary")
    return [{"type": "actions", "block_id": "start", "elements": [start]}, as_of]


def _item(part: str, view: CardView) -> list[Block]:
    line: Block = {
        "type": "section",
        "block_id": f"{part}.{view.review_id}",
        "text": plain(item_line(view), 200),
        "accessory": button(OPEN, "Review", view.review_id),
    }
    facts = [f"{'🔎 audit: ran alone' if view.is_audit else '⏳ waits since'} {phrases.moment(view.created_at)}"]
    if view.deadline and not view.is_audit:
        facts.append(f"{'⏰ *overdue* since' if view.overdue else 'due'} {phrases.moment(view.deadline)}")
    if view.is_blind:
        facts.append("🔎 second opinion")
    if view.state == "disputed":
        facts.append("⚖️ opinions differ")
    elif view.needed > 1:
        facts.append(f"👥 {standing.progress(view)}")
    if view.claim is not None and part == "waiting":
        facts.append(f"👋 {phrases.mention(view.claim.user_id)} is on it")
    return [line, context(f"{part}.facts.{view.review_id}", [_mrkdwn(" · ".join(facts))])]


def _mrkdwn(text: str) -> Element:
    """Our own words, times and mentions only."""
    return {"type": "mrkdwn", "text": text}


def _pages(home: HomeView) -> list[Block]:
    buttons = []
    if home.page > 0:
        buttons.append(button(NEWER, "More urgent", str(home.page - 1)))
    if (home.page + 1) * PAGE < home.count:
        buttons.append(button(OLDER, "Less urgent", str(home.page + 1)))
    if not buttons:
        return []
    shown = f"{home.page * PAGE + 1:,} to {home.page * PAGE + len(home.waiting):,} of {home.count:,}"
    return [
        context("pages.shown", [plain(shown, 100)]),
        {"type": "actions", "block_id": "pages", "elements": buttons},
    ]


def _decided(view: CardView) -> Block:
    """What became of it; a vote whose review is still open says no more than that."""
    what = "Your vote is in" if view.waits else ending(view)
    line = words_line([words(f"{what}: ", bold=True), words(item_line(view))])
    return rich_text(f"decided.{view.review_id}", [line])
