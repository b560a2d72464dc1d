"""An overview as text for a terminal."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from bot.reporting import words
from bot.reporting.overview import Overview
from bot.reporting.phone import told, trend
from bot.reporting.statistics import Statistics, categories
from routing.metrics import Facts, headline, metrics, override_rate, standing
from store.facts import MOST_COHORTS, Window

_MOST_LINES = 20
_OF_PARTS = ("escalation_rate", "override_rate", "error_escape_rate", "review_latency", "reviewer_agreement")


def overview_text(overview: Overview) -> str:
    """The metrics with trend and targets, what waits, how far each task has come, a line for each task type and cohort,
    and what stands out."""
    statistics = overview.statistics
    whole = statistics.whole
    lines = [f"{stretch(statistics.window, overview.tz)}: {words.numbered(whole.decisions, 'decision')}", ""]
    by = f"by {overview.unit}" if overview.trend else ""
    lines += aligned([("", "", "n", "95 % interval", "target", "", by), *_metric_lines(overview)])
    if overview.spent is not None:
        lines += ["", words.cost(overview.spent)]
    lines += [*_queue(overview), *_tasks(overview), *_parts(statistics)]
    if statistics.standing_out:
        found = map(words.standing_out, statistics.standing_out[:_MOST_LINES])
        lines += ["", "cohorts that stand out", *(f"  {harmless(sentence)}" for sentence in found)]
    if whole.categories:
        rows = [(name or "(no category)", f"{n:,}") for name, n in categories(whole)]
        lines += ["", *aligned([("errors", "n"), *rows])]
    return "\n".join(lines)


def stretch(window: Window, tz: ZoneInfo) -> str:
    """Of which time and which tasks it is."""
    of = "all task types" if window.task_type is None else f"task type {window.task_type}"
    begin, end = (at.astimezone(tz).strftime("%Y-%m-%d %H:%M") for at in (window.since, window.until))
    return f"{begin} to {end} ({tz.key}), {of}"


def _metric_lines(overview: Overview) -> Iterator[tuple[str, ...]]:
    for key, metric in overview.told.items():
        stands = standing(key, metric)
        yield (
            words.NAMES[key],
            words.value(key, metric),
            f"{words.count(metric):,}",
            words.interval(metric) or words.beyond_chance(metric),
            words.target(key),
            "" if stands is None else words.STANDINGS[stands],
            "" if headline(metric) is None else trend(key, overview.trend),
        )


def _queue(overview: Overview) -> list[str]:
    if not overview.waiting:
        return ["", "nothing waits for people now"]
    rows = [
        (each.task_type, f"{each.count:,}", words.duration(round(each.oldest.total_seconds())))
        for each in overview.waiting[:_MOST_LINES]
    ]
    return ["", *aligned([("waits for people now", "n", "oldest"), *rows])]


def _tasks(overview: Overview) -> list[str]:
    rows = [f"  {each.task_type}: {'; '.join(told(each, overview.tz))}" for each in overview.tasks[:_MOST_LINES]]
    return ["", "audits, calibration, adjustments", *rows] if rows else []


def _parts(statistics: Statistics) -> Iterator[str]:
    tasks, cohorts = statistics.largest_tasks(_MOST_LINES), statistics.largest_cohorts(_MOST_LINES)
    for title, shown, count in (
        ("task type", tasks, len(statistics.by_task)),
        ("cohort", cohorts, len(statistics.sizes)),
    ):
        if count > 1:
            heads = (title, "decisions", "to people", "overridden", "errors", "wait, p95", "agreement")
            yield from ["", *aligned([heads, *(_part_line(name, facts) for name, facts in shown.items())])]
        if count > len(shown):
            others = f"{count - len(shown):,}" if count < MOST_COHORTS else "others"
            yield f"… and {others} with fewer decisions"


def _part_line(name: str, facts: Facts) -> tuple[str, ...]:
    shares = {**metrics(facts), "override_rate": override_rate(facts)}
    return (name, f"{facts.decisions:,}", *(words.value(key, shares[key]) for key in _OF_PARTS))


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The first column to the left, numbers to the right. What cells hold may come from apps: each is one line."""
    rows = [tuple(map(harmless, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def harmless(text: str) -> str:
    """Without what would start a line, command a terminal or turn its text around: names of cohorts are the apps'."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
