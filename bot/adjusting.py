"""Changing the policy without touching its file: a value comes in force with its history, and goes the way it came."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from bot.answer import moment_in_utc, sha256_of
from bot.clock import Clock
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce, adjusted, facts_of, holding
from bot.reviewing.until_done import until_done
from routing.decision import Json
from routing.matrix import PEOPLE_DECIDE
from routing.policy import AdjustedKey, Policy, PolicyError
from store.adjustments import (
    AdjustmentsOutdatedError,
    AdjustmentStore,
    Cause,
    ChangeAdjustments,
    DecideProposal,
    Proposal,
    Propose,
    StoredAdjustment,
)
from store.history import HistoryRecord
from store.policies import KeepPolicy
from store.writer import Command, Writer

_MOST_TRIES = 200
_OUTDATED = "The policy has changed since this was proposed, so it is out of date. Nothing was changed."

Seen = Sequence[StoredAdjustment]
"""All adjustments in force, as the database was seen to have them."""


@dataclass(frozen=True, slots=True)
class Adjusted:
    """It is in force: here at once, in every other process within about a second. `value`: what holds now."""

    adjustment_id: str
    task_type: str
    key: AdjustedKey
    before: float
    value: float
    policy_version: str


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was changed; `reason` is a sentence or two in plain text, which may quote the policy."""

    reason: str


@dataclass(frozen=True, slots=True)
class Post:
    """Tells a channel of a change that was made, and offers to undo it; `body` as in `Proposal`."""

    channel: str
    body: dict[str, Json]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One value that is to be in force, and why."""

    task_type: str
    key: AdjustedKey
    value: float
    why: str
    cause: Cause
    facts: dict[str, Json]
    post: Post | None = None


class Adjusting:
    def __init__(
        self, *, clock: Clock, writer: Writer, store: AdjustmentStore, policy: PolicyInForce, new_id: NewId
    ) -> None:
        self._clock, self._writer, self._store = clock, writer, store
        self._policy, self._new_id = policy, new_id

    async def adjust(
        self,
        task_type: str,
        key: AdjustedKey,
        value: float,
        *,
        by: str,
        why: str,
        facts: dict[str, Json] | None = None,
    ) -> Adjusted | Refused:
        """Puts a value in force. `by`: a history's actor, as `Reviewer.actor`, "operator" or "bot". Refused: the policy
        does not allow it, it is in force already, or the task is paused."""
        return await self._bring(by, lambda _seen: Wanted(task_type, key, value, why, "apply", facts or {}))

    async def pause(self, task_type: str, *, by: str, why: str, post: Post | None = None) -> Adjusted | Refused:
        """The brake: everything of the task goes to people. What was in force comes back with `resume`."""

        def wanted(seen: Seen) -> Wanted:
            value = min(PEOPLE_DECIDE, self._policy_with(seen).value(task_type, "autonomy"))
            return Wanted(task_type, "autonomy", value, why, "brake", {}, post)

        return await self._bring(by, wanted)

    async def resume(self, task_type: str, *, by: str) -> Adjusted | Refused:
        """Takes the brake off, also where a proven breach has pulled it."""
        found = _of(await self._store.in_force(), task_type, "autonomy")
        if found is None or found.cause == "apply":
            return Refused(f"{task_type} is not paused.")
        return await self.undo(found.id, by=by)

    async def undo(self, adjustment_id: str, *, by: str) -> Adjusted | Refused:
        """Ends an adjustment; what it replaced is in force again, or else what the file says. Refused: it is in force
        no more."""

        async def attempt(seen: Seen) -> Adjusted | Refused | None:
            mine = next((each for each in seen if each.id == adjustment_id), None)
            if mine is None:
                return await self._why_not_in_force(adjustment_id)
            change = await self._plan_undo(seen, mine, by)
            return await self._commit(change, change, mine)

        return await until_done(await self._store.in_force(), attempt, self._store.in_force)

    async def lowered(self, wanted: Sequence[Wanted]) -> ChangeAdjustments | None:
        """What takes these tasks' autonomy down at once, for whoever commits it with what has proven the need; None
        where all of it is as low already. A pause does not count: when it ends, the need is as proven as before."""
        seen = await self._store.in_force()
        policy = self._policy_with(await self._without_brakes(seen))
        lower = [each for each in wanted if policy.value(each.task_type, each.key) > each.value]
        return self._planned(seen, lower, "bot") if lower else None

    # Proposals ------------------------------------------------------------------------------------------------------

    async def propose(
        self,
        task_type: str,
        key: AdjustedKey,
        value: float,
        *,
        channel: str,
        why: str,
        body: dict[str, Json],
        dedup_key: str,
        facts: dict[str, Json] | None = None,
    ) -> Proposal | Refused | None:
        """Asks people in a channel to apply a value. `body`: {"text", "blocks"} of the message above its buttons.

        An open proposal for the same key is out of date from then on. None: one with this `dedup_key` was made before.
        Refused: nobody could apply it now.
        """
        post = Post(channel, body)
        planned = await self.proposed(Wanted(task_type, key, value, why, "apply", facts or {}, post), dedup_key)
        if isinstance(planned, Refused):
            return planned
        return planned.proposal if await self._writer.submit(planned) else None

    async def proposed(self, wanted: Wanted, dedup_key: str) -> Propose | Refused:
        """As propose(), for whoever commits it with what has led to it; `wanted` has a post."""
        seen = await self._store.in_force()
        plan = self._plan(seen, wanted, "bot")
        if isinstance(plan, Refused):
            return plan
        before = self._policy_with(seen)
        made = self._proposal(wanted, dedup_key, before)
        return Propose(made, HistoryRecord(made.made_at, "bot:policy:proposed", "bot", facts=_facts_of(made, before)))

    async def apply(self, proposal: Proposal, *, by: str) -> Adjusted | Refused | None:
        """Does what an open proposal asks for. None: it is open no more. Refused: as adjust(), or other values are in
        force than it was made for; it is out of date then."""
        wanted = Wanted(proposal.task_type, proposal.key, proposal.value, proposal.why, "apply", proposal.facts)
        for _ in range(_MOST_TRIES):
            seen = await self._store.in_force()
            if self._policy_with(seen).value(proposal.task_type, proposal.key) != proposal.from_value:
                closed = await self._close(proposal, "outdated", by)
                return Refused(_OUTDATED) if closed else None
            change = self._plan(seen, wanted, by)
            if isinstance(change, Refused):
                return change
            decided = DecideProposal(proposal, "applied", by, self._clock.now(), change=change)
            done = await self._commit(decided, change, change.made[0])
            if done is not None:
                return done
            known = await self._store.proposal(proposal.id)
            if known is None or known.state != "open":
                return None
        raise RuntimeError("the adjustments change faster than a proposal can be applied")

    async def decline(self, proposal: Proposal, *, by: str) -> bool:
        """False: it is open no more."""
        facts = _facts_of(proposal, self._policy.current)
        record = HistoryRecord(self._clock.now(), f"{_source(by)}:policy:declined", by, facts=facts)
        return await self._close(proposal, "declined", by, record)

    async def _close(
        self, proposal: Proposal, state: Literal["declined", "outdated"], by: str, *history: HistoryRecord
    ) -> bool:
        try:
            await self._writer.submit(DecideProposal(proposal, state, by, self._clock.now(), history))
        except AdjustmentsOutdatedError:
            return False
        return True

    # Plans ----------------------------------------------------------------------------------------------------------

    def _policy_with(self, seen: Seen) -> Policy:
        held, _ = holding(self._policy.file, seen)
        return adjusted(self._policy.file, held)

    async def _bring(self, by: str, wanted: Callable[[Seen], Wanted]) -> Adjusted | Refused:
        async def attempt(seen: Seen) -> Adjusted | Refused | None:
            change = self._plan(seen, wanted(seen), by)
            return change if isinstance(change, Refused) else await self._commit(change, change, change.made[0])

        return await until_done(await self._store.in_force(), attempt, self._store.in_force)

    def _plan(self, seen: Seen, wanted: Wanted, by: str) -> ChangeAdjustments | Refused:
        task_type, key = wanted.task_type, wanted.key
        known = _of(seen, task_type, key)
        if known is not None and known.cause == "brake":
            since = f"{task_type} has been paused since {moment_in_utc(known.made_at)}"
            return Refused(f"{since}. Resume, in the message about it, or `hitl resume` ends that.")
        if wanted.cause == "apply" and self._policy_with(seen).value(task_type, key) == wanted.value:
            return Refused(f"The {key} of {task_type} is {wanted.value:g} already.")
        try:
            return self._planned(seen, [wanted], by)
        except PolicyError as error:
            problems = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
            return Refused(f"The policy does not allow it. {problems}")

    def _planned(self, seen: Seen, wanted: Sequence[Wanted], by: str) -> ChangeAdjustments:
        """Raises PolicyError."""
        now, before = self._clock.now(), self._policy_with(seen)
        replaced = {known.id: each for each in wanted if (known := _of(seen, each.task_type, each.key)) is not None}
        made = [self._made(each, seen, by, now) for each in wanted]
        held, _ = holding(self._policy.file, [each for each in seen if each.id not in replaced])
        after = adjusted(self._policy.file, [*held, *made])
        return ChangeAdjustments(
            seen=[each.id for each in seen],
            by=by,
            at=now,
            policy=KeepPolicy(after.version, after.document, now),
            history=[_record(each, each.cause, before, after, by, now) for each in made],
            made=made,
            replaced=list(replaced),
            told=[
                self._told(each, adjustment, before)
                for each, adjustment in zip(wanted, made, strict=True)
                if each.post is not None
            ],
        )

    async def _plan_undo(self, seen: Seen, mine: StoredAdjustment, by: str) -> ChangeAdjustments:
        now, before = self._clock.now(), self._policy_with(seen)
        others, _ = holding(self._policy.file, [each for each in seen if each.id != mine.id])
        restored = await self._replaced_by(mine, others)
        after = adjusted(self._policy.file, [*others, *restored])
        return ChangeAdjustments(
            seen=[each.id for each in seen],
            by=by,
            at=now,
            policy=KeepPolicy(after.version, after.document, now),
            history=[_record(mine, "undo", before, after, by, now)],
            over=[mine.id],
            restored=[each.id for each in restored],
        )

    async def _without_brakes(self, seen: Seen) -> Seen:
        """What would be in force if no task were paused."""
        running = [each for each in seen if each.cause != "brake"]
        brakes = [each for each in seen if each.cause == "brake"]
        return [*running, *[former for brake in brakes for former in await self._replaced_by(brake, running)]]

    async def _replaced_by(self, mine: StoredAdjustment, others: Seen) -> Seen:
        """What is in force again beside the others when this one ends: one, or none."""
        former = None if mine.replaces is None else await self._store.find(mine.replaces)
        return [former] if former is not None and self._still_holds(former, others) else []

    def _still_holds(self, former: StoredAdjustment, others: Seen) -> bool:
        """Not where the file has changed the key, or what it depends on, since then."""
        file = self._policy.file
        unchanged = file.said_by_file(former.task_type, former.key) == former.file_value
        return unchanged and not holding(file, [*others, former])[1]

    def _made(self, wanted: Wanted, seen: Seen, by: str, now: datetime) -> StoredAdjustment:
        replaced = _of(seen, wanted.task_type, wanted.key)
        return StoredAdjustment(
            id=self._new_id("adj"),
            task_type=wanted.task_type,
            key=wanted.key,
            value=wanted.value,
            file_value=self._policy.file.said_by_file(wanted.task_type, wanted.key),
            cause=wanted.cause,
            by=by,
            why=wanted.why,
            facts=wanted.facts,
            replaces=None if replaced is None else replaced.id,
            made_at=now,
        )

    def _proposal(self, wanted: Wanted, dedup_key: str, before: Policy) -> Proposal:
        if wanted.post is None:
            raise ValueError("a proposal needs a post")
        return Proposal(
            id=self._new_id("prp"),
            dedup_key=dedup_key,
            task_type=wanted.task_type,
            key=wanted.key,
            value=wanted.value,
            from_value=before.value(wanted.task_type, wanted.key),
            channel=wanted.post.channel,
            why=wanted.why,
            facts=wanted.facts,
            body=wanted.post.body,
            made_at=self._clock.now(),
        )

    def _told(self, wanted: Wanted, made: StoredAdjustment, before: Policy) -> Proposal:
        """What was done already, with the way back."""
        proposal = self._proposal(wanted, f"adjustment:{made.id}", before)
        return replace(proposal, state="applied", decided_by=made.by, decided_at=made.made_at, adjustment_id=made.id)

    async def _commit(
        self, command: Command[None], change: ChangeAdjustments, about: StoredAdjustment
    ) -> Adjusted | None:
        """None: what is in force has changed since it was seen."""
        try:
            await self._writer.submit(command)
        except AdjustmentsOutdatedError:
            return None
        await self._policy.notice()
        facts = change.history[0].facts
        return Adjusted(about.id, about.task_type, about.key, facts["before"], facts["after"], change.policy.version)

    async def _why_not_in_force(self, adjustment_id: str) -> Refused:
        found = await self._store.find(adjustment_id)
        if found is None or found.ended_at is None:
            return Refused(f"There is no adjustment {adjustment_id}.")
        return Refused(f"This is in force no more, since {moment_in_utc(found.ended_at)}, so there is nothing to undo.")


def _of(seen: Seen, task_type: str, key: AdjustedKey) -> StoredAdjustment | None:
    return next((each for each in seen if (each.task_type, each.key) == (task_type, key)), None)


def _record(
    adjustment: StoredAdjustment, cause: str, before: Policy, after: Policy, by: str, now: datetime
) -> HistoryRecord:
    value = before.value(adjustment.task_type, adjustment.key)
    return HistoryRecord(now, f"{_source(by)}:policy:adjusted", by, facts=facts_of(adjustment, cause, value, after))


def _source(by: str) -> str:
    return "reviewer" if by.startswith("user:") else by


def _facts_of(proposal: Proposal, policy: Policy) -> dict[str, Json]:
    return {
        "proposal": proposal.id,
        "task_type": proposal.task_type,
        "key": proposal.key,
        "from": proposal.from_value,
        "to": proposal.value,
        "why_sha256": sha256_of(proposal.why),
        "policy_version": policy.version,
    }
