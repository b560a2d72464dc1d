"""The statistics of a stretch of time: what `hitl stats` prints, and what a digest is made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from bot.answer import timestamp
from bot.reporting import words
from bot.reporting.days import Span
from routing.decision import Json
from routing.metrics import Facts, Groups, Metrics, by_cohort, by_task, metrics, standing, summed
from store.facts import FactStore, Window


@dataclass(frozen=True)
class Statistics:
    """The facts of the decisions that were created in `span`; of one task type where it is named. No slots: `whole`,
    which may be of thousands of groups, is summed once."""

    span: Span
    task_type: str | None
    groups: Groups

    @cached_property
    def whole(self) -> Facts:
        return summed(self.groups.values())


async def read_statistics(store: FactStore, span: Span, task_type: str | None = None) -> Statistics:
    """As they are known now: verdicts that come later change them."""
    return Statistics(span, task_type, await store.read(Window(span.since, span.until, task_type)))


def statistics_object(statistics: Statistics) -> dict[str, Json]:
    """The metrics by key, of all and of each task type and cohort, and what the digest tells beside them."""
    whole = statistics.whole
    return {
        "from": timestamp(statistics.span.since),
        "to": timestamp(statistics.span.until),
        "task_type": statistics.task_type,
        **metrics(whole),
        "error_categories": [
            {"category": name or None, "count": count}
            for name, count in sorted(whole.categories.items(), key=lambda item: (-item[1], item[0]))
        ],
        "disputes": whole.disputes,
        "by_task": {name: metrics(facts) for name, facts in by_task(statistics.groups).items()},
        "by_cohort": {name: metrics(facts) for name, facts in by_cohort(statistics.groups).items()},
    }


def statistics_text(statistics: Statistics, tz: ZoneInfo) -> str:
    """For a terminal: the metrics with their targets, then a line for each task type and cohort."""
    whole = statistics.whole
    of = "all task types" if statistics.task_type is None else f"task type {statistics.task_type}"
    begin, end = (at.astimezone(tz).strftime("%Y-%m-%d %H:%M") for at in (statistics.span.since, statistics.span.until))
    lines = [f"{begin} to {end} ({tz.key}), {of}: {words.numbered(whole.decisions, 'decision')}", ""]
    lines += _aligned([("", "", "n", "95 % interval", "target", ""), *_metric_lines(metrics(whole))])
    for title, parts in (("task type", by_task(statistics.groups)), ("cohort", by_cohort(statistics.groups))):
        if len(parts) > 1:
            heads = (title, "decisions", "to people", "errors", "wait, p95", "agreement")
            lines += ["", *_aligned([heads, *(_part_line(name, facts) for name, facts in parts.items())])]
    if whole.categories:
        named = sorted(whole.categories.items(), key=lambda item: (-item[1], item[0]))
        lines += ["", *_aligned([("errors", "n"), *((name or "(no category)", f"{n:,}") for name, n in named)])]
    return "\n".join(lines)


def _metric_lines(told: Metrics) -> Iterator[tuple[str, ...]]:
    for key, metric in told.items():
        stands = standing(key, metric)
        yield (
            words.NAMES[key],
            words.value(key, metric),
            f"{words.count(metric):,}",
            words.interval(metric) or words.beyond_chance(metric),
            words.target(key),
            "" if stands is None else words.STANDINGS[stands],
        )


_OF_PARTS = ("escalation_rate", "error_escape_rate", "review_latency", "reviewer_agreement")


def _part_line(name: str, facts: Facts) -> tuple[str, ...]:
    told = metrics(facts)
    return (name, f"{facts.decisions:,}", *(words.value(key, told[key]) for key in _OF_PARTS))


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """The first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
