"""The summary counts honestly: a person's mistake is one, and a wrong output that went out is one."""

from collections import Counter
from typing import Any

import pytest
from rich.console import Console

from bot.demo.stream import DemoDecision
from bot.demo.summary import Callbacks, Fate, Record, Tally, fate, table

NO_CALLBACKS = Callbacks(verified=0, repeated=0, refused=0)


def _record(*, right: bool, result: str | None, disposition: str = "execute", output: Any = None) -> Record:
    decided_by = ["U0ADA"] if result in ("approved", "edited", "rejected") else []
    outcome = None if result is None else {"result": result, "output": output, "decided_by": decided_by}
    request = {"id": "ticket-1", "task_type": "ticket_classification", "output": "a" if right else "b"}
    answer = {"route": "QUEUE", "disposition": disposition, "outcome": outcome}
    return Record(DemoDecision(request, "a", right), answer)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (_record(right=True, result="auto"), Fate.RIGHT_ALONE),
        (_record(right=False, result="auto"), Fate.ESCAPED),
        (_record(right=True, result="approved", output="a"), Fate.NEEDLESS),
        (_record(right=False, result="approved", output="b"), Fate.OVERLOOKED),
        (_record(right=False, result="edited", output="a"), Fate.CAUGHT),
        (_record(right=False, result="edited", output="c"), Fate.OVERLOOKED),
        (_record(right=True, result="edited", output="c"), Fate.SPOILED),
        (_record(right=False, result="rejected", disposition="do_not_execute"), Fate.CAUGHT),
        (_record(right=True, result="rejected", disposition="do_not_execute"), Fate.SPOILED),
        (_record(right=False, result="timed_out", disposition="do_not_execute"), Fate.HELD),
        (_record(right=False, result="timed_out", disposition="execute_provisional"), Fate.ESCAPED),
        (_record(right=True, result="cancelled", disposition="do_not_execute"), Fate.HELD),
        (_record(right=False, result=None, disposition="wait"), Fate.WAITING),
        (_record(right=False, result=None, disposition="execute_provisional"), Fate.ESCAPED),
        (_record(right=True, result=None, disposition="execute_provisional"), Fate.RIGHT_ALONE),
    ],
)
def test_fate(record: Record, expected: Fate) -> None:
    assert fate(record) == expected


def test_an_output_a_person_edited_back_to_the_truth_was_not_spoiled() -> None:
    """The model was right, the edit gives the same value in another order of members."""
    request = {"id": "refund-1", "output": {"a": 1, "b": 2}}
    answer = {"disposition": "execute", "outcome": {"result": "edited", "output": {"b": 2, "a": 1}}}
    assert fate(Record(DemoDecision(request, {"a": 1, "b": 2}, True), answer)) == Fate.NEEDLESS


def test_what_a_check_of_the_policy_refused_is_not_a_persons_catch() -> None:
    record = _record(right=False, result="rejected", disposition="do_not_execute")
    record.answer["outcome"]["decided_by"] = []
    assert fate(record) == Fate.HELD


def test_tally_counts_routes_verdicts_and_fates() -> None:
    records = [
        _record(right=True, result="approved", output="a"),
        _record(right=False, result="edited", output="a"),
        _record(right=False, result="auto"),
        _record(right=False, result=None, disposition="wait"),
    ]
    tally = Tally.of(records, Callbacks(verified=2, repeated=1, refused=0))
    assert tally.routes == Counter(QUEUE=4)
    assert tally.verdicts == Counter(approved=1, edited=1)
    assert tally.fates == Counter({Fate.NEEDLESS: 1, Fate.CAUGHT: 1, Fate.ESCAPED: 1, Fate.WAITING: 1})


def test_the_story_names_what_was_caught_and_what_was_not() -> None:
    records = [_record(right=False, result="edited", output="a"), _record(right=False, result=None, disposition="wait")]
    story = Tally.of(records, NO_CALLBACKS).story()
    assert story == "2 decisions: errors caught by people 1, escaped 0, overlooked by a person 0; 1 still wait."


def test_rows_show_every_fate_and_route_even_at_zero() -> None:
    sections = Tally.of([_record(right=False, result="auto")], NO_CALLBACKS).sections()
    rows = {label: count for section in sections for label, count in section}
    assert rows["route ESCALATE: asked a person first of all"] == 0
    assert rows["callbacks verified"] == 0
    assert rows[Fate.ESCAPED] == 1
    assert set(Fate) <= rows.keys()


def test_the_table_prints_each_row() -> None:
    tally = Tally.of([_record(right=True, result="approved", output="a")], Callbacks(1, 0, 0))
    console = Console(width=100)
    with console.capture() as captured:
        console.print(table(tally))
    printed = captured.get()
    assert all(label in printed for section in tally.sections() for label, _ in section)
