"""The times between attempts, for one event and for all."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.backoff import next_attempt

BORN = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

jitters = st.floats(0, 1, exclude_max=True)
attempt_counts = st.integers(1, 10_000)
ages = st.timedeltas(timedelta(0), timedelta(days=3) - timedelta(microseconds=1))


def delay(attempts: int, jitter: float = 0.999999, retry_after: float | None = None) -> float:
    at = next_attempt(attempts, BORN, BORN, jitter, retry_after)
    assert at is not None
    return round((at - BORN).total_seconds(), 1)


def test_the_delay_doubles_from_five_seconds_to_six_hours() -> None:
    assert [delay(attempts) for attempts in (1, 2, 3, 4)] == [5, 10, 20, 40]
    assert [delay(attempts) for attempts in (13, 14, 1000)] == [20_480, 21_600, 21_600]


def test_jitter_takes_off_up_to_half() -> None:
    assert [delay(5, jitter) for jitter in (0, 0.25, 0.5)] == [40, 50, 60]


@pytest.mark.parametrize(
    ("asked", "waited"), [(None, 5), (0, 5), (-3, 5), (120, 120), (7 * 3600, 21_600), (float("inf"), 21_600)]
)
def test_a_receiver_may_ask_for_more_time_but_not_for_less(asked: float | None, waited: float) -> None:
    assert delay(1, retry_after=asked) == waited


@given(attempt_counts, ages, jitters, st.none() | st.floats(0, 1e9))
def test_every_attempt_lies_ahead_and_none_after_three_days(
    attempts: int, age: timedelta, jitter: float, retry_after: float | None
) -> None:
    now = BORN + age
    at = next_attempt(attempts, BORN, now, jitter, retry_after)
    assert at is not None
    assert now < at <= min(BORN + timedelta(days=3), now + timedelta(hours=6))


@given(attempt_counts, st.timedeltas(timedelta(days=3), timedelta(days=400)), jitters)
def test_after_three_days_the_event_is_given_up(attempts: int, age: timedelta, jitter: float) -> None:
    assert next_attempt(attempts, BORN, BORN + age, jitter) is None


@given(st.lists(jitters, min_size=60, max_size=60))
def test_a_receiver_that_stays_away_gets_two_or_three_dozen_attempts(chances: list[float]) -> None:
    now: datetime | None = BORN
    attempts = 0
    while now is not None:
        attempts += 1
        now = next_attempt(attempts, BORN, now, chances[attempts])
    assert 20 <= attempts <= 40
