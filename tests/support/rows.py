"""One valid world for store tests: an app, a policy, and decisions that differ from it by the fact under test."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from store.decisions import Decision, NewReview, TakeIn
from store.history import HistoryRecord
from store.keys import CreateKey, KeyStore
from store.policies import KeepPolicy
from store.writer import Writer

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)


async def add_world(writer: Writer, engine: AsyncEngine) -> int:
    """The app's pk."""
    await writer.submit(
        CreateKey(id="key_1", app="shop", key_sha256="0" * 64, scopes=["ingest"], webhook_secret="sealed", at=NOW)
    )
    await writer.submit(KeepPolicy("abcdef012345", {"version": 1}, NOW))
    return (await KeyStore(engine).all())[0].app_pk


def decision(pk: int, app_pk: int, **changes: Any) -> Decision:
    made = Decision(
        pk=pk,
        app_pk=app_pk,
        id=f"d-{pk}",
        task_type="label",
        variant="primary",
        cohort=None,
        subject=None,
        model_name=None,
        model_version=None,
        reversible=True,
        compare_to=None,
        requested_by=None,
        first_pk=None,
        created_at=NOW,
        body_sha256="1" * 64,
        policy_version="abcdef012345",
        risk="low",
        route="QUEUE",
        threshold=0.7,
        confidence=0.5,
        confidence_source="other",
        confident=False,
        reasons=[],
        draw=0.5,
        inclusion=None,
        deadline=None,
        callback_url=None,
        status="pending",
        disposition="wait",
        action_sha256="2" * 64,
        execution=None,
        outcome=None,
        decided_by=[],
        decided_at=None,
        category=None,
        severity=None,
        labels={},
    )
    return replace(made, **changes)


def review(pk: int, **changes: Any) -> NewReview:
    """The review of the decision of this pk, with a card."""
    made = NewReview(
        pk=pk + 1_000_000,
        id=f"rev_{pk}",
        kind="gate",
        lane="card",
        channel="#ai-review",
        task_type="label",
        risk="low",
        urgency=20,
        deadline=NOW + timedelta(hours=4),
        due_at=NOW + timedelta(hours=4),
    )
    return replace(made, **changes)


def take_in(pk: int, app_pk: int, **changes: Any) -> TakeIn:
    made = decision(pk, app_pk, **changes)
    return TakeIn(
        decision=made,
        contents={"request": "{}"},
        review=review(pk),
        history=(HistoryRecord(NOW, "app:decision:posted", "app:shop", app_pk, pk),),
    )
