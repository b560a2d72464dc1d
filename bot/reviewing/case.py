"""A review with everything that deciding or showing it needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from routing.decision import DecisionRequest, Json, OutcomeResult, ReviewKind
from routing.review import (
    WAITING,
    Approve,
    Edit,
    Reject,
    ReviewState,
    Standing,
    Verdict,
    Vote,
    closing,
    proposed_edit,
)
from store.decisions import Decision, DecisionStore
from store.history import HistoryRecord
from store.reviews import Review, ReviewStore, VerdictRecord

_REMOVED = "(Removed at the end of its retention)"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An edit that others still have to agree to."""

    output: Json
    edited_by: str


@dataclass(frozen=True, slots=True)
class Case:
    """A review with the content that it is about. `siblings` are the other reviews of the same decision, looked up
    where they matter: for a second opinion, and for a verdict that stands."""

    review: Review
    request: DecisionRequest
    outcome: Mapping[str, Json] | None
    said: Mapping[str, Mapping[str, Json]]
    """What people wrote with their verdicts, by part of the content."""
    siblings: tuple[Review, ...]
    content_removed: bool = False
    """Its retention is over: the request is a stand-in, and nothing can be decided about it any more."""

    @property
    def decision(self) -> Decision:
        return self.review.decision

    @property
    def votes(self) -> tuple[Vote, ...]:
        """Those of the present round."""
        return tuple(self.vote(record) for record in self.review.votes)

    def standing(self, needed: int) -> Standing:
        return Standing(ReviewState(self.review.state), needed, self.votes)

    @property
    def proposal(self) -> Proposal | None:
        """The edit that has taken the place of the model's output, while the review waits for more votes or for an
        adjudicator. What a second opinion says is put to nobody else."""
        if self.review.state not in WAITING or self.review.kind == ReviewKind.DOUBLE:
            return None
        proposed = proposed_edit(self.votes)
        return None if proposed is None else Proposal(proposed[1].output, proposed[0])

    @property
    def characters(self) -> int:
        """How much there is to read, roughly: of what was asked and what is proposed, written as JSON."""
        return len(orjson.dumps(self.request.input)) + len(orjson.dumps(self.request.output))

    def closing(self, votes: Sequence[Vote]) -> Verdict:
        """What these votes, which close the review, say together. Of a second opinion the last speaks alone: its
        edit was no proposal to approve."""
        return votes[-1].verdict if self.review.kind == ReviewKind.DOUBLE else closing(votes)

    @property
    def standing_verdict(self) -> Verdict:
        """What people's verdict on the decision is now, to compare a second opinion with."""
        decision, content = self.decision, self.outcome or {}
        match decision.outcome:
            case OutcomeResult.EDITED:
                return Edit(content.get("output"), decision.category, decision.severity, decision.labels)
            case OutcomeResult.REJECTED:
                return Reject(decision.category, decision.severity, decision.labels, content.get("reason"))
            case _:
                return Approve()

    @property
    def decided_by(self) -> Sequence[str]:
        """Whose verdict stands. What an audit has found right nobody decided, but somebody looked at it."""
        return self.decision.decided_by or [record.user_id for record in self.review.votes]

    @property
    def first(self) -> "Review | None":
        """Of a second opinion: the review whose verdict it is compared with."""
        if self.review.kind != ReviewKind.DOUBLE:
            return None
        return next((sibling for sibling in self.siblings if sibling.kind != ReviewKind.DOUBLE), None)

    def record(self, at: datetime, event: str, actor: str, facts: Mapping[str, Json]) -> HistoryRecord:
        """What happened to this review, for the history."""
        told = {"review": self.review.id, **facts}
        return HistoryRecord(at, event, actor, self.decision.app_pk, self.decision.pk, self.review.pk, told)

    def vote(self, record: VerdictRecord) -> Vote:
        return Vote(record.user_id, self.verdict(record), record.adjudicates)

    def verdict(self, record: VerdictRecord) -> Verdict:
        """What was said, with its content."""
        content = self.said.get(self.review.verdict_part(record), {})
        reason, labels = content.get("reason"), record.labels
        match record.verdict:
            case "approve":
                return Approve()
            case "edit":
                return Edit(content.get("output"), record.category, record.severity, labels, reason)
            case _:
                return Reject(record.category, record.severity, labels, reason, content.get("correct_answer"))


class Cases:
    """Looks reviews up, as the database has them now."""

    def __init__(self, reviews: ReviewStore, decisions: DecisionStore) -> None:
        self._reviews, self._decisions = reviews, decisions

    async def by_id(self, review_id: str) -> Case | None:
        review = await self._reviews.by_id(review_id)
        return None if review is None else (await self._with_content([review]))[0]

    async def by_pk(self, review_pk: int) -> Case:
        """Of a review that is known to be there. Raises LookupError."""
        return (await self._with_content([await self._reviews.by_pk(review_pk)]))[0]

    async def by_pks(self, review_pks: Sequence[int]) -> list[Case]:
        """Those that are there, in this order."""
        return await self._with_content(await self._reviews.by_pks(review_pks))

    async def of_chain(self, first_pk: int) -> list[Case]:
        """Of a first answer and its retries, oldest first; without second opinions."""
        return await self._with_content(await self._reviews.of_chain(first_pk))

    async def of_decision(self, decision_pk: int) -> list[Case]:
        return await self._with_content(await self._reviews.of_decisions([decision_pk]))

    async def _with_content(self, reviews: Sequence[Review]) -> list[Case]:
        cases = []
        parts = [review.verdict_part(verdict) for review in reviews for verdict in review.verdicts]
        contents = await self._decisions.contents(
            [review.decision.pk for review in reviews], "request", "outcome", *parts
        )
        related = await self._reviews.of_decisions(
            [
                review.decision.pk
                for review in reviews
                if review.kind == ReviewKind.DOUBLE or review.state == ReviewState.DECIDED
            ]
        )
        for review in reviews:
            pk = review.decision.pk
            outcome = contents.get((pk, "outcome"))
            said = {part: orjson.loads(body) for (of, part), body in contents.items() if of == pk and part in parts}
            cases.append(
                Case(
                    review,
                    _request(review.decision, contents.get((pk, "request"))),
                    None if outcome is None else orjson.loads(outcome),
                    said,
                    tuple(other for other in related if other.decision.pk == pk and other.pk != review.pk),
                    content_removed=(pk, "request") not in contents,
                )
            )
        return cases


def _request(decision: Decision, body: str | None) -> DecisionRequest:
    """What the app posted, as far as it is there."""
    if body is not None:
        return DecisionRequest.model_validate_json(body)
    return DecisionRequest(
        task_type=decision.task_type, input=_REMOVED, output=_REMOVED, reversible=decision.reversible
    )
