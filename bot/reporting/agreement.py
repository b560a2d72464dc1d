"""How far people agree with each other and, apart from that, with the model: by task, category and reviewer."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.answer import timestamp
from routing.agreement import Agreement, Share, Whose, agreement, whose_doing
from routing.decision import Json
from routing.metrics import CORRECTIONS, between_reviewers
from store.agreement import AgreementStore, OnModel, TwoOpinions
from store.facts import Window

_EXAMPLES = 5

Pairs = Counter[tuple[str, str]]
"""Verdicts of one person and of another on the same item."""


@dataclass(slots=True)
class Part:
    """What was said of a task, by a reviewer (whose verdicts come first in `pairs`), or in all.

    Attributes:
        approved, judged: final verdicts, second opinions apart.
        examples: ids of decisions that show what `whose` says.
    """

    pairs: Pairs = field(default_factory=Counter)
    approved: int = 0
    judged: int = 0
    examples: tuple[str, ...] = ()

    @property
    def with_model(self) -> Share:
        return Share(self.approved, self.judged)

    @property
    def between(self) -> Agreement:
        return agreement(self.pairs)

    @property
    def whose(self) -> Whose | None:
        return whose_doing(self.with_model, self.between.same)


@dataclass(frozen=True, slots=True)
class NamedCategory:
    """Of the items of which one of two people named it, how many both did; and how much of all verdicts it explains."""

    both: Share
    of_verdicts: Share


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """`raters`: two people's verdicts on the same items, by their ids in order."""

    window: Window
    whole: Part
    tasks: Mapping[str, Part]
    categories: Mapping[str, NamedCategory]
    reviewers: Mapping[str, Part]
    raters: Mapping[tuple[str, str], Pairs]


async def read_agreement(store: AgreementStore, window: Window) -> AgreementReport:
    """Of the window's decisions, as it is known now."""
    report = reckoned(window, await store.two_opinions(window), await store.on_model(window))
    for task_type, part in report.tasks.items():
        if (whose := part.whose) is not None and whose != "unknown":
            shown = await store.showing(whose, replace(window, task_type=task_type), _EXAMPLES)
            part.examples = tuple(each.decision_id for each in shown)
    return report


def reckoned(window: Window, two: Sequence[TwoOpinions], one: Sequence[OnModel]) -> AgreementReport:
    """Without examples."""
    whole, tasks, reviewers = Part(), defaultdict[str, Part](Part), defaultdict[str, Part](Part)
    raters: defaultdict[tuple[str, str], Pairs] = defaultdict(Counter)
    for each in two:
        first, second = each.first, each.second
        for part in (whole, tasks[each.task_type], reviewers[first.user_id]):
            part.pairs[first.verdict, second.verdict] += each.count
        reviewers[second.user_id].pairs[second.verdict, first.verdict] += each.count
        low, high = sorted((first, second), key=lambda said: said.user_id)
        raters[low.user_id, high.user_id][low.verdict, high.verdict] += each.count
    for final in one:
        for part in (whole, tasks[final.task_type], reviewers[final.said.user_id]):
            part.judged += final.count
            part.approved += 0 if final.said.verdict in CORRECTIONS else final.count
    named = _categories(two, one, whole.judged)
    return AgreementReport(
        window, whole, dict(sorted(tasks.items())), named, dict(sorted(reviewers.items())), dict(sorted(raters.items()))
    )


def _categories(two: Sequence[TwoOpinions], one: Sequence[OnModel], judged: int) -> dict[str, NamedCategory]:
    both, either, reasons = Counter[str](), Counter[str](), Counter[str]()
    for each in two:
        names = {each.first.category, each.second.category}
        for name in names - {None}:
            either[str(name)] += each.count
            both[str(name)] += each.count if len(names) == 1 else 0
    for final in one:
        if final.said.category is not None:
            reasons[final.said.category] += final.count
    return {
        name: NamedCategory(Share(both[name], either[name]), Share(reasons[name], judged))
        for name in sorted({*either, *reasons})
    }


# As JSON --------------------------------------------------------------------------------------------------------------


def agreement_object(report: AgreementReport) -> dict[str, Json]:
    window = report.window
    return {
        "from": timestamp(window.since),
        "to": timestamp(window.until),
        "task_type": window.task_type,
        **_part_object(report.whole),
        "by_task": {
            name: {**_part_object(part), "examples": list(part.examples)} for name, part in report.tasks.items()
        },
        "by_category": {
            name: {"both": _share_object(found.both), "of_verdicts": _share_object(found.of_verdicts)}
            for name, found in report.categories.items()
        },
        "by_reviewer": {name: _part_object(part) for name, part in report.reviewers.items()},
        "by_pair": [{"reviewers": list(people), **between_reviewers(pairs)} for people, pairs in report.raters.items()],
    }


def _part_object(part: Part) -> dict[str, Json]:
    return {
        "between_reviewers": between_reviewers(part.pairs),
        "with_model": _share_object(part.with_model),
        "diagnosis": part.whose,
    }


def _share_object(share: Share) -> dict[str, Json]:
    low, high = share.interval or (None, None)
    return {"value": share.value, "numerator": share.part, "denominator": share.whole, "low": low, "high": high}
