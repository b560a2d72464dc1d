"""How numbers are told."""

from datetime import date

import pytest

from bot.reporting import words
from routing.metrics import Facts, metrics


def test_every_metric_has_its_name_and_tells_no_data_apart_from_zero() -> None:
    told = metrics(Facts())
    assert set(words.NAMES) == set(told)
    assert {words.value(key, metric) for key, metric in told.items()} == {"–"}
    assert words.value("escalation_rate", {"value": 0.0}) == "0.0 %"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (8.25, "8.2 s"),
        (250, "4 min 10 s"),
        (7_500, "2 h 5 min"),
        (59.99, "60.0 s"),
        (3_599.9, "1 h"),
        (273_600, "3 d 4 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert words.duration(seconds) == said


def test_agreement_comes_with_what_chance_does_not_explain() -> None:
    assert words.beyond_chance({"ac1": 0.866}) == "AC1 0.87"
    assert words.beyond_chance({"ac1": None}) == words.beyond_chance({"value": 0.5}) == ""


def test_targets_are_told_as_the_contract_has_them() -> None:
    assert words.target("escalation_rate") == "15 % to 30 %"
    assert words.target("error_escape_rate") == "at most 2 %"
    assert words.target("review_latency") == "at most 5 min"
    assert words.target("reviewer_agreement") == "at least 85 %"
    assert words.target("feedback_to_update") == ""


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ((2026, 11, 9), (2026, 11, 15), "9 to 15 Nov 2026"),
        ((2026, 11, 30), (2026, 12, 6), "30 Nov to 6 Dec 2026"),
        ((2026, 12, 28), (2027, 1, 3), "28 Dec 2026 to 3 Jan 2027"),
    ],
)
def test_days(first: tuple[int, int, int], last: tuple[int, int, int], said: str) -> None:
    assert words.days(date(*first), date(*last)) == said
