"""Where a review stands, in a few lines of mrkdwn: our own words, times and mentions only."""

from collections.abc import Mapping

from bot.slack import phrases
from bot.slack.view import CardView, OutcomeView, VerdictWord
from routing.decision import Disposition, ReviewKind


def facts(view: CardView) -> str:
    """What has to be known before deciding: how much is at stake, until when, who else is at it; or how it ended."""
    if not view.waits:
        return "\n".join([*how_it_ended(view), risk(view)])
    return "\n".join([risk(view), _waiting(view), *_kind(view), *_votes(view), *_claim(view)])


def risk(view: CardView) -> str:
    return f"{phrases.RISK_EMOJI[view.risk]} *{phrases.risk(view).capitalize()}* · {phrases.confidence(view)}"


def decided(outcome: OutcomeView, words: Mapping[VerdictWord, str] = phrases.VERDICT_DONE) -> str:
    """Who said what and when."""
    done = f"{phrases.VERDICT_EMOJI[outcome.verdict]} *{words[outcome.verdict]}*"
    at = phrases.moment(outcome.decided_at)
    if outcome.adjudicated:
        return f"{done}, settled by adjudicator {phrases.mention(outcome.decided_by[-1])}, {at}"
    return f"{done} by {phrases.mentions(outcome.decided_by)}, {at}"


def _waiting(view: CardView) -> str:
    if view.is_audit:
        return f"🔎 Ran alone {phrases.moment(view.created_at)}; nobody waits for this. *Was it right?*"
    if view.overdue and view.deadline:
        still = "; the app still waits" if _app_waits(view) else ""
        return f"⏰ *Overdue* since {phrases.moment(view.deadline)}{still}."
    since = f"⏳ Waiting since {phrases.moment(view.created_at)}"
    due = f" · due {phrases.moment(view.deadline)}" if view.deadline else ""
    app = " · The app waits." if _app_waits(view) else ""
    return f"{since}{due}{app}"


def _app_waits(view: CardView) -> bool:
    return view.disposition is Disposition.WAIT and not view.is_blind


def _kind(view: CardView) -> list[str]:
    if view.is_blind:
        return ["🔎 *Second opinion:* what others said about it stays hidden."]
    lines = []
    if view.disposition is Disposition.EXECUTE_PROVISIONAL or view.kind is ReviewKind.PROVISIONAL:
        lines.append("📤 *Provisional:* the app acts on it already, marked as open to revision.")
    if view.asks_for_answer:
        lines.append("✍️ *Write the answer yourself:* the model's is shown afterwards.")
    elif view.is_draft and view.proposal is None:
        lines.append("📝 *Draft:* put it right, or use it as it is.")
    return lines


def _votes(view: CardView) -> list[str]:
    lines = []
    if view.state == "disputed":
        lines.append("⚖️ *Opinions differ:* an adjudicator has to settle it.")
    elif view.needed > 1:
        lines.append(f"👥 {progress(view)}")
    if view.proposal is not None:
        lines.append(f"✏️ Edited by {phrases.mention(view.proposal.edited_by)}: approving it agrees to the edit.")
    return lines


def progress(view: CardView) -> str:
    """How many have to agree and how many have voted, never who and what."""
    return f"{view.needed} people have to agree · {_voted(view.votes)}"


def _voted(votes: int) -> str:
    return {0: "nobody has voted yet", 1: "1 has voted"}.get(votes, f"{votes} have voted")


def _claim(view: CardView) -> list[str]:
    if view.claim is None:
        return []
    return [f"👋 {phrases.mention(view.claim.user_id)} is on it since {phrases.moment(view.claim.since)}"]


def how_it_ended(view: CardView) -> list[str]:
    if view.outcome is None:
        if view.state == "cancelled":
            return ["🚫 *Withdrawn* by the app: there is nothing left to decide."]
        return [f"⌛ *Timed out:* nobody decided in time. {phrases.WHAT_THE_APP_DOES[view.disposition]}"]
    lines = [decided(view.outcome, phrases.done(view))]
    if view.state == "held" and view.released_at:
        until = phrases.moment(view.released_at)
        lines.append(f"⏸️ *Held* until {until}: *Undo* takes it back; then the app is told.")
    if view.former is not None:
        lines.append(_changed(view.outcome, view.former, phrases.done(view)))
    return lines


def _changed(outcome: OutcomeView, former: OutcomeView, words: Mapping[VerdictWord, str]) -> str:
    was = f"{words[former.verdict].lower()} by {phrases.mentions(former.decided_by)}"
    return f"🔁 Changed by {phrases.mentions(outcome.decided_by)}; before: {was}"
