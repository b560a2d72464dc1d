"""The adaptive rate: what audits have found moves each stream between its states, and with them how much is audited."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from math import isclose

from bot.clock import Clock
from bot.policy_in_force import PolicyInForce
from routing.decision import Json
from routing.evidence import Evidence
from routing.maturity import Goal, Maturity, MaturityState, begun, rate, step
from routing.policy import TaskPolicy
from routing.redaction import redaction
from store.audit_streams import AuditVerdict, SaveStreams, Stream, StreamKey, StreamOutdatedError, StreamStore
from store.history import HistoryRecord
from store.messages import NewMessage
from store.writer import Writer

URGENCY = 2
"""Of posts about audits: they lead to their samples, and nobody waits for either."""
_MOST_TRIES = 5
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


class AuditRates:
    def __init__(self, *, clock: Clock, writer: Writer, streams: StreamStore, policy: PolicyInForce) -> None:
        self._clock, self._writer, self._streams, self._policy = clock, writer, streams, policy

    async def learn(self) -> int:
        """Takes in what audits have found since the last time, by the policy of the moment; of how many streams the
        rate has changed. Each change goes into the history, and one of the state is announced."""
        for _ in range(_MOST_TRIES):
            try:
                return await self._learn()
            except StreamOutdatedError:
                continue  # another replica was quicker
        raise RuntimeError("the audit rates change faster than they can be worked out")

    async def _learn(self) -> int:
        known = {stream.key: stream for stream in await self._streams.all()}
        found = _by_stream(await self._streams.verdicts(max((each.judged_to for each in known.values()), default=0)))
        now, policy = self._clock.now(), self._policy.current
        streams, history, messages = list[Stream](), list[HistoryRecord](), list[NewMessage]()
        changed = 0
        for key in {**known, **found}:
            task, before, verdicts = policy.task(key.task_type), known.get(key), found.get(key, [])
            maturity, moves = followed(before, verdicts, task)
            if verdicts or moves:
                streams.append(_stream(key, before, verdicts, maturity, moves, now))
            changed += bool(moves)
            history += [_record(key, move, policy.version, now) for move in moves]
            messages += _announcements(streams[-1], moves, task) if moves else []
        if streams:
            await self._writer.submit(SaveStreams(streams, history, messages, now))
        return changed


def followed(
    stream: Stream | None, verdicts: Sequence[AuditVerdict], task: TaskPolicy
) -> tuple[Maturity, tuple[Move, ...]]:
    """What verdicts, in their order, and the policy make of a stream; None: nothing was known of it.

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
    widest: dict[datetime, float] = {}
    for verdict in verdicts:
        widest[verdict.drawn_at] = max(1 / verdict.inclusion, widest.get(verdict.drawn_at, 0.0))
    for verdict in verdicts:
        maturity, transition = step(maturity, verdict.is_error, 1 / verdict.inclusion, widest[verdict.drawn_at], goal)
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


def _record(key: StreamKey, move: Move, policy_version: str, now: datetime) -> HistoryRecord:
    facts: dict[str, Json] = {**asdict(key), **_numbers(move), "policy_version": policy_version}
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


def _announcements(stream: Stream, moves: Sequence[Move], task: TaskPolicy) -> list[NewMessage]:
    """Each change of the state is told once."""
    name = hashlib.sha256(repr(stream.key).encode()).hexdigest()[:16]
    model = redaction(task.redact).of(model_of(stream.key)).value
    about = {"what": "rate", "task": stream.key.task_type, "model": model}
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
