"""Agreement as text for a terminal."""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from bot.reporting import words
from bot.reporting.agreement import AgreementReport, NamedCategory, Part
from bot.reporting.terminal import aligned, stretch
from routing.agreement import LEAST_COMPARED, Agreement, Share, Whose, agreement

_WHOSE: Mapping[Whose, str] = {
    "model": "it seems to be the model: people agree with each other",
    "guideline": "the guideline seems to be unclear: people do not agree with each other",
    "both": "it seems to be the model, which people agree with less than with each other; the guideline is unclear too",
    "unknown": f"fewer than {LEAST_COMPARED} items had a second opinion, so nobody can tell whether it is the model",
}


def agreement_text(report: AgreementReport, tz: ZoneInfo) -> str:
    """Each table tells of people beside each other, and apart from that of people beside the model."""
    heads = (
        "",
        "items",
        "agree",
        "95 % interval",
        "AC1",
        "alpha",
        "kappa",
        "",
        "verdicts",
        "as model",
        "95 % interval",
    )
    lines = [f"{stretch(report.window, tz)}: people with each other, and with the model", ""]
    parts = {"all": report.whole, **report.tasks}
    lines += aligned([heads, *(_part_line(name, part) for name, part in parts.items())])
    told = [f"{name}: {_diagnosis(whose, part)}" for name, part in report.tasks.items() if (whose := part.whose)]
    lines += ["", *told] if told else []
    if report.categories:
        rows = [_category_line(name, found) for name, found in report.categories.items()]
        lines += ["", *aligned([("category", "of verdicts", "named by one", "by both", "95 % interval"), *rows])]
    if report.reviewers:
        lines += ["", *aligned([("reviewer", *heads[1:]), *(_part_line(*each) for each in report.reviewers.items())])]
    if report.raters:
        rows = [_raters_line(people, agreement(pairs)) for people, pairs in report.raters.items()]
        lines += ["", *aligned([("pair", "items", "agree", "95 % interval", "AC1", "kappa", ""), *rows])]
    return "\n".join(lines)


def _part_line(name: str, part: Part) -> tuple[str, ...]:
    found, model = part.between, part.with_model
    return (
        name,
        *_same(found),
        *map(_number, (found.ac1, found.alpha, found.kappa)),
        _doubt(found),
        f"{model.whole:,}",
        *_value(model),
    )


def _raters_line(people: tuple[str, str], found: Agreement) -> tuple[str, ...]:
    return " ".join(people), *_same(found), _number(found.ac1), _number(found.kappa), _doubt(found)


def _category_line(name: str, found: NamedCategory) -> tuple[str, ...]:
    reason = found.of_verdicts.value
    return name, "–" if reason is None else words.percent(reason), f"{found.both.whole:,}", *_value(found.both)


def _same(found: Agreement) -> Iterator[str]:
    yield f"{found.same.whole:,}"
    yield from _value(found.same)


def _value(share: Share) -> tuple[str, str]:
    if share.value is None or share.interval is None:
        return "–", ""
    low, high = map(words.percent, share.interval)
    return words.percent(share.value), f"{low.removesuffix(' %')} to {high}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _doubt(found: Agreement) -> str:
    return "uncertain" if found.is_uncertain and found.same.whole else ""


def _diagnosis(whose: Whose, part: Part) -> str:
    shown = f", as on {', '.join(part.examples)}" if part.examples else ""
    return _WHOSE[whose] + shown
