"""What a channel's reviewers can do, worked out from what was measured."""

from datetime import datetime, timedelta

import pytest

from bot.reviewing.capacity import USUAL_SERVICE, CapacityView, is_open, service_time, views
from routing.capacity import Demand
from routing.policy import parse_policy
from store.load import Arrived, Given, Measured, WaitingLine
from tests.support.bot import POLICY
from tests.support.rows import NOW

POLICY_NOW = parse_policy(POLICY.replace("  label: {", "  label: {sla: 20m, "))
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)
CHANNEL = "#ai-review"


def given(user: str, ago: timedelta, took: timedelta | None = None) -> Given:
    return Given(CHANNEL, user, NOW - ago, None if took is None else NOW - ago - took)


def arrived(**by_hours_ago: int) -> list[Arrived]:
    """`h3=7`: seven came three hours ago."""
    return [Arrived(CHANNEL, "label", int(hour[1:]), number) for hour, number in by_hours_ago.items()]


def the_view(measured: Measured) -> CapacityView:
    [view] = views(measured, POLICY_NOW, NOW)
    return view


def test_a_channel_as_it_is() -> None:
    waiting = [WaitingLine(CHANNEL, "label", 3, NOW - HOUR), WaitingLine(CHANNEL, "queued", 2, NOW - 2 * HOUR)]
    verdicts = [given("U0ADA", 30 * SECOND), given("U0BEN", 60 * SECOND)]
    assert the_view(Measured(arrived(h0=9), verdicts, waiting)) == CapacityView(
        channel=CHANNEL,
        task_types=frozenset({"label", "queued"}),
        sla=timedelta(minutes=20),  # of label, the shorter
        waiting=5,
        oldest=2 * HOUR,
        peak=Demand(9, 1.5, 2),
        people_now=2,
    )


def test_only_tasks_that_come_here_say_how_long_it_may_take() -> None:
    [view] = views(Measured([Arrived(CHANNEL, "queued", 0, 1)], [], []), POLICY_NOW, NOW)
    assert view.sla == timedelta(hours=4)


def test_channels_by_name_and_those_where_only_something_waits() -> None:
    waiting = [WaitingLine("#refunds", "refund", 1, NOW)]
    seen = views(Measured(arrived(h1=1), [], waiting), POLICY_NOW, NOW)
    assert [(view.channel, view.waiting) for view in seen] == [(CHANNEL, 0), ("#refunds", 1)]


def test_the_busiest_hour_of_the_day_over_the_days_that_had_work() -> None:
    # Three hours before now on two days, and the people who were there then.
    counts = arrived(h3=30, h27=50, h5=10, h30=1)
    there = [given("U0ADA", 3.5 * HOUR), given("U0BEN", 3.6 * HOUR), given("U0BEN", 27.5 * HOUR)]
    there += [given("U0CHEN", 5.5 * HOUR), given("U0DORA", 0.5 * HOUR)]
    view = the_view(Measured(counts, there, []))
    assert (view.peak, view.people_now) == (Demand(40, 1.5, 2), 1)


def test_a_busier_last_hour_is_the_peak() -> None:
    view = the_view(Measured(arrived(h0=60, h3=30), [given("U0ADA", 0.5 * HOUR)], []))
    assert (view.peak, view.people_now) == (Demand(60, 1.5, 1), 1)


def test_a_clock_that_is_a_little_ahead_counts_as_now() -> None:
    ahead = timedelta(milliseconds=3)
    measured = Measured(arrived(h0=1), [given("U0ADA", -ahead)], [WaitingLine(CHANNEL, "label", 1, NOW + ahead)])
    view = the_view(measured)
    assert (view.people_now, view.oldest) == (1, timedelta(0))


def test_nobody_is_known_to_be_there_where_nobody_ever_was() -> None:
    assert the_view(Measured(arrived(h3=30), [given("U0ADA", 6 * HOUR)], [])).peak == Demand(30, 1.5, 0)


# How long one takes ---------------------------------------------------------------------------------------------------


def test_from_taking_it_up_to_the_verdict_without_the_extremes() -> None:
    usual = [given("U0ADA", number * HOUR, 60 * SECOND) for number in range(38)]
    odd = [given("U0BEN", HOUR, SECOND), given("U0BEN", HOUR, HOUR)]
    assert service_time([*usual, *odd]) == 60 * SECOND


def test_what_lay_open_for_long_was_put_aside() -> None:
    assert service_time([given("U0ADA", HOUR, 5 * HOUR)] * 20) == timedelta(minutes=15)


def test_else_from_one_verdict_of_a_person_to_their_next() -> None:
    walks = [given(user, HOUR - number * 40 * SECOND) for user in ("U0ADA", "U0BEN") for number in range(11)]
    breaks = [given("U0ADA", 5 * HOUR), given("U0BEN", 9 * HOUR)]
    assert service_time([*walks, *breaks]) == 40 * SECOND


@pytest.mark.parametrize("number", [0, 1, 19])
def test_else_as_usual(number: int) -> None:
    assert service_time([given("U0ADA", 2 * number * HOUR, 10 * SECOND) for number in range(number)]) == USUAL_SERVICE


# Working hours --------------------------------------------------------------------------------------------------------

OFFICE = 'timezone: Europe/Berlin\nbusiness_hours: {days: [mon, tue, wed, thu, fri], from: "09:00", to: "18:00"}\n'
OFFICE_POLICY = parse_policy(POLICY.replace("version: 1\n", f"version: 1\n{OFFICE}"))


@pytest.mark.parametrize(
    ("hours", "counts"),
    [(0, True), (6.9, True), (8, False), (22, False), (24, False), (72 - 2.5, False), (72, True)],
)
def test_the_clock_of_the_deadlines_runs_in_working_hours_only(hours: float, counts: bool) -> None:
    assert is_open(OFFICE_POLICY, NOW + hours * HOUR) is counts  # NOW is Friday, 11:00 in Berlin
    assert is_open(POLICY_NOW, NOW + hours * HOUR)


def test_over_the_weekend_nothing_waits_longer() -> None:
    monday = datetime(2026, 11, 23, 8, 30, tzinfo=NOW.tzinfo)
    [view] = views(Measured([], [], [WaitingLine(CHANNEL, "label", 1, NOW + 6 * HOUR)]), OFFICE_POLICY, monday)
    assert view.oldest == timedelta(hours=1.5)
