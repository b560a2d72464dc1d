"""What apps report about their actions: that they begin, that they are done, that they undid them (contract §3)."""

from collections.abc import Awaitable, Callable
from typing import Any, Literal

import orjson

from bot.answer import sha256_of
from bot.clock import Clock
from bot.problem import Problem
from routing.decision import Json
from store.decisions import Decision
from store.executions import BeginExecution, FinishExecution
from store.history import HistoryRecord
from store.keys import ApiKey
from store.rollbacks import AnswerRollback
from store.writer import Writer

_EXECUTED_ALREADY = "This action was begun before; executing it again would do it twice."
_EDITED = "This is not the hash of the output to execute now: copy action_sha256 from the decision."


class Executions:
    """`find` looks an app's decision up; it raises Problem (not_found), and so does each call here."""

    def __init__(self, *, clock: Clock, writer: Writer, find: Callable[[ApiKey, str], Awaitable[Decision]]) -> None:
        self._clock, self._writer, self._find = clock, writer, find

    async def begin(self, key: ApiKey, decision_id: str, action_sha256: str) -> dict[str, Any]:
        """Lets the app execute its action, once. Raises Problem (already_executed, hash_mismatch, not_allowed)."""
        decision = await self._find(key, decision_id)
        record = self._record(key, decision, "decision:executing", {"action_sha256": action_sha256})
        refused = await self._writer.submit(BeginExecution(decision.pk, action_sha256, record.at, record))
        match refused:
            case None:
                return {"state": "executing"}
            case "already_executed":
                raise Problem("already_executed", _EXECUTED_ALREADY)
            case "hash_mismatch":
                raise Problem("hash_mismatch", _EDITED)
            case "not_allowed":
                raise Problem("not_allowed", f"The disposition of {decision.id} lets nobody execute it now.")

    async def finish(self, key: ApiKey, decision_id: str, *, ok: bool) -> dict[str, Any]:
        """Closes what was begun last; if it failed, it may be begun again. Raises Problem (not_allowed)."""
        decision = await self._find(key, decision_id)
        record = self._record(key, decision, "decision:executed" if ok else "decision:execution_failed", {})
        state: Literal["executed", "failed"] = "executed" if ok else "failed"
        if not await self._writer.submit(FinishExecution(decision.pk, state, record.at, record)):
            raise Problem("not_allowed", f"No execution of {decision.id} is under way: call `execute` first.")
        return {"state": state}

    async def answer_rollback(self, key: ApiKey, decision_id: str, *, ok: bool, note: str | None) -> dict[str, Any]:
        """Takes the answer to `decision.rollback_requested`. Raises Problem (not_allowed)."""
        decision = await self._find(key, decision_id)
        facts: dict[str, Json] = {} if note is None else {"content_sha256": sha256_of(note)}
        record = self._record(key, decision, "rollback:done" if ok else "rollback:failed", facts)
        body = None if note is None else orjson.dumps({"note": note}).decode()
        match await self._writer.submit(AnswerRollback(decision.pk, ok, body, record.at, record)):
            case "taken" | "repeated":
                return {"state": "rolled_back" if ok else "rollback_failed"}
            case "nothing_requested":
                raise Problem("not_allowed", f"Nobody has asked to roll {decision.id} back.")
            case "withdrawn":
                raise Problem(
                    "not_allowed", f"{decision.id} stands again: its verdict was changed, and the request withdrawn."
                )
            case "done_before":
                raise Problem("not_allowed", f"{decision.id} was reported as rolled back before.")

    def _record(self, key: ApiKey, decision: Decision, what: str, facts: dict[str, Json]) -> HistoryRecord:
        now = self._clock.now()
        return HistoryRecord(now, f"app:{what}", f"app:{key.app}", decision.app_pk, decision.pk, facts=facts)
