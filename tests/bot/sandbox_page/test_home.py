"""The bot's Home: there before its first view, and drawn anew under the hand that uses it."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.fake_server import FakeServer
from tests.support.browser import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

Json = dict[str, Any]
SURE = {
    "title": canned.plain("Release it?"),
    "text": canned.plain("Others may take it."),
    "confirm": canned.plain("Release"),
    "deny": canned.plain("Keep"),
}


def long_home(title: str, view_hash: str) -> Json:
    """A hundred blocks: 98 rows with a button each, of one action id; a search field; the way to the next page."""
    rows = [
        {
            "type": "section",
            "block_id": f"row-{number}",
            "text": canned.mrkdwn(f"{title} {number}"),
            "accessory": canned.button("open", f"Open {number}", confirm=SURE),
        }
        for number in range(98)
    ]
    pages = {"type": "actions", "block_id": "pages", "elements": [canned.button("next", "Next page")]}
    return {**canned.home_view(), "hash": view_hash, "blocks": [canned.text_input("find", "Find"), *rows, pages]}


async def test_the_home_is_open_before_it_is_published_and_asks_the_app(page: Page, server: FakeServer) -> None:
    await page.locator("[data-open=home]").click()
    await expect(page.get_by_text("HITL has not put anything here yet.")).to_be_visible()
    assert await server.heard("/ui/home") == [{"as": "U0ADA"}]
    await server.push(type="home", view=canned.home_view())
    await page.get_by_role("button", name="Start reviewing").click()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    (body,) = server.bodies("/ui/action")
    assert (body["view_id"], body["block_id"], body["action_id"]) == ("V0HOME", "a", "start")


async def test_a_long_home_keeps_its_place_when_it_is_published_again(page: Page, server: FakeServer) -> None:
    await page.set_viewport_size(PHONE)
    await page.goto(f"{server.url}/?again#/U0ADA/home")
    await server.watched()
    await server.push(type="home", view=long_home("Waiting", "h1"))
    await page.get_by_label("Find").fill("refund")
    await page.get_by_role("button", name="Open 90").click()
    await page.get_by_role("dialog", name="Release it?").get_by_role("button", name="Keep").click()
    assert server.bodies("/ui/action") == []
    await page.get_by_role("button", name="Open 90").click()
    await page.get_by_role("dialog", name="Release it?").get_by_role("button", name="Release").click()
    (body,) = await server.heard("/ui/action")
    assert (body["block_id"], body["state"]["values"]["find"]["value"]["value"]) == ("row-90", "refund")
    home = page.get_by_role("region", name="Home")
    place = await home.evaluate("(node) => node.scrollTop")
    await server.push(type="home", view=long_home("Still waiting", "h2"))
    await expect(page.get_by_text("Still waiting 90")).to_be_in_viewport()
    await expect(page.get_by_role("button", name="Open 90")).to_be_focused()
    await expect(page.get_by_label("Find")).to_have_value("refund")
    assert await home.evaluate("(node) => node.scrollTop") == place > 0
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
