"""What the channel is told of audits: each day's post, in whose thread the samples are, and each change of a state."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bot.slack import phrases
from bot.slack.blocks import Block, bullets, context, header, rich_text, section
from bot.slack.card import Message
from bot.slack.text import clip_line, escape

_NAME = 60
_WHAT_TO_DO = (
    "Open the thread: each card asks whether the model was right. *Fix* sends the app a correction, *Wrong* asks it to "
    "roll back; *Correct* tells it nothing."
)
_CHANGES = {
    "learn": "enough was looked at to audit a part of it from now on",
    "stable": "the error is proven to be below the {max_error} that the policy allows",
    "degraded": "the errors have risen",
    "suspended": "the error is proven to be above the {max_error} that the policy allows",
    "cold": "the policy's bound is another one, so the proof begins anew",
}
_RESUMED = "which is the past: the suspension is over, and the proof begins anew"


def render_audit(body: Mapping[str, Any], looked_at: Mapping[str, int]) -> Message:
    """`looked_at`: how many of a day's audits are closed, by the outcome of their decisions."""
    match body.get("what"):
        case "day":
            return _day(body, looked_at)
        case "rate":
            return _rate(body)
        case other:
            raise ValueError(f"no words for an audit post of {other!r}")


def share(value: float) -> str:
    """A share in percent with as many digits as it takes to be told from 0."""
    hundred = 100 * value
    return f"{hundred:.0f} %" if hundred >= 1 or hundred == 0 else f"{hundred:.2g} %"


# The day ----------------------------------------------------------------------------------------------------------


def _day(body: Mapping[str, Any], looked_at: Mapping[str, int]) -> Message:
    title = f"Audit of {phrases.date_in_words(date.fromisoformat(body['day']))}: {clip_line(str(body['task']), 64)}"
    drawn = f"{body['drawn']:,} of {body['eligible']:,} {_decisions(body['eligible'])} that ran alone"
    how_much = f"{drawn} ({share(body['drawn'] / body['eligible'])})"
    progress = _progress(int(body["drawn"]), looked_at)
    blocks: list[Block] = [
        header("audit.header", title),
        section("audit.drawn", f"🔎 *{drawn}* ({share(body['drawn'] / body['eligible'])}){_chances(body)}\n{progress}"),
        rich_text("audit.why", [bullets([_why(source) for source in body["sources"][:5]])]),
    ]
    if body["cohorts"]:
        blocks.append(rich_text("audit.cohorts", [bullets([_cohort(cohort) for cohort in body["cohorts"]])]))
    blocks.append(context("audit.what-to-do", [{"type": "mrkdwn", "text": _WHAT_TO_DO}]))
    return Message(text=f"{escape(title)}. {how_much}. {progress}", blocks=blocks)


def _decisions(count: int) -> str:
    return "decision" if count == 1 else "decisions"


def _chances(body: Mapping[str, Any]) -> str:
    """Each decision's chance is stored with it; here in so far as they differ."""
    least, most = share(body["least"]), share(body["most"])
    between = "" if least == most else f", each with a chance of {least} to {most}"
    is_full = body["drawn"] >= body["max_per_day"]
    return f"{between}, fitted to the policy's `max_per_day`" if is_full else between


def _progress(drawn: int, looked_at: Mapping[str, int]) -> str:
    closed = sum(looked_at.values())
    found = [
        f"{count} {words}"
        for outcome, words in (("edited", "fixed"), ("rejected", "wrong"))
        if (count := looked_at.get(outcome, 0))
    ]
    if closed and not found:
        found = ["all correct"]
    told = f" · {', '.join(found)}" if found else ""
    return f"{'✅' if closed >= drawn else '⏳'} Looked at so far: {closed} of {drawn}{told}"


def _why(source: Mapping[str, Any]) -> str:
    """One untrusted line: apps name their models."""
    name = f"{clip_line(str(source['model']), _NAME)}, " if source["model"] else ""
    counted = f"{source['drawn']:,} of {source['eligible']:,}"
    watched = "; watched, as people are asked more or less often than usual" if source.get("watched") else ""
    return f"{name}{source['route']}: {counted}. Rate {share(source['rate'])}: {_reason(source)}{watched}"


def _reason(source: Mapping[str, Any]) -> str:
    errors = f"{source['errors']:,} {'error' if source['errors'] == 1 else 'errors'} in {source['labels']:,} audits"
    bound = share(source["max_error"])
    match source["state"]:
        case "cold":
            return f"a new model is audited in full until {source['needed']:,} are looked at ({source['labels']:,} are)"
        case "learn":
            return f"{errors}, not yet proven to be below {bound}"
        case "stable":
            return f"proven to be below {bound}; since then {errors}"
        case "degraded":
            return f"the errors had risen; since then {errors}"
        case _:
            return f"proven to be above {bound}, so everything is audited"


def _cohort(cohort: Mapping[str, Any]) -> str:
    name = clip_line(str(cohort["name"]), _NAME) if cohort["name"] else "no cohort named"
    return f"{name}: {cohort['drawn']:,} of {cohort['eligible']:,}"


# A change of the rate ---------------------------------------------------------------------------------------------


def _rate(body: Mapping[str, Any]) -> Message:
    words = rate_words(body)
    return Message(text=words, blocks=[section("audit.rate", words)])


def rate_words(body: Mapping[str, Any]) -> str:
    """mrkdwn: how the rate of audits changes, and why."""
    words = f"{subject(body)}: audits {_move(body)}: {because(body)}."
    if body["after"] == "suspended":
        words += f" People decide first from now on. {whom(body)}: please look at what it gets wrong."
    mark = {"suspended": "🛑", "degraded": "⚠️", "cold": "🔄"}.get(body["after"], "📉")
    return f"{mark} {words}"


def subject(body: Mapping[str, Any]) -> str:
    """mrkdwn: the task, and the model where it has a name."""
    model = f" ({clip_line(str(body['model']), _NAME)})" if body["model"] else ""
    return f"*{escape(clip_line(str(body['task']), 64))}*{escape(model)}"


def _move(body: Mapping[str, Any]) -> str:
    before, after = share(body["rate_before"]), share(body["rate_after"])
    if before == after:
        return f"stay at {after}"
    back = "back " if body["after"] == "degraded" else ""
    return f"{back}{'up' if body['rate_after'] > body['rate_before'] else 'down'} from {before} to {after}"


def because(body: Mapping[str, Any]) -> str:
    """As: 31 errors in the last 120 audits, the errors have risen."""
    words = _RESUMED if body["before"] == "suspended" else _CHANGES[body["after"]]
    reason = words.format(max_error=share(body["max_error"]))
    errors = "1 error" if body["errors"] == 1 else f"{body['errors']:,} errors"
    return f"{errors} in the last {body['labels']:,} audits, {reason}"


def whom(body: Mapping[str, Any]) -> str:
    """mrkdwn that calls whom the policy names."""
    called = [phrases.mention(user) for user in list(body["users"])[:5]]
    if body["usergroup"]:
        called.append(f"<!subteam^{body['usergroup']}>")
    return " or ".join(called) or "Whoever answers for this task"
