"""Our words for the facts of a review: risk, confidence, times, reasons. An emoji always has its word beside it."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal

from bot.answer import moment_in_utc
from bot.slack import limits
from bot.slack.text import clip_line, escape
from bot.slack.view import CardView, ClaimView, VerdictWord
from routing.checks import in_words
from routing.decision import Disposition, Reason, Risk

RISK_EMOJI = {Risk.LOW: "🟢", Risk.MEDIUM: "🟡", Risk.HIGH: "🟠", Risk.CRITICAL: "🔴"}
VERDICT_EMOJI: dict[VerdictWord, str] = {"approve": "✅", "edit": "✏️", "reject": "⛔"}
VERDICT_DONE: dict[VerdictWord, str] = {"approve": "Approved", "edit": "Edited", "reject": "Rejected"}
_AUDIT_DONE: dict[VerdictWord, str] = {"approve": "Found correct", "edit": "Fixed", "reject": "Found wrong"}
_ASKS: dict[VerdictWord, str] = {"approve": "Approve", "edit": "Edit", "reject": "Reject"}
_AUDIT_ASKS: dict[VerdictWord, str] = {"approve": "Correct", "edit": "Fix", "reject": "Wrong"}
WHAT_THE_APP_DOES = {
    Disposition.EXECUTE: "The app may act on it.",
    Disposition.EXECUTE_PROVISIONAL: "The app acts on it for now, marked as provisional.",
    Disposition.WAIT: "The app waits.",
    Disposition.DO_NOT_EXECUTE: "The app must not act on it.",
}
CANNOT_BE_UNDONE = "The action cannot be undone."
_STRONGEST_FIRST = (
    "check.failed", "check.error", "irreversible", "risk.rule", "rule.error", "judge.failed", "judge.error",
)  # fmt: skip
_RULES = frozenset({"risk.rule", "rule.error"})
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,31}")


def asks(view: CardView) -> dict[VerdictWord, str]:
    """What the buttons say: of what ran alone people say whether it was right."""
    return _AUDIT_ASKS if view.is_audit else _ASKS


def done(view: CardView) -> dict[VerdictWord, str]:
    """What is said of a verdict on it."""
    return _AUDIT_DONE if view.is_audit else VERDICT_DONE


def answered(view: CardView) -> str:
    """What stands above the model's output."""
    return "The model answered" if view.is_audit else "The model proposes"


def why(view: CardView) -> str:
    """What the reasons of the route are reasons for."""
    return "Why it ran alone" if view.is_audit else "Why you are asked"


def mention(user_id: str) -> str:
    """mrkdwn for a person; what is no Slack user id stays plain text."""
    return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else escape(clip_line(user_id, 50))


def whom(target: str) -> str:
    """mrkdwn for a person or a user group."""
    return f"<!subteam^{target}>" if target.startswith("S") else mention(target)


def mentions(user_ids: tuple[str, ...]) -> str:
    return ", ".join(map(mention, user_ids[:10]))


def moment(when: datetime) -> str:
    """mrkdwn that each reader sees in their own time zone."""
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} at {{time}}|{moment_in_utc(when)}>"


def day(when: datetime) -> str:
    """The date in UTC as plain text, for where Slack does not put it in the reader's own words."""
    return date_in_words(when.astimezone(UTC))


def date_in_words(when: date) -> str:
    return f"{when.day} {when:%b %Y}"


def claimed(claim: ClaimView) -> str:
    """mrkdwn for somebody else who is about to decide the same."""
    since = f"<!date^{int(claim.since.timestamp())}^{{ago}}|{moment_in_utc(claim.since)}>"
    return f"👋 {mention(claim.user_id)} claimed this {since}."


def percent(share: float) -> str:
    """Whole percent, rounded down, so that 98.999 never reads as the 99 that was needed."""
    return _percent(_hundredfold(share), digits=0)


def confidence(view: CardView) -> str:
    """With as many decimals as it takes to stand clearly on its side of the threshold, two at most; and what it is
    worth, as far as that is known."""
    if not view.shows_confidence:
        return "confidence hidden for now"
    if view.confidence is None:
        return "confidence unknown"
    sure, needed = _hundredfold(view.confidence), _hundredfold(view.threshold)
    shown = next((digits for digits in (0, 1) if _is_clear(sure, needed, digits, confident=view.confident)), 2)
    if view.confident:
        return f"{_percent(sure, shown)} confident, {_percent(needed, 2)} needed{_worth(view)}"
    return f"{_percent(sure, shown)} confident, below the {_percent(needed, 2, ROUND_CEILING)} needed{_worth(view)}"


def _worth(view: CardView) -> str:
    if view.worth is None:
        return ""
    return f"; right {percent(view.worth.right)} of the time at this level (n = {view.worth.labels:,})"


def _hundredfold(share: float) -> Decimal:
    return Decimal(repr(share)) * 100


def _percent(value: Decimal, digits: int, rounding: str = ROUND_FLOOR) -> str:
    return f"{_rounded(value, digits, rounding).normalize():f} %"


def _rounded(value: Decimal, digits: int, rounding: str) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-digits), rounding)


def _is_clear(sure: Decimal, needed: Decimal, digits: int, *, confident: bool) -> bool:
    if confident:
        return _rounded(sure, digits, ROUND_FLOOR) >= needed
    return _rounded(sure, digits, ROUND_HALF_UP) < needed


def risk(view: CardView) -> str:
    return f"{view.risk.value} risk"


def reasons_told(view: CardView) -> list[Reason]:
    """Why a person is asked, without what they must not know yet: what a reason says of the output (checks and judges
    quote it, rules are about it) or of the confidence."""
    told = list(view.reasons)
    if not view.shows_confidence:
        told = [replace(reason, detail=None) if reason.code == "provisional" else reason for reason in told]
        told = [reason for reason in told if not reason.code.startswith("confidence.")]
    if not view.shows_output:
        told = [replace(reason, detail=None) if reason.code in _RULES else reason for reason in told]
        told = [reason for reason in told if not reason.code.startswith(("check.", "judge."))]
    return told


def reasons_to_ask(view: CardView) -> list[str]:
    """Why a person is asked, the strongest reason first, in words alone: without what stands in the facts anyway, and
    without the task's own risk unless nothing else speaks. Untrusted single lines."""
    told = reasons_told(view)
    telling = [reason for reason in told if not reason.code.startswith("confidence.")]
    others = [reason for reason in telling if reason.code != "risk.base"]
    if len(told) > len(telling) or others:
        telling = others
    return [reason_sentence(reason, in_full=False) for reason in sorted(telling, key=_strength)]


def _strength(reason: Reason) -> tuple[int, int]:
    rank = _STRONGEST_FIRST.index(reason.code) if reason.code in _STRONGEST_FIRST else len(_STRONGEST_FIRST)
    return rank, -Risk(reason.result).rank if reason.result in set(Risk) else 0


def reason_sentence(reason: Reason, *, in_full: bool = True) -> str:
    """One untrusted line: rules, checks and judges put their own words into it. `in_full` with the policy's CEL."""
    rule = reason.rule or "without a name"
    detail = f": {reason.detail}" if reason.detail else ""
    expression = detail if in_full else ""
    fault = detail if in_full else _fault(reason)
    result = reason.result or "a higher level"
    sentences = {
        "risk.base": f"{reason.detail or 'This task'} is {reason.result or 'some'} risk by itself",
        "risk.rule": f"Rule {rule} makes the risk {result}{expression}",
        "rule.error": f"Rule {rule} could not be evaluated, so it counts{expression}",
        "confidence.below": f"The model is not sure enough{detail}",
        "confidence.missing": "The model did not say how sure it is",
        "irreversible": CANNOT_BE_UNDONE.rstrip("."),
        "check.failed": f"Check {rule} failed{fault}",
        "check.error": f"Check {rule} could not run{expression}",
        "autonomy": f"This task's autonomy level asks for a person{detail}",
        "provisional": f"Released as provisional{detail}",
        "sampled": f"Drawn at random for an audit{detail}",
        "judge.pending": "The judge model has not answered yet",
        "judge.passed": f"The judge model agrees{detail}",
        "judge.failed": f"The judge model disagrees{detail}",
        "judge.error": f"The judge model could not answer{detail}",
        "shadow": "A shadow run: nothing acts on it",
    }
    return clip_line(sentences[reason.code], limits.BLOCK_TEXT)


def _fault(reason: Reason) -> str:
    words = in_words(reason.detail or "")
    return f": {words}" if words else ""
