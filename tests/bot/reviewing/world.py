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
from bot.policy_in_force import PolicyInForce
from bot.reviewing.case import Case, Cases
from bot.reviewing.claims import Claims
from bot.reviewing.deadlines import Deadlines
from bot.reviewing.eligibility import Eligibility
from bot.reviewing.people import MembershipUnknownError, Reviewer
from bot.reviewing.second_opinion import SecondOpinions
from bot.reviewing.verdicts import Reviewing
from routing.policy import Circle
from routing.review import Verdict
from store import tables as t
from store.decisions import DecisionStore, PrimaryKeys
from store.engine import open_engine, parse_url
from store.messages import MarkSent, Place
from store.notify import Wakeups
from store.reviews import ReviewStore
from store.writer import Writer
from tests.support.bot import POLICY
from tests.support.clock import ManualClock
from tests.support.databases import migrate
from tests.support.rows import NOW, add_world, review, take_in

ADA, BEN, CHEN, DORA = (Reviewer("T0HOME", user) for user in ("U0ADA", "U0BEN", "U0CHEN", "U0DORA"))
CHANNEL = "C0REVIEW"


class FakeMembership:
    """Everybody belongs but those in `outside`; nobody knows while `away`. Each question takes some turns."""

    def __init__(self) -> None:
        self.outside: set[str] = set()
        self.away = False
        self.turns = 0
        self.asked: list[tuple[Circle, str, Sequence[str]]] = []

    async def includes(self, circle: Circle, reviewer: Reviewer, channels: Sequence[str], *, recent: bool) -> bool:
        self.asked.append((circle, reviewer.user_id, list(channels)))
        for _ in range(self.turns):
            await asyncio.sleep(0)
        if self.away:
            raise MembershipUnknownError
        return reviewer.user_id not in self.outside


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
    draw: list[float]

    async def set_policy(self, text: str) -> None:
        self.policy_file.write_text(text)
        await self.policy.reload()

    async def case(
        self, *, kind: str = "gate", output: Any = "shipping", lane: str = "card", request: Any = None, **changes: Any
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
            risk=made.decision.risk,
            task_type=made.decision.task_type,
            deadline=deadline,
            due_at=self.clock.now() if lane == "batch" else deadline,
        )
        await self.writer.submit(replace(made, contents={"request": json.dumps(body)}, review=opened))
        if lane == "card":
            await self.post(f"rev_{pk}")
        return await self.now(f"rev_{pk}")

    async def post(self, review_id: str, ts: str | None = None) -> None:
        """The card of a review has arrived in Slack."""
        case = await self.now(review_id)
        async with self.engine.connect() as connection:
            query = select(t.messages.c.pk).where(t.messages.c.review_pk == case.review.pk, t.messages.c.kind == "card")
            pk = await connection.scalar(query)
        await self.writer.submit(MarkSent(int(pk or 0), 1, Place(CHANNEL, ts or f"{case.decision.pk}.0"), self.clock.now()))

    async def now(self, review_id: str) -> Case:
        case = await self.cases.by_id(review_id)
        assert case is not None
        return case

    async def rows(self, table: Table, column: str, pk: int) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(select(table).where(table.c[column] == pk))).all())

    async def events(self, case: Case) -> list[str]:
        """The types of the events to the app so far."""
        return [row.type for row in await self.rows(t.events, "decision_pk", case.decision.pk)]

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
    wakeups = Wakeups()
    writer, clock, membership = Writer(engine, wakeups), ManualClock(NOW), FakeMembership()
    writer.start()
    path = folder / "policy.yml"
    path.write_text(policy_text)
    policy = PolicyInForce(path, writer, clock)
    await policy.load()
    numbers = count(1)

    def new_id(prefix: str) -> str:
        return f"{prefix}_{next(numbers)}_made"

    reviews, keys = ReviewStore(engine), PrimaryKeys(writer)
    cases = Cases(reviews, DecisionStore(engine))
    eligibility = Eligibility(policy, membership)
    draw = [0.5]
    reviewing = Reviewing(
        clock=clock,
        writer=writer,
        cases=cases,
        eligibility=eligibility,
        policy=policy,
        second_opinions=SecondOpinions(
            clock=clock, keys=keys, new_id=new_id, eligibility=eligibility, draw=lambda _app, _id: draw[0]
        ),
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
    app_pk = await add_world(writer, engine)
    yield World(
        engine,
        clock,
        writer,
        policy,
        path,
        membership,
        wakeups,
        cases,
        eligibility,
        reviewing,
        claims,
        deadlines,
        app_pk,
        count(1),
        draw,
    )
    await writer.stop()
    await engine.dispose()
