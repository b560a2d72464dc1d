"""Moving around: threads, people, the app's pane, the address, and the phone."""

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.canned import CARD_TS
from tests.bot.sandbox_page.fake_server import FakeServer
from tests.support.browser import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CARD = f'[data-ts="{CARD_TS}"]'
THREAD = '[data-pane="thread"]'


async def test_the_replies_link_opens_the_thread_and_reload_returns_to_it(page: Page) -> None:
    await page.get_by_role("button", name="1 reply").click()
    await expect(page.locator(f"{THREAD} [data-ts]")).to_have_count(2)
    await expect(page.locator(f"{THREAD} textarea")).to_be_focused()
    assert page.url.endswith(f"#/U0ADA/C0REVIEW/thread/{CARD_TS}")
    await page.reload()
    await expect(page.locator(f"{THREAD} [data-ts]")).to_have_count(2)
    await page.keyboard.press("Escape")
    await expect(page.locator(THREAD)).to_be_hidden()


async def test_a_reply_goes_to_the_thread_only(page: Page, server: FakeServer) -> None:
    await page.locator(CARD).hover()
    await page.locator(CARD).get_by_role("button", name="Reply in thread").click()
    await page.get_by_label("Reply…").fill("approve")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Reply…")).to_have_value("")
    assert await server.heard("/ui/message") == [
        {"as": "U0ADA", "channel": canned.REVIEW, "text": "approve", "thread_ts": CARD_TS}
    ]
    reply = canned.message("1795255300.000100", "approve", user="U0ADA", thread_ts=CARD_TS)
    await server.push_message(reply)
    await expect(page.locator(f"{THREAD} [data-ts]")).to_have_count(3)
    await expect(page.locator(".main [data-ts]")).to_have_count(2)


async def test_acting_as_another_person(page: Page, server: FakeServer) -> None:
    await page.locator('[data-act-as="U0BEN"]').click()
    await expect(page.locator('[data-act-as="U0BEN"]')).to_have_attribute("aria-pressed", "true")
    await page.locator("[data-action-id=approve]").click()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    assert page.url.endswith("#/U0BEN/C0REVIEW")
    assert [body["as"] for body in server.bodies("/ui/action")] == ["U0BEN"]


async def test_going_on_before_one_has_arrived(page: Page) -> None:
    await page.evaluate("""async () => {
        location.hash = '#/U0BEN/C0REVIEW';
        await new Promise((done) => addEventListener('hashchange', done, { once: true }));
        location.hash = '#/U0ADA/C0REFUND';
    }""")
    await expect(page.get_by_role("heading", name="#refunds")).to_be_visible()
    await expect(page.locator('[data-act-as="U0ADA"]')).to_have_attribute("aria-pressed", "true")


async def test_a_permalink_opens_as_who_one_was(page: Page, server: FakeServer) -> None:
    await page.locator('[data-act-as="U0BEN"]').click()
    await expect(page.locator('[data-act-as="U0BEN"]')).to_have_attribute("aria-pressed", "true")
    await page.goto(f"{server.url}/?again#//{canned.REVIEW}/thread/{CARD_TS}")
    await expect(page.locator(f"{THREAD} [data-ts]")).to_have_count(2)
    assert page.url.endswith(f"#/U0BEN/C0REVIEW/thread/{CARD_TS}")


async def test_the_apps_pane_appears_with_its_first_line(page: Page, server: FakeServer) -> None:
    await expect(page.locator("[data-open=app]")).to_have_count(0)
    line = {"at": "2026-11-21T10:00:00Z", "text": "decision.resolved: <b>execute</b>", "level": "info"}
    await server.push(type="app", line=line)
    await page.locator("[data-open=app]").click()
    await expect(page.locator('[data-pane="app"] li')).to_have_text(["10:00decision.resolved: <b>execute</b>"])


async def test_the_apps_pane_opens_at_its_newest_line_and_can_show_callbacks_only(
    page: Page, server: FakeServer
) -> None:
    at = "2026-11-21T10:00:00Z"
    for number in range(60):
        await server.push(type="app", line={"at": at, "text": f"ticket-{number}: QUEUE, wait", "level": "info"})
    for word in ("verified", "refused"):
        await server.push(type="app", line={"at": at, "text": f"callback {word}: x", "level": "info"})
    await page.locator("[data-open=app]").click()
    await expect(page.get_by_text("callback refused: x")).to_be_in_viewport()
    assert await page.locator(".callback").evaluate_all("(lines) => lines.map((line) => line.className)") == [
        "app-line callback callback-verified",
        "app-line callback callback-refused",
    ]
    await page.get_by_label("Callbacks only").check()
    await expect(page.get_by_text("ticket-0:")).to_be_hidden()
    await expect(page.get_by_text("callback verified: x")).to_be_visible()


async def test_on_a_phone_the_side_bar_is_a_drawer_and_the_thread_fills_the_screen(page: Page) -> None:
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await expect(page.locator('[data-channel="C0REFUND"]')).to_be_hidden()
    await page.get_by_role("button", name="Open the side bar").click()
    await page.locator('[data-channel="C0REFUND"]').click()
    await expect(page.get_by_role("heading", name="#refunds")).to_be_visible()
    await expect(page.locator('[data-channel="C0REFUND"]')).to_be_hidden()
    await page.get_by_role("button", name="Open the side bar").click()
    await page.locator('[data-channel="C0REVIEW"]').click()
    await page.get_by_role("button", name="1 reply").click()
    assert await page.locator(THREAD).bounding_box() == {"x": 0, "y": 0, **PHONE}
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
