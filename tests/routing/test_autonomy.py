"""When a task has earned more autonomy: by simulation at the accuracies that matter, and against the bets."""

from dataclasses import replace
from random import Random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from routing.autonomy import CHANCE, MAX_ERROR, Agreement, Standing, lowered, reviews_needed, risen
from routing.evidence import Evidence
from routing.maturity import MaturityState

PROVEN = Agreement(reviews_needed(0))
EARNED = Standing(PROVEN, MaturityState.STABLE, certified=False)


def promoted_after(accuracy: float, reviews: int, seed: int) -> int | None:
    """After how many of so many reviews a model of this accuracy has proven it; None: after none of them."""
    chance, errors = Random(seed), 0
    for number in range(1, reviews + 1):
        errors += chance.random() >= accuracy
        if number >= reviews_needed(errors):
            return number
    return None


def test_92_percent_is_hardly_ever_promoted() -> None:
    promoted = [promoted_after(0.92, 2_000, seed) for seed in range(300)]
    assert sum(after is not None for after in promoted) < 0.02 * 300


def test_98_percent_is_promoted_after_some_hundred_reviews() -> None:
    promoted = [promoted_after(0.98, 5_000, seed) for seed in range(300)]
    assert 150 <= median(after or 5_000 for after in promoted) <= 350


@given(st.sets(st.integers(0, 199), max_size=4))
@settings(max_examples=30)
def test_the_counts_tell_what_the_bets_tell(errors: set[int]) -> None:
    """Wherever in 200 reviews the errors are."""
    agreement, evidence = Agreement(), Evidence(MAX_ERROR)
    for number in range(200):
        agreement = agreement.with_review(number in errors)
        evidence = evidence if evidence.certified(CHANCE) else evidence.updated(number in errors)
        assert (agreement.reviews, agreement.errors) == (evidence.labels, evidence.errors)
        assert agreement.is_proven == evidence.certified(CHANCE)


def test_the_fewest_reviews_are_the_fewest() -> None:
    for errors in range(4):
        needed = reviews_needed(errors)
        assert Agreement(needed, errors).is_proven
        assert not Agreement(needed - 1, errors).is_proven


def test_what_is_proven_stays_proven() -> None:
    agreement = PROVEN
    for _ in range(50):
        agreement = agreement.with_review(error=True)
    assert agreement == PROVEN


def test_what_has_earned_it_may_rise_by_one() -> None:
    assert [risen(level, [EARNED]) for level in range(6)] == [1, 2, 3, 4, 5, None]


@pytest.mark.parametrize(
    "standing",
    [
        replace(EARNED, agreement=Agreement(PROVEN.reviews - 1)),
        replace(EARNED, state=MaturityState.LEARN),
        replace(EARNED, state=None),
        replace(EARNED, state=MaturityState.DEGRADED, certified=True),
        replace(EARNED, state=MaturityState.SUSPENDED, certified=True),
    ],
)
def test_without_proof_certificate_or_peace_it_stays(standing: Standing) -> None:
    assert risen(3, [standing]) is None


def test_a_calibration_in_force_certifies_where_nothing_runs_alone_yet() -> None:
    assert risen(2, [replace(EARNED, state=None, certified=True)]) == 3


def test_every_model_that_answers_has_to_have_earned_it() -> None:
    assert risen(3, []) is None
    assert risen(3, [EARNED, EARNED]) == 4
    assert risen(3, [EARNED, replace(EARNED, agreement=Agreement())]) is None


def test_an_alarm_lowers_by_one_down_to_where_people_decide() -> None:
    assert [lowered(level) for level in range(6)] == [None, None, None, 2, 3, 4]
