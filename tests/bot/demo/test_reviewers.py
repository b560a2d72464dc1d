"""Simulated reviewers follow the truth, but for their own few mistakes."""

from bot.demo.reviewers import Approve, Edit, Reject, review
from bot.demo.stream import DemoDecision, load


def _corrected(decision: DemoDecision) -> object:
    """What comes of the verdict of a person who never errs."""
    match review(decision, 1, error_rate=0).verdict:
        case Approve():
            return decision.request["output"]
        case Edit(output=output):
            return output
        case Reject(correct_answer=answer):
            return answer


def test_a_person_who_never_errs_always_finds_the_truth() -> None:
    for decision in load():
        assert _corrected(decision) == decision.truth
        assert isinstance(review(decision, 1, error_rate=0).verdict, Approve) == decision.right


def test_a_person_who_always_errs_never_does() -> None:
    for decision in load():
        verdict = review(decision, 1, error_rate=1).verdict
        assert isinstance(verdict, Approve) != decision.right
        assert not isinstance(verdict, Edit) or verdict.output != decision.truth


def test_people_err_about_as_often_as_they_are_said_to() -> None:
    erred = sum(isinstance(review(one, 1).verdict, Approve) != one.right for one in load())
    assert 0.02 < erred / len(load()) < 0.04


def test_the_seed_decides_and_people_differ() -> None:
    opinions = [review(one, 1) for one in load()]
    assert opinions == [review(one, 1) for one in load()]
    assert opinions != [review(one, 2) for one in load()]


def test_wrong_action_is_rejected_and_wrong_amount_edited() -> None:
    wrong = [one for one in load() if one.request["task_type"] == "refund" and not one.right]
    for one in wrong:
        verdict = review(one, 1, error_rate=0).verdict
        assert isinstance(verdict, Reject) == (one.request["output"]["action"] != one.truth["action"])


def test_reading_takes_seconds_and_longer_for_longer_texts() -> None:
    by_length = sorted(load(), key=lambda one: len(f"{one.request['input']} {one.request['output']}"))
    seconds = [review(one, 1).reading_seconds for one in by_length]
    assert min(seconds) > 2
    assert max(seconds) < 60
    assert sum(seconds[:300]) < sum(seconds[-300:])
