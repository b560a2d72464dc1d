"""App Home: what I am at, what waits for me, what I decided last; kept up to date while I look."""

from functools import partial
from typing import Any

from bot.sandbox.faults import Fault
from bot.sandbox.world import Person
from bot.slack.home_view import NEWER, OLDER, OPEN, START
from tests.bot.slack.at_work import Walker, queue_up, shown, waiting, whispered
from tests.support.bot import Bot, until

CRITICAL: dict[str, Any] = {"context": {"amount": 20_000}}


async def opened(bot: Bot, user: str) -> str:
    """Opens it, and waits until it is there."""
    published = len(_published(bot))
    assert (await bot.sandbox.open_home(user)).ok
    await until(lambda: len(_published(bot)) > published)
    return text(bot, user)


def _published(bot: Bot) -> list[object]:
    return [call for call in bot.sandbox.calls if (call.method, call.outcome) == ("views.publish", "ok")]


def text(bot: Bot, user: str) -> str:
    return shown(bot.sandbox.home(user) or {"blocks": []})


async def test_it_has_three_parts(bot: Bot) -> None:
    card = await waiting(bot, input="About d-1.", output="one")
    await waiting(bot, "d-2", input="About d-2.", output="two", **CRITICAL)
    third = await waiting(bot, "d-3", output="three")
    await card.press("U0ADA", "more", "claim")
    await card.told("U0ADA")
    await third.press("U0ADA", "approve")
    await third.outcome()

    home = await opened(bot, "U0ADA")

    claimed, rest = home.split("You are working on")[1].split("Waiting for you: 1")
    waits, decided = rest.split("You decided last")
    assert "one" in claimed
    assert "two" in waits
    assert "one" not in waits  # it is told above
    assert "Approved: " in decided
    assert "three" in decided


async def test_a_strangers_is_empty(bot: Bot) -> None:
    await waiting(bot)
    bot.sandbox.world.add_person(Person("U0EVE", "eve", "Eve", is_stranger=True), ["C0REVIEW"])
    home = await opened(bot, "U0EVE")
    assert "Waiting for you: 0" in home
    assert "Nothing waits for you." in home
    assert "shipping" not in home


async def test_a_vote_that_decides_nothing_yet_says_no_more_than_that(bot: Bot) -> None:
    bot.policy.write_text(bot.policy.read_text().replace("label: {", "label: {approvals: {low: 2}, "))
    await bot.services.policy.reload()
    card = await waiting(bot)
    await card.press("U0BEN", "approve")
    await card.told("U0BEN")
    assert "Your vote is in: " in await opened(bot, "U0BEN")
    assert "Waiting for you: 0" in text(bot, "U0BEN")


async def test_pages(bot: Bot) -> None:
    await queue_up(bot, *(f"d-{number}" for number in range(23)), output="x")
    assert "1 to 10 of 23" in await opened(bot, "U0BEN")
    for button, words in ((OLDER, "11 to 20 of 23"), (OLDER, "21 to 23 of 23"), (NEWER, "11 to 20 of 23")):
        assert (await bot.sandbox.click_in_home("U0BEN", button)).ok
        await until(partial(_shows, bot, words))


def _shows(bot: Bot, words: str) -> bool:
    return words in text(bot, "U0BEN")


async def test_a_page_that_is_no_more_is_the_last(bot: Bot) -> None:
    names = [f"d-{number}" for number in range(11)]
    await queue_up(bot, *names)
    await opened(bot, "U0BEN")
    await bot.sandbox.click_in_home("U0BEN", OLDER)
    await until(lambda: "11 to 11 of 11" in text(bot, "U0BEN"))
    for name in names[:3]:
        await bot.call("POST", f"/v1/decisions/{name}/cancel")
    await until(lambda: "Waiting for you: 8" in text(bot, "U0BEN"))
    assert text(bot, "U0BEN").count("waits since") == 8


async def test_a_change_shows_while_somebody_looks(bot: Bot) -> None:
    assert "Waiting for you: 0" in await opened(bot, "U0BEN")
    await queue_up(bot, "d-1", "d-2", "d-3")
    await until(lambda: "Waiting for you: 3" in text(bot, "U0BEN"))
    await Walker(bot, "U0BEN").start_everywhere()
    await until(lambda: "You are working on" in text(bot, "U0BEN"))
    # Many changes became one.
    assert len(_published(bot)) <= 4


async def test_one_review_is_opened_from_it(bot: Bot) -> None:
    await queue_up(bot, "d-1", "d-2")
    await opened(bot, "U0BEN")
    review = next(block["accessory"]["value"] for block in _home(bot) if "accessory" in block)
    assert (await bot.sandbox.click_in_home("U0BEN", OPEN, block_id=f"waiting.{review}")).ok
    ben = Walker(bot, "U0BEN")
    view = await ben.moved_on()
    assert review in view["private_metadata"]
    await ben.approve()
    assert "everything you may review" in ben.text


def _home(bot: Bot) -> list[dict[str, dict[str, str]]]:
    view = bot.sandbox.home("U0BEN")
    assert view is not None
    blocks: list[dict[str, dict[str, str]]] = view["blocks"]
    return blocks


async def test_what_is_gone_when_it_is_opened_says_how_it_ended(bot: Bot) -> None:
    card = await waiting(bot)
    await opened(bot, "U0BEN")
    block = next(block["block_id"] for block in _home(bot) if "accessory" in block)
    await card.press("U0CHEN", "approve")
    await card.outcome()
    assert (await bot.sandbox.click_in_home("U0BEN", OPEN, block_id=str(block))).ok
    assert "<@U0CHEN> already approved this" in shown(await Walker(bot, "U0BEN").moved_on())


async def test_what_another_is_at_opens_and_says_so(bot: Bot) -> None:
    card = await waiting(bot)
    await card.press("U0CHEN", "more", "claim")
    await card.told("U0CHEN")
    assert "<@U0CHEN> is on it" in await opened(bot, "U0BEN")
    assert (await bot.sandbox.click_in_home("U0BEN", OPEN)).ok
    assert "<@U0CHEN> is on it" in shown(await Walker(bot, "U0BEN").moved_on())


async def test_the_walk_starts_from_it(bot: Bot) -> None:
    await queue_up(bot, "d-1")
    await opened(bot, "U0BEN")
    assert (await bot.sandbox.click_in_home("U0BEN", START)).ok
    ben = Walker(bot, "U0BEN")
    await ben.moved_on()
    await ben.approve()
    assert "You reviewed 1." in ben.text


async def test_when_slack_cannot_say_who_belongs_it_says_so(bot: Bot) -> None:
    await waiting(bot)
    bot.sandbox.faults.add(Fault("conversations.members", "status", times=None))
    home = await opened(bot, "U0BEN")
    assert "Slack could not say just now what you may review" in home
    assert "Waiting for you: 0" not in home
    bot.sandbox.faults.clear()
    assert "Waiting for you: 1" in await opened(bot, "U0BEN")


async def test_a_home_that_slack_did_not_take_is_published_again(bot: Bot) -> None:
    await waiting(bot)
    bot.sandbox.faults.add(Fault("views.publish", "ratelimit"))
    assert (await bot.sandbox.open_home("U0BEN")).ok
    await until(lambda: "Waiting for you: 1" in text(bot, "U0BEN"))


async def test_a_page_that_slack_did_not_take_is_answered(bot: Bot) -> None:
    await queue_up(bot, *(f"d-{number}" for number in range(11)))
    await opened(bot, "U0BEN")
    bot.sandbox.faults.add(Fault("views.publish", "status"))
    assert (await bot.sandbox.click_in_home("U0BEN", OLDER)).ok
    assert await whispered(bot, "U0BEN", "went wrong on our side")


async def test_the_latest_page_is_what_stays(bot: Bot) -> None:
    await queue_up(bot, *(f"d-{number}" for number in range(21)))
    await opened(bot, "U0BEN")
    await bot.sandbox.click_in_home("U0BEN", OLDER)
    await until(lambda: "11 to 20 of 21" in text(bot, "U0BEN"))
    bot.sandbox.faults.add(Fault("views.publish", "late", seconds=2.0, carried_out="after"))
    await bot.sandbox.click_in_home("U0BEN", NEWER)
    await until(lambda: bot.sandbox.calls[-1].outcome == "pending")
    await bot.sandbox.click_in_home("U0BEN", OLDER)
    await until(lambda: len(_published(bot)) >= 4)
    assert "21 to 21 of 21" in text(bot, "U0BEN")
