"""The walk through a queue: one review after another in one modal."""

import asyncio

import pytest

from bot.sandbox.faults import Fault
from bot.sandbox.world import Person
from tests.bot.slack.at_work import Walker, field, outcome, queue_up, send, shown
from tests.support.bot import PATIENCE, POLICY, Bot, until
from tests.support.slack_checker import check_modal

REJECTION = {"category": "tone", "severity": "minor", "reason": "Not like this."}
PEOPLE = frozenset({"U0ADA", "U0BEN", "U0CHEN", "U0DANA"})
SENT = ("type", "callback_id", "title", "submit", "close", "blocks", "private_metadata")
ALTERNATIVES = [{"output": "billing", "confidence": 0.3}]
MORE = """
  money: {risk: high, matrix: {low: &ask {confident: AUTO, unsure: QUEUE}, medium: *ask, high: *ask,
                               critical: {confident: ESCALATE, unsure: ESCALATE}}}
  hidden: {risk: low, autonomy: 0, matrix: *queued}
  drafted: {risk: low, autonomy: 1, matrix: *queued}
"""


@pytest.fixture
def policy() -> str:
    return POLICY.rstrip() + MORE


def about(walker: Walker) -> str:
    """Which decision is shown."""
    return walker.text.split("About ")[1].split(".")[0]


async def test_from_the_batch_message_to_the_end(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2", "d-3")
    ben = Walker(bot, "U0BEN")
    view = await ben.start()
    check_modal({name: view[name] for name in SENT}, PEOPLE)
    for number in (1, 2, 3):
        assert about(ben) == f"d-{number}"
        assert f"{number} of 3" in ben.text
        await ben.approve()
    assert "You reviewed 3." in ben.text
    for number in (1, 2, 3):
        assert (await outcome(bot, f"d-{number}"))["decided_by"] == ["U0BEN"]
    await until(lambda: "Nothing waits for review here" in str(bot.sandbox.messages("C0REVIEW")[0]["blocks"]))


async def test_every_way_to_decide_leads_on_to_the_next(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2", "d-3", "d-4")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    form = await ben.open("edit")
    await send(bot, "U0BEN", form, {field(form, "Output"): "billing"})
    await until(lambda: about(ben) == "d-2")
    assert len(bot.sandbox.views("U0BEN")) == 1
    await ben.fill_in("reject", REJECTION)
    assert (about(ben), "3 of 4" in ben.text) == ("d-3", True)
    await ben.skip()
    assert (about(ben), "3 of 3" in ben.text) == ("d-4", True)
    details = await ben.open("details")
    assert details["callback_id"] == "review.details"
    await bot.sandbox.close_view("U0BEN", details["id"])
    await ben.approve()
    assert "You reviewed 3." in ben.text

    results = [(await outcome(bot, name))["result"] for name in ("d-1", "d-2", "d-4")]
    assert results == ["edited", "rejected", "approved"]
    assert about_of(await Walker(bot, "U0CHEN").start()) == "d-3"


def about_of(view: dict[str, object]) -> str:
    return shown(view).split("About ")[1].split(".")[0]


async def test_who_changes_their_mind_in_a_form_is_back_at_the_item(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    form = await ben.open("edit")
    await bot.sandbox.close_view("U0BEN", form["id"])
    assert about(ben) == "d-1"
    await ben.approve()
    assert about(ben) == "d-2"


async def test_an_alternative_keeps_the_place_in_the_walk(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2", alternatives=ALTERNATIVES)
    ben = Walker(bot, "U0BEN")
    await ben.start()
    form = await ben.open("edit")
    await bot.sandbox.click_in_view("U0BEN", form["id"], "edit.alternative", block_id="offer0")
    other = await until(lambda: v if (v := bot.sandbox.views("U0BEN")[-1])["hash"] != form["hash"] else None)
    await send(bot, "U0BEN", other)
    await until(lambda: len(bot.sandbox.views("U0BEN")) == 1 and about(ben) == "d-2")
    assert "2 of 2 · #ai-review" in ben.text
    assert (await outcome(bot, "d-1"))["output"] == "billing"


@pytest.mark.parametrize("how", [{"task_type": "money"}, {"reversible": False}])
async def test_what_would_be_dear_asks_for_a_tick_first(bot: Bot, how: dict[str, object]) -> None:
    if "reversible" in how:
        bot.policy.write_text(POLICY.replace("queued: {risk: low,", "queued: {risk: low, irreversible: QUEUE,"))
        await bot.services.policy.reload()
    await queue_up(bot, "d-1", **how)
    ada = Walker(bot, "U0ADA")
    view = await ada.start()
    ack = await bot.sandbox.submit_view("U0ADA", view["id"])
    assert [block.split(".")[0] for block in ack.errors] == ["walk-sure"]
    await ada.approve(sure=True)
    assert (await outcome(bot, "d-1"))["decided_by"] == ["U0ADA"]


async def test_who_stops_is_at_it_no_longer(bot: Bot) -> None:
    await queue_up(bot, "d-1")
    ben, chen = Walker(bot, "U0BEN"), Walker(bot, "U0CHEN")
    view = await ben.start()
    assert "Nothing waits for you here" in shown(await chen.start())
    assert (await bot.sandbox.close_view("U0BEN", view["id"])).ok
    await until(lambda: bot.sandbox.views("U0BEN") == [])

    async def again() -> bool:
        await chen.start()
        return "About d-1." in chen.text

    async with asyncio.timeout(PATIENCE):
        while not await again():
            await asyncio.sleep(0.05)


async def test_two_walkers_never_meet_and_no_verdict_is_lost(bot: Bot) -> None:
    names = [f"d-{number}" for number in range(12)]
    await queue_up(bot, *names)
    walkers = [Walker(bot, user) for user in ("U0ADA", "U0BEN", "U0CHEN", "U0DANA")]
    seen: list[str] = []

    async def walk(walker: Walker) -> None:
        await walker.start()
        while walker.view["callback_id"] == "walk.item":
            seen.append(about(walker))
            await walker.approve()

    await asyncio.gather(*map(walk, walkers))
    assert sorted(seen) == sorted(names)
    deciders = [(await outcome(bot, name))["decided_by"] for name in names]
    assert all(len(each) == 1 for each in deciders)
    assert [walker for walker in walkers if "already" in walker.text] == []


@pytest.mark.parametrize("people", [10, pytest.param(30, marks=pytest.mark.long)])
async def test_many_who_start_at_once_get_one_each(bot: Bot, people: int) -> None:
    crowd = [f"U1P{number}" for number in range(people)]
    for user in crowd:
        bot.sandbox.world.add_person(Person(user, user.lower(), user), ["C0REVIEW"])
    await queue_up(bot, *(f"d-{number}" for number in range(people)))
    await asyncio.gather(*(Walker(bot, user).start_everywhere() for user in crowd))
    assert sorted(about(Walker(bot, user)) for user in crowd) == sorted(f"d-{number}" for number in range(people))


async def test_what_was_decided_elsewhere_meanwhile_is_told_and_passed_over(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2", "d-3")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    await bot.call("POST", "/v1/decisions/d-1/cancel")
    await ben.approve()
    assert about(ben) == "d-2"
    assert "The app withdrew this" in ben.text
    assert "1 of 2" in ben.text

    await bot.call("POST", "/v1/decisions/d-2/cancel")
    await ben.press("edit")  # no form is opened for nothing
    await until(lambda: about(ben) == "d-3")
    assert "The app withdrew this" in ben.text
    assert len(bot.sandbox.views("U0BEN")) == 1


async def test_what_was_typed_comes_back_if_it_is_too_late(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    form = await ben.open("reject")
    await bot.call("POST", "/v1/decisions/d-1/cancel")
    await send(bot, "U0BEN", form, REJECTION)
    returned = bot.sandbox.views("U0BEN")[-1]
    assert "The app withdrew this" in shown(returned)
    assert "Not like this." in shown(returned)
    await bot.sandbox.close_view("U0BEN", returned["id"])
    await ben.approve()
    assert about(ben) == "d-2"


async def test_a_form_that_is_sent_twice_does_not_end_the_walk(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2")
    ben = Walker(bot, "U0BEN")
    await ben.start()
    form = await ben.open("reject")
    bot.sandbox.faults.add(Fault("view_submission", "duplicate"))
    await send(bot, "U0BEN", form, REJECTION)
    await until(lambda: len(bot.sandbox.views("U0BEN")) == 1 and about(ben) == "d-2")
    assert (await outcome(bot, "d-1"))["result"] == "rejected"


async def test_nothing_is_in_the_walk_of_who_may_not_decide_it(bot: Bot) -> None:
    bot.policy.write_text(POLICY.replace("queued: {risk: low,", "queued: {risk: low, reviewers: {users: [U0ADA]},"))
    await bot.services.policy.reload()
    await queue_up(bot, "d-1")
    assert "Nothing waits for you here" in shown(await Walker(bot, "U0BEN").start())
    assert "About d-1." in shown(await Walker(bot, "U0ADA").start())


async def test_ones_own_request_is_not_in_ones_walk(bot: Bot) -> None:
    await queue_up(bot, "d-1", requested_by="U0BEN")
    assert "Nothing waits for you here" in shown(await Walker(bot, "U0BEN").start())


async def test_a_hidden_output_is_written_and_not_approved(bot: Bot) -> None:
    await queue_up(bot, "d-1", task_type="hidden")
    ben = Walker(bot, "U0BEN")
    view = await ben.start()
    assert "shipping" not in str(view)
    assert "submit" not in {name for name, value in view.items() if value}
    form = await ben.open("edit")
    assert "shipping" not in str(form)
    await send(bot, "U0BEN", form, {field(form, "Answer"): "shipping"})
    assert (await outcome(bot, "d-1"))["result"] == "approved"
    await until(lambda: "You reviewed 1." in ben.text)


async def test_a_draft_is_used_or_put_right(bot: Bot) -> None:
    await queue_up(bot, "d-1", task_type="drafted")
    ben = Walker(bot, "U0BEN")
    view = await ben.start()
    assert view["submit"]["text"] == "Use the draft"
    await ben.approve()
    assert (await outcome(bot, "d-1"))["output"] == "shipping"
