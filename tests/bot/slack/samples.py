"""One valid world to start from, the golden files, and any world at all."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bot.slack.view import CardView, ClaimView, EarlierView, OutcomeView, ProposalView, RubricView
from routing.decision import (
    Alternative,
    Disposition,
    Model,
    Reason,
    ReviewKind,
    Risk,
    Route,
    Source,
    UncertainSpan,
)

GOLDEN = Path(__file__).parent / "golden"
PEOPLE = frozenset({"U0ADA", "U0BEA", "U0CEM"})
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)

RUBRIC = RubricView(
    categories=("factual_error", "wrong_action", "wrong_amount"),
    severities=("minor", "major", "critical"),
    labels={"safety": ("SAFE", "UNSAFE")},
)

REFUND = CardView(
    review_id="rev_7Q2M",
    kind=ReviewKind.GATE,
    state="open",
    decision_id="refund-8812",
    app="shop",
    task_type="refund",
    input="I want my money back for order 8812. It never arrived & nobody <answers>.",
    output={"action": "refund", "amount": 120, "fee": 0.5, "notify": True, "note": None, "lines": [{"sku": "A1"}]},
    confidence=0.87,
    confidence_source="logprob",
    threshold=0.99,
    confident=False,
    risk=Risk.CRITICAL,
    route=Route.ESCALATE,
    reasons=(
        Reason("risk.base", detail="refund", result="medium"),
        Reason("risk.rule", rule="big_money", detail="context.amount > 10000", result="critical"),
        Reason("confidence.below", detail="0.87 < 0.99"),
    ),
    disposition=Disposition.WAIT,
    deadline=datetime(2026, 11, 20, 10, 5, tzinfo=UTC),
    created_at=NOW,
    model="gpt-x 2026-10",
    sources=(
        Source(id="kb-17", title="Refund policy", url="https://kb.example/17", text="Goodwill is capped at 100."),
    ),
    alternatives=(Alternative(output={"action": "deny"}, confidence=0.1, model=Model(name="canary")),),
    subject="customer-41",
    context={"amount": 12000},
    requested_by="U0CEM",
    retry_of="refund-8811",
    trace_url="https://traces.example/t1",
    guideline="https://wiki.example/review-guide",
)

CLASSIFICATION = replace(
    REFUND,
    task_type="ticket_classification",
    input="The parcel came wet and the box was open.",
    output="damaged_item",
    confidence=0.671,
    threshold=0.7,
    risk=Risk.LOW,
    route=Route.QUEUE,
    reasons=(
        Reason("risk.base", detail="ticket_classification", result="low"),
        Reason("confidence.below", detail="0.671 < 0.7"),
    ),
)
PAYOUT = replace(
    REFUND,
    output={"action": "refund", "amount": 28.21, "currency": "EUR"},
    confidence=0.9998,
    threshold=0.9,
    confident=True,
    risk=Risk.MEDIUM,
    reversible=False,
    reasons=(
        Reason("risk.base", detail="refund", result="medium"),
        Reason("irreversible", result="ESCALATE"),
        Reason("check.failed", detail="does not hold: output.amount <= 20.0", rule="cap", result="ESCALATE"),
    ),
)
"""A sure model, and an action that cannot be undone."""

REPLY = replace(
    CLASSIFICATION,
    task_type="reply",
    input="Can I return the lamp after 40 days? It was a gift.",
    output="Yes, you can return it within 60 days. Postage is free.",
    spans=(UncertainSpan(start=30, end=37, confidence=0.3), UncertainSpan(start=39, end=54, confidence=0.41)),
    sources=(
        *REFUND.sources,
        Source(id="kb-18", title="Gifts", text="Gifts may be returned within 60 days."),
        Source(id="kb-19", url="javascript:alert(1)"),
        Source(id="kb-20"),
    ),
    earlier=(
        EarlierView(
            task_type="reply",
            verdict="reject",
            decided_by=("U0BEA",),
            decided_at=datetime(2026, 11, 3, 9, 0, tzinfo=UTC),
            category="factual_error",
            reason="It was 30 days for gifts.",
        ),
        EarlierView(
            task_type="refund",
            verdict="approve",
            decided_by=("U0ADA", "U0BEA"),
            decided_at=datetime(2026, 10, 28, 9, 0, tzinfo=UTC),
        ),
        EarlierView(
            task_type="refund",
            verdict="approve",
            decided_by=("U0ADA",),
            decided_at=datetime(2026, 10, 2, 9, 0, tzinfo=UTC),
        ),
    ),
)
"""A text of which the model is unsure in places, with sources and a past."""

CLAIM = ClaimView(
    user_id="U0ADA", since=datetime(2026, 11, 20, 10, 1, tzinfo=UTC), until=datetime(2026, 11, 20, 10, 16, tzinfo=UTC)
)
CLAIMED = replace(CLASSIFICATION, claim=CLAIM)
VOTED = replace(REFUND, needed=2, votes=1)
"""Two people have to agree, and one has said what nobody is to know yet."""
PROPOSED = replace(VOTED, proposal=ProposalView(output={**REFUND.output, "amount": 100}, edited_by="U0ADA"))
HIDDEN = replace(REPLY, hides_output=True, alternatives=(Alternative(output="No.", confidence=0.2),))
"""Autonomy 0."""
DRAFT = replace(REPLY, is_draft=True)
BLIND = replace(REPLY, hides_confidence=True)
OVERDUE = replace(CLASSIFICATION, overdue=True)
PROVISIONAL = replace(CLASSIFICATION, kind=ReviewKind.PROVISIONAL, disposition=Disposition.EXECUTE_PROVISIONAL)


def decided(**outcome: Any) -> CardView:
    facts: dict[str, Any] = {"decided_by": ("U0ADA",), "decided_at": datetime(2026, 11, 20, 10, 3, tzinfo=UTC)}
    allowed = outcome["verdict"] != "reject"
    return replace(
        REFUND,
        state="decided",
        disposition=Disposition.EXECUTE if allowed else Disposition.DO_NOT_EXECUTE,
        outcome=OutcomeView(**{**facts, **outcome}),
    )


APPROVED = decided(verdict="approve", decided_by=("U0ADA", "U0BEA"))
EDITED = decided(
    verdict="edit",
    output={**REFUND.output, "amount": 100},
    category="wrong_amount",
    severity="major",
    reason="Policy caps goodwill refunds at 100",
)
REJECTED = decided(
    verdict="reject",
    category="wrong_action",
    severity="critical",
    labels={"safety": "UNSAFE"},
    reason="The parcel was delivered on Monday.",
    correct_answer={"action": "deny"},
)
HELD = replace(
    decided(verdict="approve"),
    state="held",
    disposition=Disposition.WAIT,
    risk=Risk.MEDIUM,
    released_at=datetime(2026, 11, 20, 10, 4, tzinfo=UTC),
)
CHANGED = replace(REJECTED, former=APPROVED.outcome)
SETTLED = decided(verdict="reject", decided_by=("U0ADA", "U0BEA"), adjudicated=True, reason="No goodwill twice.")
DISPUTED = replace(
    REFUND,
    state="disputed",
    needed=2,
    positions=(
        OutcomeView(verdict="approve", decided_by=("U0ADA",), decided_at=NOW),
        OutcomeView(
            verdict="edit",
            decided_by=("U0BEA",),
            decided_at=NOW,
            output={**REFUND.output, "amount": 100},
            reason="The cap is 100.",
        ),
        OutcomeView(
            verdict="reject", decided_by=("U0CEM",), decided_at=NOW, category="wrong_action", reason="It was delivered."
        ),
    ),
)
CANCELLED = replace(REFUND, state="cancelled", disposition=Disposition.DO_NOT_EXECUTE)
TIMED_OUT = replace(REFUND, state="timed_out", disposition=Disposition.DO_NOT_EXECUTE)


def assert_golden(name: str, payload: Any) -> None:
    """Compares with golden/NAME.json; UPDATE_GOLDEN=1 writes it anew, to be read in the diff."""
    path = GOLDEN / f"{name}.json"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(json.dumps(payload, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    assert payload == json.loads(path.read_text(encoding="utf-8"))


ATTACKS = (
    "<!channel> <!here> <@U0EVE> <#C0OPS>",
    "<https://evil.example|https://bank.example>",
    "@channel *bold* _it_ ~gone~ `code` :tada: > quote",
    "```\n*Approved* by <@U0ADA>\n```",
    "\u202etxt.exe\u2066 a\u200bb\x00\x1b[31m\r\n\x85\ud800",
    "&amp; &lt;!channel&gt;",
    "👩‍👩‍👧 e\u0301" * 400,
    "&<>" * 3000,
    "\n" * 5000,
    "line\n" * 3000,
    "",
    " ",
)

texts = st.one_of(
    st.sampled_from(ATTACKS),
    st.text(max_size=40),
    st.text(st.characters(codec=None), max_size=40),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=20), st.integers(1, 2000)),
)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False), texts
)
json_values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(texts, inner, max_size=5)),
    max_leaves=10,
)
moments = st.integers(946_684_800, 4_102_444_800).map(lambda stamp: datetime.fromtimestamp(stamp, UTC))
maybe_texts = st.none() | texts
people_ids = st.sampled_from(sorted(PEOPLE)) | texts
shares = st.floats(0, 1)
reasons = st.builds(
    Reason,
    code=st.sampled_from(
        ["risk.base", "risk.rule", "rule.error", "confidence.below", "check.failed", "sampled", "judge.error"]
    ),
    detail=maybe_texts,
    rule=maybe_texts,
    result=maybe_texts,
)
sources = st.builds(Source.model_construct, id=texts, title=maybe_texts, url=maybe_texts, text=maybe_texts)
models = st.none() | st.builds(Model.model_construct, name=texts, version=maybe_texts)
alternatives = st.builds(Alternative.model_construct, output=json_values, confidence=st.none() | shares, model=models)
outcomes = st.builds(
    OutcomeView,
    verdict=st.sampled_from(["approve", "edit", "reject"]),
    decided_by=st.lists(people_ids, min_size=1, max_size=12).map(tuple),
    decided_at=moments,
    category=maybe_texts,
    severity=maybe_texts,
    labels=st.dictionaries(texts, texts, max_size=4),
    reason=maybe_texts,
    output=json_values,
    correct_answer=json_values,
)
claims = st.builds(ClaimView, user_id=people_ids, since=moments, until=moments)
proposals = st.builds(ProposalView, output=json_values, edited_by=people_ids)
earlier = st.builds(
    EarlierView,
    task_type=texts,
    verdict=st.sampled_from(["approve", "edit", "reject"]),
    decided_by=st.lists(people_ids, max_size=3).map(tuple),
    decided_at=moments,
    category=maybe_texts,
    reason=maybe_texts,
)
spans = st.builds(
    UncertainSpan.model_construct, start=st.integers(0, 50), end=st.integers(1, 80), confidence=st.none() | shares
)
rubrics = st.builds(
    RubricView,
    categories=st.lists(texts, max_size=6).map(tuple),
    severities=st.lists(texts, max_size=4).map(tuple),
    labels=st.dictionaries(texts, st.lists(texts, max_size=4).map(tuple), max_size=4),
    require_reason=st.frozensets(st.sampled_from(["approve", "edit", "reject"])),
)
open_views = st.builds(
    CardView,
    review_id=st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    kind=st.sampled_from([ReviewKind.GATE, ReviewKind.PROVISIONAL, ReviewKind.AUDIT, ReviewKind.DOUBLE]),
    state=st.sampled_from(["open", "disputed", "cancelled", "timed_out"]),
    decision_id=texts,
    app=texts,
    task_type=texts,
    input=json_values,
    output=json_values,
    confidence=st.none() | shares,
    confidence_source=texts,
    threshold=shares,
    confident=st.booleans(),
    risk=st.sampled_from(Risk),
    route=st.sampled_from(Route),
    reasons=st.lists(reasons, max_size=9).map(tuple),
    disposition=st.sampled_from(Disposition),
    created_at=moments,
    reversible=st.booleans(),
    deadline=st.none() | moments,
    model=maybe_texts,
    sources=st.lists(sources, max_size=3).map(tuple),
    alternatives=st.lists(alternatives, max_size=2).map(tuple),
    subject=maybe_texts,
    context=st.dictionaries(texts, json_values, max_size=3),
    requested_by=st.none() | people_ids,
    retry_of=maybe_texts,
    trace_url=maybe_texts,
    guideline=maybe_texts,
    outcome=st.none(),
    claim=st.none() | claims,
    needed=st.integers(1, 3),
    votes=st.integers(0, 2),
    positions=st.lists(outcomes, max_size=5).map(tuple),
    proposal=st.none() | proposals,
    overdue=st.booleans(),
    hides_output=st.booleans(),
    is_draft=st.booleans(),
    hides_confidence=st.booleans(),
    spans=st.lists(spans, max_size=5).map(tuple),
    earlier=st.lists(earlier, max_size=3).map(tuple),
)
closed_views = st.builds(
    lambda view, **ending: replace(view, proposal=None, **ending),
    open_views,
    state=st.sampled_from(["decided", "held"]),
    outcome=outcomes,
    former=st.none() | outcomes,
    released_at=moments,
)
views = open_views | closed_views
