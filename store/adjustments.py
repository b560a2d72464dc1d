"""Adjustments of the policy, and the proposals that lead to them: what is in force beside the file, by whom and why."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Row, and_, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from routing.decision import Json
from routing.policy import AdjustedKey, Adjustment
from store import tables as t
from store.history import HistoryRecord, append
from store.insert_new import insert_new
from store.messages import NewMessage, Place, add, refresh
from store.policies import KeepPolicy
from store.uses import use_calibration
from store.writer import SingleCommand

URGENCY = 30
"""Of proposals: before batches and digests, behind what decisions bring."""

Cause = Literal["apply", "brake", "breach"]
"""A person applied a proposal, pulled the brake, or the bot did after a proven breach."""
ProposalState = Literal["open", "applied", "declined", "outdated", "undone"]


@dataclass(frozen=True, slots=True)
class StoredAdjustment:
    """One adjustment. `file_value`: what the file said for the task's own key when it was made (None: nothing).
    `by`: as the history's actor. `replaces`: the id of the one that is in force again when this one is undone."""

    id: str
    task_type: str
    key: AdjustedKey
    value: float
    file_value: float | None
    cause: Cause
    by: str
    why: str
    facts: dict[str, Json]
    replaces: str | None
    made_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    @property
    def of_policy(self) -> Adjustment:
        return Adjustment(self.task_type, self.key, self.value)

    @property
    def calibration_pk(self) -> int | None:
        """The calibration that it applies; None: none."""
        return self.facts.get("calibration")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of one value that people are asked for (`open`), or told of (`applied` from the beginning), as one
    message.

    Attributes:
        dedup_key: makes it one: a second with the same key is dropped. At most 160 characters.
        from_value: what was in force when it was made.
        body: what the message says: {"text", "blocks"}, sent as they are, or {"what", …} for `bot.slack.proposed`.
        decided_by, undone_by: as the history's actor.
        adjustment_id: what came of it.
    """

    id: str
    dedup_key: str
    task_type: str
    key: AdjustedKey
    value: float
    from_value: float
    channel: str
    why: str
    facts: dict[str, Json]
    body: dict[str, Json]
    made_at: datetime
    state: ProposalState = "open"
    decided_by: str | None = None
    decided_at: datetime | None = None
    adjustment_id: str | None = None
    undone_by: str | None = None
    undone_at: datetime | None = None

    @property
    def message_key(self) -> str:
        return f"proposal:{self.id}"

    @property
    def message(self) -> NewMessage:
        body: dict[str, Json] = {"proposal": self.id, "task": self.task_type}
        return NewMessage(self.message_key, "proposal", self.channel, URGENCY, body=body)


@dataclass(frozen=True, slots=True)
class Asked:
    """A change that waits for somebody to apply it, and where its message is; None: not in Slack yet."""

    proposal: Proposal
    place: Place | None


@dataclass(frozen=True, slots=True)
class Change:
    """An adjustment, and the value that was in force before it, where its message says so."""

    adjustment: StoredAdjustment
    before: float | None


class AdjustmentsOutdatedError(Exception):
    """What is in force has changed since it was seen, or the proposal has; nothing was done."""


@dataclass(frozen=True, slots=True)
class ChangeAdjustments(SingleCommand[None]):
    """Changes what is in force, with what tells of it and the policy that it makes: all of it or nothing.

    Attributes:
        seen: the ids of all that were in force when this was worked out.
        replaced: the ids of those that end in favour of one of `made`, and may come back.
        over: the ids of those that end for good, and with them what Slack offers to undo.
        restored: the ids of those that are in force again.
        told: proposals that are applied from the beginning.

    Raises AdjustmentsOutdatedError.
    """

    seen: Sequence[str]
    by: str
    at: datetime
    policy: KeepPolicy
    history: Sequence[HistoryRecord]
    made: Sequence[StoredAdjustment] = ()
    replaced: Sequence[str] = ()
    over: Sequence[str] = ()
    restored: Sequence[str] = ()
    told: Sequence[Proposal] = ()

    async def apply(self, connection: AsyncConnection) -> None:
        a = t.adjustments.c
        ends = [*self.replaced, *self.over]
        ended = update(t.adjustments).where(a.id.in_(ends), a.ended_at.is_(None))
        count = (await connection.execute(ended.values(ended_at=self.at, ended_by=self.by))).rowcount
        still = sorted(await connection.scalars(select(a.id).where(t.IN_FORCE)))
        if count != len(ends) or still != sorted(set(self.seen) - set(ends)):
            raise AdjustmentsOutdatedError
        await connection.execute(
            update(t.adjustments).where(a.id.in_(self.restored)).values(ended_at=None, ended_by=None)
        )
        if self.made:
            await connection.execute(insert(t.adjustments), [asdict(each) for each in self.made])
        for each in self.made:
            if each.calibration_pk is not None:
                await use_calibration(connection, each.calibration_pk, self.at)
        for proposal in self.told:
            await _insert(connection, proposal)
        await self._show_proposals(connection)
        await append(connection, self.history)
        await self.policy.apply(connection)

    async def _show_proposals(self, connection: AsyncConnection) -> None:
        """What Slack offers to undo is what is in force."""
        p = t.proposals.c
        mine = p.adjustment_id.in_(self.over), p.state == "applied"
        undone = update(t.proposals).where(*mine).values(state="undone", undone_by=self.by, undone_at=self.at)
        await connection.execute(undone)
        changed = p.adjustment_id.in_([*self.over, *self.replaced, *self.restored])
        for proposal_id in list(await connection.scalars(select(p.id).where(changed))):
            await refresh(connection, f"proposal:{proposal_id}", self.at)


@dataclass(frozen=True, slots=True)
class Propose(SingleCommand[bool]):
    """Asks people for a change. An open proposal for the same key is out of date from then on. False: it was proposed
    before, and nothing was done."""

    proposal: Proposal
    history: HistoryRecord

    async def apply(self, connection: AsyncConnection) -> bool:
        new, p = self.proposal, t.proposals.c
        former = p.task_type == new.task_type, p.key == new.key, p.state == "open"
        older = list(await connection.scalars(select(p.id).where(*former)))
        if not await _insert(connection, new):
            return False
        await connection.execute(
            update(t.proposals).where(p.id.in_(older)).values(state="outdated", decided_at=new.made_at)
        )
        for proposal_id in older:
            await refresh(connection, f"proposal:{proposal_id}", new.made_at)
        await append(connection, [self.history])
        return True


@dataclass(frozen=True, slots=True)
class DecideProposal(SingleCommand[None]):
    """What becomes of an open proposal, with the change that it leads to. Raises AdjustmentsOutdatedError."""

    proposal: Proposal
    state: Literal["applied", "declined", "outdated"]
    by: str
    at: datetime
    history: Sequence[HistoryRecord] = ()
    change: ChangeAdjustments | None = None

    async def apply(self, connection: AsyncConnection) -> None:
        p = t.proposals.c
        values: dict[str, Any] = {"state": self.state, "decided_by": self.by, "decided_at": self.at}
        if self.change is not None:
            await self.change.apply(connection)
            values["adjustment_id"] = self.change.made[0].id
        mine = p.id == self.proposal.id, p.state == "open"
        if (await connection.execute(update(t.proposals).where(*mine).values(**values))).rowcount == 0:
            raise AdjustmentsOutdatedError
        await append(connection, self.history)
        await refresh(connection, self.proposal.message_key, self.at)


async def _insert(connection: AsyncConnection, proposal: Proposal) -> bool:
    if not await insert_new(connection, t.proposals, asdict(proposal)):
        return False
    await add(connection, [proposal.message], proposal.made_at)
    return True


class AdjustmentStore:
    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def in_force(self) -> list[StoredAdjustment]:
        """Those that have not ended, the oldest first."""
        query = select(t.adjustments).where(t.IN_FORCE).order_by(t.adjustments.c.pk)
        async with self._engine.connect() as connection:
            return [_adjustment(row) for row in await connection.execute(query)]

    async def changed(self, since: datetime, until: datetime) -> list[Change]:
        """Those that were made or have ended from `since` on and before `until`, the oldest first."""
        a, p = t.adjustments.c, t.proposals.c
        within = (and_(moment >= since, moment < until) for moment in (a.made_at, a.ended_at))
        query = (
            select(t.adjustments, p.from_value)
            .join_from(t.adjustments, t.proposals, p.adjustment_id == a.id, isouter=True)
            .where(or_(*within))
            .order_by(a.pk)
        )
        async with self._engine.connect() as connection:
            rows = [_without_pk(row) for row in await connection.execute(query)]
        return [Change(before=row.pop("from_value"), adjustment=StoredAdjustment(**row)) for row in rows]

    async def find(self, adjustment_id: str) -> StoredAdjustment | None:
        query = select(t.adjustments).where(t.adjustments.c.id == adjustment_id)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else _adjustment(row)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        return await self._proposal(t.proposals.c.id == proposal_id)

    async def open_proposal(self, task_type: str, key: AdjustedKey) -> Proposal | None:
        """There is one at most."""
        p = t.proposals.c
        return await self._proposal(p.task_type == task_type, p.key == key, p.state == "open")

    async def asked(self) -> list[Asked]:
        """All that people are asked for now, the oldest first."""
        p, m = t.proposals.c, t.messages.c
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(t.proposals).where(p.state == "open").order_by(p.pk))
            found = [Proposal(**_without_pk(row)) for row in rows]
            sent = m.key.in_([each.message_key for each in found]), m.message_ts.is_not(None)
            posted = await connection.execute(select(m.key, m.message_channel, m.message_ts).where(*sent))
            places = {key: Place(channel, ts) for key, channel, ts in posted}
        return [Asked(each, places.get(each.message_key)) for each in found]

    async def _proposal(self, *conditions: ColumnElement[bool]) -> Proposal | None:
        query = select(t.proposals).where(*conditions).order_by(t.proposals.c.pk.desc()).limit(1)
        async with self._engine.connect() as connection:
            row = (await connection.execute(query)).one_or_none()
        return None if row is None else Proposal(**_without_pk(row))


def _adjustment(row: Row[Any]) -> StoredAdjustment:
    return StoredAdjustment(**_without_pk(row))


def _without_pk(row: Row[Any]) -> dict[str, Any]:
    return {name: value for name, value in row._mapping.items() if name != "pk"}
