"""The overview: its trend of local days and weeks, what waits, and lines that a telephone shows whole."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.reporting import phone
from bot.reporting.days import Span
from bot.reporting.hiding import Hiding
from bot.reporting.overview import Overview, Overviews, TaskState, Waiting, pieces_of, task_states, waiting_of
from bot.reporting.statistics import Statistics
from routing.digest import point
from routing.evidence import Evidence
from routing.maturity import MaturityState
from routing.metrics import Facts, Group, metrics
from routing.policy import parse_policy
from store.adjustments import StoredAdjustment
from store.audit_streams import Stream, StreamKey
from store.calibrations import Look
from store.facts import Window
from store.queue import Group as Line
from store.writer import Writer
from tests.routing.test_metrics import facts_of_a_group
from tests.support.bot import POLICY
from tests.support.judged import Judgement, Past
from tests.support.rows import add_world

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
HIDING = Hiding(parse_policy(POLICY))
WEEK = Window(NOW - timedelta(days=7), NOW)


def overview(facts: Facts = Facts(), **changes: Any) -> Overview:  # noqa: B008 - it is only read
    """Of one task type, with a trend of seven days that are alike."""
    made = {
        "statistics": Statistics(WEEK, {Group("refund", ""): facts}),
        "tz": BERLIN,
        "told": metrics(facts),
        "trend": tuple(point(f"2026-11-{14 + day}", facts) for day in range(7)),
        "unit": "day",
        "spent": None,
        "waiting": (),
        "tasks": (),
    }
    return Overview(**{**made, **changes})


# The trend ------------------------------------------------------------------------------------------------------------


def test_a_week_is_told_by_days_and_a_month_by_whole_weeks() -> None:
    unit, pieces = pieces_of(Span(NOW - timedelta(days=7), NOW), BERLIN, is_open=False)
    assert (unit, [name for name, _ in pieces]) == ("day", [f"2026-11-{day}" for day in range(14, 21)])
    assert pieces[-1][1] == Span(NOW - timedelta(days=1), NOW)
    unit, pieces = pieces_of(Span(NOW - timedelta(days=30), NOW), BERLIN, is_open=False)
    # Four weeks before clocks in Berlin said eleven too, which was another hour in UTC.
    assert (unit, len(pieces), pieces[0][1].since) == ("week", 4, datetime(2026, 10, 23, 9, tzinfo=UTC))


def test_days_are_the_clocks_and_a_stretch_of_hours_has_none() -> None:
    autumn = datetime(2026, 10, 26, 23, tzinfo=UTC)  # midnight in Berlin, two days after the change
    _, pieces = pieces_of(Span(autumn - timedelta(hours=73), autumn), BERLIN, is_open=False)
    assert [(piece.until - piece.since) / timedelta(hours=1) for _, piece in pieces] == [24, 25, 24]
    assert [name for name, _ in pieces] == ["2026-10-24", "2026-10-25", "2026-10-26"]
    assert pieces_of(Span(NOW - timedelta(hours=5), NOW), BERLIN, is_open=False)[1] == []


async def test_the_trend_up_to_now_has_all_of_today_and_costs_few_buckets(engine: AsyncEngine) -> None:
    writer = Writer(engine)
    writer.start()
    past = Past(engine, await add_world(writer, engine))
    now = NOW + timedelta(minutes=7)
    for ago in (timedelta(minutes=1), timedelta(hours=20), timedelta(hours=26)):
        await past.add(now - ago, *([Judgement("gate")] if ago > timedelta(days=1) else []))
    found = await Overviews(engine).read(Span(now - timedelta(days=7), now), None, parse_policy(POLICY), now)
    await writer.stop()
    assert [each.name for each in found.trend] == [f"2026-11-{day}" for day in range(14, 21)]
    assert [each.escalation for each in found.trend][-3:] == [None, 1.0, 0.0]
    assert found.statistics.whole.decisions == 3
    assert found.waiting[0].count == 1


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], ""), ([None, 0.0], "·▁"), ([0.0, 0.25, 0.5, 0.75, 1.0], "▁▂▃▅▇"), ([3.0, None, 3.0], "▇·▇")],
)
def test_a_column_is_as_high_as_its_share_of_the_largest(values: list[float | None], shown: str) -> None:
    assert phone.sparkline(values) == shown


# What waits, and the tasks --------------------------------------------------------------------------------------------


def waits(task_type: str, count: int, hours: int, lane: str = "card") -> Line:
    return Line(lane, "#ai-review", task_type, "low", "open", count, NOW - timedelta(hours=hours), 20, 1)


def test_what_waits_is_counted_by_task_without_audits_and_second_opinions() -> None:
    lines = [
        waits("label", 2, 1),
        waits("label", 3, 5, "batch"),
        waits("refund", 9, 2),
        waits("refund", 7, 9, "sample"),
    ]
    lines.append(waits("refund", 7, 9, "blind"))
    assert waiting_of(lines, NOW) == (
        Waiting("refund", 9, timedelta(hours=2)),
        Waiting("label", 5, timedelta(hours=5)),
    )
    assert waiting_of(lines, NOW, "label") == (Waiting("label", 5, timedelta(hours=5)),)
    assert waiting_of([waits("label", 1, -1)], NOW)[0].oldest == timedelta(), "the clock of another replica is ahead"


def stream(judged_to: int, state: str, rate: float, version: str) -> Stream:
    maturity = {"state": state, "evidence": Evidence(0.02).as_json()}
    return Stream(StreamKey("refund", "m", version, "other"), maturity, rate, NOW, judged_to)


def test_a_task_is_told_by_its_latest_stream_and_calibration_and_all_adjustments() -> None:
    looks = [Look(StreamKey("refund", "m", v, "other"), 1, NOW, 300, t, "", {}, pk) for v, t, pk in
             (("1", 0.9, 1), ("2", None, 2))]  # fmt: skip
    paused = StoredAdjustment("adj_1", "label", "autonomy", 2, None, "brake", "operator", "", {}, None, NOW)
    at_night = NOW + timedelta(hours=13)
    applied = StoredAdjustment("adj_2", "label", "threshold", 0.915, None, "apply", "bot", "", {}, None, at_night)
    found = task_states([stream(9, "stable", 0.07, "2"), stream(5, "learn", 0.25, "1")], looks, [paused, applied])
    by_task = {each.task_type: phone.told(each, BERLIN) for each in found}
    assert by_task == {
        "refund": ["stable, 7 % audited", "calibrated 20 Nov: refused"],
        "label": ["paused since 20 Nov", "threshold 0.915 since 21 Nov"],
    }, "local days"


# Lines ----------------------------------------------------------------------------------------------------------------

names = st.text(alphabet="abcdefghij_.-", min_size=1, max_size=64)
ages = st.timedeltas(timedelta(0), timedelta(days=900))


@given(
    facts_of_a_group(),
    st.lists(st.builds(Waiting, names, st.integers(1, 99_999), ages), max_size=9),
    st.lists(st.builds(TaskState, names, st.sampled_from(MaturityState), st.floats(0, 1)), max_size=9),
)
def test_every_line_fits_a_telephone(facts: Facts, waiting: list[Waiting], tasks: list[TaskState]) -> None:
    shown = overview(facts, waiting=tuple(waiting), tasks=tuple(tasks))
    lines = [*phone.metric_lines(shown), *phone.queue_lines(shown, HIDING), *phone.task_lines(shown, HIDING)]
    assert [line for line in lines if len(line) > phone.COLUMNS] == []


def test_what_nothing_is_known_of_has_neither_trend_nor_target() -> None:
    assert list(phone.metric_lines(overview()))[:2] == [f"{'To people':<15}{'–':>11}", f"{'Ran alone':<15}{'–':>11}"]
    assert list(phone.queue_lines(overview(), HIDING)) == ["Nothing waits."]


def test_a_line_has_number_trend_and_standing() -> None:
    shown = list(phone.metric_lines(overview(Facts(decisions=100, escalated=22))))
    assert shown[:2] == ["To people           22.0 % ▇▇▇▇▇▇▇", "✓ on target (15 % to 30 %)"]
