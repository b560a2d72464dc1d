"""What is done when reviewers fall behind: step by step, once, never with what was escalated, and taken back."""

import asyncio
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.reviewing.case import Case
from bot.reviewing.load import Load
from bot.reviewing.people import Reviewer
from routing.load import Level
from routing.review import Approve
from store import tables as t
from store.load import LoadStore
from tests.bot.reviewing.world import ADA, BEN, World, replica, review_world
from tests.support.bot import POLICY
from tests.support.rows import NOW

MINUTE = timedelta(minutes=1)
TICK = 15 * MINUTE
CHANNEL = "#ai-review"
STEPS = "[{after: 30m, remind: channel}, {after: 40m, notify: S0ONCALL}, {after: 50m, remind: channel}]"
# Everything waits for at most ten minutes; `draft` may go out before somebody has seen it, `queued` may not.
TEXT = POLICY.replace("  channel:", f"  sla: 10m\n  max_error: 0.2\n  escalation: {STEPS}\n  channel:", 1)
LIKELY: dict[str, Any] = {"task_type": "draft", "lane": "batch", "confidence": 0.4, "request": {"confidence": 0.4}}


def load_of(world: World) -> Load:
    return Load(
        clock=world.clock,
        writer=world.writer,
        store=LoadStore(world.engine),
        policy=world.policy,
        deadlines=world.deadlines,
    )


async def tick(world: World, *, times: int = 1) -> dict[str, Any]:
    """A quarter of an hour passes, and the job looks."""
    for _ in range(times):
        await world.clock.advance(TICK.total_seconds())
        told = await load_of(world).look()
    return told


async def rise_to(world: World, level: Level) -> None:
    while await level_of(world) < level:
        await tick(world)


async def level_of(world: World) -> Level:
    levels = await LoadStore(world.engine).levels()
    return Level(levels[CHANNEL].level) if CHANNEL in levels else Level.NORMAL


async def audited(world: World, number: int, *, outcome: str = "approved", task_type: str = "draft") -> None:
    """So many decisions that ran alone were looked at, of ten times as many."""
    for _ in range(number):
        case = await world.case(
            kind="audit",
            lane="sample",
            task_type=task_type,
            route="AUTO",
            status="resolved",
            outcome=outcome,
            disposition="execute",
            inclusion=0.1,
        )
        await set_review(world, case, state="decided", due_at=None)


async def set_review(world: World, case: Case, **columns: Any) -> None:
    async with world.engine.begin() as connection:
        await connection.execute(update(t.reviews).where(t.reviews.c.pk == case.review.pk).values(**columns))


async def rows(world: World, table: Any, *conditions: Any) -> list[Any]:
    async with world.engine.connect() as connection:
        return list((await connection.execute(select(table).where(*conditions))).all())


async def posts(world: World) -> list[Any]:
    return await rows(world, t.messages, t.messages.c.kind == "load")


async def changes(world: World) -> list[tuple[str, str]]:
    """From which level to which, as the history has it."""
    found = await rows(world, t.history, t.history.c.event == "bot:load:changed")
    return [(row.facts["from"], row.facts["to"]) for row in found]


async def out(world: World, *cases: Case) -> list[Case]:
    """Those that went out as provisional."""
    now = [await world.now(case.review.id) for case in cases]
    return [case for case in now if case.decision.disposition == "execute_provisional"]


async def settle(world: World) -> None:
    """People decide all that waits."""
    for kind in ("gate", "provisional"):
        waiting = await rows(world, t.reviews, t.reviews.c.state == "open", t.reviews.c.kind == kind)
        for row in waiting:
            await world.decide(await world.cases.by_pk(row.pk), Approve())


# Step by step ---------------------------------------------------------------------------------------------------------


async def test_where_all_is_well_nothing_is_said_or_kept(world: World) -> None:
    await world.set_policy(TEXT)
    await world.case(**LIKELY)
    assert await load_of(world).look() == {"behind": 0, "released": 0, "widened": 0}
    assert (await posts(world), await changes(world), await LoadStore(world.engine).levels()) == ([], [], {})


async def test_each_look_goes_one_step_further_and_all_are_kept_in_one_message(world: World) -> None:
    await world.set_policy(TEXT)
    await audited(world, 10)
    await world.case(**LIKELY)
    await tick(world, times=6)
    names = [level.name.lower() for level in Level]
    assert await changes(world) == list(pairwise(names))
    [post] = await posts(world)
    assert (post.key, post.urgency) == (f"load:{CHANNEL}:{int((NOW + TICK).timestamp())}", 26)
    assert (post.body["level"], post.body["waiting"], post.body["oldest_minutes"]) == (Level.TELL, 1, 45)
    assert post.body["help"] == {"people": ["S0ONCALL", "U0ADA"], "channels": []}


async def test_the_history_has_the_numbers_and_the_policy(world: World) -> None:
    await world.set_policy(TEXT)
    await world.case(**LIKELY)
    await tick(world)
    [record] = await rows(world, t.history, t.history.c.event == "bot:load:changed")
    assert record.actor == "bot"
    assert record.facts["policy_version"] == world.policy.current.version
    facts = {name: record.facts[name] for name in ("channel", "waiting", "oldest_minutes", "sla_minutes", "people")}
    assert facts == {"channel": CHANNEL, "waiting": 1, "oldest_minutes": 15, "sla_minutes": 10.0, "people": 0}


async def test_it_warns_before_the_time_is_over(world: World) -> None:
    await world.set_policy(TEXT)
    await world.case(**LIKELY)
    await world.clock.advance(9 * 60)
    await load_of(world).look()
    assert await level_of(world) is Level.WARNED
    await tick(world)
    assert await level_of(world) is Level.BATCH


async def test_it_warns_of_a_line_that_is_too_long_for_those_who_are_there(world: World) -> None:
    await world.set_policy(TEXT)
    for _ in range(7):
        await world.case(**LIKELY)
    await load_of(world).look()
    assert await level_of(world) is Level.NORMAL, "nobody has begun yet"
    await world.decide(await world.case(lane="batch", task_type="queued"), Approve())
    await load_of(world).look()
    assert await level_of(world) is Level.WARNED, "seven of 90 seconds for one person, where ten minutes are allowed"


async def test_tomorrows_rush_is_worth_a_warning_and_no_more(world: World) -> None:
    await world.set_policy(TEXT)
    for _ in range(41):  # more than one person can do in an hour
        case = await world.case(lane="batch", task_type="queued")
    await world.decide(case, Approve())
    async with world.engine.begin() as connection:
        await connection.execute(update(t.reviews).values(state="decided"))
    await world.clock.advance(3 * 3600)
    case = await world.case(**LIKELY)
    await load_of(world).look()
    await tick(world)
    assert await level_of(world) is Level.BATCH, "what waits too long is today's trouble"
    await world.decide(await world.now(case.review.id), Approve())
    await tick(world)
    assert await level_of(world) is Level.WARNED
    await tick(world, times=3)
    assert await level_of(world) is Level.WARNED
    [post] = await posts(world)
    assert post.body["keeps_up"] is False


async def test_back_to_normal_by_itself(world: World) -> None:
    await world.set_policy(TEXT)
    await audited(world, 10)
    case = await world.case(**LIKELY)
    await rise_to(world, Level.RELEASE)
    began = (await LoadStore(world.engine).levels())[CHANNEL].since
    await settle(world)
    await world.clock.advance(3 * 86_400)
    await load_of(world).look()
    assert await level_of(world) is Level.NORMAL
    [post] = await posts(world)
    assert (post.body["level"], post.body["until"]) == (Level.NORMAL, int(world.clock.now().timestamp()))
    assert (post.body["since"], post.body["released"]) == (int(began.timestamp()), 1)
    assert (await changes(world))[-1] == ("release", "normal")
    assert len(await out(world, case)) == 0, "a person has approved it since"

    await tick(world, times=2)
    assert len(await posts(world)) == 1
    await world.case(**LIKELY)
    await tick(world)
    assert len(await posts(world)) == 2, "a new episode has a message of its own"


async def test_a_channel_to_which_nothing_comes_any_more_is_normal(world: World) -> None:
    await world.set_policy(TEXT)
    case = await world.case(**LIKELY)
    await tick(world)
    await world.decide(await world.now(case.review.id), Approve())
    await world.clock.advance(8 * 86_400)
    await load_of(world).look()
    assert await level_of(world) is Level.NORMAL


async def test_the_level_survives_a_restart(world: World) -> None:
    await world.set_policy(TEXT)
    await world.case(**LIKELY)
    await rise_to(world, Level.BATCH)
    async with replica(world) as restarted:
        await world.clock.advance(TICK.total_seconds())
        await load_of(restarted).look()
        assert await level_of(restarted) is Level.WIDEN, "there are no audits, so nothing may be released"


async def test_two_looks_within_one_tick_are_one_step(world: World) -> None:
    await world.set_policy(TEXT)
    await world.case(**LIKELY)
    await tick(world)
    await load_of(world).look()
    assert await level_of(world) is Level.WARNED


async def test_what_is_no_working_time_changes_nothing(world: World) -> None:
    hours = 'business_hours: {days: [fri], from: "09:00", to: "18:00"}\n'
    await world.set_policy(TEXT.replace("version: 1\n", f"version: 1\n{hours}"))
    await world.case(**LIKELY)
    await rise_to(world, Level.BATCH)
    await world.clock.advance(12 * 3600)
    assert await load_of(world).look() == {"behind": 0, "released": 0, "widened": 0}
    assert await level_of(world) is Level.BATCH


async def test_at_the_last_step_the_channel_hears_of_it_anew(world: World) -> None:
    await world.set_policy(TEXT)
    await world.case(**LIKELY)
    await tick(world)
    async with world.engine.begin() as connection:
        await connection.execute(update(t.messages).values(message_channel="C0", message_ts="1.0", sent=9))
    await rise_to(world, Level.WIDEN)
    [post] = await posts(world)
    assert post.message_ts == "1.0"
    await tick(world)
    [post] = await posts(world)
    assert (post.message_ts, post.body["former"], post.body["level"]) == (None, ["C0", "1.0"], Level.TELL)


# Release --------------------------------------------------------------------------------------------------------------


async def test_a_release_is_the_timeouts_own_and_nobodys_verdict(world: World) -> None:
    await world.set_policy(TEXT)
    await audited(world, 10)
    case = await world.case(**LIKELY)
    await rise_to(world, Level.RELEASE)
    [released] = await out(world, case)
    assert (released.review.state, released.review.due_at) == ("timed_out", None)
    [told] = await world.told(case)
    assert (told["outcome"]["result"], told["outcome"]["decided_by"]) == ("timed_out", [])
    assert await rows(world, t.verdicts) == []
    assert (await world.sibling(case, "provisional")).review.state == "open"
    [record] = await rows(world, t.history, t.history.c.event == "bot:review:timed_out")
    assert record.facts["cause"] == "load"


async def test_the_history_tells_a_deadline_from_load(world: World) -> None:
    await world.set_policy(TEXT.replace("draft: {", "draft: {on_timeout: provisional, "))
    await world.case(**LIKELY)
    await world.pass_time(11 * MINUTE)
    [record] = await rows(world, t.history, t.history.c.event == "bot:review:timed_out")
    assert record.facts["cause"] == "deadline"


async def test_no_more_go_out_than_the_errors_allow_and_the_most_confident_first(world: World) -> None:
    await world.set_policy(TEXT)
    # 60 ran alone: 12 may be wrong, and one more than was found weighs 10. Two errors that cost a half each: four.
    await audited(world, 6)
    unsure = [{**LIKELY, "confidence": c, "request": {"confidence": c}} for c in (0.1, 0.4, 0.2, 0.45, 0.3, 0.35)]
    cases = [await world.case(**facts) for facts in unsure]
    await rise_to(world, Level.RELEASE)
    assert sorted(case.request.confidence or 0 for case in await out(world, *cases)) == [0.3, 0.35, 0.4, 0.45]
    await tick(world, times=3)
    assert len(await out(world, *cases)) == 4, "what went out has spent it"


@pytest.mark.parametrize(
    ("audits", "outcome"),
    [(0, "approved"), (5, "approved"), (10, "rejected")],  # nothing is known; too little is; too much was wrong
)
async def test_without_a_budget_the_circle_is_widened_instead(world: World, audits: int, outcome: str) -> None:
    await world.set_policy(TEXT)
    await audited(world, audits, outcome=outcome)
    case = await world.case(**LIKELY)
    await rise_to(world, Level.TELL)
    assert await out(world, case) == []
    assert [to for _, to in await changes(world)] == ["warned", "batch", "widen", "tell"]


@pytest.mark.parametrize("draft", ["queue: {provisional_from: null}", "queue: {provisional_from: 0.5}, autonomy: 2"])
async def test_a_task_whose_policy_does_not_agree_releases_nothing(world: World, draft: str) -> None:
    await world.set_policy(TEXT.replace("queue: {provisional_from: 0.5}", draft))
    await audited(world, 10)
    case = await world.case(**LIKELY)
    await rise_to(world, Level.TELL)
    assert await out(world, case) == []


async def test_one_that_fails_stops_no_other(world: World) -> None:
    await world.set_policy(TEXT)
    await audited(world, 10)
    broken, sound = await world.case(**LIKELY), await world.case(**LIKELY)
    async with world.engine.begin() as connection:
        mine = t.contents.c.decision_pk == broken.decision.pk
        await connection.execute(update(t.contents).where(mine).values(body="no JSON"))
    await rise_to(world, Level.RELEASE)
    assert len(await out(world, sound)) == 1


async def test_a_timeout_that_releases_is_agreement_too(world: World) -> None:
    text = TEXT.replace("queue: {provisional_from: 0.5}", "on_timeout: provisional")
    await world.set_policy(text)
    await audited(world, 10)
    case = await world.case(**LIKELY)
    await rise_to(world, Level.RELEASE)
    assert len(await out(world, case)) == 1


async def test_what_somebody_has_begun_with_is_theirs(world: World) -> None:
    await world.set_policy(TEXT.replace("draft: {", "draft: {approvals: {low: 2}, "))
    await audited(world, 10)
    claimed, voted, left = [await world.case(**LIKELY) for _ in range(3)]
    await rise_to(world, Level.BATCH)
    await world.decide(await world.now(voted.review.id), Approve(), BEN)
    await world.claims.claim(await world.now(left.review.id), BEN)
    await world.clock.advance(600)
    await world.claims.claim(await world.now(claimed.review.id), ADA)
    await world.clock.advance(300)
    await load_of(world).look()
    assert await level_of(world) is Level.RELEASE
    assert [case.review.id for case in await out(world, claimed, voted, left)] == [left.review.id]


async def test_one_that_somebody_takes_up_meanwhile_is_theirs_too(world: World) -> None:
    await world.set_policy(TEXT)
    case = await world.case(**LIKELY)
    await world.claims.claim(case, ADA)
    assert not await world.deadlines.release(case.review.pk)
    await world.decide(await world.now(case.review.id), Approve())
    assert not await world.deadlines.release(case.review.pk)


async def test_what_the_policy_of_today_would_escalate_stays(world: World) -> None:
    await world.set_policy(TEXT)
    case = await world.case(**LIKELY)
    await world.set_policy(TEXT.replace("unsure: QUEUE", "unsure: ESCALATE"))
    assert not await world.deadlines.release(case.review.pk)


# One of these is enough to keep a decision with people.
REASONS_TO_STAY: list[dict[str, Any]] = [
    {"route": "ESCALATE"},
    {"lane": "card"},
    {"kind": "double", "lane": "blind"},
    {"kind": "provisional"},
    {"risk": "high"},
    {"risk": "critical"},
    {"task_type": "queued"},
    {"task_type": "label"},
    {"confidence": None, "request": {}},
    {"reversible": False, "request": {"confidence": 0.4, "reversible": False}},
    {"request": {"confidence": 0.4, "context": {"amount": 20_000}}},
    {"request": {"confidence": 0.4, "context": {"amount": "much"}}},
]


@pytest.mark.parametrize("seed", range(3))
async def test_what_was_escalated_is_never_shed(world: World, seed: int) -> None:
    """Nor what must not go out unseen for another reason, whatever else it is and however far behind people are."""
    chance = Random(seed)
    await world.set_policy(TEXT)
    await audited(world, 10)
    may_go = [await world.case(**LIKELY) for _ in range(2)]
    must_stay = []
    for reason in REASONS_TO_STAY:
        other = chance.choice([{}, *REASONS_TO_STAY])
        case = await world.case(**{**LIKELY, **other, **reason})
        must_stay.append((case, case.decision.disposition))
    await rise_to(world, Level.TELL)
    await tick(world)
    assert len(await out(world, *may_go)) == 2
    for case, before in must_stay:
        now = await world.now(case.review.id)
        assert (now.review.state, now.decision.disposition) == ("open", before)


# A wider circle -------------------------------------------------------------------------------------------------------


async def test_steps_that_ask_more_people_come_at_once_and_once(world: World) -> None:
    await world.set_policy(TEXT)
    case = await world.case(task_type="label")
    await rise_to(world, Level.WIDEN)
    now = await world.now(case.review.id)
    assert [row.body for row in await world.messages(case, "notice")] == [
        {"what": "remind"},
        {"what": "notify", "whom": "S0ONCALL"},
    ]
    assert (now.review.steps_done, now.review.due_at) == (2, case.review.deadline)
    steps = await rows(world, t.history, t.history.c.event == "bot:review:escalated")
    assert [(row.facts["step"], row.facts["cause"]) for row in steps] == [(1, "load"), (2, "load")]
    await tick(world)
    await world.pass_time(60 * MINUTE)
    assert len(await world.messages(case, "notice")) == 3, "the last reminder comes at its time"
    [post] = await posts(world)
    assert post.body["widened"] == 1


async def test_a_card_that_is_decided_meanwhile_asks_nobody(world: World) -> None:
    await world.set_policy(TEXT)
    case = await world.case(task_type="label")
    await world.decide(case, Approve())
    assert not await world.deadlines.widen(case.review.pk)
    assert await world.messages(case, "notice") == []


# Replicas -------------------------------------------------------------------------------------------------------------


async def test_two_replicas_make_one_step_one_message_and_one_release(any_world: World) -> None:
    world = any_world
    await world.set_policy(TEXT)
    await audited(world, 10)
    cases = [await world.case(**LIKELY) for _ in range(5)] + [await world.case(task_type="label")]
    async with replica(world) as other:
        for _ in range(5):
            await world.clock.advance(TICK.total_seconds())
            await asyncio.gather(*(load_of(each).look() for each in (world, other, world, other)))
    assert [to for _, to in await changes(world)] == ["warned", "batch", "release", "widen", "tell"]
    [post] = await posts(world)
    assert (post.body["released"], post.body["widened"]) == (5, 1)
    for case in cases[:5]:
        assert await world.events(case) == ["decision.resolved"]
    assert len(await world.messages(cases[5], "notice")) == 2


# With and without -----------------------------------------------------------------------------------------------------


async def p95_wait(world: World, *, measures: bool) -> int:
    """The minutes within which 95 % of the apps have their answer. In every five minutes of a rush about three
    decisions come, and two people do one each; the arrivals are the same each time."""
    await world.set_policy(TEXT)
    await audited(world, 20)
    chance = Random(11)
    posted: dict[str, int] = {}
    waits: dict[str, int] = {}
    for minute in range(0, 120, 5):
        for _ in range(sum(chance.random() < 0.75 for _ in range(4 if minute < 90 else 0))):
            case = await world.case(**LIKELY)
            posted[case.decision.id] = minute
        for reviewer in (ADA, BEN):
            await decide_oldest(world, reviewer)
        if measures and minute % 15 == 0:
            await load_of(world).look()
        answered = t.decisions.c.disposition.in_(("execute", "execute_provisional"))
        for row in await rows(world, t.decisions, answered, t.decisions.c.id.in_(posted)):
            waits.setdefault(row.id, minute - posted[row.id])
        await world.clock.advance(300)
    ordered = sorted(waits.get(name, 120 - minute) for name, minute in posted.items())
    return ordered[int(len(ordered) * 0.95)]


async def decide_oldest(world: World, reviewer: Reviewer) -> None:
    """Gates first: somebody waits there."""
    r = t.reviews.c
    waiting = await rows(world, t.reviews, r.state == "open", r.kind.in_(("gate", "provisional")))
    if waiting:
        first = min(waiting, key=lambda row: (row.kind != "gate", row.pk))
        await world.decide(await world.cases.by_pk(first.pk), Approve(), reviewer)


async def test_with_the_measures_apps_wait_less_on_the_same_arrivals(tmp_path: Path) -> None:
    waits: dict[bool, int] = {}
    for measures in (False, True):
        url = f"sqlite:///{tmp_path}/{measures}.db"
        async with review_world(tmp_path, url) as world:
            waits[measures] = await p95_wait(world, measures=measures)
    assert waits[True] < waits[False]
