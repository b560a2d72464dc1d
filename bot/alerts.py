"""Alerts: raised by another system or by the bot itself, taken by a person, and closed with their root cause."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.answer import sha256_of, timestamp
from bot.clock import Clock
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce
from bot.problem import Problem
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import MembershipUnknownError, Refusal, Reviewer
from bot.reviewing.until_done import until_done
from routing.alert import AlertRequest, Severity
from routing.decision import Json, Risk
from store.alerts import Alert, AlertStore, ChangeAlert, RaiseAlert
from store.decisions import PrimaryKeys
from store.history import HistoryRecord
from store.keys import ApiKey
from store.writer import Writer


@dataclass(frozen=True, slots=True)
class RootCause:
    """What went wrong, from when to when, and what was done about it."""

    cause: str
    began_at: datetime
    recovered_at: datetime
    mitigation: str | None


@dataclass(frozen=True, slots=True)
class Changed:
    """It is as this person said."""


@dataclass(frozen=True, slots=True)
class TooLateForAlert:
    """Somebody was quicker; `alert` shows who. `repeated`: by this person."""

    alert: Alert
    repeated: bool


Result = Changed | TooLateForAlert | Refusal


@dataclass(frozen=True, slots=True)
class PostedAlert:
    object: dict[str, Any]
    replayed: bool


class Alerts:
    def __init__(
        self,
        *,
        clock: Clock,
        writer: Writer,
        store: AlertStore,
        keys: PrimaryKeys,
        new_id: NewId,
        policy: PolicyInForce,
        eligibility: Eligibility,
    ) -> None:
        self._clock, self._writer, self._store = clock, writer, store
        self._keys, self._new_id = keys, new_id
        self._policy, self._eligibility = policy, eligibility

    async def post(self, key: ApiKey, request: AlertRequest, body: Json) -> PostedAlert:
        """Opens an alert; returns after the commit. `body` is the JSON as it was sent. Raises Problem (id_conflict)."""
        alert = await self._new(request, key.app_pk, key.app, sha256_of(body))
        known = await self._raise(alert, f"app:{key.app}")
        if known is None:
            return PostedAlert(alert_object(alert), replayed=False)
        there = await self._store.by_review_pk(known)
        if there.body_sha256 != alert.body_sha256:
            raise Problem("id_conflict", f"{there.id} was posted before with another body. Use a new id.")
        return PostedAlert(alert_object(there), replayed=True)

    async def raise_own(self, key: str, title: str, detail: str, task_type: str, severity: Severity) -> bool:
        """The bot's own, once for each `key`, on all replicas together. False: it was raised before."""
        request = AlertRequest(id=key, title=title, detail=detail, task_type=task_type, severity=severity)
        alert = await self._new(request, None, None, sha256_of(request.model_dump()))
        return await self._raise(alert, "bot") is None

    async def find(self, review_id: str) -> Alert | None:
        return await self._store.by_review_id(review_id)

    async def refusal(self, alert: Alert, reviewer: Reviewer) -> Refusal | None:
        """Why this person may not act on it: those who review the task at such a risk may."""
        risk = Risk(alert.severity)
        try:
            if await self._eligibility.is_in_circle(
                reviewer, alert.task_type, risk, alert.channel, settles=False, recent=False
            ):
                return None
        except MembershipUnknownError:
            return Refusal("unknown_now")
        circle = self._policy.current.task(alert.task_type).reviewers(risk)
        return Refusal("named_reviewers_only" if risk > Risk.MEDIUM else "not_a_reviewer", circle)

    async def acknowledge(self, alert: Alert, reviewer: Reviewer) -> Result:
        """The first one takes it."""

        async def attempt(alert: Alert) -> Result | None:
            if alert.status != "open":
                return TooLateForAlert(alert, repeated=alert.acknowledged_by == reviewer.user_id)
            refusal = await self.refusal(alert, reviewer)
            if refusal is not None:
                return refusal
            now = self._clock.now()
            columns = {"acknowledged_by": reviewer.user_id, "acknowledged_at": now}
            waited = (now - alert.created_at).total_seconds()
            return await self._change(alert, reviewer, now, "acknowledged", columns, {"seconds": waited})

        return await until_done(alert, attempt, lambda: self._store.by_review_pk(alert.review_pk))

    async def resolve(self, alert: Alert, reviewer: Reviewer, root: RootCause) -> Result:
        """Closes it, whoever has taken it."""

        async def attempt(alert: Alert) -> Result | None:
            if alert.status == "resolved":
                return TooLateForAlert(alert, repeated=_says_the_same(alert, reviewer, root))
            refusal = await self.refusal(alert, reviewer)
            if refusal is not None:
                return refusal
            said: dict[str, Json] = {"cause": root.cause, "mitigation": root.mitigation}
            columns = {
                "content": {**alert.content, **said},
                "began_at": root.began_at,
                "recovered_at": root.recovered_at,
                "resolved_by": reviewer.user_id,
            }
            facts: dict[str, Json] = {
                "began_at": timestamp(root.began_at),
                "recovered_at": timestamp(root.recovered_at),
                "recovery_seconds": (root.recovered_at - root.began_at).total_seconds(),
                "recovery_since_alert_seconds": since_alert(alert, root.recovered_at).total_seconds(),
                "content_sha256": sha256_of(said),
            }
            return await self._change(alert, reviewer, self._clock.now(), "resolved", columns, facts)

        return await until_done(alert, attempt, lambda: self._store.by_review_pk(alert.review_pk))

    async def _new(self, request: AlertRequest, app_pk: int | None, app: str | None, body_sha256: str) -> Alert:
        task_type = request.task_type or ""
        return Alert(
            review_pk=await self._keys.take(),
            review_id=self._new_id("rev"),
            version=1,
            id=request.id or self._new_id("alr"),
            app_pk=app_pk,
            app=app,
            task_type=task_type,
            channel=self._policy.current.task(task_type).channel,
            severity=request.severity,
            body_sha256=body_sha256,
            content={"title": request.title, "detail": request.detail, "url": request.url},
            created_at=self._clock.now(),
            acknowledged_by=None,
            acknowledged_at=None,
            began_at=None,
            recovered_at=None,
            resolved_by=None,
            resolved_at=None,
        )

    async def _raise(self, alert: Alert, actor: str) -> int | None:
        facts: dict[str, Json] = {
            "id": alert.id,
            "severity": alert.severity,
            "task_type": alert.task_type,
            "body_sha256": alert.body_sha256,
        }
        event = f"{actor.partition(':')[0]}:alert:raised"
        record = HistoryRecord(alert.created_at, event, actor, alert.app_pk, None, alert.review_pk, facts)
        return await self._writer.submit(RaiseAlert(alert, record))

    async def _change(
        self,
        alert: Alert,
        reviewer: Reviewer,
        now: datetime,
        what: str,
        columns: dict[str, Any],
        facts: dict[str, Json],
    ) -> Changed | None:
        told = {"id": alert.id, **facts, "policy_version": self._policy.current.version}
        event = f"reviewer:alert:{what}"
        record = HistoryRecord(now, event, reviewer.actor, alert.app_pk, None, alert.review_pk, told)
        change = ChangeAlert(alert, now, columns, closes=what == "resolved", history=record)
        return Changed() if await self._writer.submit(change) else None


def since_alert(alert: Alert, recovered_at: datetime) -> timedelta:
    """From the alert to the recovery; nothing where it had recovered before anybody raised it."""
    return max(recovered_at - alert.created_at, timedelta(0))


def _says_the_same(alert: Alert, reviewer: Reviewer, root: RootCause) -> bool:
    said = (alert.content.get("cause"), alert.content.get("mitigation"), alert.began_at, alert.recovered_at)
    again = (root.cause, root.mitigation, root.began_at, root.recovered_at)
    return alert.resolved_by == reviewer.user_id and said == again


def alert_object(alert: Alert) -> dict[str, Any]:
    """What the API answers."""
    content = alert.content
    return {
        "id": alert.id,
        "status": alert.status,
        "severity": alert.severity,
        "task_type": alert.task_type or None,
        "title": content.get("title"),
        "detail": content.get("detail"),
        "url": content.get("url"),
        "created_at": timestamp(alert.created_at),
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_at": timestamp(alert.acknowledged_at),
        "resolved_by": alert.resolved_by,
        "resolved_at": timestamp(alert.resolved_at),
        "began_at": timestamp(alert.began_at),
        "recovered_at": timestamp(alert.recovered_at),
        "cause": content.get("cause"),
        "mitigation": content.get("mitigation"),
    }
