"""When an app is reminded of a rollback."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.rollback import REMINDERS, is_overdue, next_reminder, passed

ASKED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_after_one_four_and_24_hours_and_then_daily_seven_times_in_all() -> None:
    at, times = ASKED, []
    while (due := next_reminder(ASKED, at)) is not None:
        times.append((due - ASKED) / timedelta(hours=1))
        at = due
    assert times == [1, 4, 24, 48, 72, 96, 120]


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)))
def test_what_has_passed_and_what_comes_next_are_neighbours(since: timedelta) -> None:
    done, due = passed(ASKED, ASKED + since), next_reminder(ASKED, ASKED + since)
    assert due == (None if done == len(REMINDERS) else ASKED + REMINDERS[done])


@pytest.mark.parametrize(("hours", "overdue"), [(23.9, False), (24, True)])
def test_after_a_day_it_is_overdue(hours: float, overdue: bool) -> None:
    assert is_overdue(ASKED, ASKED + timedelta(hours=hours)) is overdue
