"""The weekly digest as a message. Names of tasks, cohorts and categories are mere text; links are Slack's own."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot.reporting import words
from bot.slack import phrases
from bot.slack.blocks import Block, Element, bold_line, bullet_list, context, header, rich_text, section
from bot.slack.blocks import words as text
from bot.slack.card import Message
from bot.slack.digest_tuning import render_tunings
from bot.slack.text import clip_line, escape
from routing.digest import Advice, Category, Digest, Doubt, Example, Pattern, RollbacksOfWeek
from routing.metrics import standing
from store.messages import Place

_MOST_CATEGORIES = 8
_SEAL_DIGITS = 16
_MARKS = {"met": "✅", "missed": "⚠️", "unclear": "❓"}
_CHANGES = {"more": "clearly more", "fewer": "clearly fewer", "unclear": "no clear change"}


@dataclass(frozen=True, slots=True)
class Chart:
    """An uploaded picture and its words."""

    file_id: str
    alt_text: str


@dataclass(frozen=True, slots=True)
class NoChart:
    """`why` as a clause: there is no chart, because …"""

    why: str


def render_digest(digest: Digest, chart: Chart | NoChart, links: Mapping[Place, str]) -> Message:
    """`links`: permalinks of the examples' cards, as far as Slack gave them."""
    days = words.days(date.fromisoformat(digest.first), date.fromisoformat(digest.last))
    if digest.is_quiet:
        quiet = f"Weekly digest, {days}: nothing new."
        return Message(quiet, [section("digest.quiet", f"🗞️ {quiet}"), *_seal(digest)])
    told = [
        header("digest.header", f"🗞️ Weekly digest, {days}"),
        section("digest.gist", escape(_gist(digest))),
        *_advice(digest.advice),
        *_picture(chart),
        _part("metrics", "Metrics", [[text(line)] for line in _metrics(digest)]),
        _part("errors", "What people corrected", [[text(line)] for line in _errors(digest)]),
        *_patterns(digest, links),
        *_cohorts(digest),
        *_doubts(digest, links),
        *render_tunings(digest, links),
        _part("open", "Disagreements and open work", [[text(line)] for line in _open(digest)]),
        *_footer(digest),
    ]
    return Message(f"Weekly digest, {days}. {escape(_gist(digest))} {escape(_spoken(digest.advice))}".strip(), told)


def _part(name: str, title: str, items: list[list[Element]]) -> Block:
    return rich_text(f"digest.{name}", [bold_line(title), bullet_list(items)])


def _gist(digest: Digest) -> str:
    """The week in one line, for screen readers and notifications too."""
    said = ["No decisions."]
    if digest.decisions:
        people = words.value("escalation_rate", digest.metrics["escalation_rate"])
        said = [f"{words.numbered(digest.decisions, 'decision')}, {people} of them to people."]
    if digest.judged:
        said.append(f"{words.numbered(digest.corrected, 'correction')} in {words.numbered(digest.judged, 'verdict')}.")
    escaped = digest.metrics["error_escape_rate"]
    if escaped["value"] is not None:
        rate = words.value("error_escape_rate", escaped)
        said.append(f"Errors among what ran alone: {rate} ({words.interval(escaped)}).")
    if digest.open.rollbacks_overdue:
        said.append(f"{words.numbered(digest.open.rollbacks_overdue, 'rollback')} overdue.")
    if digest.open.changes:
        said.append(f"{words.numbered(digest.open.changes, 'change')} of the policy to apply or decline.")
    return " ".join(said)


def _picture(chart: Chart | NoChart) -> list[Block]:
    if isinstance(chart, NoChart):
        return [context("digest.no_chart", [{"type": "mrkdwn", "text": f"No chart this time: {escape(chart.why)}."}])]
    shown = {"type": "image", "slack_file": {"id": chart.file_id}, "alt_text": clip_line(chart.alt_text, 2_000)}
    return [{**shown, "block_id": "digest.chart"}]


# Metrics --------------------------------------------------------------------------------------------------------------

_SHOWN = (
    "escalation_rate",
    "auto_resolve_rate",
    "error_escape_rate",
    "review_latency",
    "reviewer_agreement",
    "inter_reviewer_agreement",
)


def _metrics(digest: Digest) -> Iterator[str]:
    for key in _SHOWN:
        metric = digest.metrics[key]
        stands = standing(key, metric)
        mark = "" if stands is None else f"{_MARKS[stands]} "
        target = words.target(key)
        interval = words.interval(metric)
        notes = [note for note in (interval and f"95 % interval {interval}", words.beyond_chance(metric)) if note]
        notes += [f"n {words.count(metric):,}", f"before {words.value(key, digest.metrics_before[key])}"]
        if target:
            notes.append(f"target {target}" if stands is None else f"target {target}: {words.STANDINGS[stands]}")
        yield f"{mark}{words.NAMES[key]}: {words.value(key, metric)} ({', '.join(notes)})"
    if digest.spent is not None:
        yield words.cost(digest.spent)


# Errors ---------------------------------------------------------------------------------------------------------------


def _errors(digest: Digest) -> Iterator[str]:
    if not digest.categories:
        yield "Nothing."
    for category in digest.categories[:_MOST_CATEGORIES]:
        yield _category(category)
    left = digest.categories[_MOST_CATEGORIES:]
    if left:
        yield f"{words.numbered(len(left), 'further category', 'further categories')}: {sum(c.count for c in left):,}"


def _category(category: Category) -> str:
    name = clip_line(category.name, 60) if category.name else "no category"
    change = _CHANGES[category.change]
    return f"{name}: {category.count:,} ({words.percent(category.share)}), before {category.before:,}: {change}"


def _patterns(digest: Digest, links: Mapping[Place, str]) -> list[Block]:
    if not digest.patterns:
        return []
    return [_part("patterns", "What recurs", [_pattern(pattern, links) for pattern in digest.patterns])]


def _cohorts(digest: Digest) -> list[Block]:
    if not digest.cohorts:
        return []
    told = [[text(clip_line(words.standing_out(each), 300))] for each in digest.cohorts]
    return [_part("cohorts", "Cohorts that stand out", told)]


def _pattern(pattern: Pattern, links: Mapping[Place, str]) -> list[Element]:
    cohort = "" if pattern.cohort is None else f", cohort {clip_line(pattern.cohort, 60)}"
    category = clip_line(pattern.category, 60)
    told = text(f"{category} in {pattern.task_type}{cohort}: {words.numbered(pattern.count, 'time')}")
    return [told, *_examples(pattern.examples, links)]


def _examples(examples: Sequence[Example], links: Mapping[Place, str]) -> Iterator[Element]:
    for number, example in enumerate(examples):
        yield text(f"{', ' if number else ', such as '}{example.decision_id}")
        place = None if example.channel is None or example.ts is None else Place(example.channel, example.ts)
        if place is not None and place in links:
            yield from (text(" "), {"type": "link", "url": links[place], "text": "card"})


# Agreement ------------------------------------------------------------------------------------------------------------

_WHOSE = {
    "model": "It seems to be the model, which people correct alike",
    "guideline": "The guideline seems to be unclear: people differ",
    "both": "It seems to be the model, and the guideline is unclear too: people differ",
}


def _doubts(digest: Digest, links: Mapping[Place, str]) -> list[Block]:
    if not digest.doubts:
        return []
    return [_part("doubts", "Agreement in the last four weeks", [_doubt(doubt, links) for doubt in digest.doubts])]


def _doubt(doubt: Doubt, links: Mapping[Place, str]) -> list[Element]:
    model, between = f"{_share(doubt.with_model)} verdicts", f"{_share(doubt.between)} second opinions"
    told = f"{doubt.task_type}: people agree with the model in {model}, and with each other in {between}. "
    return [text(told + _WHOSE[doubt.whose]), *_examples(doubt.examples, links)]


def _share(share: tuple[int, int]) -> str:
    part, whole = share
    return f"{words.percent(part / whole)} of {whole:,}"


# What waits -----------------------------------------------------------------------------------------------------------


def _open(digest: Digest) -> list[str]:
    return [*_disagreements(digest), *_waiting(digest), *_protection(digest)] or ["Nothing."]


def _disagreements(digest: Digest) -> Iterator[str]:
    second, differed = digest.second_opinions
    if digest.disputes:
        yield f"People disagreed in {words.numbered(digest.disputes, 'review')}"
    if second:
        yield f"{words.numbered(second, 'second opinion')}, of which {differed:,} differed"
    if digest.open.disputes:
        yield f"{words.numbered(digest.open.disputes, 'review')} now waiting for somebody to settle them"


def _waiting(digest: Digest) -> Iterator[str]:
    work, used, undone = digest.open, digest.metrics["feedback_utilization"], digest.rollbacks
    if undone != RollbacksOfWeek():
        asked = words.numbered(undone.requested, "rollback")
        yield f"{asked} asked for in the week; {undone.done:,} done and {undone.failed:,} failed in it"
    if work.audits:
        yield f"{words.numbered(work.audits, 'audit')} open, of which {work.audits_overdue:,} are late"
    if work.oldest_rollback_hours is not None:
        mark = "⚠️ " if work.rollbacks_overdue else ""
        age = words.duration(work.oldest_rollback_hours * 3_600)
        open_ones = (
            f"{words.numbered(work.rollbacks, 'rollback')} open, of which {work.rollbacks_overdue:,} are overdue"
        )
        yield f"{mark}{open_ones}; the oldest for {age}"
    if unused := used["denominator"] - used["numerator"]:
        yield f"{words.numbered(unused, 'correction')} of the week not put to use yet"


def _protection(digest: Digest) -> Iterator[str]:
    people = digest.protection
    if people.people:
        signs = (
            (people.fast, "verdicts faster than reading"),
            (people.unedited, "long runs of approvals"),
            (people.streaks, "long work without a pause"),
        )
        told = ", ".join(f"{number} with {sign}" for number, sign in signs if number)
        yield f"The load of {words.numbered(people.people, 'reviewer')} is worth a question: {told}"


# Advice and footer ----------------------------------------------------------------------------------------------------


def _advice(advice: Advice | None) -> list[Block]:
    return [] if advice is None else [rich_text("digest.advice", [bold_line(f"💡 {_spoken(advice)}")])]


_ADVICE = {
    "errors_escape": "{value} of what {about} decides alone is wrong ({low} to {high}, {n} audits), more than the "
    "target: raise its threshold or lower its autonomy.",
    "disagreement": "People agree with the model in {value} of {n} verdicts only. Ask for second opinions "
    "(double_review): they tell an unclear guideline from a weak model.",
    "guideline": "People agree with the model in {value} of {n} verdicts, and with each other in {between} of {pairs} "
    "only: the guideline seems to be unclear.",
    "model": "People agree with the model in {value} of {n} verdicts only, and with each other in {between} of "
    "{pairs}: it seems to be the model.",
    "both": "People agree with the model in {value} of {n} verdicts, and with each other in {between} of {pairs}: it "
    "seems to be the model, and the guideline is unclear too.",
    "slow": "One verdict in twenty took longer than {p95} ({n} reviews): more reviewers, or fewer questions to them.",
    "one_category": "{about} is {share} of {corrected} corrections: mend this one first.",
    "threshold": "People approved {share} of {n} in {about}: its threshold may be stricter than needed, unless they "
    "approve out of habit.",
}
_SHARES = ("value", "low", "high", "between", "share")


def _spoken(advice: Advice | None) -> str:
    if advice is None:
        return ""
    said = {name: _number(name, value) for name, value in advice.numbers.items()}
    return _ADVICE[advice.code].format(about=clip_line(advice.about or "", 60), **said)


def _number(name: str, value: float) -> str:
    if name in _SHARES:
        return words.percent(value)
    return words.duration(value) if name == "p95" else f"{value:,.0f}"


def _footer(digest: Digest) -> list[Block]:
    end = date.fromisoformat(digest.last) + timedelta(days=1)
    known = phrases.moment(datetime.fromisoformat(digest.made_at))
    command = f"`hitl stats --from {digest.first} --to {end.isoformat()}`"
    said = f"Decisions of {digest.week} ({escape(digest.timezone)}), as of {known}. The numbers of now: {command}"
    return [context("digest.footer", [{"type": "mrkdwn", "text": said}]), *_seal(digest)]


def _seal(digest: Digest) -> list[Block]:
    if digest.seal is None:
        return []
    seal = f"History seal {digest.seal.number}: `{digest.seal.sha256[:_SEAL_DIGITS]}`"
    return [context("digest.seal", [{"type": "mrkdwn", "text": seal}])]
