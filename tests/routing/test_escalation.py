"""When the clock next has something to do with a waiting review, and what."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.escalation import Schedule, Waiting, due_steps, next_due
from routing.policy_sections import BusinessHours, EscalationStep

POSTED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def step(minutes: int, **does: str) -> EscalationStep:
    return EscalationStep.model_validate({"after": f"{minutes}m", **does})


REMIND = step(3, remind="channel")
NOTIFY = step(6, notify="S0ONCALL")
WIDEN = step(9, channel="#refund-leads")
SCHEDULE = Schedule((REMIND, NOTIFY, WIDEN), None, ZoneInfo("UTC"))
WAITING = Waiting(POSTED, 0, POSTED + timedelta(minutes=10), overdue=False)


def at(minutes: float) -> datetime:
    return POSTED + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("waiting", "now", "due"),
    [
        (WAITING, at(2.9), []),
        (WAITING, at(3), [REMIND]),
        (WAITING, at(30), [REMIND, NOTIFY, WIDEN]),
        (replace(WAITING, steps_done=1), at(6), [NOTIFY]),
        (replace(WAITING, steps_done=3), at(30), []),
        (replace(WAITING, steps_done=7), at(30), []),  # the policy has fewer by now
        (replace(WAITING, since=None), at(30), []),
    ],
)
def test_the_steps_that_are_due(waiting: Waiting, now: datetime, due: list[EscalationStep]) -> None:
    assert due_steps(waiting, SCHEDULE, now) == due


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        (WAITING, at(3)),
        (replace(WAITING, steps_done=1), at(6)),
        (replace(WAITING, steps_done=3), at(10)),
        (replace(WAITING, since=None), at(10)),
        (replace(WAITING, steps_done=3, overdue=True), None),
        (replace(WAITING, since=None, overdue=True), None),
        (replace(WAITING, overdue=True), at(3)),  # the steps go on after the deadline
        (replace(WAITING, claimed_until=at(2)), at(2)),
        (replace(WAITING, claimed_until=at(5)), at(3)),
        (replace(WAITING, steps_done=3, overdue=True, claimed_until=at(50)), at(50)),
    ],
)
def test_when_the_clock_has_something_to_do(waiting: Waiting, expected: datetime | None) -> None:
    assert next_due(waiting, SCHEDULE) == expected


def test_steps_go_by_their_time_and_not_by_their_place_in_the_file() -> None:
    mixed = replace(SCHEDULE, steps=(WIDEN, REMIND, NOTIFY))
    assert due_steps(WAITING, mixed, at(7)) == [REMIND, NOTIFY]
    assert next_due(replace(WAITING, steps_done=2), mixed) == at(9)


def test_steps_of_one_time_stay_in_the_order_of_the_file() -> None:
    also = step(3, notify="U0ADA")
    assert due_steps(WAITING, replace(SCHEDULE, steps=(also, REMIND)), at(3)) == [also, REMIND]


def test_only_business_hours_count() -> None:
    hours = BusinessHours.model_validate({"days": ("mon", "fri"), "from": "09:00", "to": "18:00"})
    assert hours.closes == time(18)
    berlin = replace(SCHEDULE, hours=hours, tz=ZoneInfo("Europe/Berlin"))
    friday = datetime(2026, 11, 20, 16, 58, tzinfo=UTC)  # 17:58 in Berlin
    waiting = replace(WAITING, since=friday)
    assert due_steps(waiting, berlin, friday + timedelta(days=2)) == []
    assert due_steps(waiting, berlin, datetime(2026, 11, 23, 8, 1, tzinfo=UTC)) == [REMIND]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 3, 30, tzinfo=UTC)),  # an hour twice
        (datetime(2026, 3, 29, 0, 30, tzinfo=UTC), datetime(2026, 3, 29, 3, 30, tzinfo=UTC)),  # an hour left out
    ],
)
def test_a_step_comes_after_the_time_that_passed_whatever_the_wall_clock_does(
    day: datetime, expected: datetime
) -> None:
    night = Schedule((step(180, remind="channel"),), None, ZoneInfo("Europe/Berlin"))
    waiting = Waiting(day, 0, day + timedelta(days=1), overdue=False)
    assert next_due(waiting, night) == expected


@given(
    st.lists(st.integers(0, 60), max_size=5),
    st.integers(1, 60),
    st.lists(st.integers(0, 70), max_size=6),
)
def test_whoever_looks_when_asked_to_does_each_step_once_and_on_time(
    steps: list[int], sla: int, idle_looks: list[int]
) -> None:
    schedule = replace(SCHEDULE, steps=tuple(step(each, remind="channel") for each in steps))
    waiting = Waiting(POSTED, 0, at(sla), overdue=False)
    done: list[datetime] = []
    overdue_at = None
    looks = sorted(map(at, idle_looks), reverse=True)
    while (due := next_due(waiting, schedule)) is not None:
        now = looks.pop() if looks and looks[-1] < due else due
        steps_now = due_steps(waiting, schedule, now)
        done += [now] * len(steps_now)
        if waiting.deadline <= now and not waiting.overdue:
            overdue_at = now
        waiting = replace(waiting, steps_done=len(done), overdue=waiting.overdue or waiting.deadline <= now)
    assert done == sorted(at(each) for each in steps)
    assert overdue_at == at(sla)
