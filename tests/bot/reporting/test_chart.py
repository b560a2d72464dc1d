"""The chart: a picture of the size that Slack shows well, drawn of any weeks, and words for who does not see it."""

import asyncio
import struct
import sys

import pytest

from bot.reporting.chart import alt_text, draw
from routing.digest import Point
from tests.bot.slack.test_digest import FULL, QUIET

EMPTY = Point(
    name="2026-W40",
    escalation=None,
    escape=None,
    escape_low=None,
    escape_high=None,
    latency=None,
    agreement=None,
    between_reviewers=None,
)
BUSY = Point(
    name="2026-W41",
    escalation=0.2,
    escape=0.0,
    escape_low=0.0,
    escape_high=0.3,
    latency=4_000.0,
    agreement=0.3,
    between_reviewers=0.1,
)


@pytest.mark.parametrize("trend", [[EMPTY] * 8, [EMPTY] * 7 + [BUSY]], ids=["nothing", "one week"])
def test_it_is_a_png_no_wider_than_a_thousand_pixels(trend: list[Point]) -> None:
    png = draw(trend)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", png[16:24]) == (800, 1000)
    assert len(png) < 500_000


def test_an_interval_that_would_flatten_the_others_leaves_its_panel_and_says_how_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = []
    monkeypatch.setattr("matplotlib.axes.Axes.text", lambda *args, **_: told.append(args[3]))
    day = BUSY.model_copy(update={"name": "2026-11-21"})
    draw([day, day.model_copy(update={"escape": 0.03, "escape_high": 0.07})])
    assert told == ["↑30"]
    told.clear()
    draw([day.model_copy(update={"escape": 0.25})])
    assert told == []


def test_its_words_tell_the_week_beside_the_one_before() -> None:
    assert alt_text(FULL).startswith(
        "Chart of 2 weeks up to 22 Nov 2026. Went to people: 22.0 %, the week before 24.5 %. Errors among"
    )
    assert "Wait for a verdict, p95: –, the week before –." in alt_text(QUIET)


async def test_drawing_is_loaded_by_who_draws_alone() -> None:
    """Half a second and 50 MB that a serving process does not pay."""
    loaded = "sys.exit(bool({'matplotlib', 'scipy'} & set(sys.modules)))"
    code = f"import sys, bot.app; {loaded}"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0
