"""A draft of the policy tried on stored decisions, and what is told of it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

from pydantic import ValidationError

from bot.answer import timestamp
from bot.reporting.statistics import Prices
from bot.reporting.terminal import aligned
from bot.reporting.words import cost as cost_of
from bot.reporting.words import numbered, percent
from routing.decision import DecisionRequest, Json
from routing.estimates import EscapeRate
from routing.money import Money
from routing.policy import Policy
from routing.simulation import Cell, Made, Side, Simulation
from store.facts import Window
from store.replay import ReplayStore

_MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class Tried:
    """A simulation with the time it is about, and what things cost by the draft; None: it does not say."""

    simulation: Simulation
    window: Window
    prices: Prices | None

    @property
    def days(self) -> float:
        return (self.window.until - self.window.since).total_seconds() / 86_400

    def money(self, side: Side) -> Money | None:
        return None if self.prices is None else side.money(self.prices.cost, self.prices.minutes_each)


async def simulated(store: ReplayStore, draft: Policy, window: Window, progress: Callable[[int], None]) -> Simulation:
    """Tries the draft on all decisions of the window; `progress` is told of each."""
    simulation = Simulation(draft)
    async for stored in store.decisions(window):
        request = _request(stored.request)
        if request is None:
            simulation.lost += 1
        else:
            simulation.replay(Made(stored.id, request, stored.cell, stored.reviewed, stored.judgement))
        progress(1)
    return simulation


def _request(body: str | None) -> DecisionRequest | None:
    """None: retention has removed it, or another version took it in and this one would not."""
    if body is None:
        return None
    try:
        return DecisionRequest.model_validate_json(body)
    except ValidationError:
        return None


def simulation_object(tried: Tried) -> dict[str, Json]:
    """As `hitl policy simulate --json` prints it; the errors are those of the whole time."""
    simulation = tried.simulation
    return {
        "from": timestamp(tried.window.since),
        "to": timestamp(tried.window.until),
        "policy_version": simulation.draft.version,
        "replayed": simulation.replayed,
        "not_replayable": simulation.lost,
        "changed": simulation.changed,
        "cells": [
            {
                "task_type": change.task_type,
                "from": asdict(change.before),
                "to": asdict(change.after),
                "decisions": number,
                "examples": simulation.examples.get(change, []),
            }
            for change, number in simulation.changes.most_common()
        ],
        "before": _side_object(tried, simulation.before),
        "after": _side_object(tried, simulation.after),
        "extra_reviews_per_day": (simulation.after.reviewed - simulation.before.reviewed) / tried.days,
    }


def _side_object(tried: Tried, side: Side) -> dict[str, Json]:
    rate = side.escape_rate
    return {
        "reviewed": side.reviewed,
        "reviews_per_day": side.reviewed / tried.days,
        "alone": side.alone,
        "error_escape_rate": asdict(rate),
        "escapes": {name: _times(side.alone, getattr(rate, name)) for name in ("value", "low", "high")},
        "cost": None if (money := tried.money(side)) is None else asdict(money),
    }


def _times(number: int, share: float | None) -> float | None:
    return None if share is None else number * share


def simulation_text(tried: Tried) -> str:
    """For a terminal: what goes another way, with examples, then what comes of it, before and after."""
    simulation = tried.simulation
    begin, end = (f"{at:%Y-%m-%d %H:%M}" for at in (tried.window.since, tried.window.until))
    tried_on = numbered(simulation.replayed, "decision")
    lines = [f"{begin} to {end} (UTC): {tried_on}, {simulation.changed:,} would go another way"]
    if simulation.lost:
        lines.append(f"{simulation.lost:,} more cannot be tried: their content is no longer kept.")
    if simulation.replayed == 0:
        return "\n".join(lines)
    if simulation.changed:
        lines += ["", *_change_lines(simulation)]
    return "\n".join([*lines, "", *_side_lines(tried), *_cost_lines(tried)])


def _change_lines(simulation: Simulation) -> list[str]:
    changes = [(change, n) for change, n in simulation.changes.most_common() if change.before != change.after]
    rows = [
        (change.task_type, _cell(change.before), "→", _cell(change.after), f"{number:,}")
        for change, number in changes[:_MOST_CHANGES]
    ]
    table = aligned([("task type", "was", "", "would be", "decisions"), *rows])
    examples = [f"    such as {', '.join(simulation.examples[change])}" for change, _ in changes[:_MOST_CHANGES]]
    lines = [table[0], *(line for pair in zip(table[1:], examples, strict=True) for line in pair)]
    more = len(changes) - _MOST_CHANGES
    return [*lines, f"and {more:,} more kinds of change"] if more > 0 else lines


def _cell(cell: Cell) -> str:
    return f"{cell.route} at {cell.risk}"


def _side_lines(tried: Tried) -> list[str]:
    names = ("", "reviews a day", "run alone", "errors among these", "that is about", "of these, judged")
    was, would_be = (_side(tried, side) for side in (tried.simulation.before, tried.simulation.after))
    return aligned(list(zip(names, ("was", *was), ("would be", *would_be), strict=True)))


def _side(tried: Tried, side: Side) -> tuple[str, ...]:
    rate = side.escape_rate
    return f"{side.reviewed / tried.days:,.1f}", f"{side.alone:,}", _rate(rate), _errors(side), f"{rate.n:,}"


def _rate(rate: EscapeRate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return "not known"
    return f"{percent(rate.value)} ({percent(rate.low)} to {percent(rate.high)})"


def _errors(side: Side) -> str:
    value, low, high = (_times(side.alone, getattr(side.escape_rate, name)) for name in ("value", "low", "high"))
    return "not known" if value is None else f"{value:,.1f} ({low:,.1f} to {high:,.1f})"


def _cost_lines(tried: Tried) -> Iterator[str]:
    for name, side in (("was", tried.simulation.before), ("would be", tried.simulation.after)):
        if (money := tried.money(side)) is not None:
            yield f"{name:8}  {cost_of(money)}"
