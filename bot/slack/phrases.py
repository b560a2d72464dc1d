"""Our words for the facts of a review: risk, confidence, times, reasons. An emoji always has its word beside it."""

import re
from datetime import UTC, datetime
from decimal import ROUND_DOWN, Decimal

from bot.slack.text import clip, escape, one_line
from bot.slack.view import CardView, VerdictWord
from routing.decision import Disposition, Reason, Risk

RISK_EMOJI = {Risk.LOW: "🟢", Risk.MEDIUM: "🟡", Risk.HIGH: "🟠", Risk.CRITICAL: "🔴"}
VERDICT_EMOJI: dict[VerdictWord, str] = {"approve": "✅", "edit": "✏️", "reject": "⛔"}
VERDICT_DONE: dict[VerdictWord, str] = {"approve": "Approved", "edit": "Edited", "reject": "Rejected"}
WHAT_THE_APP_DOES = {
    Disposition.EXECUTE: "The app may act on it.",
    Disposition.EXECUTE_PROVISIONAL: "The app acts on it for now, marked as provisional.",
    Disposition.WAIT: "The app waits.",
    Disposition.DO_NOT_EXECUTE: "The app must not act on it.",
}
_USER_ID = re.compile(r"[UW][A-Z0-9]{1,31}")


def mention(user_id: str) -> str:
    """mrkdwn for a person; what is no Slack user id stays plain text."""
    return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else escape(clip(one_line(user_id), 50))


def mentions(user_ids: tuple[str, ...]) -> str:
    return ", ".join(map(mention, user_ids[:10]))


def moment(when: datetime) -> str:
    """mrkdwn that each reader sees in their own time zone."""
    return f"<!date^{int(when.timestamp())}^{{date_short_pretty}} at {{time}}|{moment_in_utc(when)}>"


def moment_in_utc(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def percent(share: float) -> str:
    """Rounded down, so that 98.999 never reads as the 99 that was needed."""
    value = (Decimal(repr(share)) * 100).quantize(Decimal("0.01"), ROUND_DOWN).normalize()
    return f"{value:f} %"


def confidence(view: CardView) -> str:
    if view.confidence is None:
        return "confidence unknown"
    against = "enough for" if view.confident else "below"
    return f"{percent(view.confidence)} confident, {against} the {percent(view.threshold)} needed"


def risk(view: CardView) -> str:
    return f"{view.risk.value} risk"


def reason_sentence(reason: Reason) -> str:
    """One untrusted line: rules, checks and judges put their own words into it."""
    rule = reason.rule or "without a name"
    detail = f": {reason.detail}" if reason.detail else ""
    result = reason.result or "a higher level"
    sentences = {
        "risk.base": f"{reason.detail or 'This task'} is {reason.result or 'some'} risk by itself",
        "risk.rule": f"Rule {rule} makes the risk {result}{detail}",
        "rule.error": f"Rule {rule} could not be evaluated, so it counts{detail}",
        "confidence.below": f"The model is not sure enough{detail}",
        "confidence.missing": "The model did not say how sure it is",
        "irreversible": "The action cannot be undone",
        "check.failed": f"Check {rule} failed{detail}",
        "check.error": f"Check {rule} could not run{detail}",
        "autonomy": f"This task's autonomy level asks for a person{detail}",
        "provisional": f"Released as provisional{detail}",
        "sampled": f"Drawn at random for an audit{detail}",
        "judge.pending": "The judge model has not answered yet",
        "judge.passed": f"The judge model agrees{detail}",
        "judge.failed": f"The judge model disagrees{detail}",
        "judge.error": f"The judge model could not answer{detail}",
        "shadow": "A shadow run: nothing acts on it",
    }
    return one_line(sentences[reason.code])
