"""Our words for metrics and their numbers, on the terminal and in Slack alike."""

from datetime import date
from math import ceil
from typing import Final

from routing.cohorts import StandingOut
from routing.maturity import MaturityState
from routing.metrics import TARGETS, Metric, headline, number
from routing.money import Money
from routing.policy import AdjustedKey

NAMES = {
    "escalation_rate": "Went to people",
    "auto_resolve_rate": "Ran alone",
    "error_escape_rate": "Errors among what ran alone",
    "review_latency": "Wait for a verdict, p95",
    "reviewer_agreement": "People agree with the model",
    "inter_reviewer_agreement": "People agree with each other",
    "feedback_utilization": "Corrections put to use",
    "feedback_to_update": "From correction to use, p95",
}
STANDINGS = {"met": "on target", "missed": "off target", "unclear": "may be off target"}
MATURITIES = {
    MaturityState.COLD: "cold start",
    MaturityState.LEARN: "learning",
    MaturityState.STABLE: "stable",
    MaturityState.DEGRADED: "degraded",
    MaturityState.SUSPENDED: "suspended",
}
_OF_COHORTS = {
    "escalation_rate": ("", "went to people"),
    "override_rate": ("the proposals for ", "were overridden"),
}
UNSEEN = "no audit was judged in the last four weeks, so nobody would see its errors rise"
_TIMES = ("review_latency", "feedback_to_update")
_DIGITS: Final = 6


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """As 8.3 s, 4 min 10 s, 5 min, 2 h 5 min or 3 d 4 h."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return _two(minutes, "min", rest, "s")
    hours, minutes = divmod(minutes, 60)
    return _two(hours, "h", minutes, "min") if hours < 48 else _two(hours // 24, "d", hours % 24, "h")


def _two(large: int, unit: str, small: int, sub_unit: str) -> str:
    return f"{large} {unit} {small} {sub_unit}" if small else f"{large} {unit}"


def value(key: str, metric: Metric) -> str:
    """The headline number; – where there is no data."""
    found = headline(metric)
    if found is None:
        return "–"
    return duration(found) if key in _TIMES else percent(found)


def interval(metric: Metric) -> str:
    """As 0.4 % to 2.9 %, or nothing."""
    low, high = number(metric, "low"), number(metric, "high")
    return "" if low is None or high is None else f"{percent(low)} to {percent(high)}"


def beyond_chance(metric: Metric) -> str:
    """As AC1 0.87, or nothing."""
    found = number(metric, "ac1")
    return "" if found is None else f"AC1 {found:.2f}"


def count(metric: Metric) -> int:
    """What it rests on: its n, or else its denominator."""
    return int(number(metric, "n" if "n" in metric else "denominator") or 0)


def target(key: str) -> str:
    """As 15 % to 30 %, at most 2 %, at least 85 % or nothing."""
    wanted = TARGETS.get(key)
    if wanted is None:
        return ""
    low, high = (None if end is None else duration(end) if key in _TIMES else f"{100 * end:.0f} %" for end in wanted)
    if low is None:
        return f"at most {high}"
    return f"at least {low}" if high is None else f"{low} to {high}"


def standing_out(found: StandingOut) -> str:
    """As: 40.0 % of eu-smb in refund went to people (80 of 200), 20.0 % of the rest."""
    of, happened = _OF_COHORTS[found.rate]
    what = f"{percent(found.value)} of {of}{found.cohort} in {found.task_type} {happened}"
    return f"{what} ({found.count:,} of {found.n:,}), {percent(found.rest)} of the rest"


def cost(spent: Money) -> str:
    """What people and errors cost, with the interval; errors that nobody has looked for are not known."""
    people = f"{spent.review:,.0f} for {duration(60 * spent.review_minutes)} of review"
    if spent.value is None or spent.low is None or spent.high is None or spent.escaped_errors is None:
        return f"Cost: {people}; what errors cost is not known without audits"
    errors = f"{spent.escaped:,.0f} for about {spent.escaped_errors:,.1f} errors that ran alone"
    return f"Cost: about {spent.value:,.0f} ({spent.low:,.0f} to {spent.high:,.0f}): {people}, {errors}"


def audited(state: MaturityState, rate: float) -> str:
    """As stable, 7 % audited. `rate`: the share of what runs alone, 0..1."""
    return f"{MATURITIES[state]}, {100 * rate:.0f} % audited"


def whole_days(days: float) -> int:
    """At least one."""
    return max(1, round(days))


def tripling(days: float) -> str:
    """As: a tripling of its errors is found within 12 days."""
    return f"a tripling of its errors is found within {numbered(whole_days(days), 'day')}"


def reviews(more: float, every: str) -> str:
    """As 22 more reviews a day. `more`: how many more in the time `every`, negative if fewer."""
    if abs(more) < 0.05:
        return "as many reviews as now"
    number = f"{abs(more):,.0f}" if abs(more) >= 10 else f"{abs(more):.1f}".removesuffix(".0")
    noun = "review" if number == "1" else "reviews"
    return f"{number} {'more' if more > 0 else 'fewer'} {noun} a {every}"


def shown(threshold: float) -> str:
    """With six digits, rounded up: what is copied from here lets nothing more run alone."""
    return f"{ceil(threshold * 10**_DIGITS - 1e-6) / 10**_DIGITS:.{_DIGITS}f}".rstrip("0").rstrip(".")


def adjusted(key: AdjustedKey, value: float) -> str:
    """The value of an adjustment."""
    return shown(value) if key == "threshold" else f"{value:g}"


def day(when: date) -> str:
    """As 9 Nov."""
    return f"{when.day} {when:%b}"


def days(first: date, last: date) -> str:
    """As 9 to 15 Nov 2026."""
    begin = f"{first.day}" if (first.year, first.month) == (last.year, last.month) else day(first)
    begin = f"{begin} {first.year}" if first.year != last.year else begin
    return f"{begin} to {last.day} {last:%b %Y}"


def numbered(number: int, one: str, many: str | None = None) -> str:
    """As 1 decision or 1,234 decisions."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
