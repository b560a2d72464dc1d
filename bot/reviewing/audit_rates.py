"""The adaptive rate: what audits have found moves each stream between its states, and with them how much is audited.

An audit counts once, with the verdict that closed it. Who changes that verdict after it was learnt from changes what
the app and the digest are told, but not the evidence: a betting process takes nothing back.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import isclose
from typing import Any, Literal

import structlog

from bot.adjusting import Adjusting, Post, Wanted
from bot.alerts import Alerts
from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from bot.reviewing.until_done import unless_outdated
from routing.autonomy import lowered
from routing.decision import Json
from routing.evidence import Evidence
from routing.matrix import PEOPLE_DECIDE
from routing.maturity import Goal, Maturity, MaturityState, begun, rate, resumed, step
from routing.policy import Policy, TaskPolicy
from routing.redaction import redaction
from store.adjustments import AdjustmentsOutdatedError, Cause, Propose
from store.audit_streams import AuditVerdict, SaveStreams, Stream, StreamKey, StreamOutdatedError, StreamStore
from store.history import HistoryRecord
from store.messages import NewMessage
from store.writer import SingleCommand, Writer

log = structlog.get_logger(__name__)

URGENCY = 2
"""Of posts about audits: they lead to their samples, and nobody waits for either."""
_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class Move:
    """A change of a stream's rate; `before` and `after` are the same state where only the rate has changed, and
    `before` None where the stream begins. `evidence` made it."""

    before: MaturityState | None
    after: MaturityState
    rate_before: float | None
    rate_after: float
    evidence: Evidence


@dataclass(slots=True)
class _Learnt:
    """What is to be saved, and what failed."""

    streams: list[Stream] = field(default_factory=list)
    history: list[HistoryRecord] = field(default_factory=list)
    messages: list[NewMessage] = field(default_factory=list)
    along: list[SingleCommand[Any]] = field(default_factory=list)
    breaches: dict[str, NewMessage] = field(default_factory=dict)
    alarms: dict[str, NewMessage] = field(default_factory=dict)
    """What announces that a model of this task is now SUSPENDED, or DEGRADED."""
    changed: int = 0
    failures: list[Exception] = field(default_factory=list)

    def take(self, step: SingleCommand[Any], announced: Sequence[NewMessage]) -> None:
        """A step whose own message says what these announce."""
        self.along.append(step)
        self.messages = [each for each in self.messages if each not in announced]


class AuditRates:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        streams: StreamStore,
        policy: PolicyInForce,
        adjusting: Adjusting,
        alerts: Alerts,
    ) -> None:
        self._clock, self._writer, self._streams, self._policy = clock, writer, streams, policy
        self._adjusting, self._alerts = adjusting, alerts

    async def learn(self) -> int:
        """Takes in what audits have found since the last time, by the policy of the moment; of how many streams the
        rate has changed. Each change goes into the history, and one of the state is announced: a proven breach takes
        the task's autonomy away in the same commit and raises an alert, risen errors propose to lower it.

        Raises an ExceptionGroup of what went wrong with some streams, after all others have learnt."""
        await self._alert_of(await self._streams.all())  # of what a process found that did not come to tell it
        learnt = await unless_outdated(self._learn, StreamOutdatedError, AdjustmentsOutdatedError)
        await self._policy.notice()
        await self._alert_of(learnt.streams)
        if learnt.failures:
            raise ExceptionGroup("some streams have learnt nothing from their audits", learnt.failures)
        return learnt.changed

    async def _learn(self) -> _Learnt:
        await self._policy.refresh()
        now, policy = self._clock.now(), self._policy.current
        known = {stream.key: stream for stream in await self._streams.all()}
        found = _by_stream(await self._streams.verdicts(now))
        learnt = _Learnt()
        for key in {**known, **found}:
            try:
                _add(learnt, key, known.get(key), found.get(key, []), policy, now)
            except Exception as error:
                log.exception("audit.learn_failed", task_type=key.task_type)
                learnt.failures.append(error)
        await self._take_steps(learnt, policy)
        if learnt.streams:
            save = SaveStreams(learnt.streams, learnt.history, learnt.messages, now, learnt.along)
            await self._writer.submit(save)
        return learnt

    async def _take_steps(self, learnt: _Learnt, policy: Policy) -> None:
        """What breaches and alarms mean for the autonomy of their tasks. Where a step is taken or proposed, its message
        tells of them too."""
        breaches = [_wanted(message, "breach", PEOPLE_DECIDE) for message in learnt.breaches.values()]
        change = await self._adjusting.lowered(breaches)
        if change is not None:
            learnt.take(change, [learnt.breaches[made.task_type] for made in change.made])
        for task, message in learnt.alarms.items():
            level = lowered(policy.task(task).autonomy)
            if level is not None and task not in learnt.breaches:
                proposed = await self._adjusting.proposed(_wanted(message, "alarm", level), message.key)
                if isinstance(proposed, Propose):
                    learnt.take(proposed, [message])

    async def _alert_of(self, streams: Iterable[Stream]) -> None:
        """A breach is an alert, once."""
        for stream in streams:
            if stream.maturity["state"] != MaturityState.SUSPENDED:
                continue
            key, task = stream.key, self._policy.current.task(stream.key.task_type)
            title, detail = _alert(key, maturity_of(stream).evidence, task)
            once = f"breach:{_name(key)}:{int(stream.since.timestamp())}"
            await self._alerts.raise_own(once, title, detail, key.task_type, "high")


def _add(
    learnt: _Learnt,
    key: StreamKey,
    known: Stream | None,
    verdicts: Sequence[AuditVerdict],
    policy: Policy,
    now: datetime,
) -> None:
    task = policy.task(key.task_type)
    maturity, moves = followed(known, verdicts, task)
    if not (verdicts or moves):
        return
    stream = _stream(key, known, verdicts, maturity, moves, now)
    records = [_record(key, move, task, policy.version, now) for move in moves]
    messages = _announcements(stream, moves, task)
    learnt.streams.append(stream)
    learnt.history += records
    learnt.messages += messages
    learnt.changed += bool(moves)
    if messages and maturity.state is moves[-1].after:
        if maturity.state is MaturityState.SUSPENDED:
            learnt.breaches[key.task_type] = messages[-1]
        elif maturity.state is MaturityState.DEGRADED:
            learnt.alarms[key.task_type] = messages[-1]


def followed(
    stream: Stream | None, verdicts: Sequence[AuditVerdict], task: TaskPolicy
) -> tuple[Maturity, tuple[Move, ...]]:
    """What verdicts, in their order, and the policy make of a stream; None: nothing was known of it.

    A suspension ends the next time: with it the autonomy was taken away, and whether it is still or was given back is
    what people wanted since. What they have found by then is about the time before; the task begins anew, in full.

    A label's largest possible weight is that of the day's draw it comes from. Which strata that had says nothing of
    what was found in them, so it is known before the label, and a day of one rate counts in full, whatever the rates of
    other days.
    """
    goal = Goal(task.max_error, task.delta)
    maturity, told = (begun(goal), None) if stream is None else (maturity_of(stream), stream.rate)
    moves: list[Move] = []

    def move(before: MaturityState | None, evidence: Evidence) -> None:
        nonlocal told
        share = rate(maturity, task.audit)
        moves.append(Move(before, maturity.state, told, share, evidence))
        told = share

    if stream is None:
        move(None, maturity.evidence)
    was_suspended = maturity.state is MaturityState.SUSPENDED
    for verdict in verdicts:
        weight, widest = 1 / verdict.inclusion, 1 / verdict.least_inclusion
        maturity, transition = step(maturity, verdict.is_error, weight, widest, goal)
        if transition is not None:
            move(transition.before, transition.evidence)
    if was_suspended:
        maturity, transition = resumed(maturity, goal)
        if transition is not None:
            move(transition.before, transition.evidence)
    if told is None or not isclose(told, rate(maturity, task.audit), abs_tol=_SAME):
        move(maturity.state, maturity.evidence)
    return maturity, tuple(moves)


def maturity_of(stream: Stream) -> Maturity:
    state, evidence = stream.maturity["state"], stream.maturity["evidence"]
    return Maturity(MaturityState(state), Evidence.from_json(evidence))


def model_of(key: StreamKey) -> str:
    """The model in one line; "" where the app names none. Untrusted."""
    return f"{key.model_name} {key.model_version}".strip()


def _by_stream(verdicts: Iterable[AuditVerdict]) -> dict[StreamKey, list[AuditVerdict]]:
    found: defaultdict[StreamKey, list[AuditVerdict]] = defaultdict(list)
    for verdict in verdicts:
        found[verdict.stream].append(verdict)
    return found


def _stream(
    key: StreamKey,
    before: Stream | None,
    verdicts: Sequence[AuditVerdict],
    maturity: Maturity,
    moves: Sequence[Move],
    now: datetime,
) -> Stream:
    known = before or Stream(key, None, 0.0, now, 0)
    return replace(
        known,
        maturity={"state": maturity.state, "evidence": maturity.evidence.as_json()},
        rate=moves[-1].rate_after if moves else known.rate,
        since=now if any(move.before is not move.after for move in moves) else known.since,
        judged_to=verdicts[-1].pk if verdicts else known.judged_to,
    )


def _record(key: StreamKey, move: Move, task: TaskPolicy, policy_version: str, now: datetime) -> HistoryRecord:
    about = {"task_type": key.task_type, "model": _shown_model(key, task), "confidence_source": key.confidence_source}
    facts: dict[str, Json] = {**about, **_numbers(move), "policy_version": policy_version}
    return HistoryRecord(now, "bot:audit:rate_changed", "bot", facts=facts)


def _numbers(move: Move) -> dict[str, Json]:
    return {
        "before": move.before,
        "after": move.after,
        "rate_before": move.rate_before,
        "rate_after": move.rate_after,
        "labels": move.evidence.labels,
        "errors": move.evidence.errors,
        "max_error": move.evidence.max_error,
    }


def _shown_model(key: StreamKey, task: TaskPolicy) -> Json:
    """The model as it may be shown, and kept in a history that forgets nothing."""
    return redaction(task.redact).of(model_of(key)).value


def _announcements(stream: Stream, moves: Sequence[Move], task: TaskPolicy) -> list[NewMessage]:
    """Each change of the state is told once."""
    about = {"what": "rate", "task": stream.key.task_type, "model": _shown_model(stream.key, task)}
    whom = {"users": list(task.adjudicators.users or ()), "usergroup": task.adjudicators.usergroup}
    return [
        NewMessage(
            f"rate:{_name(stream.key)}:{stream.version}.{number}",
            "audit",
            task.channel,
            URGENCY,
            body={**about, **whom, **_numbers(move)},
        )
        for number, move in enumerate(moves)
        if move.before not in (None, move.after)
    ]


def _name(key: StreamKey) -> str:
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def _wanted(announcement: NewMessage, what: Literal["breach", "alarm"], level: int) -> Wanted:
    """The step that a change of state leads to; its post says what was to be announced."""
    body = announcement.body or {}
    found = f"{body['errors']} errors in {body['labels']} audits, allowed are {body['max_error']:g}"
    facts = {name: body[name] for name in ("before", "after", "labels", "errors", "max_error")}
    post = Post(announcement.channel, {**body, "what": what})
    cause: Cause = "breach" if what == "breach" else "apply"
    return Wanted(str(body["task"]), "autonomy", level, found, cause, facts, post)


def _alert(key: StreamKey, evidence: Evidence, task: TaskPolicy) -> tuple[str, str]:
    """Title and detail."""
    model = f" ({_shown_model(key, task)})" if model_of(key) else ""
    detail = (
        f"{evidence.errors} errors in the last {evidence.labels} audits of {key.task_type}{model} prove that more than "
        f"{100 * evidence.max_error:g} % of what runs alone is wrong. Everything of this task goes to people now."
    )
    return f"{key.task_type}: too many errors are proven", detail
