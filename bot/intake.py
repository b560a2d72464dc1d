"""Taking decisions in, and giving them back: what POST and GET on /v1/decisions do."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from bot.answer import decision_object
from bot.arrival import Arrival, take_in
from bot.clock import Clock
from bot.egress import AllowList, EgressError, check_url
from bot.ids import NewId
from bot.metrics import Metrics
from bot.policy_in_force import PolicyInForce
from bot.problem import Problem, invalid_body
from bot.secretbox import SecretBox
from routing.decision import DecisionRequest, Json
from routing.json_value import UNSTORABLE_TEXT, json_equal
from routing.policy import TaskPolicy
from routing.route import route
from store.decisions import (
    AlreadyThere,
    Cancel,
    Decision,
    DecisionStore,
    ListFilter,
    PrimaryKeys,
    TakeIn,
    outcome_content,
)
from store.executions import ExecutionStore
from store.history import HistoryRecord
from store.keys import ApiKey
from store.notify import Wakeups
from store.writer import Writer

_PAGE_CHARACTERS = 4_000_000


@dataclass(frozen=True, slots=True)
class Submitted:
    object: dict[str, Any]
    replayed: bool


class Intake:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        keys: PrimaryKeys,
        decisions: DecisionStore,
        executions: ExecutionStore,
        policy: PolicyInForce,
        wakeups: Wakeups,
        secretbox: SecretBox,
        callback_allow: AllowList,
        new_id: NewId,
        metrics: Metrics,
    ) -> None:
        self._clock, self._writer, self._keys = clock, writer, keys
        self._decisions, self._executions = decisions, executions
        self._policy, self._wakeups = policy, wakeups
        self._secretbox, self._callback_allow, self._new_id = secretbox, callback_allow, new_id
        self._metrics = metrics

    async def submit(self, key: ApiKey, request: DecisionRequest, body: Json) -> Submitted:
        """Routes a decision and stores it with all that follows; returns after the commit.

        `body` is the JSON as the app sent it. Raises Problem (invalid_body, id_conflict, not_allowed).
        """
        self._check_callback(request)
        policy = self._policy.current
        parent = await self._parent(key, request, policy.task(request.task_type))
        routing = route(request, policy)
        decision_id = request.id or self._new_id("dec")
        command = take_in(
            Arrival(key, request, body, policy, routing, parent),
            now=self._clock.now(),
            pk=await self._keys.take(),
            decision_id=decision_id,
            draw=self._secretbox.draw(key.app, decision_id),
            review=None if routing.review is None else (await self._keys.take(), self._new_id("rev")),
        )
        found = await self._writer.submit(command)
        if isinstance(found, AlreadyThere):
            self._metrics.replayed(key.app)
            return await self._replay(found.decision, body, command)
        self._metrics.took_in(
            key.app, request.task_type, routing.route, routing.risk, disposition=found.decision.disposition
        )
        outcome = orjson.loads(command.contents["outcome"]) if "outcome" in command.contents else None
        return Submitted(decision_object(found.decision, metadata=request.metadata, outcome=outcome), replayed=False)

    async def get(self, key: ApiKey, decision_id: str, wait: float = 0) -> dict[str, Any]:
        """The decision object; with `wait` seconds it waits for the resolution. Raises Problem (not_found)."""
        decision = await self.find(key, decision_id)
        if wait > 0 and decision.status == "pending":
            decision = await self._wait(decision, wait)
        return (await self._objects([decision]))[0]

    async def page(self, wanted: ListFilter) -> tuple[list[dict[str, Any]], tuple[datetime, int] | None]:
        """One page, and where the next one begins. A page ends early rather than grow past some megabytes."""
        found = await self._decisions.list(replace(wanted, limit=wanted.limit + 1))
        sizes = await self._decisions.sizes([decision.pk for decision in found], "metadata", "outcome")
        page = found[: min(wanted.limit, _that_fit(found, sizes))]
        more = (page[-1].created_at, page[-1].pk) if len(found) > len(page) else None
        return await self._objects(page), more

    async def cancel(self, key: ApiKey, decision_id: str) -> dict[str, Any]:
        """Withdraws a pending decision. Raises Problem (not_found, already_resolved)."""
        decision = await self.find(key, decision_id)
        now = self._clock.now()
        record = HistoryRecord(now, "app:decision:cancelled", f"app:{key.app}", decision.app_pk, decision.pk)
        content = orjson.dumps(outcome_content(None)).decode()
        if not await self._writer.submit(Cancel(decision.pk, now, content, (record,))):
            current = await self.find(key, decision_id)
            raise Problem("already_resolved", f"{decision_id} ended as {current.outcome}; it cannot be cancelled.")
        return await self.get(key, decision_id)

    def _check_callback(self, request: DecisionRequest) -> None:
        if request.callback_url is None:
            return
        try:
            check_url(request.callback_url, self._callback_allow)
        except EgressError as error:
            raise invalid_body([{"loc": ["callback_url"], "msg": str(error)}]) from error

    async def _parent(self, key: ApiKey, request: DecisionRequest, task: TaskPolicy) -> Decision | None:
        if request.retry_of is None:
            return None
        parent = await self._decisions.find(key.app_pk, request.retry_of, own_first=key.app_pk)
        if parent is None:
            raise invalid_body(
                [{"loc": ["retry_of"], "msg": f"there is no decision {request.retry_of}: post it first"}]
            )
        if parent.task_type != request.task_type:
            raise invalid_body(
                [{"loc": ["retry_of"], "msg": f"{request.retry_of} is of task type {parent.task_type}, not this one"}]
            )
        retries = await self._decisions.retries_of(parent.first_pk or parent.pk)
        if retries >= task.max_tries and not await self._is_replay(key, request):
            raise Problem(
                "not_allowed",
                f"{request.retry_of} belongs to an answer that was retried {retries} times (max_tries): "
                "let a person take it from here.",
            )
        return parent

    async def _is_replay(self, key: ApiKey, request: DecisionRequest) -> bool:
        if request.id is None:
            return False
        return await self._decisions.find(key.app_pk, request.id, own_first=key.app_pk) is not None

    async def _replay(self, there: Decision, body: Json, command: TakeIn) -> Submitted:
        if there.body_sha256 != command.decision.body_sha256:
            stored = (await self._decisions.contents([there.pk], "request")).get((there.pk, "request"))
            # Equal as JSON values though not to the byte: 1 and 1.0 are one number.
            if stored is None or not json_equal(orjson.loads(stored), body):
                raise Problem("id_conflict", f"{there.id} was posted before with another body. Use a new id.")
        current = await self._decisions.get(there.pk) or there
        return Submitted((await self._objects([current]))[0], replayed=True)

    async def find(self, key: ApiKey, decision_id: str) -> Decision:
        """Of the key's own app; with scope admin of any. Raises Problem (not_found)."""
        app_pk = key.sees
        decision = None
        if not UNSTORABLE_TEXT.search(decision_id):  # which PostgreSQL could not even be asked for
            decision = await self._decisions.find(app_pk, decision_id, own_first=key.app_pk)
        if decision is None:
            raise Problem("not_found", "There is no decision of this id in your app.")
        return decision

    async def _wait(self, decision: Decision, seconds: float) -> Decision:
        ends = asyncio.get_running_loop().time() + seconds
        woken = self._wakeups.watch(decision.pk)
        try:
            while True:
                # Looked up only now that the watch stands: a commit in between would otherwise be missed.
                decision = await self._decisions.get(decision.pk) or decision
                if decision.status != "pending" or self._wakeups.closing or not await _is_set_before(ends, woken):
                    return decision
                woken.clear()  # woken is not resolved: after a gap in listening everybody is
        finally:
            self._wakeups.unwatch(decision.pk, woken)

    async def _objects(self, decisions: Sequence[Decision]) -> list[dict[str, Any]]:
        contents = await self._decisions.contents([decision.pk for decision in decisions], "metadata", "outcome")
        read = {place: orjson.loads(body) for place, body in contents.items()}
        executed = await self._executions.of([decision.pk for decision in decisions if decision.execution is not None])
        return [
            decision_object(
                decision,
                metadata=read.get((decision.pk, "metadata"), {}),
                outcome=read.get((decision.pk, "outcome")),
                execution=executed.get(decision.pk, {}).get(decision.action_sha256),
            )
            for decision in decisions
        ]


async def _is_set_before(ends: float, event: asyncio.Event) -> bool:
    """Waits for the event, until the loop's time is `ends`."""
    try:
        async with asyncio.timeout_at(ends):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _that_fit(found: Sequence[Decision], sizes: Mapping[int, int]) -> int:
    """How many of the first decisions make one answer: at least one, however large."""
    total = 0
    for number, decision in enumerate(found):
        total += sizes.get(decision.pk, 0)
        if total > _PAGE_CHARACTERS and number > 0:
            return number
    return len(found)
