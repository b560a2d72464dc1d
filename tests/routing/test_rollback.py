"""When an app is reminded of a rollback."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.rollback import is_overdue, next_reminder, passed

ASKED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


def test_after_one_four_and_24_hours_and_then_daily_without_end() -> None:
    at, times = ASKED, []
    for _ in range(400):
        at = next_reminder(ASKED, at)
        times.append((at - ASKED) / timedelta(hours=1))
    assert times == [1, 4, *range(24, 24 * 399, 24)]


@given(st.timedeltas(min_value=timedelta(days=-1), max_value=timedelta(days=900)))
def test_what_has_passed_and_what_comes_next_are_neighbours(since: timedelta) -> None:
    now = ASKED + since
    due = next_reminder(ASKED, now)
    assert due > now
    assert passed(ASKED, due) == passed(ASKED, now) + 1
    assert passed(ASKED, due - timedelta.resolution) == passed(ASKED, now)


@pytest.mark.parametrize(("hours", "overdue"), [(23.9, False), (24, True)])
def test_after_a_day_it_is_overdue(hours: float, overdue: bool) -> None:
    assert is_overdue(ASKED, ASKED + timedelta(hours=hours)) is overdue
