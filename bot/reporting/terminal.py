"""Statistics as text for a terminal."""

from collections.abc import Iterator, Sequence
from zoneinfo import ZoneInfo

from bot.reporting import words
from bot.reporting.statistics import Prices, Statistics, categories, largest
from routing.metrics import Facts, Metrics, by_cohort, by_task, metrics, override_rate, standing
from store.facts import Window

_MOST_LINES = 20
_OF_PARTS = ("escalation_rate", "override_rate", "error_escape_rate", "review_latency", "reviewer_agreement")


def statistics_text(statistics: Statistics, tz: ZoneInfo, prices: Prices | None = None) -> str:
    """The metrics with their targets, then a line for each task type and cohort, and what stands out."""
    whole = statistics.whole
    lines = [f"{stretch(statistics.window, tz)}: {words.numbered(whole.decisions, 'decision')}", ""]
    lines += aligned([("", "", "n", "95 % interval", "target", ""), *_metric_lines(metrics(whole))])
    if prices is not None:
        lines += ["", words.cost(prices.of(whole))]
    for title, parts in (("task type", by_task(statistics.groups)), ("cohort", by_cohort(statistics.groups))):
        if len(parts) > 1:
            heads = (title, "decisions", "to people", "overridden", "errors", "wait, p95", "agreement")
            shown = largest(parts, _MOST_LINES)
            lines += ["", *aligned([heads, *(_part_line(name, facts) for name, facts in shown.items())])]
            if len(parts) > len(shown):
                lines.append(f"… and {len(parts) - len(shown):,} with fewer decisions")
    if statistics.standing_out:
        told = map(words.standing_out, statistics.standing_out[:_MOST_LINES])
        lines += ["", "cohorts that stand out", *(f"  {sentence}" for sentence in told)]
    if whole.categories:
        rows = [(name or "(no category)", f"{n:,}") for name, n in categories(whole)]
        lines += ["", *aligned([("errors", "n"), *rows])]
    return "\n".join(lines)


def stretch(window: Window, tz: ZoneInfo) -> str:
    """Of which time and which tasks it is."""
    of = "all task types" if window.task_type is None else f"task type {window.task_type}"
    begin, end = (at.astimezone(tz).strftime("%Y-%m-%d %H:%M") for at in (window.since, window.until))
    return f"{begin} to {end} ({tz.key}), {of}"


def _metric_lines(told: Metrics) -> Iterator[tuple[str, ...]]:
    for key, metric in told.items():
        stands = standing(key, metric)
        yield (
            words.NAMES[key],
            words.value(key, metric),
            f"{words.count(metric):,}",
            words.interval(metric),
            words.target(key),
            words.beyond_chance(metric) if stands is None else words.STANDINGS[stands],
        )


def _part_line(name: str, facts: Facts) -> tuple[str, ...]:
    told = {**metrics(facts), "override_rate": override_rate(facts)}
    return (name, f"{facts.decisions:,}", *(words.value(key, told[key]) for key in _OF_PARTS))


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
