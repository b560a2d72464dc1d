"""Facts counted by the database, against a week that was counted by hand."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from routing.metrics import Facts, Group, Judged, latency_step, metrics, summed
from store.counters import note, write
from store.facts import MOST_COHORTS, FactStore, Window
from store.tallies import Tally, quarter_of
from store.writer import Writer
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW, add_world

HOUR = timedelta(hours=1)
WEEK = Window(NOW, NOW + timedelta(days=7))
APPROVE, REJECT = Voted("approve"), Voted("reject", "wrong_action")


@pytest.fixture
async def past(engine: AsyncEngine) -> AsyncIterator[Past]:
    writer = Writer(engine)
    writer.start()
    yield Past(engine, await add_world(writer, engine))
    await writer.stop()


async def facts_of(past: Past, window: Window = WEEK) -> Facts:
    return summed((await FactStore(past.engine).read(window)).values())


async def test_without_decisions_there_are_no_groups(past: Past) -> None:
    assert await FactStore(past.engine).read(WEEK) == {}


async def test_a_week_counted_by_hand(past: Past) -> None:
    await past.add(NOW, Judgement("gate", [Voted("approve", after=30.0)]), cohort="eu")
    await past.add(NOW + HOUR, Judgement("gate", [Voted("reject", "tone", after=90.5)]), cohort="eu")
    await past.add(NOW + HOUR, Judgement("provisional", [Voted("edit", None, after=2.34)]))
    await past.add(NOW + HOUR, Judgement("gate"))  # nobody has decided it
    await past.add(NOW + HOUR, Judgement("gate", state="timed_out"))
    await past.add(NOW + HOUR, Judgement("audit", [REJECT]), inclusion=0.25, task_type="refund")
    await past.add(NOW + HOUR, Judgement("audit", [APPROVE]), inclusion=0.5, task_type="refund")
    await past.add(NOW + HOUR, Judgement("audit"), inclusion=0.5, task_type="refund")
    await past.add(NOW + HOUR, inclusion=0.5, task_type="refund")

    assert await FactStore(past.engine).read(WEEK) == {
        Group("label", "eu"): Facts(
            decisions=2,
            escalated=2,
            verdicts=Counter({Judged("gate", "approve"): 1, Judged("gate", "reject"): 1}),
            categories=Counter({"tone": 1}),
            latencies=Counter({latency_step(30.0): 1, latency_step(90.5): 1}),
        ),
        Group("label", ""): Facts(
            decisions=3,
            escalated=3,
            verdicts=Counter({Judged("provisional", "edit"): 1}),
            categories=Counter({"": 1}),
            latencies=Counter({latency_step(2.34): 1}),
        ),
        Group("refund", ""): Facts(
            decisions=4,
            verdicts=Counter({Judged("audit", "reject"): 1, Judged("audit", "approve"): 1}),
            categories=Counter({"wrong_action": 1}),
            audits=Counter({(0.25, True): 1, (0.5, False): 1}),
        ),
    }
    told = metrics(await facts_of(past))
    assert told["escalation_rate"] == {"value": 5 / 9, "numerator": 5, "denominator": 9}
    assert told["error_escape_rate"]["value"] == 4 / 6, "one wrong of four, one right of two; the open one is neither"


async def test_the_window_holds_its_beginning_and_not_its_end_nor_shadows_nor_other_tasks(past: Past) -> None:
    await past.add(WEEK.since)
    await past.add(WEEK.since - timedelta(microseconds=1))
    await past.add(WEEK.until)
    await past.add(WEEK.until - timedelta(microseconds=1), task_type="refund")
    await past.add(NOW + HOUR, variant="shadow", outcome="shadow")
    await past.add(NOW + HOUR, variant="canary")
    assert (await facts_of(past)).decisions == 3
    assert (await facts_of(past, Window(WEEK.since, WEEK.until, "refund"))).decisions == 1


async def test_what_stands_is_what_was_said_last_in_the_present_round(past: Past) -> None:
    edit = Voted("edit", "wrong_amount", user_id="U0BEN")
    changed = [Voted("approve"), Voted("reject", "tone", user_id="U0CHEN", round=2)]
    settled = [APPROVE, Voted("reject", "tone", user_id="U0BEN"), Voted("approve", user_id="U0DORA", adjudicates=True)]
    await past.add(NOW, Judgement("gate", [edit, APPROVE]))  # approving an edit means that edit
    await past.add(NOW, Judgement("gate", changed))
    await past.add(NOW, Judgement("gate", settled))
    await past.add(NOW, Judgement("gate", [APPROVE], state="held"))  # it may be taken back
    await past.add(NOW, Judgement("gate", [APPROVE, Voted("reject", user_id="U0BEN")], state="disputed"))
    found = await facts_of(past)
    assert found.verdicts == {Judged("gate", "edit"): 1, Judged("gate", "reject"): 1, Judged("gate", "approve"): 1}
    assert found.categories == {"wrong_amount": 1, "tone": 1}
    assert found.disputes == 2


async def test_a_second_opinion_is_compared_by_what_was_said_before_anybody_settled_it(past: Past) -> None:
    settled = [REJECT, Voted("approve", user_id="U0DORA", adjudicates=True)]
    await past.add(NOW, Judgement("gate", [APPROVE]), Judgement("double", settled))
    await past.add(NOW, Judgement("gate", [APPROVE]), Judgement("double", [APPROVE]))
    await past.add(NOW, Judgement("provisional", [REJECT]), Judgement("double", [REJECT], state="disputed"))
    await past.add(NOW, Judgement("gate", [APPROVE]), Judgement("double"))
    found = await facts_of(past)
    assert found.pairs == {("approve", "reject"): 1, ("approve", "approve"): 1, ("reject", "reject"): 1}
    assert found.judged == 4, "a second opinion is no second verdict"
    assert found.disputes == 0


async def test_of_very_many_cohorts_the_largest_are_told_apart_and_the_others_are_in_the_sum(past: Past) -> None:
    """The first is large in one task type and small in the other."""
    sizes = {Group("label", f"customer-{number}"): 2 for number in range(MOST_COHORTS - 1)}
    sizes |= {Group("label", "eu"): 9, Group("refund", "eu"): 1}
    few = {Group("label", "one"): 1, Group("refund", "another"): 1}
    nameless = {Group("label", ""): 3}
    async with past.engine.begin() as connection:
        for group, number in (sizes | few | nameless).items():
            tally = Tally(quarter_of(NOW), past.app_pk, group.task_type, group.cohort, "decisions")
            note(connection, {tally: number})
        await write(connection, 0)

    found = await FactStore(past.engine).read(WEEK)
    wanted = {**sizes, Group("label", ""): 3 + 1, Group("refund", ""): 1}
    assert {group: facts.decisions for group, facts in found.items()} == wanted
    assert await FactStore(past.engine).whole(WEEK) == summed(found.values())
    another = replace(WEEK, cohort="another")
    assert await FactStore(past.engine).read(another) == {Group("refund", "another"): Facts(decisions=1)}
