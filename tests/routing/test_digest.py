"""The digest's own reckoning: which change is one, what recurs, and what the numbers advise."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.digest import SIGNIFICANCE, Doubt, OpenWork, advice, categories, change, doubts, patterns, point, together
from routing.metrics import Facts, Group, Judged

LABEL = Group("label", "")


def facts(**kinds: Any) -> Facts:
    """Facts with these counts, and nothing else."""
    counted: dict[str, Any] = {name: Counter(value) for name, value in kinds.items()}
    return Facts(**counted)


# Changes --------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 500), st.integers(1, 500))
def test_a_change_is_one_where_the_exact_test_says_so(now: int, before: int, of: int, of_before: int) -> None:
    from scipy.stats import binom  # noqa: PLC0415 - takes a second to load

    fair = of / (of + of_before)
    tails = binom.cdf(now, now + before, fair), binom.sf(now - 1, now + before, fair)
    found = change(now, of, before, of_before)
    if abs(2 * min(tails) - SIGNIFICANCE) > 1e-9:
        assert (found != "unclear") == (2 * min(tails) < SIGNIFICANCE)
    if found != "unclear":
        assert found == ("more" if now / of > before / of_before else "fewer")


@given(st.integers(0, 60), st.integers(0, 60), st.integers(1, 500), st.integers(1, 500))
def test_weeks_the_other_way_round_change_the_other_way(now: int, before: int, of: int, of_before: int) -> None:
    turned = {"more": "fewer", "fewer": "more", "unclear": "unclear"}
    assert change(before, of_before, now, of) == turned[change(now, of, before, of_before)]


def test_chance_and_a_busier_week_are_no_change() -> None:
    assert change(12, 100, 8, 100) == "unclear"
    assert change(40, 400, 10, 100) == "unclear", "four times the work"
    assert change(40, 100, 10, 100) == "more"
    assert change(5, 0, 0, 100) == change(5, 100, 0, 0) == "unclear", "nothing to compare with"
    assert change(20_000, 100_000, 21_000, 100_000) == "fewer", "large numbers are reckoned too"


def test_categories_come_with_share_and_change() -> None:
    now = facts(categories={"tone": 6, "wrong_action": 30, "": 4}, verdicts={Judged("gate", "reject"): 40})
    before = facts(categories={"tone": 5, "other": 9}, verdicts={Judged("gate", "reject"): 40})
    found = categories(now, before)
    assert [(each.name, each.count, each.share, each.before, each.change) for each in found] == [
        ("wrong_action", 30, 0.75, 0, "more"),
        ("tone", 6, 0.15, 5, "unclear"),
        ("", 4, 0.1, 0, "unclear"),
    ]


# What recurs ----------------------------------------------------------------------------------------------------------


def test_what_recurs_is_told_with_its_cohort_where_most_of_it_is_there() -> None:
    found = patterns(
        {
            Group("refund", "eu"): facts(categories={"wrong_action": 8, "tone": 2}),
            Group("refund", "us"): facts(categories={"wrong_action": 2, "tone": 2}),
            Group("label", ""): facts(categories={"tone": 2, "": 50}),
            Group("draft", ""): facts(categories={"tone": 3}),
        }
    )
    assert [(each.category, each.task_type, each.cohort, each.count) for each in found] == [
        ("wrong_action", "refund", "eu", 8),
        ("tone", "refund", None, 4),
        ("tone", "draft", None, 3),
    ]


@given(
    st.dictionaries(
        st.builds(Group, st.sampled_from(("a", "b", "c")), st.sampled_from(("", "eu", "us"))),
        st.builds(lambda found: facts(categories=found), st.dictionaries(st.sampled_from("xyz"), st.integers(1, 9))),
    )
)
def test_three_patterns_at_most_each_at_least_three_times(groups: dict[Group, Facts]) -> None:
    found = patterns(groups)
    assert len(found) <= 3
    for pattern in found:
        in_task = {g: f for g, f in groups.items() if g.task_type == pattern.task_type}
        counted = sum(f.categories[pattern.category] for g, f in in_task.items() if pattern.cohort in (None, g.cohort))
        assert pattern.count == counted >= 3


# Agreement ------------------------------------------------------------------------------------------------------------


def test_tasks_in_which_people_agree_least_are_doubted_the_worst_first() -> None:
    """Each of four weeks brings too few second opinions; together they are enough."""
    agreed, differed = {("approve", "approve"): 15}, {("approve", "approve"): 10, ("approve", "reject"): 5}
    week = {
        Group("fine", ""): facts(verdicts=AGREED, pairs=agreed),
        Group("label", "eu"): facts(verdicts=DISAGREED, pairs=agreed),
        Group("label", "us"): facts(verdicts=AGREED),
        Group("reply", ""): facts(verdicts=AGREED, pairs=differed),
        Group("unknown", ""): facts(verdicts=DISAGREED),
    }
    assert doubts(together([week])) == ()
    assert doubts(together([week] * 4)) == (
        Doubt(task_type="reply", whose="guideline", with_model=(360, 400), between=(40, 60)),
        Doubt(task_type="label", whose="model", with_model=(520, 640), between=(60, 60)),
    )
    many = {Group(f"task-{n}", ""): facts(verdicts=AGREED, pairs=differed) for n in range(9)}
    assert [each.task_type for each in doubts(together([many] * 4))] == ["task-0", "task-1", "task-2"]


# Advice ---------------------------------------------------------------------------------------------------------------

DISAGREED = {Judged("gate", "approve"): 40, Judged("gate", "reject"): 20}
AGREED = {Judged("gate", "approve"): 90, Judged("gate", "reject"): 10}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (facts(), None),
        (facts(audits={(1.0, True): 10, (1.0, False): 90}), ("errors_escape", "label")),
        (facts(audits={(1.0, True): 3, (1.0, False): 97}), None),
        (facts(verdicts=DISAGREED), ("disagreement", None)),
        (facts(verdicts=DISAGREED, pairs={("approve", "approve"): 48, ("reject", "approve"): 2}), ("model", None)),
        (facts(verdicts=DISAGREED, pairs={("approve", "approve"): 35, ("reject", "edit"): 15}), ("guideline", None)),
        (facts(verdicts=DISAGREED, pairs={("approve", "approve"): 900, ("reject", "edit"): 200}), ("both", None)),
        (facts(verdicts=AGREED, pairs={("approve", "approve"): 35, ("reject", "edit"): 15}), ("guideline", None)),
        (facts(verdicts={Judged("gate", "reject"): 20}), None),
        (facts(verdicts=AGREED, latencies={31_000: 50}), ("slow", None)),
        (facts(latencies={31_000: 49}), None),
        (facts(verdicts=AGREED, categories={"tone": 9, "other": 11}), ("one_category", "other")),
        (facts(categories={"tone": 8, "other": 8, "wrong": 4}), None),
        (facts(categories={"": 20}), None),
        (facts(verdicts={Judged("gate", "approve"): 190, Judged("gate", "edit"): 10}), ("threshold", "label")),
        (facts(verdicts={Judged("gate", "approve"): 189, Judged("gate", "edit"): 11}), None),
        (facts(verdicts={Judged("audit", "approve"): 500}), None),
    ],
)
def test_advice_is_given_where_the_numbers_carry_it(found: Facts, expected: tuple[str, str | None] | None) -> None:
    given_advice = advice({LABEL: found})
    assert (None if given_advice is None else (given_advice.code, given_advice.about)) == expected
    assert given_advice is None or given_advice.numbers


def test_where_labels_have_said_what_a_threshold_may_be_nobody_guesses() -> None:
    easy = {name: facts(verdicts={Judged("gate", "approve"): n}) for name, n in (("label", 900), ("refund", 300))}
    groups = {Group(name, ""): found for name, found in easy.items()}
    about = [None if found is None else found.about for found in (advice(groups), advice(groups, {"label"}))]
    assert about == ["label", "refund"]
    assert advice(groups, easy.keys()) is None


def test_errors_that_escape_come_before_all_else_and_the_worst_task_first() -> None:
    found = advice(
        {
            Group("label", ""): facts(audits={(1.0, True): 10, (1.0, False): 90}, verdicts=DISAGREED),
            Group("refund", ""): facts(audits={(1.0, True): 50, (1.0, False): 50}),
        }
    )
    assert found is not None
    assert (found.code, found.about, found.numbers["value"], found.numbers["n"]) == (
        "errors_escape",
        "refund",
        0.5,
        100,
    )


def test_a_week_without_data_is_no_point_of_the_chart() -> None:
    assert set(point("2026-W46", Facts()).model_dump(exclude={"name"}).values()) == {None}
    assert OpenWork() != OpenWork(audits=1)
