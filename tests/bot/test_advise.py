"""`hitl policy advise`: options, questions, and a snippet on the standard output alone."""

from io import StringIO

import pytest

from tests.support.hitl import Hitl

ANSWERED = ("--task", "refund", "--reversible", "--per-day", "500", "--error-cost", "medium", "--reviews-per-day", "9")


def test_options_answer_everything(hitl: Hitl) -> None:
    ended = hitl("policy", "advise", *ANSWERED)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("# refund: act first, correct later.\ntasks:\n  refund:\n")


@pytest.mark.parametrize("number", range(4))
def test_what_is_missing_is_named_where_nobody_can_be_asked(hitl: Hitl, number: int) -> None:
    pairs = [("--task", "refund"), ("--per-day", "5"), ("--error-cost", "low"), ("--reviews-per-day", "9")]
    [(missing, _)] = pairs[number : number + 1]
    given = [word for pair in pairs if pair[0] != missing for word in pair]
    ended = hitl("policy", "advise", "--reversible", *given)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"{missing} is missing")


def test_a_task_that_no_app_can_post(hitl: Hitl) -> None:
    ended = hitl("policy", "advise", *ANSWERED, "--task", "Refund!")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("--task: 1 to 64 of a-z")


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_the_rest_is_asked_until_it_is_answered(hitl: Hitl, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = ["refund", "perhaps", "y", "0", "20", "dreadful", "high", "30"]
    monkeypatch.setattr("sys.stdin", Terminal("\n".join(answers)))
    ended = hitl("policy", "advise")
    assert ended.code == 0
    assert "# refund: a person decides each one.\n" in ended.out
    for told in ("perhaps is neither yes nor no.", "0 is no number of 1 or more.", "'dreadful' is not a valid Risk"):
        assert told in ended.err
