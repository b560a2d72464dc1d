"""Everything about one review, in full."""

from collections.abc import Iterator

from bot.slack import phrases
from bot.slack.blocks import section, web_address
from bot.slack.modal import Part, View, text_modal
from bot.slack.text import one_line
from bot.slack.view import CardView, OutcomeView


def details_modal(view: CardView) -> View:
    """What the card had to cut, and what it leaves to those who look closer; read only."""
    return text_modal("Details", [section("facts", _times(view))], _parts(view), callback_id="review.details")


def _times(view: CardView) -> str:
    lines = [f"{phrases.RISK_EMOJI[view.risk]} *{phrases.risk(view).capitalize()}* · {phrases.confidence(view)}"]
    lines.append(f"Posted {phrases.moment(view.created_at)}")
    if view.deadline:
        lines.append(f"Due {phrases.moment(view.deadline)}")
    if view.requested_by:
        lines.append(f"The model acts for {phrases.mention(view.requested_by)}")
    if view.outcome is not None:
        decided = f"by {phrases.mentions(view.outcome.decided_by)}, {phrases.moment(view.outcome.decided_at)}"
        lines.append(f"*{phrases.VERDICT_DONE[view.outcome.verdict]}* {decided}")
    return "\n".join(lines)


def _parts(view: CardView) -> Iterator[Part]:
    yield Part("Facts", _facts(view))
    if view.outcome is not None:
        yield from _outcome(view.outcome)
    if view.reasons:
        yield Part("Why you are asked", "\n".join(map(phrases.reason_sentence, view.reasons)))
    yield Part("Asked", view.input)
    yield Part("The model proposes", view.output)
    if view.context:
        yield Part("Context", dict(view.context))
    yield from _alternatives(view)
    yield from _sources(view)
    yield from _links(view)


def _facts(view: CardView) -> str:
    facts = {
        "app": view.app,
        "decision": view.decision_id,
        "task": view.task_type,
        "model": view.model,
        "confidence from": view.confidence_source,
        "route": view.route.value,
        "now": view.disposition.value,
        "about": view.subject,
        "new try of": view.retry_of,
    }
    return "\n".join(f"{name}: {one_line(value)}" for name, value in facts.items() if value)


def _outcome(outcome: OutcomeView) -> Iterator[Part]:
    named = [("category", outcome.category), ("severity", outcome.severity), *outcome.labels.items()]
    lines = [one_line(f"{name}: {value}") for name, value in named if value]
    if lines:
        yield Part("Verdict", "\n".join(lines))
    if outcome.reason:
        yield Part("Reason", outcome.reason)
    if outcome.verdict == "edit":
        yield Part("After the reviewer's edit", outcome.output)
    if outcome.correct_answer is not None:
        yield Part("Correct answer", outcome.correct_answer)


def _alternatives(view: CardView) -> Iterator[Part]:
    for number, alternative in enumerate(view.alternatives, 1):
        sure = f", {phrases.percent(alternative.confidence)} confident" if alternative.confidence is not None else ""
        model = f" by {alternative.model.name}" if alternative.model else ""
        yield Part(f"Alternative {number}{model}{sure}", alternative.output)


def _sources(view: CardView) -> Iterator[Part]:
    for source in view.sources:
        url = web_address(source.url) if source.url else None
        unlinked = [source.url] if source.url and url is None else []
        title = f"Source {source.id}: {source.title}" if source.title else f"Source {source.id}"
        yield Part(title, "\n".join([*unlinked, *([source.text] if source.text else [])]), url)


def _links(view: CardView) -> Iterator[Part]:
    for title, address in (("Trace", view.trace_url), ("Review guide", view.guideline)):
        if address:
            url = web_address(address)
            yield Part(title, "" if url else address, url)
