"""The ladder: nothing but a certificate lowers the audits, an alarm raises them, a breach stops the task."""

from collections.abc import Iterable
from dataclasses import replace
from math import inf, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Route
from routing.evidence import ALARM_AT, Evidence
from routing.maturity import Goal, Maturity, MaturityState, Transition, begun, rate, rate_of, resumed, step
from routing.policy_sections import Audit

COLD, LEARN, STABLE, DEGRADED, SUSPENDED = MaturityState
GOAL = Goal(max_error=0.02, delta=0.05)
AUDIT = Audit()
FRESH = Evidence(GOAL.max_error)
CERTAIN = replace(FRESH, labels=800, errors=1, certificate=(9.0,) * 4)
ALARMED = replace(FRESH, labels=300, errors=12, detector=(9.0,) * 4)
BREACHED = replace(FRESH, labels=60, errors=9, breach=(9.0,) * 4)
_shares = st.floats(0, 1)
_audits = st.builds(Audit, initial=_shares, stable=_shares, auto=_shares)
_logs = st.tuples(*[st.floats(-50, 50) | st.just(-inf)] * 4)
_evidence = st.builds(
    Evidence, st.just(GOAL.max_error), st.integers(0, 999), st.just(3), detector=_logs, certificate=_logs, breach=_logs
)
_maturities = st.builds(Maturity, st.sampled_from(MaturityState), _evidence)


def judged(maturity: Maturity, error: bool = False, goal: Goal = GOAL) -> tuple[Maturity, Transition | None]:
    return step(maturity, error, 1.0, 1.0, goal)


def walked(maturity: Maturity, errors: Iterable[bool]) -> tuple[Maturity, list[MaturityState]]:
    """Where these labels lead, and through which states."""
    states = []
    for error in errors:
        maturity, transition = judged(maturity, error)
        states += [transition.after] if transition else []
    return maturity, states


@pytest.mark.parametrize(
    ("max_error", "delta", "labels"), [(0.02, 0.10, 114), (0.02, 0.05, 149), (0.01, 0.05, 299), (0.05, 0.05, 59)]
)
def test_the_fewest_labels_of_a_certificate(max_error: float, delta: float, labels: int) -> None:
    assert Goal(max_error, delta).least_labels == labels


@pytest.mark.parametrize(
    ("state", "evidence", "after"),
    [
        (COLD, replace(FRESH, labels=147), None),
        (COLD, replace(FRESH, labels=148), LEARN),
        (COLD, ALARMED, LEARN),
        (LEARN, replace(FRESH, labels=500), None),
        (LEARN, ALARMED, None),  # it has never been any better: nothing changed
        (LEARN, CERTAIN, STABLE),
        (STABLE, FRESH, None),
        (STABLE, CERTAIN, None),
        (STABLE, ALARMED, DEGRADED),
        (DEGRADED, ALARMED, None),  # or the evidence would start anew at each alarm, and prove nothing
        (DEGRADED, CERTAIN, STABLE),
        *((state, BREACHED, SUSPENDED) for state in (COLD, LEARN, STABLE, DEGRADED)),
        (SUSPENDED, CERTAIN, None),
        (SUSPENDED, BREACHED, None),
    ],
)
def test_transitions(state: MaturityState, evidence: Evidence, after: MaturityState | None) -> None:
    seen = evidence.updated(False)
    now, transition = judged(Maturity(state, evidence))
    assert transition == (after and Transition(state, after, seen))
    assert now == Maturity(after or state, FRESH if after in (STABLE, DEGRADED) else seen)


def test_a_life() -> None:
    learnt, states = walked(begun(GOAL), [False] * 149)
    assert states == [LEARN]
    stable, states = walked(learnt, [False] * 151)
    assert states == [STABLE]
    degraded, states = walked(stable, [False] * 500 + [True] * 3)
    assert states == [DEGRADED]
    assert degraded.evidence == FRESH  # the certificate has to be earned from here
    assert walked(degraded, [False] * 300)[1] == [STABLE]
    suspended, states = walked(degraded, [True] * 4)
    assert states == [SUSPENDED]
    assert walked(suspended, [False] * 3000)[1] == []


def test_a_breach_is_proven_soon_after_a_long_good_time() -> None:
    chance = Random(6)
    stable = Maturity(STABLE, FRESH)
    good, _ = walked(stable, [False] * 3000)
    _, states = walked(good, [chance.random() < 0.10 for _ in range(150)])
    assert states == [DEGRADED, SUSPENDED]


@given(_evidence)
def test_only_a_person_ends_a_suspension(evidence: Evidence) -> None:
    suspended = Maturity(SUSPENDED, evidence)
    for goal in (GOAL, Goal(0.5, 0.5)):
        for error in (True, False):
            now, transition = judged(suspended, error, goal)
            assert (now.state, transition) == (SUSPENDED, None)
    assert resumed(suspended, GOAL) == (begun(GOAL), Transition(SUSPENDED, COLD, evidence))


@pytest.mark.parametrize("state", [COLD, LEARN, STABLE, DEGRADED])
def test_nothing_else_is_resumed(state: MaturityState) -> None:
    assert resumed(Maturity(state, CERTAIN), GOAL) == (Maturity(state, CERTAIN), None)


def test_a_certificate_does_not_hold_for_another_bound() -> None:
    seen = Evidence(0.01).updated(False)
    now, transition = judged(Maturity(STABLE, CERTAIN), goal=Goal(0.01, 0.05))
    assert (now, transition) == (Maturity(COLD, seen), Transition(STABLE, COLD, seen))


def test_another_delta_asks_the_same_evidence() -> None:
    evidence = replace(FRESH, labels=500, certificate=(log(30),) * 4)
    assert judged(Maturity(LEARN, evidence), True, Goal(0.02, 0.001))[0].state is LEARN
    assert judged(Maturity(LEARN, evidence), False, Goal(0.02, 0.10))[0].state is STABLE


@pytest.mark.parametrize(
    ("state", "audited", "auto"),
    [(COLD, 1.0, 1.0), (LEARN, 0.25, 0.02), (STABLE, 0.07, 0.02), (DEGRADED, 0.25, 0.25), (SUSPENDED, 1.0, 1.0)],
)
def test_rates_of_the_default_policy(state: MaturityState, audited: float, auto: float) -> None:
    maturity = Maturity(state, FRESH)
    assert rate_of(Route.AUTO_AUDIT, maturity, AUDIT) == rate(maturity, AUDIT) == audited
    assert rate_of(Route.AUTO, maturity, AUDIT) == auto
    assert rate_of(Route.QUEUE, maturity, AUDIT) == rate_of(Route.ESCALATE, maturity, AUDIT) == 0.0


@pytest.mark.parametrize(("fortune", "expected"), [(0.5, 0.07), (1.0, 0.07), (ALARM_AT**0.5, 0.16), (ALARM_AT, 0.25)])
def test_a_stable_task_is_audited_more_while_the_detector_rises(fortune: float, expected: float) -> None:
    worried = Maturity(STABLE, replace(FRESH, detector=(log(fortune),) * 4))
    assert rate(worried, AUDIT) == pytest.approx(expected)


@given(_audits, _evidence)
def test_a_worse_state_is_never_audited_less(audit: Audit, evidence: Evidence) -> None:
    for route in Route:
        rates = [rate_of(route, Maturity(state, evidence), audit) for state in (STABLE, LEARN, DEGRADED, COLD)]
        assert rates == sorted(rates)
        assert rates[-1] == rate_of(route, Maturity(SUSPENDED, evidence), audit)
        assert all(0 <= each <= 1 for each in rates)


@given(_maturities, _audits)
def test_what_is_watched_is_audited_as_if_it_had_got_worse_and_never_less(maturity: Maturity, audit: Audit) -> None:
    for route in Route:
        plain, watched = (rate_of(route, maturity, audit, watched=each) for each in (False, True))
        assert watched == max(plain, rate_of(route, Maturity(DEGRADED, FRESH), audit))


@given(_maturities, _audits, st.booleans())
def test_only_a_certificate_or_its_end_lowers_the_rate(maturity: Maturity, audit: Audit, error: bool) -> None:
    now, transition = judged(maturity, error)
    if transition is not None and transition.after in (DEGRADED, SUSPENDED):
        assert rate(now, audit) >= rate(maturity, audit)
    if transition is not None and transition.after is STABLE:
        assert transition.evidence.certified(GOAL.delta)
