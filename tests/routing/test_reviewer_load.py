from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.reviewer_load import (
    FASTEST_READING,
    LEAST_TIMED,
    PAUSE,
    STREAK_MINUTES,
    UNEDITED_RUN,
    Concern,
    GivenVerdict,
    ReviewerLoad,
    reviewer_loads,
)

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
READ = GivenVerdict("U0ADA", MONDAY, "approve", seconds=30, characters=500, task_type="label")


def at(minutes: float, **changes: object) -> GivenVerdict:
    return replace(READ, at=MONDAY + timedelta(minutes=minutes), **changes)  # type: ignore[arg-type]  # names of fields


def load(verdicts: list[GivenVerdict]) -> ReviewerLoad:
    [only] = reviewer_loads(verdicts)
    return only


def concern(verdicts: list[GivenVerdict], kind: str) -> Concern | None:
    return next((found for found in load(verdicts).concerns if found.kind == kind), None)


def test_nobody_reviewed() -> None:
    assert reviewer_loads([]) == ()


def test_one_verdict() -> None:
    assert load([READ]) == ReviewerLoad(
        user_id="U0ADA",
        verdicts=1,
        hours=30 / 3600,
        fast=0,
        fast_share=0.0,
        unedited_share=1.0,
        longest_unedited_run=1,
        longest_streak_minutes=0.5,
        most_in_one_streak=1,
        concerns=(),
    )


def test_whoever_gave_most_comes_first() -> None:
    given = [READ, replace(READ, user_id="U0CEA"), replace(READ, user_id="U0BEN"), replace(READ, user_id="U0BEN")]
    assert [each.user_id for each in reviewer_loads(given)] == ["U0BEN", "U0ADA", "U0CEA"]


# Faster than reading --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "characters", "fast"),
    [
        (10.0, 700, 0),  # 714 characters could be skimmed in ten seconds
        (10.0, 720, 1),
        (0.0, 0, 0),  # nothing to read
        (0.0, 1, 1),
        (None, 100_000, 0),
    ],
)
def test_what_is_faster_than_reading(seconds: float | None, characters: int, fast: int) -> None:
    assert load([replace(READ, seconds=seconds, characters=characters)]).fast == fast


def test_the_share_is_of_what_was_timed() -> None:
    timed = [at(0, seconds=1.0), at(1, seconds=60.0), at(2, seconds=60.0), at(3, seconds=60.0)]
    assert load([*timed, at(4, seconds=None)]).fast_share == 0.25
    assert load([at(0, seconds=None)]).fast_share is None


def test_many_verdicts_faster_than_reading_are_a_concern() -> None:
    read = [at(number) for number in range(16)]
    hasty = [at(20 + number, seconds=1.0, task_type="refund" if number else "draft") for number in range(4)]
    expected = Concern("faster_than_reading", 0.2, 0.2, verdicts=4, task_types=("refund", "draft"))
    assert concern([*read, *hasty], "faster_than_reading") == expected
    assert concern([*read, *hasty, at(30)], "faster_than_reading") is None


def test_a_few_fast_verdicts_say_nothing_yet() -> None:
    hasty = [at(number, seconds=1.0) for number in range(LEAST_TIMED)]
    assert concern(hasty, "faster_than_reading") is not None
    assert concern([*hasty[1:], at(30, seconds=None)], "faster_than_reading") is None


# Unedited -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", ["edit", "reject"])
def test_whatever_is_not_approved_ends_the_run(other: str) -> None:
    ada = load([at(0), at(1), at(2, verdict=other), at(3), at(4), at(5)])
    assert ada.longest_unedited_run == 3
    assert ada.unedited_share == 5 / 6


def test_a_long_run_of_approvals_is_a_concern() -> None:
    run = [at(10 * number, task_type="a" if number % 2 else "b") for number in range(UNEDITED_RUN)]
    assert concern(run, "unedited_run") == Concern("unedited_run", UNEDITED_RUN, UNEDITED_RUN, UNEDITED_RUN, ("a", "b"))
    assert concern([*run, at(5, verdict="reject")], "unedited_run") is None


def test_never_approved() -> None:
    ada = load([at(0, verdict="reject")])
    assert (ada.longest_unedited_run, ada.unedited_share) == (0, 0.0)


# Streaks --------------------------------------------------------------------------------------------------------------


def test_a_pause_ends_a_streak() -> None:
    five = PAUSE / timedelta(minutes=1)
    ada = load([at(0, seconds=0), at(five, seconds=0), at(2 * five + 0.1, seconds=0)])
    assert (ada.longest_streak_minutes, ada.most_in_one_streak, ada.hours) == (5.0, 2, 5 / 60)


def test_reading_for_long_is_no_pause() -> None:
    ada = load([at(0, seconds=0), at(12, seconds=600), at(24, seconds=600)])
    assert (ada.longest_streak_minutes, ada.most_in_one_streak) == (24.0, 3)


def test_what_lay_open_over_lunch_was_put_aside() -> None:
    ada = load([at(0, seconds=0), at(120, seconds=7200)])
    assert (ada.most_in_one_streak, ada.hours) == (1, 0.25)


def test_an_hour_without_a_pause_is_a_concern() -> None:
    hour = [at(number, seconds=None, task_type="refund") for number in range(0, STREAK_MINUTES + 1, 5)]
    assert concern(hour, "long_streak") == Concern("long_streak", 60.0, STREAK_MINUTES, len(hour), ("refund",))
    assert concern(hour[:-1], "long_streak") is None


# Whatever was given ---------------------------------------------------------------------------------------------------

_verdicts = st.lists(
    st.builds(
        GivenVerdict,
        user_id=st.sampled_from(["U0ADA", "U0BEN", "U0CEA"]),
        at=st.integers(0, 200).map(lambda minutes: MONDAY + timedelta(minutes=minutes)),
        verdict=st.sampled_from(["approve", "edit", "reject"]),
        seconds=st.none() | st.floats(0, 10_000),
        characters=st.integers(0, 100_000),
        task_type=st.sampled_from(["label", "refund"]),
    ),
    max_size=40,
)


@given(_verdicts, st.data())
def test_the_order_does_not_matter(verdicts: list[GivenVerdict], data: st.DataObject) -> None:
    assert reviewer_loads(data.draw(st.permutations(verdicts))) == reviewer_loads(verdicts)


@given(_verdicts, st.permutations(["U0ADA", "U0BEN", "U0CEA"]))
def test_names_do_not_matter(verdicts: list[GivenVerdict], names: list[str]) -> None:
    renamed = dict(zip(["U0ADA", "U0BEN", "U0CEA"], names, strict=True))
    loads = reviewer_loads([replace(given, user_id=renamed[given.user_id]) for given in verdicts])
    assert set(loads) == {replace(each, user_id=renamed[each.user_id]) for each in reviewer_loads(verdicts)}


@given(_verdicts)
def test_each_load_is_of_one_person_alone(verdicts: list[GivenVerdict]) -> None:
    for each in reviewer_loads(verdicts):
        assert each == load([given for given in verdicts if given.user_id == each.user_id])


@given(_verdicts)
def test_numbers_are_of_what_was_given(verdicts: list[GivenVerdict]) -> None:
    loads = reviewer_loads(verdicts)
    assert sum(each.verdicts for each in loads) == len(verdicts)
    for each in loads:
        own = [given for given in verdicts if given.user_id == each.user_id]
        times = [given.at for given in own] + [given.begun for given in own]
        span = (max(times) - min(times)) / timedelta(hours=1)
        assert 0 <= each.longest_streak_minutes / 60 <= each.hours <= span + 1e-9  # the last digit of a sum
        assert 1 <= each.most_in_one_streak <= each.verdicts
        assert each.longest_unedited_run <= round(each.unedited_share * each.verdicts)
        timed = [(given.seconds, given.characters) for given in own if given.seconds is not None]
        assert each.fast == sum(seconds * FASTEST_READING < characters for seconds, characters in timed)
        assert (each.fast_share is None) == (not timed)
