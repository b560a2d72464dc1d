"""Audits: what people's verdicts on them mean, and how a day's are drawn."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from structlog.testing import capture_logs

from bot.reviewing.audits import Draw, planned
from bot.reviewing.people import Refusal
from bot.reviewing.queue import Queue
from bot.reviewing.verdicts import Decided, TooLate
from routing.decision import ReviewKind
from routing.evidence import Evidence
from routing.review import Edit, ReviewState, Verdict
from store import tables as t
from store.audit_streams import SaveStreams, Stream, StreamKey
from store.audits import Group, Period
from store.queue import QueueStore
from tests.bot.reviewing.audit_world import CORRECT, DAY, FIX, TODAY, WRONG, Auditing, auditing
from tests.bot.reviewing.world import ADA, BEN, World, policy_for_labels, replica
from tests.support.rows import NOW


@pytest.fixture
def at_work(world: World) -> Auditing:
    return auditing(world)


# Verdicts -------------------------------------------------------------------------------------------------------------


async def test_correct_leaves_the_decision_as_it_is_and_tells_nobody(world: World, at_work: Auditing) -> None:
    case = await at_work.audit()
    assert isinstance(await world.decide(case, CORRECT), Decided)

    now = await world.now(case.review.id)
    assert now.review.state == ReviewState.DECIDED
    assert now.decision == case.decision
    assert now.outcome == case.outcome
    assert await world.events(case) == []
    assert await world.history(case) == ["bot:review:opened", "reviewer:review:confirmed"]


async def test_a_fix_is_sent_as_a_correction_with_what_ran_before(world: World, at_work: Auditing) -> None:
    case = await at_work.audit()
    await world.decide(case, FIX)

    [told] = await world.told(case)
    assert await world.events(case) == ["decision.corrected"]
    assert (told["outcome"]["result"], told["outcome"]["output"]) == ("edited", "billing")
    assert (told["disposition"], told["previous_outcome"]["result"]) == ("execute", "auto")


async def test_wrong_asks_for_a_rollback(world: World, at_work: Auditing) -> None:
    case = await at_work.audit()
    await world.decide(case, WRONG)

    [told] = await world.told(case)
    assert await world.events(case) == ["decision.rollback_requested"]
    assert (told["outcome"]["result"], told["disposition"]) == ("rejected", "do_not_execute")
    assert told["previous_outcome"]["output"] == "shipping"


@pytest.mark.parametrize(
    ("first", "then", "events", "outcome"),
    [
        (WRONG, CORRECT, ["decision.rollback_requested", "decision.corrected"], "approved"),
        (FIX, CORRECT, ["decision.corrected", "decision.corrected"], "approved"),
        (CORRECT, WRONG, ["decision.rollback_requested"], "rejected"),
        (CORRECT, FIX, ["decision.corrected"], "edited"),
        (CORRECT, CORRECT, [], "auto"),
    ],
)
async def test_who_changes_the_verdict_changes_what_the_app_is_told(
    world: World, at_work: Auditing, first: Verdict, then: Verdict, events: list[str], outcome: str
) -> None:
    case = await at_work.audit()
    await world.decide(case, first)
    changed = await world.reviewing.change(await world.now(case.review.id), BEN, then)

    assert isinstance(changed, Decided)
    assert await world.events(case) == events
    assert (await world.now(case.review.id)).decision.outcome == outcome


async def test_a_form_that_slack_sends_twice_says_correct_once(world: World, at_work: Auditing) -> None:
    case = await at_work.audit()
    await world.decide(case, CORRECT)
    again = await world.reviewing.change(await world.now(case.review.id), ADA, CORRECT)

    assert isinstance(again, TooLate)
    assert again.repeated
    assert len((await world.now(case.review.id)).review.verdicts) == 1


async def test_one_person_judges_an_audit_unless_a_fix_raises_the_risk(world: World, at_work: Auditing) -> None:
    rule = "id: bills, when: \"output == 'billing'\", risk: critical"
    await world.set_policy(policy_for_labels("approvals: {low: 2, critical: 2}, adjudicators: {users: [U0BEN]}", rule))
    harmless, dear = await at_work.audit(), await at_work.audit()

    assert (await world.decide(harmless, Edit("returns"))).state == ReviewState.DECIDED
    assert (await world.decide(dear, FIX)).missing == 1
    assert (await world.decide(await world.now(dear.review.id), CORRECT, BEN)).state == ReviewState.DECIDED
    assert await world.events(dear) == ["decision.corrected"]


async def test_nobody_judges_what_the_model_did_for_them(world: World, at_work: Auditing) -> None:
    case = await at_work.audit(requested_by=ADA.user_id)
    assert await world.decide(case, CORRECT) == Refusal("own_request")
    assert isinstance(await world.decide(case, CORRECT, BEN), Decided)


@pytest.mark.parametrize(("verdict", "events"), [(CORRECT, []), (WRONG, ["decision.rollback_requested"])])
async def test_the_undo_window_holds_an_audits_verdict_too(
    world: World, at_work: Auditing, verdict: Verdict, events: list[str]
) -> None:
    await world.set_policy(policy_for_labels("undo: 5m"))
    case = await at_work.audit()
    await world.decide(case, verdict)
    held = await world.now(case.review.id)
    assert held.review.state == ReviewState.HELD
    assert held.decision == case.decision

    await world.pass_time(timedelta(minutes=5))

    assert (await world.now(case.review.id)).review.state == ReviewState.DECIDED
    assert await world.events(case) == events


async def test_nobody_is_asked_for_a_second_opinion_on_an_audit_nor_reminded_of_it(
    world: World, at_work: Auditing
) -> None:
    world.draw[0] = 0.0
    await world.set_policy(policy_for_labels("double_review: 1.0, escalation: [{after: 1m, remind: channel}]"))
    judged, left = await at_work.audit(), await at_work.audit()
    await world.decide(judged, WRONG)
    await world.pass_time(timedelta(days=8))

    assert {each.review.kind for each in await world.cases.of_decision(judged.decision.pk)} == {ReviewKind.AUDIT}
    assert await world.messages(left, "notice") == []
    assert (await world.now(left.review.id)).review.state == ReviewState.OPEN


# What waits -----------------------------------------------------------------------------------------------------------


async def test_audits_come_last_in_a_walk_and_a_channels_batch_leaves_them_out(world: World, at_work: Auditing) -> None:
    store = QueueStore(world.engine)
    line = Queue(clock=world.clock, queue=store, cases=world.cases, eligibility=world.eligibility, claims=world.claims)
    audit = await at_work.audit()
    queued = await world.case(lane="batch", urgency=5)

    found = await line.line(ADA, offset=0, limit=9)
    assert [case.review.pk for case in found.cases] == [queued.review.pk, audit.review.pk]
    assert await line.left(ADA, "#ai-review") == 1
    assert {group.lane for group in await store.groups()} == {"batch", "sample"}


# The draw -------------------------------------------------------------------------------------------------------------


async def test_a_day_has_one_post_that_tells_the_numbers_and_leads_to_its_samples(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels("audit: {max_per_day: 4}"))
    await at_work.ran_alone(6, cohort="eu")
    await at_work.ran_alone(2, cohort="us", route="AUTO")

    assert await at_work.draw() == {"label": Draw(eligible=8, drawn=4)}

    [post] = await at_work.posts()
    samples = [row for row in await at_work.all(t.messages) if row.kind == "sample"]
    assert post.key == "audit:label:2026-11-20"
    assert (post.body["eligible"], post.body["drawn"], post.body["max_per_day"]) == (8, 4, 4)
    assert {each["name"]: each["eligible"] for each in post.body["cohorts"]} == {"eu": 6, "us": 2}
    assert [each["state"] for each in post.body["sources"]] == ["cold", "cold"]
    assert [row.body for row in samples] == [{"thread": post.key}] * 4
    assert post.urgency > samples[0].urgency
    assert [row.review_pk for row in samples] == post.body["reviews"]
    [drawn] = await at_work.told("bot:audit:drawn")
    assert (drawn["eligible"], drawn["drawn"]) == (8, 4)
    assert len(await at_work.told("bot:review:opened")) == 4


async def test_what_was_drawn_from_is_not_drawn_from_again(at_work: Auditing) -> None:
    await at_work.ran_alone(3)
    await at_work.draw()
    assert await at_work.draw() == {}
    assert len(await at_work.posts()) == 1


async def test_with_no_audits_a_day_nothing_is_posted_and_nothing_had_a_chance(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels("audit: {max_per_day: 0}"))
    await at_work.ran_alone(3)

    assert await at_work.draw() == {"label": Draw(eligible=3, drawn=0)}
    assert await at_work.posts() == []
    assert {row.inclusion for row in await at_work.all(t.decisions)} == {0.0}


async def test_a_small_cohort_is_looked_at_too(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels("audit: {max_per_day: 20}"))
    await at_work.ran_alone(150, cohort="eu")
    await at_work.ran_alone(2, cohort="us")
    await at_work.draw()

    [post] = await at_work.posts()
    assert {each["name"]: each["drawn"] for each in post.body["cohorts"]} == {"eu": 19, "us": 1}


async def test_the_post_hides_what_the_policy_hides(at_work: Auditing) -> None:
    await at_work.ran_alone(1, cohort="4111111111111111")
    await at_work.ran_alone(1, cohort="eu", model_name="4111111111111111")
    await at_work.draw()
    assert "4111111111111111" not in str((await at_work.posts())[0].body)
    [drawn] = await at_work.told("bot:audit:drawn")
    assert "4111111111111111" not in str(drawn)
    assert {each["name"] for each in drawn["cohorts"]} == {"[redacted 1]", "eu"}


async def test_a_task_that_fails_stops_no_other(at_work: Auditing) -> None:
    await at_work.found([False])
    await at_work.learn()
    known = await at_work.spoil("label")
    await at_work.ran_alone(2)
    await at_work.ran_alone(3, task_type="refund")

    with pytest.raises(ExceptionGroup, match="no audits drawn from some tasks"), capture_logs() as logs:
        await at_work.draw()
    assert [(each["event"], each["task_type"]) for each in logs] == [("audit.draw_failed", "label")]
    assert [row.body["task"] for row in await at_work.posts()] == ["label", "refund"]

    await at_work.repair("label", known)
    assert await at_work.draw() == {"label": Draw(2, 2)}


def test_cohorts_that_are_not_audited_are_one_sample_however_many() -> None:
    rates = {Group("AUTO", str(number), None, 3): 0.0 for number in range(2000)}
    [sample] = planned(rates, 200)
    assert (len(sample.groups), sample.size, sample.inclusion) == (2000, 6000, 0.0)
    audited = Group("AUTO_AUDIT", "eu", None, 10)
    assert [each.inclusion for each in planned({**rates, audited: 0.5}, 200)] == [0.0, 0.5]


async def test_two_replicas_that_draw_at_once_draw_once(any_world: World) -> None:
    one = auditing(any_world)
    await one.ran_alone(12)
    async with replica(any_world) as other:
        two = auditing(other)
        draws = await asyncio.gather(one.draw(), two.draw(), one.draw(), two.draw())

    assert sum(draw.get("label", Draw(0, 0)).drawn for draw in draws) == 12
    assert len(await one.posts()) == 1
    assert len(await one.all(t.reviews)) == 12
    assert len(await one.told("bot:audit:drawn")) == 1


async def test_the_stored_probabilities_estimate_the_errors_of_all(at_work: Auditing) -> None:
    """Horvitz–Thompson: Σ error/π over the audits estimates the errors among all, though those that go wrong most are
    drawn most."""
    await at_work.world.set_policy(policy_for_labels("audit: {initial: 0.25, auto: 0.02}"))
    learning = {"state": "learn", "evidence": Evidence(0.02).as_json()}
    stream = Stream(StreamKey("label", "", "", "other"), learning, 0.25, NOW, judged_to=0)
    await at_work.world.writer.submit(SaveStreams([stream], (), (), NOW))
    chance, wrong, drawn = Random(20261120), 0, list[tuple[bool, float]]()
    for days in map(timedelta, range(6)):
        many = await at_work.ran_alone(300, at=NOW + days, route="AUTO")
        few = await at_work.ran_alone(40, at=NOW + days)
        errors = {pk for pk in many if chance.random() < 0.01} | {pk for pk in few if chance.random() < 0.5}
        assert await at_work.draw(Period(TODAY.since + days, TODAY.until + days), DAY + days) == {
            "label": Draw(340, 16)
        }
        wrong += len(errors)
        reviewed = {row.decision_pk for row in await at_work.all(t.reviews)}
        chances = {row.pk: row.inclusion for row in await at_work.all(t.decisions) if row.pk in {*many, *few}}
        drawn += [(pk in errors, chances[pk]) for pk in chances.keys() & reviewed]

    assert sum(1 / chance for _, chance in drawn) == pytest.approx(6 * 340)
    estimate = sum(error / chance for error, chance in drawn)
    deviation = sum(error * (1 - chance) / chance**2 for error, chance in drawn) ** 0.5
    assert abs(estimate - wrong) < 2 * deviation
    assert deviation < wrong / 3
    assert sum(error for error, _ in drawn) / len(drawn) * 6 * 340 > 3 * wrong


async def test_whatever_names_apps_make_up_everybody_has_a_chance(at_work: Auditing) -> None:
    await at_work.world.set_policy(policy_for_labels("audit: {max_per_day: 12}"))
    for cohort in ("'); DROP TABLE decisions; --", "100 %", "\\", '"', "🦊", *map(str, range(25))):
        await at_work.ran_alone(2, cohort=cohort, model_name=cohort)
    assert await at_work.draw() == {"label": Draw(eligible=60, drawn=12)}

    chances = [row.inclusion for row in await at_work.all(t.decisions)]
    assert sum(chances) == pytest.approx(12)
    assert min(chances) > 0
    assert len((await at_work.posts())[0].body["cohorts"]) == 10


async def test_a_task_that_the_policy_does_not_list_is_audited_by_its_defaults(at_work: Auditing) -> None:
    await at_work.ran_alone(3, task_type="brand_new")
    await at_work.ran_alone(1)
    assert await at_work.draw() == {"brand_new": Draw(3, 3), "label": Draw(1, 1)}
    assert {row.channel for row in await at_work.posts()} == {"#ai-review"}
