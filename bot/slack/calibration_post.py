"""What a channel is told of a calibration: the threshold or the refusal, what it would have changed, the trade-off."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from bot.calibrating.telling import sentence
from bot.reporting.words import numbered, percent, reviews, shown
from bot.slack.blocks import (
    Block,
    bold_line,
    bullets,
    context,
    header,
    line,
    plain,
    preformatted,
    rich_text,
    section,
    words,
)
from bot.slack.card import Message
from bot.slack.text import clip_line, escape
from routing.calibration import Calibration
from routing.matrix import PEOPLE_DECIDE
from routing.tradeoff import Row
from store.threshold_effect import ThresholdEffect

_NAME = 60
_MOST_CATEGORIES = 4
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationPost:
    """What is told. Names are untrusted, and hold nothing that the policy redacts.

    Attributes:
        model: "" where the app names none; with `confidence_source`, of what it is proven.
        found: what the labels say.
        categories: how many errors people put into which category.
        in_force: the task's threshold now.
        autonomy: the task's level now.
        effect: what the new threshold would have changed in the last month up to `now`; None: there is none, or no
            decisions.
        why_no_button: why nobody is asked to apply it, as a sentence; None: people are asked, or there is nothing to.
    """

    task_type: str
    model: str
    confidence_source: str
    found: Calibration
    categories: Mapping[str, int]
    in_force: float
    autonomy: int
    now: datetime
    effect: ThresholdEffect | None = None
    why_no_button: str | None = None


def render_calibration(post: CalibrationPost) -> Message:
    """Fits a telephone: no line of the table is longer than 34 characters."""
    title, gist = f"Calibration: {clip_line(post.task_type, 64)}", escape(_gist(post))
    blocks: list[Block] = [
        header("calibration.header", f"🎯 {title}"),
        section("calibration.gist", f"{'✅' if post.found.chosen else '✋'} {gist}"),
    ]
    if post.effect is not None and post.found.chosen is not None:
        days = max((post.now - post.effect.first) / _DAY, 1.0)
        changes = [*_effect(post, post.effect, post.found.chosen, days)]
        lead = f"In the last {numbered(round(days), 'day')} it would have meant"
        blocks.append(rich_text("calibration.effect", [bold_line(lead), bullets(changes)]))
    if post.found.table:
        blocks.append(rich_text("calibration.table", [line([words(_above_table(post))]), preformatted(_table(post))]))
    blocks.append(rich_text("calibration.facts", [bullets([*_facts(post)])]))
    if post.why_no_button is not None:
        blocks.append(context("calibration.no_button", [plain(post.why_no_button, 500)]))
    return Message(f"{escape(title)}. {gist}", blocks)


def _gist(post: CalibrationPost) -> str:
    told, threshold = sentence(post.found), post.found.threshold
    if threshold is None:
        still = ": what is as sure still runs alone" if post.autonomy > PEOPLE_DECIDE else ""
        return f"{told} In force stays {shown(post.in_force)}, which is not proven{still}."
    if threshold == post.in_force:
        return f"{told} It is in force already."
    return f"{told} So far it is {shown(post.in_force)}."


# What it would have changed -------------------------------------------------------------------------------------------


def _effect(post: CalibrationPost, effect: ThresholdEffect, row: Row, days: float) -> Iterator[str]:
    yield (
        f"{_share(effect.would, effect.decisions)} of {numbered(effect.decisions, 'decision')} alone, instead of "
        f"{_share(effect.alone, effect.decisions)}"
    )
    escapes, most = effect.would * row.error_rate, effect.would * row.error_upper_bound
    yield f"{_about(escapes)} wrong among those, at most {ceil(most):,}"
    yield reviews((effect.alone - effect.would) / days, "day")
    if post.autonomy <= PEOPLE_DECIDE:
        yield f"…with autonomy 3. It is {post.autonomy}, at which everything meets a person, whatever the threshold."


def _share(part: int, whole: int) -> str:
    return percent(part / whole)


def _about(number: float) -> str:
    return "0" if number == 0 else "fewer than 1" if number < 1 else f"about {number:,.0f}"


# The table and what it rests on ---------------------------------------------------------------------------------------

_ABOVE_TABLE = "What runs alone from each threshold on, and how much of that is wrong at most, each row taken by itself"


def _above_table(post: CalibrationPost) -> str:
    """A row may look better than the proven one: it was not tested, or a stricter one has failed."""
    proven = "None is proven" if post.found.chosen is None else "← alone is proven"
    return f"{_ABOVE_TABLE}. {proven}, ● is so far:"


def _table(post: CalibrationPost) -> str:
    lines = [f"{'from':<8}{'alone':>8}{'wrong':>8}{'at most':>8}"]
    for row in post.found.table:
        shares = (row.coverage, row.error_rate, row.error_upper_bound)
        mark = "←" if row == post.found.chosen else "●" if row.threshold == post.in_force else ""
        lines.append(f"{shown(row.threshold):<8}{''.join(f'{percent(each):>8}' for each in shares)} {mark}".rstrip())
    return "\n".join(lines)


def _facts(post: CalibrationPost) -> Iterator[str]:
    found = post.found
    most = sorted(post.categories.items(), key=lambda named: (-named[1], named[0]))[:_MOST_CATEGORIES]
    named = ", ".join(f"{clip_line(name, _NAME) if name else 'no category'} {number:,}" for name, number in most)
    model = clip_line(post.model, _NAME) if post.model else "the model without a name"
    yield f"Holds for {model} with confidence source {clip_line(post.confidence_source, _NAME)}, for nothing else"
    yield f"{numbered(found.labels, 'label')}, {found.wrong:,} wrong{f': {named}' if named else ''}"
    if found.reliability is not None:
        against = f"a perfect confidence stays below {found.reliability.ece_if_perfect_high:.3f}"
        yield f"Calibration error (ECE) {found.reliability.ece:.3f}; {against}. Brier {found.reliability.brier:.3f}"
    if found.look is not None:
        chance = f"errs with a probability of {percent(found.goal.delta)} at most"
        yield f"Look {found.look}: {chance}; all looks together stay within the policy's delta"
