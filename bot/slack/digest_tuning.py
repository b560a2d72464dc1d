"""A digest's part on calibration and thresholds: a task's line begins with what is to be done, and has a link to it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from bot.reporting import words
from bot.slack.blocks import Block, Element, bold_line, bullet_list, rendered, rich_text
from bot.slack.blocks import words as text
from bot.slack.text import clip_line
from routing.certificate import FIRST_LOOK
from routing.digest import Digest
from routing.matrix import PEOPLE_DECIDE
from routing.tuning import Looked, OpenChange, PastChange, Tuning
from store.messages import Place

_NAME = 60
_ROOM = 1_800
"""Rendered characters: eight tasks of which little is to be told, two of which everything is."""


class _Said(NamedTuple):
    """A sentence without its end, and the message that it leads to."""

    words: str
    place: Place | None = None


def render_tunings(digest: Digest, links: Mapping[Place, str]) -> list[Block]:
    """Nothing where no task learns."""
    if not digest.tunings:
        return []
    items = [*_fitting([*_item(tuning, links)] for tuning in digest.tunings)]
    further = digest.further_tunings + len(digest.tunings) - len(items)
    if further:
        items.append([text(f"… and {words.numbered(further, 'further task')}: hitl stats")])
    return [rich_text("digest.tuning", [bold_line("Calibration and thresholds"), bullet_list(items)])]


def _fitting(items: Iterable[list[Element]]) -> Iterator[list[Element]]:
    """The first, and as many more as there is room for."""
    room = _ROOM
    for number, item in enumerate(items):
        room -= rendered(item)
        if number and room < 0:
            return
        yield item


def _item(tuning: Tuning, links: Mapping[Place, str]) -> Iterator[Element]:
    mark = _mark(tuning)
    if mark:
        yield text(f"{mark} ")
    yield text(clip_line(tuning.task_type, _NAME), bold=True)
    for number, said in enumerate(_told(tuning)):
        yield text(f"{'. ' if number else ': '}{said.words}")
        if said.place is not None and said.place in links:
            yield from (text(" "), {"type": "link", "url": links[said.place], "text": "card"})


def _mark(tuning: Tuning) -> str:
    """The words that follow say why."""
    if tuning.waiting:
        return "👉"
    is_unproven = tuning.looked is not None and tuning.looked.is_of_another_model
    return "⚠️" if tuning.is_stopped or tuning.is_unseen or is_unproven else ""


def _told(tuning: Tuning) -> Iterator[_Said]:
    looked = tuning.looked
    for each in tuning.waiting:
        yield _Said(_waiting(each, tuning), _place(each))
    for change in tuning.changes:
        yield _Said(_changed(change))
    if tuning.earlier_changes:
        yield _Said(f"Before that {words.numbered(tuning.earlier_changes, 'change')} in the week")
    if looked is None:
        yield _Said(_never(tuning.labels))
    elif looked.is_of_another_model or not any(_is_of(each, looked) for each in tuning.waiting):
        yield _Said(_look(looked, tuning))
    audits = [*_audits(tuning)]
    if audits:
        yield _Said(_sentence("; ".join(audits)))


def _sentence(clause: str) -> str:
    return clause[:1].upper() + clause[1:]


def _day(day: str) -> str:
    return words.day(date.fromisoformat(day))


# What waits -----------------------------------------------------------------------------------------------------------


def _waiting(change: OpenChange, tuning: Tuning) -> str:
    now = tuning.threshold if change.key == "threshold" else tuning.autonomy
    since, looked = f"waiting since {_day(change.day)}", tuning.looked
    if looked is not None and _is_of(change, looked):
        certified = f"certified from {words.shown(change.value)} (in force {words.shown(now)})"
        return f"{_sentence(certified)}: apply it{_effect(looked, tuning)}; {since}"
    value, before = (words.adjusted(change.key, each) for each in (change.value, now))
    return f"{_sentence(change.key)} {value} (now {before}): {since}"


def _is_of(change: OpenChange, looked: Looked) -> bool:
    return change.key == "threshold" and change.value == looked.threshold


def _place(change: OpenChange) -> Place | None:
    return None if change.channel is None or change.ts is None else Place(change.channel, change.ts)


def _effect(looked: Looked, tuning: Tuning) -> str:
    """As a clause behind a comma; empty where the week says nothing of it."""
    if looked.reviews is None:
        return ""
    level = PEOPLE_DECIDE + 1
    only = f" with autonomy {level} (it is {tuning.autonomy})" if tuning.autonomy < level else ""
    return f", {words.reviews(looked.reviews, 'week')}{only}"


# What labels have proven ----------------------------------------------------------------------------------------------


def _never(labels: int) -> str:
    told = f"Never calibrated: {words.numbered(labels, 'label')}"
    if labels < FIRST_LOOK:
        return f"{told}, the first look comes at {FIRST_LOOK}"
    return f"{told}; the first look, on the first of a month, takes {FIRST_LOOK} on what may run alone"


def _look(looked: Looked, tuning: Tuning) -> str:
    at, in_force = f"on {_day(looked.day)}", f"in force {words.shown(tuning.threshold)}"
    if looked.threshold is None:
        return f"Calibration refused {at} ({in_force}): {looked.refusal}"
    certified, applied = f"Certified from {words.shown(looked.threshold)} {at}", looked.threshold == tuning.threshold
    if looked.is_of_another_model:
        model = clip_line(looked.model, _NAME) if looked.model else "the model without a name"
        which = f"which made {words.percent(looked.share or 0.0)} of the week's decisions"
        return f"{certified} ({in_force}), but only for {model}, {which}"
    return f"{certified}, in force" if applied else f"{certified}, not applied ({in_force}){_effect(looked, tuning)}"


# What has changed, and what watches over it ---------------------------------------------------------------------------


_CHANGES = {
    "paused": "Paused on {day}",
    "breach": "More errors than allowed proven on {day}",
    "undone": "{named} undone on {day}",
    "pause_ended": "Pause ended on {day}",
    "breach_ended": "Autonomy given back on {day}",
    "ended": "{named} overruled by the policy file on {day}",
}


def _changed(change: PastChange) -> str:
    if change.what == "applied":
        return _applied(change)
    told = _CHANGES[change.what].format(named=_named(change), day=_day(change.day))
    return f"{told}: everything goes to people" if change.lasts else told


def _applied(change: PastChange) -> str:
    before = "" if change.before is None else f", {words.adjusted(change.key, change.before)} before"
    done = f"{_named(change)} applied"
    if change.key == "autonomy" and change.before is not None:
        done = f"{'Promoted' if change.value > change.before else 'Lowered'} to {change.key} {change.value:g}"
    return f"{done} on {_day(change.day)}{before}"


def _named(change: PastChange) -> str:
    return f"{_sentence(change.key)} {words.adjusted(change.key, change.value)}"


def _audits(tuning: Tuning) -> Iterator[str]:
    if tuning.is_unseen:
        yield words.UNSEEN
        return
    if tuning.maturity is not None and tuning.audit_rate is not None:
        yield words.audited(tuning.maturity, tuning.audit_rate)
    if tuning.tripling_days is not None:
        yield words.tripling(tuning.tripling_days)
