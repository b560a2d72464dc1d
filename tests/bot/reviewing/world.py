"""The review services over a real store, with people whose belonging a test decides."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.answer import sha256_of
from bot.ids import NewId
from bot.policy_in_force import PolicyInForce
from bot.reviewing.case import Case, Cases
from bot.reviewing.claims import Claims
from bot.reviewing.deadlines import Deadlines
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import MembershipUnknownError, Reviewer
from bot.reviewing.second_opinion import SecondOpinions
from bot.reviewing.verdicts import Reviewing
from routing.policy import Circle, parse_policy
from routing.review import Verdict
from store import tables as t
from store.adjustments import AdjustmentStore
from store.decisions import Cancel, DecisionStore, PrimaryKeys, outcome_content
from store.engine import open_engine, parse_url
from store.history import HistoryRecord, read
from store.messages import MarkSent, Place
from store.notify import Wakeups
from store.reviews import ReviewStore
from store.writer import Writer
from tests.support.bot import POLICY
from tests.support.clock import ManualClock
from tests.support.databases import migrate
from tests.support.rows import NOW, add_world, review, take_in

ADA, BEN, CHEN, DORA, EMIL = (Reviewer("T0HOME", user) for user in ("U0ADA", "U0BEN", "U0CHEN", "U0DORA", "U0EMIL"))
CHANNEL = "C0REVIEW"


def policy_for_labels(settings: str, rule: str = "") -> str:
    """The policy of all tests with these further settings of the task `label`, and a further rule."""
    text = POLICY.replace("  label: {", f"  label: {{{settings}, ")
    return text.replace("rules:\n", f"rules:\n  - {{{rule}}}\n", 1) if rule else text


class FakeMembership:
    """Everybody belongs but those in `outside`; with `strict` only whom the circle names and, where channel members
    count, everybody. Nobody knows while `away`. Each question takes some turns."""

    def __init__(self) -> None:
        self.outside: set[str] = set()
        self.strict = False
        self.away = False
        self.turns = 0
        self.asked: list[tuple[Circle, str, Sequence[str]]] = []

    async def includes(self, circle: Circle, reviewer: Reviewer, channels: Sequence[str], *, recent: bool) -> bool:
        self.asked.append((circle, reviewer.user_id, list(channels)))
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.away:
            raise MembershipUnknownError
        named = reviewer.user_id in circle.users or circle.channel_members or not self.strict
        return named and reviewer.user_id not in self.outside


@dataclass
class World:
    engine: AsyncEngine
    clock: ManualClock
    writer: Writer
    policy: PolicyInForce
    policy_file: Path
    membership: FakeMembership
    wakeups: Wakeups
    cases: Cases
    eligibility: Eligibility
    reviewing: Reviewing
    claims: Claims
    deadlines: Deadlines
    app_pk: int
    pks: "count[int]"
    new_id: NewId
    draw: list[float]
    """What the draw of a second opinion gives."""

    async def set_policy(self, text: str) -> None:
        self.policy_file.write_text(text)
        await self.policy.reload()
        assert self.policy.current.version == parse_policy(text).version, "the text is no policy"

    async def case(
        self,
        *,
        kind: str = "gate",
        output: Any = "shipping",
        lane: str = "card",
        posted: bool = True,
        urgency: int = 20,
        request: Any = None,
        **changes: Any,
    ) -> Case:
        """A new decision with an open review, in a policy's hands."""
        pk = next(self.pks)
        if kind == "provisional":
            changes = {"disposition": "execute_provisional", **changes}
        made = take_in(
            pk,
            self.app_pk,
            **{
                "action_sha256": sha256_of(output),
                "callback_url": "https://app.example",
                "created_at": self.clock.now(),
                **changes,
            },
        )
        body = {"task_type": made.decision.task_type, "input": "Where?", "output": output, **(request or {})}
        deadline = self.clock.now() + self.policy.current.task(made.decision.task_type).sla
        opened = review(
            pk,
            kind=kind,
            lane=lane,
            urgency=urgency,
            risk=made.decision.risk,
            task_type=made.decision.task_type,
            deadline=deadline,
            due_at=self.clock.now() if lane == "batch" else deadline,
        )
        await self.writer.submit(replace(made, contents={"request": json.dumps(body)}, review=opened))
        if lane == "card" and posted:
            await self.post(f"rev_{pk}")
        return await self.now(f"rev_{pk}")

    async def post(self, review_id: str, ts: str | None = None) -> None:
        """The card of a review has arrived in Slack."""
        case = await self.now(review_id)
        async with self.engine.connect() as connection:
            query = select(t.messages.c.pk).where(t.messages.c.review_pk == case.review.pk, t.messages.c.kind == "card")
            pk = await connection.scalar(query)
        await self.writer.submit(
            MarkSent(int(pk or 0), 1, Place(CHANNEL, ts or f"{case.decision.pk}.0"), self.clock.now())
        )

    async def now(self, review_id: str) -> Case:
        case = await self.cases.by_id(review_id)
        assert case is not None
        return case

    async def rows(self, table: Table, column: str, pk: int) -> list[Any]:
        async with self.engine.connect() as connection:
            query = select(table).where(table.c[column] == pk).order_by(*table.primary_key)
            return list((await connection.execute(query)).all())

    async def events(self, case: Case) -> list[str]:
        """The types of the events to the app so far."""
        rows = await self.rows(t.events, "decision_pk", case.decision.pk)
        return [row.type for row in sorted(rows, key=lambda row: row.position)]

    async def told(self, case: Case) -> list[dict[str, Any]]:
        """The decision objects of the events to the app so far."""
        bodies = []
        for row in sorted(await self.rows(t.events, "decision_pk", case.decision.pk), key=lambda row: row.position):
            part = f"event:{row.id}"
            content = await DecisionStore(self.engine).contents([case.decision.pk], part)
            bodies.append(json.loads(content[case.decision.pk, part])["data"])
        return bodies

    async def history(self, case: Case) -> list[str]:
        """The events of the decision's history, after its posting."""
        return [record.event for record in (await read(self.engine, case.decision.pk))[1:]]

    async def sibling(self, case: Case, kind: str) -> Case:
        """Another review of the same decision."""
        [found] = [each for each in await self.cases.of_decision(case.decision.pk) if each.review.kind == kind]
        return found

    async def cancel(self, case: Case) -> bool:
        """The app withdraws the decision."""
        record = HistoryRecord(self.clock.now(), "app:decision:cancelled", "app:shop", self.app_pk, case.decision.pk)
        content = json.dumps(outcome_content(None))
        return await self.writer.submit(Cancel(case.decision.pk, self.clock.now(), content, (record,)))

    async def messages(self, case: Case, kind: str) -> list[Any]:
        return [row for row in await self.rows(t.messages, "review_pk", case.review.pk) if row.kind == kind]

    async def decide(self, case: Case, verdict: Verdict, reviewer: Reviewer = ADA) -> Any:
        return await self.reviewing.decide(case, reviewer, verdict)

    async def pass_time(self, passed: timedelta) -> None:
        await self.clock.advance(passed.total_seconds())
        await self.deadlines.sweep()


@asynccontextmanager
async def review_world(folder: Path, url: str, policy_text: str = POLICY) -> AsyncIterator[World]:
    await migrate(url)
    engine = open_engine(parse_url(url))
    wakeups, clock = Wakeups(), ManualClock(NOW)
    writer = Writer(engine, wakeups)
    writer.start()
    path = folder / "policy.yml"
    path.write_text(policy_text)
    policy = PolicyInForce(path, writer, clock, AdjustmentStore(engine))
    await policy.load()
    numbers, draw = count(1), [0.5]

    def new_id(prefix: str) -> str:
        return f"{prefix}_{next(numbers)}_made"

    membership = FakeMembership()
    services = _services(engine, writer, clock, policy, membership, new_id, draw)
    app_pk = await add_world(writer, engine)
    yield World(engine, clock, writer, policy, path, membership, wakeups, *services, app_pk, count(1), new_id, draw)
    await writer.stop()
    await engine.dispose()


@asynccontextmanager
async def replica(world: World) -> AsyncIterator[World]:
    """A second process on the same database: connections and a writer of its own, the same people and clock."""
    engine, wakeups = open_engine(world.engine.url), Wakeups()
    writer = Writer(engine, wakeups)
    writer.start()
    cases, eligibility, reviewing, claims, deadlines = _services(
        engine, writer, world.clock, world.policy, world.membership, world.new_id, world.draw
    )
    yield replace(
        world,
        engine=engine,
        writer=writer,
        wakeups=wakeups,
        cases=cases,
        eligibility=eligibility,
        reviewing=reviewing,
        claims=claims,
        deadlines=deadlines,
    )
    await writer.stop()
    await engine.dispose()


def _services(
    engine: AsyncEngine,
    writer: Writer,
    clock: ManualClock,
    policy: PolicyInForce,
    membership: FakeMembership,
    new_id: NewId,
    draw: list[float],
) -> tuple[Cases, Eligibility, Reviewing, Claims, Deadlines]:
    reviews, keys = ReviewStore(engine), PrimaryKeys(writer)
    cases = Cases(reviews, DecisionStore(engine))
    eligibility = Eligibility(policy, membership)
    second_opinions = SecondOpinions(
        clock=clock, keys=keys, new_id=new_id, eligibility=eligibility, draw=lambda _app, _id: draw[0]
    )
    reviewing = Reviewing(
        clock=clock,
        writer=writer,
        cases=cases,
        eligibility=eligibility,
        policy=policy,
        second_opinions=second_opinions,
        new_id=new_id,
    )
    claims = Claims(clock=clock, writer=writer, cases=cases, eligibility=eligibility)
    deadlines = Deadlines(
        clock=clock,
        writer=writer,
        reviews=reviews,
        cases=cases,
        eligibility=eligibility,
        reviewing=reviewing,
        policy=policy,
        keys=keys,
        new_id=new_id,
    )
    return cases, eligibility, reviewing, claims, deadlines
