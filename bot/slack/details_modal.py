"""Everything about one review, in full."""

from collections.abc import Iterator

from bot.slack import evidence, phrases, standing
from bot.slack.blocks import section, web_address
from bot.slack.modal import Part, View, text_modal
from bot.slack.text import clip_line, one_line
from bot.slack.view import CardView, EarlierView, OutcomeView


def details_modal(view: CardView) -> View:
    """What the card had to cut, and what it leaves to those who look closer; read only."""
    return text_modal("Details", [section("facts", _times(view))], _parts(view), callback_id="review.details")


def _times(view: CardView) -> str:
    lines = [standing.facts(view)]
    if not view.waits or view.overdue:
        lines.append(f"Posted {phrases.moment(view.created_at)}")
    if not view.waits and view.deadline:
        lines.append(f"Was due {phrases.moment(view.deadline)}")
    if view.requested_by:
        lines.append(f"The model acts for {phrases.mention(view.requested_by)}")
    return "\n".join(lines)


def _parts(view: CardView) -> Iterator[Part]:
    yield Part("Facts", _facts(view))
    if view.outcome is not None:
        yield from _said("Verdict", view.outcome)
    if view.former is not None:
        yield from _said("Before it was changed", view.former, lead=standing.decided(view.former))
    for number, position in enumerate(view.positions, 1):
        yield from _said(f"Position {number}", position, lead=standing.decided(position))
    reasons = phrases.reasons_told(view)
    if reasons:
        yield Part(phrases.why(view), "\n".join(map(phrases.reason_sentence, reasons)))
    yield Part("Asked", view.input)
    if view.waits and view.proposal is not None:
        yield Part("The reviewer's edit", view.proposal.output)
    if view.shows_output:
        yield from _output(view)
    if view.context:
        yield Part("Context", dict(view.context))
    yield from _sources(view)
    yield from _earlier(view)
    yield from _links(view)


def _facts(view: CardView) -> str:
    facts = {
        "app": view.app,
        "decision": view.decision_id,
        "task": view.task_type,
        "model": view.model,
        "confidence from": view.confidence_source,
        "about": view.subject,
        "new try of": view.retry_of,
    }
    if view.shows_confidence:
        facts["route"] = view.route.value  # the risk and the route together tell whether the model is sure
    if not view.is_blind:
        facts["now"] = view.disposition.value
    return "\n".join(f"{name}: {one_line(value)}" for name, value in facts.items() if value)


def _said(title: str, outcome: OutcomeView, lead: str = "") -> Iterator[Part]:
    named = [("category", outcome.category), ("severity", outcome.severity), *outcome.labels.items()]
    lines = [one_line(f"{name}: {value}") for name, value in named if value]
    if lines or lead:
        yield Part(title, "\n".join(lines), lead=lead)
    if outcome.reason:
        yield Part("Reason", outcome.reason)
    if outcome.verdict == "edit":
        yield Part("After the reviewer's edit", outcome.output)
    if outcome.correct_answer is not None:
        yield Part("Correct answer", outcome.correct_answer)


def _output(view: CardView) -> Iterator[Part]:
    yield Part("The model proposes", view.output)
    if view.spans and isinstance(view.output, str):
        yield Part("Where the model is unsure", "\n".join(_spans(view, view.output)))
    for number, alternative in enumerate(view.alternatives, 1):
        sure = f", {phrases.percent(alternative.confidence)} confident" if alternative.confidence is not None else ""
        model = f" by {alternative.model.name}" if alternative.model else ""
        yield Part(f"Alternative {number}{model}{sure if view.shows_confidence else ''}", alternative.output)


def _spans(view: CardView, output: str) -> Iterator[str]:
    """One line each; a thousand spans may each be a megabyte long."""
    for span in view.spans:
        told = view.shows_confidence and span.confidence is not None
        sure = f" ({phrases.percent(span.confidence or 0)})" if told else ""
        words = output[span.start : min(span.end, span.start + 1_000)]
        yield f"{clip_line(words, 200)}{sure}"


def _sources(view: CardView) -> Iterator[Part]:
    for source in view.sources:
        url = web_address(source.url) if source.url else None
        unlinked = [source.url] if source.url and url is None else []
        title = f"Source {source.id}: {source.title}" if source.title else f"Source {source.id}"
        yield Part(title, "\n".join([*unlinked, *([source.text] if source.text else [])]), url)


def _earlier(view: CardView) -> Iterator[Part]:
    for number, each in enumerate(view.earlier, 1):
        named = "\n".join(one_line(words) for words in (each.task_type, each.category) if words)
        why = f"{named}\n{each.reason}" if each.reason else named
        yield Part(f"{evidence.about(view)} ({number} of {len(view.earlier)})", why, lead=_earlier_lead(each))


def _earlier_lead(earlier: EarlierView) -> str:
    done = f"{phrases.VERDICT_EMOJI[earlier.verdict]} *{phrases.VERDICT_DONE[earlier.verdict]}*"
    who = f" by {phrases.mentions(earlier.decided_by)}" if earlier.decided_by else ""
    return f"{done}{who}, {phrases.moment(earlier.decided_at)}"


def _links(view: CardView) -> Iterator[Part]:
    trace = view.trace_url if view.shows_output else None  # it leads to what the model wrote
    for title, address in (("Trace", trace), ("Review guide", view.guideline)):
        if address:
            url = web_address(address)
            yield Part(title, "" if url else address, url)
