"""What the month shows: each week as a column of a table, and whatever does not add up as a sentence."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from rich.table import Table
from sqlalchemy import Row, Select, and_, func, select

from benchmarks.month.run import ROLLBACK, Play
from benchmarks.month.world import TICKETS, TZ
from bot.reporting.days import Span, days, week_name
from bot.reporting.statistics import read_statistics
from routing.metrics import metrics
from store import tables as t
from store.facts import FactStore

_ALONE = ("AUTO", "AUTO_AUDIT")
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Waits:
    """Minutes that apps waited for an answer, of decisions that did not run alone."""

    n: int
    p50: float
    p95: float
    released: int
    """Of these, answered as provisional because reviewers were behind."""


@dataclass(frozen=True, slots=True)
class Week:
    """One whole local week."""

    name: str
    decisions: int
    to_people: float
    audited: int
    rate: float
    """Of tickets that ran alone, the share that was audited."""
    true_escape: float
    estimate: tuple[float | None, float | None, float | None]
    waits: Waits
    corrected: int
    findings: list[str]


async def week(play: Play, monday: date) -> Week:
    span = days(monday, monday + timedelta(weeks=1), TZ)
    alone = await _ran_alone(play, span)
    drawn = [row for row in alone if row.kind is not None]
    tickets = [row for row in alone if row.task_type == TICKETS]
    statistics = await read_statistics(FactStore(play.bot.services.engine), span)
    told = metrics(statistics.whole)
    escape = told["error_escape_rate"]
    return Week(
        name=week_name(monday),
        decisions=statistics.whole.decisions,
        to_people=told["escalation_rate"]["value"],
        audited=len(drawn),
        rate=sum(row.kind is not None for row in tickets) / len(tickets),
        true_escape=sum(not play.decisions[row.id].right for row in alone) / len(alone),
        estimate=(escape["value"], escape["low"], escape["high"]),
        waits=await waits(play, span.since, span.until),
        corrected=statistics.whole.corrected,
        findings=await _digest_findings(play, monday, span),
    )


async def _ran_alone(play: Play, span: Span) -> Sequence[Row[Any]]:
    d, r = t.decisions.c, t.reviews.c
    query = (
        select(d.id, d.task_type, d.inclusion, r.kind)
        .outerjoin_from(t.decisions, t.reviews, and_(r.decision_pk == d.pk, r.kind == "audit"))
        .where(d.route.in_(_ALONE), d.created_at >= span.since, d.created_at < span.until)
    )
    return await _rows(play, query)


async def _digest_findings(play: Play, monday: date, span: Span) -> list[str]:
    """What the digest of the week said, beside what it was made of: counts of verdicts that came in time."""
    tick = monday + timedelta(weeks=1)
    m = t.messages.c
    year, number, _ = tick.isocalendar()
    found = await _rows(
        play, select(m.body, m.message_ts).where(m.kind == "digest", m.key.endswith(f"{year}-W{number:02}"))
    )
    if len(found) != 1 or found[0].message_ts is None:
        return [f"{len(found)} digests were posted for the week of {monday}"]
    digest = found[0].body["digest"]
    made_at = datetime.fromisoformat(digest["made_at"])
    now = (await read_statistics(FactStore(play.bot.services.engine), span)).whole
    later = await _judged_after(play, span, made_at)
    findings = []
    if digest["decisions"] != now.decisions:
        findings.append(f"the digest of {monday} counts {digest['decisions']} decisions, hitl stats {now.decisions}")
    if digest["judged"] + later != now.judged:
        findings.append(
            f"the digest of {monday} counts {digest['judged']} verdicts and {later} came later, hitl stats {now.judged}"
        )
    return findings


async def _judged_after(play: Play, span: Span, at: datetime) -> int:
    """Reviews of the week's decisions that people closed only after the digest was made."""
    d, r = t.decisions.c, t.reviews.c
    query = (
        select(func.count())
        .select_from(t.reviews)
        .join(t.decisions, d.pk == r.decision_pk)
        .where(r.kind.in_(["gate", "provisional", "audit"]), r.state == "decided", r.closed_at > at)
        .where(d.created_at >= span.since, d.created_at < span.until)
    )
    return int((await _rows(play, query))[0][0])


async def waits(play: Play, since: datetime, until: datetime) -> Waits:
    """From the POST to the answer, of what came in between; what has no answer yet has waited until now."""
    d, r = t.decisions.c, t.reviews.c
    query = (
        select(d.created_at, r.closed_at, r.state)
        .join_from(t.decisions, t.reviews, r.decision_pk == d.pk)
        .where(r.kind == "gate", d.created_at >= since, d.created_at < until)
    )
    rows, now = await _rows(play, query), play.stage.clock.now()
    minutes = sorted(((row.closed_at or now) - row.created_at) / _MINUTE for row in rows)
    # Nothing times out under this policy, so what did was released because of the load.
    released = sum(row.state == "timed_out" for row in rows)
    return Waits(len(minutes), _at(minutes, 0.5), _at(minutes, 0.95), released)


async def rollbacks(play: Play) -> list[str]:
    """Whether just the wrong actions that were looked at after they ran were asked back, each once."""
    d, r = t.decisions.c, t.reviews.c
    query = (
        select(d.id, r.kind)
        .join_from(t.decisions, t.reviews, r.decision_pk == d.pk)
        .where(r.kind.in_(["audit", "provisional"]), r.state == "decided")
    )
    looked_at = {row.id for row in await _rows(play, query)}
    expected = {name for name in looked_at if play.staff.would_reject(play.decisions[name])}
    asked = [event["data"]["id"] for event in play.bot.receiver.events if event["type"] == ROLLBACK]
    findings = []
    if len(asked) != len(set(asked)):
        findings.append(f"{len(asked) - len(set(asked))} rollbacks were asked for twice")
    if set(asked) != expected:
        findings.append(f"rollbacks: {len(expected - set(asked))} missing, {len(set(asked) - expected)} too many")
    return findings


async def rollback_counts(play: Play) -> dict[str, int]:
    """How many rollbacks are in which state."""
    c = t.rollbacks.c
    return {row.state: row[1] for row in await _rows(play, select(c.state, func.count()).group_by(c.state))}


async def changes_of_rate(play: Play) -> list[str]:
    """Every change of state that the history holds."""
    h = t.history.c
    rows = await _rows(play, select(h.at, h.facts).where(h.event == "bot:audit:rate_changed").order_by(h.seq))
    return [f"{row.at.astimezone(TZ):%a %d %b %H:%M}  {json.dumps(row.facts, sort_keys=True)}" for row in rows]


def table(weeks: Sequence[Week]) -> Table:
    shown = Table(title="A simulated month, by the week in which decisions were made")
    for column in ("", *(each.name for each in weeks)):
        shown.add_column(column, justify="right" if column else "left")
    for name, cell in _LINES:
        shown.add_row(name, *(cell(each) for each in weeks))
    return shown


_LINES: tuple[tuple[str, Callable[[Week], str]], ...] = (
    ("decisions", lambda week: f"{week.decisions:,}"),
    ("to people", lambda week: f"{week.to_people:.1%}"),
    ("audited of what ran alone", lambda week: f"{week.audited:,}"),
    ("audit rate of tickets", lambda week: f"{week.rate:.1%}"),
    ("errors of what ran alone, truth", lambda week: f"{week.true_escape:.2%}"),
    ("error escape rate, estimated", lambda week: _share(week.estimate[0])),
    ("  95 % interval", lambda week: f"{_share(week.estimate[1])} to {_share(week.estimate[2])}"),
    ("corrected by people", lambda week: f"{week.corrected:,}"),
    ("wait for people, p50", lambda week: f"{week.waits.p50:.1f} min"),
    ("wait for people, p95", lambda week: f"{week.waits.p95:.1f} min"),
)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _at(values: Sequence[float], share: float) -> float:
    return values[min(int(len(values) * share), len(values) - 1)] if values else 0.0


async def _rows(play: Play, query: Select[Any]) -> Sequence[Row[Any]]:
    async with play.bot.services.engine.connect() as connection:
        return (await connection.execute(query)).all()
