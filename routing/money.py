"""What the work cost: people's minutes, and the errors that nobody saw.

An estimate: the minutes are the verdicts times the mean time that one takes, and the errors are the escape rate of
the audits times all that ran alone. Its interval is that of the escape rate; the minutes are taken as known.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from routing.metrics import Facts, metrics, number
from routing.policy_sections import Cost


@dataclass(frozen=True, slots=True)
class Money:
    """In the policy's own currency. `escaped` and all after it are None where nothing was audited.

    Attributes:
        review_minutes, review: what people spent on verdicts, second opinions and audits, and what that costs.
        escaped_errors: about how many errors ran alone.
        value, low, high: all together, with the 95 % interval.
    """

    review_minutes: float
    review: float
    escaped_errors: float | None
    escaped: float | None
    value: float | None
    low: float | None
    high: float | None


def money(facts: Facts, cost: Cost, minutes_each: float) -> Money:
    """`minutes_each`: how long one verdict takes on average."""
    rate = metrics(facts)["error_escape_rate"]
    shares = [number(rate, name) for name in ("value", "low", "high")]
    return spent(facts.judged + facts.pairs.total(), facts.decisions - facts.escalated, shares, cost, minutes_each)


def spent(verdicts: int, alone: int, escape_rate: Sequence[float | None], cost: Cost, minutes_each: float) -> Money:
    """The same where `alone` decisions run alone; `escape_rate`: the share of errors, and its interval's two ends."""
    minutes = verdicts * minutes_each
    review = minutes * cost.review_minute
    errors = [None if share is None else share * alone for share in escape_rate]
    escaped = [None if each is None else each * cost.escaped_error for each in errors]
    value, low, high = (None if each is None else review + each for each in escaped)
    return Money(minutes, review, errors[0], escaped[0], value, low, high)
