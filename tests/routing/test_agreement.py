"""Agreement: equal to the libraries, to published examples, and intervals that hold; whose doing it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from math import isnan

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from routing.agreement import (
    VERDICTS,
    Items,
    Share,
    agreement,
    cohen_kappa,
    gwet_ac1,
    krippendorff_alpha,
    percent_agreement,
    whose_doing,
)

GAP = "."


def items_of(raters: Sequence[str]) -> Items:
    """From one line a rater, one character an item."""
    return Counter(tuple(value for value in said if value != GAP) for said in zip(*raters, strict=True))


# Published examples ---------------------------------------------------------------------------------------------------

FOUR_RATERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")


def test_four_raters_with_gaps() -> None:
    """K. Krippendorff, "Computing Krippendorff's alpha-reliability", University of Pennsylvania, 2011, example C: 0.743
    for nominal data. K. L. Gwet, "Handbook of Inter-Rater Reliability", 4th edition, 2014, on the same data: raw
    agreement 0.818, AC1 0.775, of five categories."""
    items = items_of(FOUR_RATERS)
    assert krippendorff_alpha(items) == pytest.approx(0.743, abs=5e-4)
    assert percent_agreement(items) == pytest.approx(0.818, abs=5e-4)
    assert gwet_ac1(items, categories=5) == pytest.approx(0.775, abs=5e-4)


def test_high_agreement_that_kappa_reads_as_failure() -> None:
    """K. L. Gwet, "Kappa statistic is not satisfactory for assessing the extent of agreement between raters", 2002:
    125 subjects, 118 of them twice positive: kappa -0.0234, AC1 0.9408."""
    pairs = {("+", "+"): 118, ("+", "-"): 5, ("-", "+"): 2}
    found = agreement(pairs, categories=2)
    assert found.kappa == pytest.approx(-0.0234, abs=5e-5)
    assert found.ac1 == pytest.approx(0.9408, abs=5e-5)
    assert found.same.value == pytest.approx(0.944)


# Against the libraries ------------------------------------------------------------------------------------------------

_pairs = st.dictionaries(st.tuples(*[st.sampled_from(VERDICTS)] * 2), st.integers(1, 40), min_size=1)
_raters = st.integers(1, 12).flatmap(
    lambda n: st.lists(st.text(alphabet="abc" + GAP, min_size=n, max_size=n), min_size=2, max_size=5)
)


@settings(max_examples=50)
@given(_pairs)
def test_kappa_is_that_of_scikit_learn(pairs: Mapping[tuple[str, str], int]) -> None:
    one, other = zip(*chain.from_iterable([said] * count for said, count in pairs.items()), strict=True)
    ours = cohen_kappa(pairs)
    if len({*one, *other}) == 1:
        assert ours is None  # scikit-learn warns, and says nan
        return
    theirs = cohen_kappa_score(one, other)
    assert (ours is None and isnan(theirs)) or ours == pytest.approx(theirs, abs=1e-9)


@settings(max_examples=50)
@given(_raters)
def test_alpha_is_that_of_krippendorff(raters: list[str]) -> None:
    ours = krippendorff_alpha(items_of(raters))
    compared = [column for column in zip(*raters, strict=True) if len(column) - column.count(GAP) > 1]
    if len({value for column in compared for value in column if value != GAP}) < 2:
        assert ours is None  # the library refuses one value
        return
    data = [[float("nan") if value == GAP else "abc".index(value) for value in line] for line in raters]
    assert ours == pytest.approx(krippendorff.alpha(data, level_of_measurement="nominal"), abs=1e-9)


# Shapes ---------------------------------------------------------------------------------------------------------------


def test_of_nothing_nothing_is_known() -> None:
    found = agreement({})
    assert (found.same.value, found.ac1, found.ac1_interval, found.alpha, found.kappa) == (None,) * 5
    assert found.is_uncertain
    assert percent_agreement({("approve",): 3}) is None


def test_where_all_say_the_same_chance_explains_all_or_nothing() -> None:
    found = agreement({("approve", "approve"): 60})
    assert (found.same.value, found.ac1, found.alpha, found.kappa) == (1.0, 1.0, None, None)
    low, high = found.ac1_interval or (0, 0)
    assert low == pytest.approx(0.94, abs=0.005)
    assert high == 1.0


@settings(max_examples=50)
@given(_pairs)
def test_what_is_shared_lies_in_its_interval(pairs: dict[tuple[str, str], int]) -> None:
    found = agreement(pairs)
    (low, high), (ac1_low, ac1_high) = found.same.interval or (2, 2), found.ac1_interval or (2, 2)
    assert 0 <= low <= (found.same.value or 0) <= high <= 1
    assert ac1_low <= (found.ac1 or 0) + 1e-12 <= ac1_high + 1e-12 <= 1 + 2e-12
    mirrored = {(second, first): count for (first, second), count in pairs.items()}
    for name in ("ac1", "alpha", "kappa"):
        assert getattr(agreement(mirrored), name) == pytest.approx(getattr(found, name))


# Intervals ------------------------------------------------------------------------------------------------------------


def test_wilsons_interval_as_published() -> None:
    """R. G. Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998,
    table I, method 3."""
    for share, low, high in (
        (Share(81, 263), 0.2553, 0.3662),
        (Share(15, 148), 0.0624, 0.1605),
        (Share(0, 20), 0, 0.1611),
    ):
        assert share.interval == pytest.approx((low, high), abs=5e-5)


def covered(shares: Sequence[float], alike: float, n: int, resamples: int = 0) -> tuple[float, float]:
    """How often the interval of AC1 holds the truth, and how often one from so many resamples does, where two people
    know the same in the share `alike` of items, and else guess by these shares."""
    chance = np.random.default_rng(3)
    law = alike * np.diag(shares) + (1 - alike) * np.outer(shares, shares)
    truth = agreement(as_pairs(law * 1e9)).ac1 or 0.0
    ours = theirs = 0
    for _ in range(_DRAWS):
        counts = chance.multinomial(n, law.ravel())
        low, high = agreement(as_pairs(counts.reshape(3, 3))).ac1_interval or (0, 0)
        ours += low <= truth <= high
        drawn = chance.multinomial(n, counts / n, size=resamples)
        again = [agreement(as_pairs(each.reshape(3, 3))).ac1 or 0.0 for each in drawn]
        theirs += min(again, default=0.0) <= truth <= max(again, default=0.0)
    return ours / _DRAWS, theirs / _DRAWS


_DRAWS = 150


def as_pairs(counts: "np.ndarray[tuple[int, ...], np.dtype[np.float64 | np.int64]]") -> dict[tuple[str, str], int]:
    return {(one, other): int(counts[i, j]) for i, one in enumerate(VERDICTS) for j, other in enumerate(VERDICTS)}


@pytest.mark.parametrize(
    ("shares", "alike", "n"),
    [
        ((0.9, 0.05, 0.05), 0.8, 50),
        ((0.97, 0.02, 0.01), 0.6, 50),
        ((0.7, 0.15, 0.15), 0.6, 100),
        ((0.5, 0.3, 0.2), 0.3, 100),
    ],
)
def test_the_interval_holds_the_truth(shares: tuple[float, ...], alike: float, n: int) -> None:
    ours, _ = covered(shares, alike, n)
    assert ours >= 0.90  # 95 % less three standard errors of so few draws


def test_a_bootstrap_would_not_where_nearly_everybody_agrees() -> None:
    ours, theirs = covered((0.97, 0.02, 0.01), 0.8, 50, resamples=40)  # of 40 the least and the most: 95 %
    assert ours >= 0.90
    assert theirs <= 0.70


# Whose doing it is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("with_model", "between", "whose"),
    [
        (Share(90, 100), Share(95, 100), None),
        (Share(80, 100), Share(95, 100), "model"),
        (Share(80, 100), Share(75, 100), "guideline"),
        (Share(90, 100), Share(75, 100), "guideline"),
        (Share(50, 100), Share(80, 100), "both"),
        (Share(75, 100), Share(80, 100), "guideline"),
        (Share(80, 100), Share(49, 49), "unknown"),
        (Share(90, 100), Share(20, 49), None),
        (Share(30, 49), Share(50, 50), None),
        (Share(30, 49), Share(40, 50), "guideline"),
        (Share(0, 0), Share(0, 0), None),
    ],
)
def test_whose_doing_it_is(with_model: Share, between: Share, whose: str | None) -> None:
    assert whose_doing(with_model, between) == whose
