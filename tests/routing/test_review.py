from itertools import product

import pytest

from routing.decision import Disposition, OutcomeResult, ReviewKind
from routing.review import Approve, Edit, EventType, Reject, Resolution, Verdict, resolve

VERDICTS: tuple[Verdict, ...] = (Approve(), Edit("billing"), Reject("factual_error", "major", reason="No."))


@pytest.mark.parametrize(
    ("kind", "verdict", "expected"),
    [
        (ReviewKind.GATE, VERDICTS[0], (OutcomeResult.APPROVED, Disposition.EXECUTE, EventType.RESOLVED)),
        (ReviewKind.GATE, VERDICTS[1], (OutcomeResult.EDITED, Disposition.EXECUTE, EventType.RESOLVED)),
        (ReviewKind.GATE, VERDICTS[2], (OutcomeResult.REJECTED, Disposition.DO_NOT_EXECUTE, EventType.RESOLVED)),
        (ReviewKind.PROVISIONAL, VERDICTS[0], (OutcomeResult.APPROVED, Disposition.EXECUTE, EventType.RESOLVED)),
        (ReviewKind.PROVISIONAL, VERDICTS[1], (OutcomeResult.EDITED, Disposition.EXECUTE, EventType.CORRECTED)),
        (
            ReviewKind.PROVISIONAL,
            VERDICTS[2],
            (OutcomeResult.REJECTED, Disposition.DO_NOT_EXECUTE, EventType.ROLLBACK_REQUESTED),
        ),
    ],
)
def test_what_a_verdict_makes_of_a_decision(
    kind: ReviewKind, verdict: Verdict, expected: tuple[OutcomeResult, Disposition, EventType]
) -> None:
    assert resolve(kind, verdict) == Resolution(*expected)


def test_only_a_rejection_stops_the_app_and_nothing_is_left_waiting() -> None:
    for kind, verdict in product((ReviewKind.GATE, ReviewKind.PROVISIONAL), VERDICTS):
        stops = resolve(kind, verdict).disposition is Disposition.DO_NOT_EXECUTE
        assert stops == isinstance(verdict, Reject)


def test_what_a_person_chose_and_typed_does_not_change_what_follows() -> None:
    assert resolve(ReviewKind.GATE, Reject()) == resolve(ReviewKind.GATE, VERDICTS[2])
    assert resolve(ReviewKind.GATE, Edit(None)) == resolve(ReviewKind.GATE, Edit({"a": 1}, "tone", "minor", {}, "x"))
