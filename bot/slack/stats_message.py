"""What `/hitl-stats` shows: the overview in text that a telephone shows whole, or how to ask for it."""

from collections.abc import Iterable, Sequence

from bot.reporting import phone, words
from bot.reporting.hiding import Hiding
from bot.reporting.overview import Overview
from bot.slack.blocks import Block, bold_line, bullets, button, context, header, preformatted, rich_text, section
from bot.slack.card import Message
from bot.slack.text import clip_line, escape

COMMAND = "/hitl-stats"
CHART = "stats.chart"
WINDOWS = {"7d": "last 7 days", "30d": "last 30 days"}
_MOST_STANDING_OUT = 3
_MOST_TASKS = 30
_GUIDE = (
    f"`{COMMAND}` shows the last 7 days of all task types, and only you see it.\n"
    f"`{COMMAND} 30d` goes back further; `{COMMAND} refund` or `{COMMAND} refund 30d` is about one task type.\n"
    "*Send me the chart* brings it as a picture into your direct messages.\n"
    "*Fixes used*: corrections that an applied calibration has learnt from."
)


def render_overview(overview: Overview, hiding: Hiding, window: str, asked: str) -> Message:
    """`asked`: the words of the command that bring the same numbers, for the chart's button."""
    title = f"📊 Statistics, {WINDOWS[window]}"
    gist = escape(_gist(overview, hiding))
    blocks: list[Block] = [
        header("stats.header", title),
        section("stats.gist", gist),
        rich_text("stats.metrics", [preformatted("\n".join(phone.metric_lines(overview)))]),
        _part("queue", "Waiting now", phone.queue_lines(overview, hiding)),
    ]
    tasks = list(phone.task_lines(overview, hiding))
    if tasks:
        blocks.append(_part("tasks", "Audits, calibration, adjustments", tasks))
    blocks += _cohorts(overview, hiding)
    blocks.append(
        {"type": "actions", "block_id": "stats.actions", "elements": [button(CHART, "Send me the chart", asked)]}
    )
    blocks.append(context("stats.footer", [{"type": "mrkdwn", "text": _footer(overview)}]))
    return Message(f"{title}. {gist}", blocks)


def render_help(task_types: Sequence[str], hiding: Hiding, unknown: str | None = None) -> Message:
    """With the task types that there are, above all where a word of the command is none of them."""
    lead = "" if unknown is None else f"I do not know *{escape(clip_line(unknown, 60))}*. "
    shown = [hiding.of(name, name) for name in task_types[:_MOST_TASKS]]
    further = f" and {len(task_types) - _MOST_TASKS:,} more" if len(task_types) > _MOST_TASKS else ""
    names = f"{', '.join(f'`{escape(name)}`' for name in shown)}{further}" if shown else "none yet"
    told = f"{lead}{_GUIDE}\nTask types: {names}."
    return Message(told, [section("stats.help", told)])


def _part(name: str, title: str, lines: Iterable[str]) -> Block:
    return rich_text(f"stats.{name}", [bold_line(title), preformatted("\n".join(lines))])


def _gist(overview: Overview, hiding: Hiding) -> str:
    task_type, whole = overview.statistics.window.task_type, overview.statistics.whole
    of = "All task types" if task_type is None else hiding.of(task_type, task_type)
    if not whole.decisions:
        return f"{of}: no decisions."
    people = words.value("escalation_rate", overview.told["escalation_rate"])
    said = f"{of}: {words.numbered(whole.decisions, 'decision')}, {people} of them to people."
    judged = f"{words.numbered(whole.corrected, 'correction')} in {words.numbered(whole.judged, 'verdict')}."
    return f"{said} {judged}" if whole.judged else said


def _cohorts(overview: Overview, hiding: Hiding) -> list[Block]:
    found = overview.statistics.standing_out[:_MOST_STANDING_OUT]
    if not found:
        return []
    told = [clip_line(words.standing_out(hiding.cohort(each)), 300) for each in found]
    return [rich_text("stats.cohorts", [bold_line("Cohorts that stand out"), bullets(told)])]


def _footer(overview: Overview) -> str:
    trend = f"Trend: the last {words.numbered(len(overview.trend), overview.unit)}."
    spent = "" if overview.spent is None else f"{escape(words.cost(overview.spent))}. "
    return f"{spent}{trend} More: `{COMMAND} help`"
