"""What people said: verdicts with their reasons, edits beside what they changed, positions in a dispute."""

from bot.slack import standing
from bot.slack.blocks import Block, Element, bold_line, bullets, rich_text, section
from bot.slack.json_text import compact, pretty, same
from bot.slack.proposal import element
from bot.slack.text import clip_line
from bot.slack.view import CardView, OutcomeView
from routing.decision import Json

COMPARED = 20_000
"""Indented characters of an object whose members are compared one by one; a larger one is shown as it is."""
POSITIONS = 4
LINES = 10


def feedback(outcome: OutcomeView, limit: int, named_lines: int) -> list[Element]:
    """Category, severity, labels, reason and correct answer; `limit` in rendered characters for each of the texts."""
    named = [("Category", outcome.category), ("Severity", outcome.severity), *outcome.labels.items()]
    lines = [clip_line(f"{name}: {value}", 80) for name, value in named if value]
    elements: list[Element] = [bullets(lines[:named_lines])] if lines else []
    if outcome.reason:
        elements += [bold_line("Reason"), element(outcome.reason, limit, LINES)]
    if outcome.correct_answer is not None:
        elements += [bold_line("Correct answer"), element(outcome.correct_answer, limit, LINES)]
    return elements


def verdict(prefix: str, view: CardView) -> list[Block]:
    """What came with the verdict; who and when is among the facts."""
    elements = feedback(view.outcome, 500, 8) if view.outcome else []
    return [rich_text(f"{prefix}.verdict", elements)] if elements else []


def positions(prefix: str, view: CardView) -> list[Block]:
    """The votes that disagree: who, what and why."""
    blocks: list[Block] = []
    for number, position in enumerate(view.positions[:POSITIONS]):
        blocks.append(section(f"{prefix}.position-{number}", standing.decided(position)))
        elements = _position(view, position)
        if elements:
            blocks.append(rich_text(f"{prefix}.position-{number}-why", elements))
    if len(view.positions) > POSITIONS:
        blocks.append(section(f"{prefix}.positions", f"{len(view.positions) - POSITIONS} more: Details"))
    return blocks


def _position(view: CardView, position: OutcomeView) -> list[Element]:
    elements = feedback(position, 200, 2)
    if position.verdict == "edit":
        elements += [bold_line("The edit"), element(edit_shown(view, position.output), 200, LINES)]
    return elements


def edit_shown(view: CardView, edit: Json) -> Json:
    """The members that an edit changes, where that can be told of the model's output, else the whole edit."""
    if not view.shows_output:
        return edit
    before = view.output
    if isinstance(before, dict) and isinstance(edit, dict) and _can_be_compared(before) and _can_be_compared(edit):
        return changed_members(before, edit)
    return edit


def _can_be_compared(output: dict[str, Json]) -> bool:
    return len(pretty(output, COMPARED)) <= COMPARED


def changed_members(before: dict[str, Json], after: dict[str, Json]) -> str:
    """One line per member that an edit changed, added or removed."""
    lines = []
    for key in [*before, *(key for key in after if key not in before)]:
        if key in before and key in after and same(before[key], after[key]):
            continue
        old, new = _member(before, key), _member(after, key)
        change = f"{old} → {new}" if old != new else f"{old} (changed further on: Details)"
        lines.append(f"{clip_line(key, 200)}: {change}")
    return "\n".join(lines)


def _member(output: dict[str, Json], key: str) -> str:
    return clip_line(compact(output[key], 800), 200) if key in output else "(none)"
