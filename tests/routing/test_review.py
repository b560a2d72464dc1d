"""What votes make of a review, and what a verdict makes of the decision: contract §4 row by row, and what must hold for
any votes in any order."""

from itertools import permutations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.decision import Disposition, OutcomeResult, ReviewKind, Risk
from routing.review import (
    WAITING,
    Approve,
    Cast,
    Edit,
    EventType,
    Reject,
    Resolution,
    ReviewState,
    Standing,
    Verdict,
    Vote,
    agrees,
    cast,
    closing,
    objection,
    proposed_edit,
    resolve,
    time_out,
)

OPEN, DISPUTED, DECIDED = ReviewState.OPEN, ReviewState.DISPUTED, ReviewState.DECIDED
APPROVE, EDIT, REJECT = Approve(), Edit("billing"), Reject("factual_error", "major", reason="No.")
VERDICTS: tuple[Verdict, ...] = (APPROVE, EDIT, REJECT)
PEOPLE = ("U0ADA", "U0BEN", "U0CHEN", "U0DORA", "U0EMIL")
ADA, BEN, CHEN, *_ = PEOPLE

verdicts = st.one_of(
    st.just(APPROVE), st.sampled_from(["billing", "shipping", "returns"]).map(Edit), st.sampled_from([REJECT, Reject()])
)
votes = st.builds(Vote, st.sampled_from(PEOPLE), verdicts)


# One vote -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "verdict", "needed", "state", "who_counts", "restarts"),
    [
        ([], APPROVE, 1, DECIDED, [ADA], False),
        ([], EDIT, 1, DECIDED, [ADA], False),
        ([], REJECT, 1, DECIDED, [ADA], False),
        ([], EDIT, 2, OPEN, [ADA], False),
        ([APPROVE], APPROVE, 3, OPEN, [BEN, ADA], False),
        ([APPROVE], APPROVE, 2, DECIDED, [BEN, ADA], False),
        ([REJECT], REJECT, 2, DECIDED, [BEN, ADA], False),
        ([APPROVE], REJECT, 2, DISPUTED, [BEN, ADA], False),
        ([REJECT], APPROVE, 2, DISPUTED, [BEN, ADA], False),
        ([APPROVE], EDIT, 2, OPEN, [ADA], True),
        ([REJECT], EDIT, 2, OPEN, [ADA], True),
        ([EDIT], Edit("returns"), 2, OPEN, [ADA], True),
        ([EDIT], Edit("billing", "tone"), 2, DECIDED, [BEN, ADA], False),
        ([EDIT], APPROVE, 2, DECIDED, [BEN, ADA], False),
        ([EDIT], REJECT, 2, DISPUTED, [BEN, ADA], False),
        ([EDIT, APPROVE], Edit("billing"), 3, DECIDED, [BEN, CHEN, ADA], False),
        ([APPROVE, APPROVE], APPROVE, 1, DECIDED, [BEN, CHEN, ADA], False),  # fewer are asked for by now
    ],
)
def test_what_a_vote_makes_of_a_standing(
    before: list[Verdict], verdict: Verdict, needed: int, state: ReviewState, who_counts: list[str], restarts: bool
) -> None:
    given_votes = tuple(Vote(who, said) for who, said in zip((BEN, CHEN), before, strict=False))
    step = cast(Standing(OPEN, needed, given_votes), Vote(ADA, verdict))
    assert (step.state, [vote.user_id for vote in step.votes], step.restarts) == (state, who_counts, restarts)


@pytest.mark.parametrize("verdict", VERDICTS)
def test_an_adjudicator_settles_a_dispute_alone(verdict: Verdict) -> None:
    disputed = Standing(DISPUTED, 5, (Vote(ADA, APPROVE), Vote(BEN, REJECT)))
    step = cast(disputed, Vote(CHEN, verdict))
    assert step == Cast(DECIDED, (*disputed.votes, Vote(CHEN, verdict, adjudicates=True)), restarts=False)
    assert closing(step.votes) == verdict


def test_who_has_voted_has_no_further_vote() -> None:
    given_votes = (Vote(ADA, APPROVE), Vote(BEN, REJECT))
    assert objection(Standing(OPEN, 3, given_votes[:1]), ADA) == "already_voted"
    assert objection(Standing(DISPUTED, 2, given_votes), ADA) == "voted_before"
    assert objection(Standing(OPEN, 3, given_votes[:1]), BEN) is None
    assert objection(Standing(DISPUTED, 2, given_votes), CHEN) is None


@pytest.mark.parametrize(
    ("said", "together"),
    [
        ([APPROVE], APPROVE),
        ([APPROVE, APPROVE], APPROVE),
        ([EDIT], EDIT),
        ([EDIT, APPROVE, APPROVE], EDIT),
        ([EDIT, Edit("billing", "tone")], Edit("billing", "tone")),
        ([Reject("tone"), Reject("other", reason="No.")], Reject("other", reason="No.")),
        ([EDIT, REJECT, APPROVE], EDIT),  # an adjudicator approves the edit that was in dispute
        ([EDIT, REJECT, Edit("returns")], Edit("returns")),
        ([EDIT, REJECT, Reject("tone")], Reject("tone")),
    ],
)
def test_what_votes_say_together(said: list[Verdict], together: Verdict) -> None:
    assert closing([Vote(who, verdict) for who, verdict in zip(PEOPLE, said, strict=False)]) == together


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (APPROVE, APPROVE, True),
        (REJECT, Reject(), True),
        (EDIT, Edit("billing", "tone", reason="So."), True),
        (Edit({"a": 1, "b": [2]}), Edit({"b": [2], "a": 1}), True),
        (EDIT, Edit("returns"), False),
        (Edit(1), Edit(True), False),
        *((first, second, False) for first, second in permutations(VERDICTS, 2)),
    ],
)
def test_when_a_second_opinion_is_the_first_ones(first: Verdict, second: Verdict, same: bool) -> None:
    assert agrees(first, second) is same
    assert agrees(second, first) is same


# Any votes in any order -----------------------------------------------------------------------------------------------


def _run(needed: int, given_votes: list[Vote]) -> list[Cast]:
    """Each vote that nothing objects to, until the review is decided."""
    steps: list[Cast] = []
    standing = Standing(OPEN, needed)
    for vote in given_votes:
        if standing.state not in WAITING or objection(standing, vote.user_id) is not None:
            continue
        steps.append(cast(standing, vote))
        standing = Standing(steps[-1].state, needed, steps[-1].votes)
    return steps


@given(st.integers(1, 4), st.lists(votes, max_size=12))
def test_no_votes_decide_what_too_few_people_agree_to(needed: int, given_votes: list[Vote]) -> None:
    for step in _run(needed, given_votes):
        people = [vote.user_id for vote in step.votes]
        assert len(set(people)) == len(people)
        assert sum(vote.adjudicates for vote in step.votes) <= 1
        if step.state is not DECIDED:
            continue
        if step.votes[-1].adjudicates:
            assert len({isinstance(vote.verdict, Reject) for vote in step.votes[:-1]}) == 2
            continue
        assert len(people) >= needed
        together = closing(step.votes)
        assert all(isinstance(vote.verdict, Approve) or agrees(vote.verdict, together) for vote in step.votes), (
            "somebody counts for what they did not say"
        )
        assert isinstance(together, Reject) == any(isinstance(vote.verdict, Reject) for vote in step.votes)


@given(st.integers(1, 4), st.lists(votes, max_size=12))
def test_a_review_waits_until_there_are_enough_or_they_differ(needed: int, given_votes: list[Vote]) -> None:
    for step in _run(needed, given_votes):
        rejects = [isinstance(vote.verdict, Reject) for vote in step.votes]
        if step.state is OPEN:
            assert len(step.votes) < needed
            assert len(set(rejects)) == 1
        if step.state is DISPUTED:
            assert len(set(rejects)) == 2
        if step.restarts:
            [alone] = step.votes
            assert isinstance(alone.verdict, Edit)


@given(st.integers(1, 4), st.lists(votes, min_size=1, max_size=12))
def test_another_edit_begins_the_votes_anew(needed: int, given_votes: list[Vote]) -> None:
    before: tuple[Vote, ...] = ()
    for step in _run(needed, given_votes):
        last = step.votes[-1]
        former = proposed_edit(before)
        another = isinstance(last.verdict, Edit) and not (former is not None and agrees(former[1], last.verdict))
        assert step.restarts == (another and before != () and not last.adjudicates)
        before = step.votes


@given(
    st.integers(1, 4), st.sampled_from([APPROVE, REJECT]), st.permutations(PEOPLE), st.sampled_from([APPROVE, REJECT])
)
def test_the_order_of_equal_votes_does_not_matter(
    needed: int, verdict: Verdict, order: list[str], other: Verdict
) -> None:
    def ends(people: tuple[str, ...] | list[str]) -> list[tuple[ReviewState, int]]:
        """With one vote of another kind at the end."""
        said = [Vote(who, verdict) for who in people[:-1]] + [Vote(people[-1], other)]
        return [(step.state, len(step.votes)) for step in _run(needed, said)]

    assert ends(order) == ends(PEOPLE)


# What follows ---------------------------------------------------------------------------------------------------------

_WAIT, _EXECUTE, _PROVISIONAL, _NOT = (
    Disposition.WAIT,
    Disposition.EXECUTE,
    Disposition.EXECUTE_PROVISIONAL,
    Disposition.DO_NOT_EXECUTE,
)
_RESOLVED, _CORRECTED, _ROLLBACK = EventType.RESOLVED, EventType.CORRECTED, EventType.ROLLBACK_REQUESTED

# Contract §4: what the app is told by approve, edit and reject, after what it was told so far.
_EVENTS: dict[tuple[Disposition, OutcomeResult | None], tuple[EventType | None, EventType | None, EventType | None]] = {
    (_WAIT, None): (_RESOLVED, _RESOLVED, _RESOLVED),
    (_PROVISIONAL, None): (_RESOLVED, _CORRECTED, _ROLLBACK),
    (_PROVISIONAL, OutcomeResult.TIMED_OUT): (_RESOLVED, _CORRECTED, _ROLLBACK),
    (_EXECUTE, OutcomeResult.AUTO): (None, _CORRECTED, _ROLLBACK),
    (_EXECUTE, OutcomeResult.APPROVED): (None, _CORRECTED, _ROLLBACK),
    (_EXECUTE, OutcomeResult.EDITED): (_CORRECTED, _CORRECTED, _ROLLBACK),
    (_NOT, OutcomeResult.REJECTED): (_CORRECTED, _CORRECTED, None),
}
_ENDS = {
    "approve": (OutcomeResult.APPROVED, _EXECUTE),
    "edit": (OutcomeResult.EDITED, _EXECUTE),
    "reject": (OutcomeResult.REJECTED, _NOT),
}


@pytest.mark.parametrize(
    ("told", "former", "verdict", "event"),
    [
        (told, former, verdict, event)
        for (told, former), events in _EVENTS.items()
        for verdict, event in zip(VERDICTS, events, strict=True)
    ],
)
def test_what_a_verdict_makes_of_a_decision(
    told: Disposition, former: OutcomeResult | None, verdict: Verdict, event: EventType | None
) -> None:
    outcome, disposition = _ENDS[verdict.name]
    assert resolve(verdict, told=told, former=former) == Resolution(outcome, disposition, event)


@given(st.lists(verdicts, min_size=2, max_size=6))
def test_an_app_that_follows_the_events_does_what_stands_last(said: list[Verdict]) -> None:
    told, former = _WAIT, None
    does: Verdict | None = None
    for number, verdict in enumerate(said):
        resolution = resolve(verdict, told=told, former=former)
        assert (resolution.event is EventType.RESOLVED) == (number == 0)
        if resolution.event is not None:
            does = verdict
        told, former = resolution.disposition, resolution.outcome
        assert does is not None
        assert agrees(does, verdict)


def test_what_a_person_chose_and_typed_does_not_change_what_follows() -> None:
    for told, former in _EVENTS:
        assert resolve(Reject(), told=told, former=former) == resolve(REJECT, told=told, former=former)
        spoken = Edit({"a": 1}, "tone", "minor", {}, "x")
        assert resolve(Edit(None), told=told, former=former) == resolve(spoken, told=told, former=former)


# When nobody says anything --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_timeout", "risk", "may_go_out", "disposition"),
    [
        ("hold", Risk.LOW, True, None),
        ("reject", Risk.LOW, True, _NOT),
        ("reject", Risk.CRITICAL, False, _NOT),
        ("provisional", Risk.LOW, True, _PROVISIONAL),
        ("provisional", Risk.MEDIUM, True, _PROVISIONAL),
        ("provisional", Risk.LOW, False, None),
        ("provisional", Risk.HIGH, True, None),
        ("provisional", Risk.CRITICAL, True, None),
    ],
)
def test_what_a_passed_deadline_makes_of_a_decision(
    on_timeout: str, risk: Risk, may_go_out: bool, disposition: Disposition | None
) -> None:
    expected = None
    if disposition is not None:
        expected = Resolution(OutcomeResult.TIMED_OUT, disposition, EventType.RESOLVED)
    assert time_out(ReviewKind.GATE, risk, on_timeout, may_go_out=may_go_out) == expected  # type: ignore[arg-type]


def test_only_a_gate_times_out_only_the_harmless_into_action_and_never_as_a_verdict() -> None:
    for kind, risk, on_timeout, may_go_out in product(
        ReviewKind, Risk, ("hold", "reject", "provisional"), (False, True)
    ):
        resolution = time_out(kind, risk, on_timeout, may_go_out=may_go_out)  # type: ignore[arg-type]
        if resolution is None:
            continue
        assert kind is ReviewKind.GATE
        assert resolution.outcome is OutcomeResult.TIMED_OUT
        assert resolution.disposition is _NOT or (may_go_out and risk <= Risk.MEDIUM)
