"""What helps to decide, in few words: why a person is asked, what the output rests on, what was decided before.

Shown while the review waits; all of it in full is in Details.
"""

from collections import Counter

from bot.slack import phrases
from bot.slack.blocks import Block, Element, bold_line, bullet_list, bullets, line, link, rich_text, web_address, words
from bot.slack.text import clip, clip_line
from bot.slack.view import CardView, EarlierView
from routing.decision import Source

REASONS = 6
SOURCES = 3
PASSAGE = 150
LINK = 200
"""A longer address would be more to look at than the passage."""


def reasons(prefix: str, view: CardView) -> list[Block]:
    found = phrases.reasons_to_ask(view)
    if not found:
        return []
    lines = [clip(reason, 150) for reason in found[:REASONS]]
    if len(found) > REASONS:
        lines.append(f"{len(found) - REASONS} more: Details")
    return [rich_text(f"{prefix}.reasons", [bold_line(phrases.why(view)), bullets(lines)])]


def sources(prefix: str, view: CardView) -> list[Block]:
    if not view.sources:
        return []
    items = [_source(source) for source in view.sources[:SOURCES]]
    if len(view.sources) > SOURCES:
        items.append([words(f"{len(view.sources) - SOURCES} more: Details")])
    return [rich_text(f"{prefix}.sources", [bold_line("Sources"), bullet_list(items)])]


def _source(source: Source) -> list[Element]:
    parts = [words(clip_line(source.title or source.id, 100), bold=True)]
    if source.text:
        parts.append(words(f": {clip_line(source.text, PASSAGE)}"))
    url = web_address(source.url) if source.url and len(source.url) <= LINK else None
    return [*parts, words(" "), link(url)] if url else parts


def earlier(prefix: str, view: CardView) -> list[Block]:
    """One line: how often what was decided about the same subject, and the latest of it."""
    if not view.earlier:
        return []
    counted = Counter(each.verdict for each in view.earlier)
    verdicts = [verdict for verdict in phrases.VERDICT_DONE if counted[verdict]]
    counts = ", ".join(f"{counted[verdict]} {phrases.VERDICT_DONE[verdict].lower()}" for verdict in verdicts)
    title = words(f"{about(view)}: ", bold=True)
    return [rich_text(f"{prefix}.earlier", [line([title, words(f"{counts}. {_last(view.earlier[0])}")])])]


def about(view: CardView) -> str:
    return f"Earlier about {clip_line(view.subject or 'the same', 60)}"


def _last(last: EarlierView) -> str:
    why = ": ".join(clip_line(words, 100) for words in (last.category, last.reason) if words)
    what = f"Last: {phrases.VERDICT_DONE[last.verdict]} {phrases.day(last.decided_at)}"
    return f"{what} ({clip_line(last.task_type, 64)}){f': {why}' if why else ''}"
