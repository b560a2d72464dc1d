"""What a message says at the moment it is sent, and where it belongs."""

from dataclasses import dataclass

import orjson

from bot.delivery.digests import Digests
from bot.policy_in_force import PolicyInForce
from bot.reviewing.case import Case, Cases
from bot.reviewing.eligibility import Eligibility
from bot.slack.alert_card import render_alert
from bot.slack.alert_listeners import AlertPresenter
from bot.slack.audit_post import render_audit
from bot.slack.batch import BatchView, render_batch
from bot.slack.card import Message, render_card
from bot.slack.load_post import render_load
from bot.slack.notice import render_notice
from bot.slack.present import Presenter
from bot.slack.proposed import render_proposed
from routing.review import WAITING, ReviewState
from store.adjustments import AdjustmentStore
from store.alerts import AlertStore
from store.audits import AuditStore
from store.messages import CARDS, Job, MessageStore, Place
from store.queue import Group, QueueStore
from store.rollbacks import RollbackStore


@dataclass(frozen=True, slots=True)
class Content:
    """`is_void`: with nothing in Slack yet there is nothing to say. `waits_for_thread`: the card in whose thread it
    belongs is not posted. `replaces`: the message whose place it takes. `plainer`: what to send where Slack refuses the
    blocks of `message`."""

    message: Message
    thread: Place | None = None
    broadcast: bool = True
    is_void: bool = False
    waits_for_thread: bool = False
    replaces: Place | None = None
    plainer: Message | None = None


class Contents:
    def __init__(
        self,
        *,
        policy: PolicyInForce,
        cases: Cases,
        eligibility: Eligibility,
        presenter: Presenter,
        store: MessageStore,
        queue: QueueStore,
        audits: AuditStore,
        rollbacks: RollbackStore,
        digests: Digests,
        alerts: AlertStore,
        adjustments: AdjustmentStore,
        alert_presenter: AlertPresenter,
    ) -> None:
        self._policy = policy
        self._cases, self._eligibility, self._presenter = cases, eligibility, presenter
        self._audits, self._adjustments = audits, adjustments
        self._alerts, self._alert_presenter = alerts, alert_presenter
        self._store, self._queue, self._rollbacks, self._digests = store, queue, rollbacks, digests

    async def of(self, job: Job) -> Content:
        """Raises what slack_sdk raises where it needs Slack to know."""
        if job.kind == "digest":
            message, plainer = await self._digests.of(job)
            return Content(message, plainer=plainer)
        if job.review_pk is None:
            return await self._of_post(job)
        if job.kind == "alert":
            return Content(render_alert(self._alert_presenter.view(await self._alerts.by_review_pk(job.review_pk))))
        return await self._of_review(job, await self._cases.by_pk(job.review_pk))

    async def _of_post(self, job: Job) -> Content:
        match job.kind:
            case "audit":
                return await self._of_audit(job)
            case "load":
                return self._of_load(job)
            case "proposal":
                return await self._of_proposal(job)
            case "report":
                body = job.body or {}
                return Content(Message(str(body["text"]), list(body["blocks"])))
            case _:
                return await self._of_queue(job)

    async def _of_review(self, job: Job, case: Case) -> Content:
        if job.kind == "sample":
            return await self._of_sample(case)
        return await (self._of_card(job, case) if job.kind == "card" else self._of_notice(job, case))

    async def channel_by_now(self, job: Job) -> str | None:
        """Where the policy of this moment wants a message; None where that is not for it to say."""
        policy = self._policy.current
        if job.kind == "digest":
            return policy.digest_channel
        if job.kind in ("audit", "proposal", "report"):
            return policy.task(str((job.body or {})["task"])).channel
        if job.review_pk is None:
            return None
        if job.kind == "alert":
            alert = await self._alerts.by_review_pk(job.review_pk)
            return None if alert.status == "resolved" else policy.task(alert.task_type).channel
        return self._case_channel(job, await self._cases.by_pk(job.review_pk)) if job.kind in CARDS else None

    def _case_channel(self, job: Job, case: Case) -> str | None:
        """None: nobody waits for it, or it is one of those by which an escalation asks elsewhere."""
        waits_here = case.review.state in WAITING and case.review.channel == job.channel
        return self._eligibility.task(case).channel if waits_here else None

    async def _of_card(self, job: Job, case: Case) -> Content:
        thread = None
        if job.message_ts is None and case.decision.first_pk is not None:
            thread = await self._store.thread_root(case.decision.first_pk, job.channel)
        message = render_card(await self._presenter.card(case))
        return Content(message, thread, is_void=case.review.state not in (*WAITING, ReviewState.HELD))

    async def _of_audit(self, job: Job) -> Content:
        body = job.body or {}
        return Content(render_audit(body, await self._audits.looked_at(body.get("reviews", []))))

    async def _of_sample(self, case: Case) -> Content:
        thread = await self._store.post_of(case.review.pk)
        message, waits = render_card(await self._presenter.card(case)), case.review.state in WAITING
        is_void = case.review.state not in (*WAITING, ReviewState.HELD)
        return Content(message, thread, broadcast=False, is_void=is_void, waits_for_thread=thread is None and waits)

    async def _of_rollback(self, job: Job, case: Case) -> Content:
        """In the thread of the decision's card, or beside all threads: people have to hear of it."""
        body = job.body or {}
        rollback = await self._rollbacks.find(int(body["rollback"]))
        body = {**body, "note": None if rollback.note is None else orjson.loads(rollback.note)["note"]}
        message, broadcast = render_notice(*await self._presenter.notice(case, body))
        thread = await self._store.post_of(case.review.pk)
        thread = thread or await self._store.thread_root(rollback.first_pk, job.channel)
        is_over = rollback.state != ("failed" if body["told"] == "failed" else "requested")
        return Content(message, thread, broadcast, is_void=is_over)

    async def _of_notice(self, job: Job, case: Case) -> Content:
        if (job.body or {}).get("what") == "rollback":
            return await self._of_rollback(job, case)
        message, broadcast = render_notice(*await self._presenter.notice(case, job.body or {}))
        if job.channel.startswith(("U", "W")):
            return Content(message)  # said to one person
        cards = [card for card in case.review.cards if card.channel == job.channel]
        place = cards[0].place if cards else None
        if place is not None and case.review.lane == "sample":
            place = await self._store.post_of(case.review.pk)  # one thread has all of a day's samples
        waits = place is None and bool(cards) and case.review.state in WAITING
        return Content(message, place, broadcast, is_void=place is None, waits_for_thread=waits)

    async def _of_proposal(self, job: Job) -> Content:
        proposal = await self._adjustments.proposal(str((job.body or {})["proposal"]))
        if proposal is None:
            raise LookupError(f"there is no proposal for message {job.key}")
        made = None if proposal.adjustment_id is None else await self._adjustments.find(proposal.adjustment_id)
        replaced_at = None if made is None else made.ended_at
        return Content(render_proposed(proposal, replaced_at), is_void=proposal.state == "outdated")

    def _of_load(self, job: Job) -> Content:
        body = job.body or {}
        former = body.get("former")
        return Content(render_load(job.channel, body), replaces=Place(*former) if former else None)

    async def _of_queue(self, job: Job) -> Content:
        body = job.body or {}
        groups: list[Group] = []
        if job.kind == "batch":
            groups = [group for group in await self._queue.groups(job.channel) if group.lane == "batch"]
        # How many cards are too many was counted with the policy, when it was found that there are.
        count = int(body["count"]) if job.kind == "more" else sum(group.count for group in groups)
        former = body.get("former")
        view = BatchView(
            key=job.key,
            kind="more" if job.kind == "more" else "batch",
            count=count,
            tasks=_by_task(groups),
            oldest=min((group.oldest for group in groups), default=None),
        )
        return Content(render_batch(view), is_void=count == 0, replaces=Place(*former) if former else None)


def _by_task(groups: list[Group]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for group in sorted(groups, key=lambda group: -group.most_urgent):
        counts[group.task_type] = counts.get(group.task_type, 0) + group.count
    return counts
