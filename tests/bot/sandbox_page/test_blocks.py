"""Block Kit: every interactive element tells the app what was done with it, and shows that it is on its way."""

from datetime import datetime
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.canned import CARD_TS
from tests.bot.sandbox_page.fake_server import FakeServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CARD = f'[data-ts="{CARD_TS}"]'
TS = "1795255500.000100"


async def show(page: Page, server: FakeServer, *blocks: dict[str, Any]) -> None:
    await server.push_message(canned.from_bot(TS, "blocks", list(blocks)))
    await page.wait_for_selector(f'[data-ts="{TS}"]')


async def wait_for_action(page: Page, server: FakeServer) -> dict[str, Any]:
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    (body,) = server.bodies("/ui/action")
    return body


async def test_a_button_is_busy_until_the_server_has_it(page: Page, server: FakeServer) -> None:
    server.gate.clear()
    approve = page.locator(f"{CARD} [data-action-id=approve]")
    await approve.click()
    await expect(approve).to_have_attribute("aria-busy", "true")
    await approve.click()
    server.gate.set()
    body = await wait_for_action(page, server)
    assert body == {
        "as": "U0ADA",
        "channel": canned.REVIEW,
        "ts": CARD_TS,
        "block_id": "verdict",
        "action_id": "approve",
        "action": {"type": "button", "value": "rev-1"},
        "state": {"values": {}},
    }


async def test_a_failed_click_says_so(page: Page, server: FakeServer) -> None:
    server.answers["/ui/action"] = (400, {"ok": False, "error": "no element approve to use"})
    await page.locator(f"{CARD} [data-action-id=approve]").click()
    await expect(page.locator(".toast-error")).to_contain_text("no element approve to use")


async def test_a_toast_of_the_server_is_shown(page: Page, server: FakeServer) -> None:
    await server.push(type="toast", text="We had some trouble connecting. Try again?", level="error")
    await expect(page.locator(".toast-error")).to_contain_text("We had some trouble connecting")


async def test_a_confirmation_comes_first(page: Page, server: FakeServer) -> None:
    reject = page.locator(f"{CARD} [data-action-id=reject]")
    await reject.click()
    await expect(page.get_by_role("dialog", name="Reject this?")).to_be_visible()
    await page.get_by_role("button", name="Back").click()
    await expect(reject).to_be_focused()
    assert server.bodies("/ui/action") == []
    await reject.click()
    await page.get_by_role("dialog").get_by_role("button", name="Reject").click()
    assert (await wait_for_action(page, server))["action_id"] == "reject"


async def test_an_overflow_menu_works_by_keyboard(page: Page, server: FakeServer) -> None:
    await page.locator(f"{CARD} [data-action-id=more]").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("menuitem", name="Details")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    body = await wait_for_action(page, server)
    assert body["action"] == {"type": "overflow", "selected_option": canned.option("skip")}


async def test_a_select_sends_the_whole_option(page: Page, server: FakeServer) -> None:
    options = [canned.option("one"), canned.option("two")]
    select = {"type": "static_select", "action_id": "pick", "placeholder": canned.plain("Pick"), "options": options}
    await show(page, server, {"type": "actions", "block_id": "b", "elements": [select]})
    await page.get_by_role("combobox", name="Pick").select_option("two")
    body = await wait_for_action(page, server)
    assert body["action"] == {"type": "static_select", "selected_option": options[1]}
    assert body["state"] == {"values": {"b": {"pick": body["action"]}}}


async def test_a_refused_confirmation_puts_the_select_back(page: Page, server: FakeServer) -> None:
    options = [canned.option("one"), canned.option("two")]
    sure = {"title": canned.plain("Sure?"), "text": canned.plain("Really"), "confirm": canned.plain("Yes")}
    select = {"type": "static_select", "action_id": "pick", "options": options, "initial_option": options[0]}
    await show(page, server, {"type": "actions", "block_id": "b", "elements": [{**select, "confirm": sure}]})
    await page.locator("[data-action-id=pick]").select_option("two")
    await page.keyboard.press("Escape")
    await expect(page.locator("[data-action-id=pick]")).to_have_value("one")
    assert server.bodies("/ui/action") == []


async def test_pickers_and_choices_send_their_own_member(page: Page, server: FakeServer) -> None:
    options = [canned.option("a"), canned.option("b")]
    elements = [
        {"type": "radio_buttons", "action_id": "radio", "options": options},
        {"type": "checkboxes", "action_id": "boxes", "options": options},
        {"type": "datepicker", "action_id": "day"},
        {"type": "timepicker", "action_id": "time"},
        {"type": "datetimepicker", "action_id": "moment", "initial_date_time": 1_795_000_000},
        {"type": "users_select", "action_id": "who"},
        {"type": "multi_static_select", "action_id": "many", "options": options},
    ]
    await show(page, server, {"type": "actions", "block_id": "b", "elements": elements})
    await page.locator("[data-action-id=radio]").get_by_label("A").check()
    await page.locator("[data-action-id=boxes]").get_by_label("B").check()
    await page.locator("[data-action-id=day]").fill("2026-11-22")
    await page.locator("[data-action-id=time]").fill("09:30")
    await page.locator("[data-action-id=moment]").fill("2026-11-22T09:30")
    await page.locator("[data-action-id=who]").select_option("U0BEN")
    await page.locator("[data-action-id=many]").get_by_label("A").check()
    await expect(page.locator("[aria-busy=true]")).to_have_count(0)
    last = {body["action_id"]: body["action"] for body in server.bodies("/ui/action")}
    assert last == {
        "radio": {"type": "radio_buttons", "selected_option": options[0]},
        "boxes": {"type": "checkboxes", "selected_options": [options[1]]},
        "day": {"type": "datepicker", "selected_date": "2026-11-22"},
        "time": {"type": "timepicker", "selected_time": "09:30"},
        "moment": {"type": "datetimepicker", "selected_date_time": local_seconds("2026-11-22T09:30")},
        "who": {"type": "users_select", "selected_user": "U0BEN"},
        "many": {"type": "multi_static_select", "selected_options": [options[0]]},
    }


def local_seconds(moment: str) -> int:
    """As the browser counts them, which is in the machine's own time zone."""
    return int(datetime.fromisoformat(moment).astimezone().timestamp())


async def test_what_cannot_be_drawn_is_said_and_spares_the_rest(page: Page, server: FakeServer) -> None:
    broken = {"type": "section", "block_id": "x", "fields": "not a list"}
    await show(page, server, {"type": "hologram"}, broken, {"type": "header", "text": canned.plain("Still here")})
    shown = page.locator(f'[data-ts="{TS}"] .blocks > *')
    await expect(shown).to_have_text(
        ["Unsupported block: hologram", "Unsupported block: section (malformed)", "Still here"]
    )


async def test_rich_text_keeps_structure_and_refuses_bad_links(page: Page, server: FakeServer) -> None:
    line = [
        {"type": "text", "text": "bold", "style": {"bold": True}},
        {"type": "link", "url": "javascript:alert(1)", "text": "evil"},
        {"type": "user", "user_id": "U0BEN"},
    ]
    items = [{"type": "rich_text_section", "elements": [{"type": "text", "text": text}]} for text in ("x", "y")]
    rich = {
        "type": "rich_text",
        "block_id": "r",
        "elements": [
            {"type": "rich_text_section", "elements": line},
            {"type": "rich_text_list", "style": "ordered", "elements": items},
            {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a < b"}]},
        ],
    }
    await show(page, server, rich)
    html = await page.locator("[data-block-id=r]").inner_html()
    assert '<strong>bold</strong><span>evil</span><span class="mention">@Ben</span>' in html
    assert '<ol class="rt-list rt-indent-0" start="1"><li>x</li><li>y</li></ol><pre>a &lt; b</pre>' in html


async def test_a_dispatching_text_input_sends_on_enter(page: Page, server: FakeServer) -> None:
    block = {**canned.text_input("note", "Note"), "dispatch_action": True}
    await show(page, server, block)
    await page.get_by_label("Note").fill("seen")
    await page.keyboard.press("Enter")
    assert (await wait_for_action(page, server))["action"] == {"type": "plain_text_input", "value": "seen"}
