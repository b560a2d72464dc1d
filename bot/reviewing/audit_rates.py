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

import structlog

from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from routing.decision import Json
from routing.evidence import Evidence
from routing.maturity import Goal, Maturity, MaturityState, begun, rate, resumed, step
from routing.policy import Policy, TaskPolicy
from routing.redaction import redaction
from store.audit_streams import AuditVerdict, SaveStreams, Stream, StreamKey, StreamOutdatedError, StreamStore
from store.history import HistoryRecord
from store.messages import NewMessage
from store.writer import Writer

log = structlog.get_logger(__name__)

URGENCY = 2
"""Of posts about audits: they lead to their samples, and nobody waits for either."""
_MOST_TRIES = 5
_SAME = 1e-9
_PEOPLE_DECIDE = 2
"""The highest autonomy at which nothing runs alone."""


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
    changed: int = 0
    failures: list[Exception] = field(default_factory=list)


class AuditRates:
    def __init__(self, *, clock: Clock, writer: Writer, streams: StreamStore, policy: PolicyInForce) -> None:
        self._clock, self._writer, self._streams, self._policy = clock, writer, streams, policy

    async def learn(self) -> int:
        """Takes in what audits have found since the last time, by the policy of the moment; of how many streams the
        rate has changed. Each change goes into the history, and one of the state is announced. Raises an
        ExceptionGroup of what went wrong with some streams, after all others have learnt."""
        for _ in range(_MOST_TRIES):
            try:
                return await self._learn()
            except StreamOutdatedError:
                continue  # another replica was quicker
        raise RuntimeError("the audit rates change faster than they can be worked out")

    async def _learn(self) -> int:
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
        if learnt.streams:
            await self._writer.submit(SaveStreams(learnt.streams, learnt.history, learnt.messages, now))
        if learnt.failures:
            raise ExceptionGroup("some streams have learnt nothing from their audits", learnt.failures)
        return learnt.changed


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


def followed(
    stream: Stream | None, verdicts: Sequence[AuditVerdict], task: TaskPolicy
) -> tuple[Maturity, tuple[Move, ...]]:
    """What verdicts, in their order, and the policy make of a stream; None: nothing was known of it.

    People end a suspension by an autonomy at which they decide themselves. What they have found by then is still about
    the time before. A breach is told first, even where the autonomy is that low already: the next time ends it.

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
    if was_suspended and task.autonomy <= _PEOPLE_DECIDE:
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
    name = hashlib.sha256(repr(stream.key).encode()).hexdigest()[:16]
    about = {"what": "rate", "task": stream.key.task_type, "model": _shown_model(stream.key, task)}
    whom = {"users": list(task.adjudicators.users or ()), "usergroup": task.adjudicators.usergroup}
    return [
        NewMessage(
            f"rate:{name}:{stream.version}.{number}",
            "audit",
            task.channel,
            URGENCY,
            body={**about, **whom, **_numbers(move)},
        )
        for number, move in enumerate(moves)
        if move.before not in (None, move.after)
    ]
