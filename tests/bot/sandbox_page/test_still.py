"""Nothing moves under the hand: who points into the list or has the keyboard in it presses what was meant."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.canned import REVIEW
from tests.bot.sandbox_page.fake_server import FakeServer
from tests.support.browser import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]


def card(number: int, **changes: Any) -> Json:
    return canned.from_bot(ts_of(number), f"card {number}", canned.card_blocks(), **changes)


def ts_of(number: int) -> str:
    return f"17952560{number:02}.000100"


def approve(page: Page, number: int) -> Locator:
    return page.locator(f'.main [data-ts="{ts_of(number)}"] [data-action-id=approve]')


def decided(number: int) -> Json:
    done = {"type": "section", "block_id": "done", "text": canned.mrkdwn("Approved")}
    return canned.from_bot(ts_of(number), "Approved", [done])


def whisper(number: int) -> Json:
    return canned.from_bot(ts_of(number), "Ben was faster", [], username="HITL", ephemeral=True)


async def fill(page: Page, server: FakeServer, count: int = 6) -> None:
    """Cards 0 to `count` - 1, the last one in view."""
    for number in range(count):
        await server.push_message(card(number))
    await expect(approve(page, count - 1)).to_be_in_viewport()


async def top_of(locator: Locator) -> float:
    box = await locator.bounding_box()
    assert box is not None
    return box["y"]


async def test_a_new_card_does_not_take_the_place_of_the_one_pointed_at(page: Page, server: FakeServer) -> None:
    await fill(page, server)
    await approve(page, 5).hover()
    before = await top_of(approve(page, 5))
    await server.push_message(card(6))
    newer = page.get_by_role("button", name="New messages")
    await expect(newer).to_be_visible()
    assert await top_of(approve(page, 5)) == before
    await newer.click()
    await expect(approve(page, 6)).to_be_in_viewport()
    await expect(newer).to_be_hidden()


async def test_nor_of_the_one_with_the_keyboard(page: Page, server: FakeServer) -> None:
    await fill(page, server)
    await approve(page, 5).focus()
    before = await top_of(approve(page, 5))
    await server.push_message(card(6))
    await expect(page.get_by_role("button", name="New messages")).to_be_visible()
    assert await top_of(approve(page, 5)) == before


async def test_who_points_elsewhere_follows_the_end(page: Page, server: FakeServer) -> None:
    await fill(page, server)
    await page.get_by_role("textbox", name="Message #ai-review").hover()
    await server.push_message(card(6))
    await expect(approve(page, 6)).to_be_in_viewport()
    await expect(page.get_by_role("button", name="New messages")).to_be_hidden()


async def test_where_nothing_can_hover_the_end_is_not_followed(browser: Browser, server: FakeServer) -> None:
    server.messages = [card(number) for number in range(6)]
    context = await browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    page = await context.new_page()
    await page.goto(f"{server.url}/#/U0ADA/{REVIEW}")
    await expect(approve(page, 5)).to_be_in_viewport()
    await server.watched()
    before = await top_of(approve(page, 5))
    await server.push_message(card(6))
    await expect(page.get_by_role("button", name="New messages")).to_be_visible()
    assert await top_of(approve(page, 5)) == before
    await context.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.push_message(decided(4)),
        lambda server: server.push(type="message_deleted", channel=REVIEW, ts=ts_of(4)),
        lambda server: server.push_message(canned.message("1795256004.500100", "came late")),
    ],
    ids=["decided", "deleted", "late"],
)
async def test_what_changes_above_does_not_move_the_card_pointed_at(
    page: Page, server: FakeServer, change: Callable[[FakeServer], Any]
) -> None:
    await fill(page, server)
    await approve(page, 5).hover()
    before = await top_of(approve(page, 5))
    log = page.locator(".main .log")
    height = await log.evaluate("(node) => node.offsetHeight")
    await change(server)
    await expect(log).not_to_have_js_property("offsetHeight", height)
    assert await top_of(approve(page, 5)) == pytest.approx(before, abs=1)


async def test_a_private_answer_to_ones_click_is_announced_by_name_and_lit_up(page: Page, server: FakeServer) -> None:
    await fill(page, server)
    await approve(page, 5).click()
    await server.push_message(whisper(6))
    await server.push_message(card(7))
    await page.get_by_role("button", name="HITL answered you").click()
    answer = page.locator(f'[data-ts="{ts_of(6)}"]')
    await expect(answer).to_be_in_viewport()
    await expect(answer).to_be_focused()
    await expect(answer).to_have_class("message ephemeral answered")


async def test_what_nobody_asked_for_is_no_answer(page: Page, server: FakeServer) -> None:
    await fill(page, server)
    await approve(page, 5).hover()
    await server.push_message(whisper(6))
    await expect(page.get_by_role("button", name="New messages")).to_be_visible()


async def test_an_answer_elsewhere_is_a_toast(page: Page, server: FakeServer) -> None:
    await fill(page, server)
    await approve(page, 5).click()
    await server.push_message({**whisper(6), "channel": "C0REFUND"})
    await expect(page.locator(".toast")).to_contain_text("HITL answered you in #refunds.")
