"""Modals: keyboard, errors, and that nothing a person typed is lost."""

import pytest
from playwright.async_api import Page, expect

from tests.bot.sandbox_page import canned
from tests.bot.sandbox_page.fake_server import FakeServer
from tests.support.browser import PHONE

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def fill_in(page: Page, server: FakeServer) -> None:
    await server.push_views(canned.edit_view())
    await page.get_by_label("Answer").fill("Refund 100")
    await page.get_by_label("Category").select_option("policy")


async def test_it_is_a_labelled_dialog_with_the_keyboard_inside(page: Page, server: FakeServer) -> None:
    await server.push_views(canned.edit_view())
    dialog = page.get_by_role("dialog", name="Correct this")
    await expect(dialog).to_have_attribute("aria-modal", "true")
    await expect(dialog).to_have_attribute("data-view-id", "V1")
    await expect(page.get_by_label("Answer")).to_be_focused()
    for _ in range(12):
        await page.keyboard.press("Tab")
        assert await dialog.evaluate("(node) => node.contains(document.activeElement)")
    await page.keyboard.press("Shift+Tab")
    assert await dialog.evaluate("(node) => node.contains(document.activeElement)")


async def test_submitting_sends_all_values_once(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    server.gate.clear()
    save = page.get_by_role("button", name="Save")
    await save.click()
    await expect(save).to_be_disabled()
    await page.keyboard.press("Escape")
    server.gate.set()
    await server.push_views()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert server.sent == [
        (
            "/ui/view_submit",
            {
                "as": "U0ADA",
                "view_id": "V1",
                "values": {
                    "answer": {"value": {"type": "plain_text_input", "value": "Refund 100"}},
                    "category": {"value": {"type": "static_select", "selected_option": canned.option("policy")}},
                    "reason": {"value": {"type": "plain_text_input", "value": None}},
                },
            },
        )
    ]


async def test_missing_and_long_input_is_refused_before_it_is_sent(page: Page, server: FakeServer) -> None:
    await server.push_views(canned.edit_view())
    await page.get_by_label("Answer").fill("x" * 41)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("[data-block-id=answer] .b-error")).to_have_text(
        "Please shorten this to 40 characters or fewer (now 41)."
    )
    await expect(page.locator("[data-block-id=category] .b-error")).to_have_text("Please complete this required field.")
    await expect(page.get_by_label("Answer")).to_be_focused()
    await expect(page.get_by_label("Answer")).to_have_attribute("aria-invalid", "true")
    assert server.sent == []


async def test_the_apps_errors_stand_at_their_fields(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    server.answers["/ui/view_submit"] = (200, {"ok": False, "errors": {"answer": "Over the cap"}})
    await page.get_by_role("button", name="Save").click()
    error = page.locator("[data-block-id=answer] .b-error")
    await expect(error).to_have_text("Over the cap")
    await expect(page.get_by_role("button", name="Save")).to_be_enabled()
    await page.get_by_label("Answer").fill("Refund 50")
    await expect(error).to_be_empty()


async def test_an_app_that_does_not_answer_keeps_the_form(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    server.answers["/ui/view_submit"] = (200, {"ok": False, "error": "We had some trouble connecting. Try again?"})
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("dialog").get_by_text("We had some trouble connecting")).to_be_visible()
    await expect(page.get_by_label("Answer")).to_have_value("Refund 100")


async def test_escape_and_cancel_close_one_and_the_cross_all(page: Page, server: FakeServer) -> None:
    await server.push_views(canned.edit_view("V1"), canned.edit_view("V2", title=canned.plain("Second")))
    await expect(page.get_by_role("dialog", name="Second")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog", name="Second").get_by_role("button", name="Cancel").click()
    await page.get_by_role("dialog", name="Second").get_by_role("button", name="Close").click()
    await server.push_views(canned.edit_view("V1"))
    await expect(page.get_by_role("dialog", name="Correct this")).to_be_visible()
    assert server.bodies("/ui/view_close") == [
        {"as": "U0ADA", "view_id": "V2"},
        {"as": "U0ADA", "view_id": "V2"},
        {"as": "U0ADA", "view_id": "V2", "all": True},
    ]


async def test_typed_text_survives_a_push_and_a_lost_connection(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    await server.push_views(canned.edit_view(), canned.edit_view("V2", title=canned.plain("Second")))
    await server.push_views(canned.edit_view())
    await server.stop()
    await expect(page.get_by_text("Connection lost")).to_be_visible()
    await server.start()
    await expect(page.get_by_text("Connection lost")).to_be_hidden()
    await expect(page.get_by_label("Answer")).to_have_value("Refund 100")
    await expect(page.get_by_label("Category")).to_have_value("policy")


async def test_typed_text_survives_a_reload_and_acting_as_another(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    await page.reload()
    await expect(page.get_by_label("Answer")).to_have_value("Refund 100")
    await expect(page.get_by_label("Category")).to_have_value("policy")
    await page.goto(f"{server.url}/#/U0BEN/{canned.REVIEW}")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.goto(f"{server.url}/#/U0ADA/{canned.REVIEW}")
    await expect(page.get_by_label("Answer")).to_have_value("Refund 100")


async def test_what_was_typed_into_a_closed_view_is_forgotten(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    await server.push_views()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await server.push_views(canned.edit_view())
    await expect(page.get_by_label("Answer")).to_have_value("Refund 120")


async def test_discarding_what_was_typed_is_asked_first(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    question = page.get_by_role("dialog", name="Discard what you typed?")
    await page.keyboard.press("Escape")
    await question.get_by_role("button", name="Keep editing").click()
    await expect(page.get_by_label("Answer")).to_have_value("Refund 100")
    assert server.sent == []
    await page.get_by_role("button", name="Cancel").click()
    await question.get_by_role("button", name="Discard").click()
    await expect(question).to_have_count(0)
    await server.push_views()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert await server.heard("/ui/view_close") == [{"as": "U0ADA", "view_id": "V1"}]


async def test_the_question_goes_with_its_form(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Discard what you typed?")).to_be_visible()
    await server.push_views()
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await page.get_by_role("textbox", name="Message #ai-review").click()
    assert server.sent == []


async def test_control_and_enter_send_the_form_from_a_text_of_many_lines(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    server.answers["/ui/view_submit"] = (200, {"ok": False, "error": "not now"})
    await page.get_by_label("Answer").press("Enter")
    await page.get_by_label("Answer").press("Control+Enter")
    await expect(page.get_by_role("dialog")).to_contain_text("not now")
    (body,) = server.bodies("/ui/view_submit")
    assert body["values"]["answer"]["value"]["value"] == "Refund 100\n"


async def test_what_is_left_is_counted_only_near_the_limit(page: Page, server: FakeServer) -> None:
    view = canned.edit_view()
    view["blocks"][1]["element"]["max_length"] = 200
    await server.push_views(view)
    counter = page.locator("[data-block-id=answer] .counter")
    await expect(counter).to_be_hidden()
    await page.get_by_label("Answer").fill("x" * 101)
    await expect(counter).to_have_text("99 left")
    await page.get_by_label("Answer").fill("x" * 203)
    await expect(counter).to_have_text("3 too many")


async def test_an_update_keeps_what_was_entered_in_fields_that_stay(page: Page, server: FakeServer) -> None:
    await fill_in(page, server)
    changed = canned.edit_view(hash="h2")
    changed["blocks"][0]["text"] = canned.mrkdwn("Cleo claimed this.")
    changed["blocks"][3] = canned.text_input("other", "Other", initial_value="new")
    await page.get_by_label("Answer").focus()
    await server.push_views(changed)
    await expect(page.get_by_text("Cleo claimed this.")).to_be_visible()
    await expect(page.get_by_label("Answer")).to_have_value("Refund 100")
    await expect(page.get_by_label("Answer")).to_be_focused()
    await expect(page.get_by_label("Other")).to_have_value("new")


async def test_choices_people_and_a_question_before_a_button(page: Page, server: FakeServer) -> None:
    def choices(kind: str) -> dict[str, object]:
        element = {"type": kind, "action_id": "value", "options": [canned.option("safe"), canned.option("unsafe")]}
        return {"type": "input", "block_id": kind, "label": canned.plain(kind), "element": element}

    who = {"type": "users_select", "action_id": "value"}
    sure = {"title": canned.plain("Skip it?"), "text": canned.plain("It goes to others.")}
    skip = canned.button("skip", "Skip", confirm={**sure, "confirm": canned.plain("Yes"), "deny": canned.plain("No")})
    view = canned.edit_view(
        blocks=[
            choices("radio_buttons"),
            choices("checkboxes"),
            {"type": "input", "block_id": "who", "label": canned.plain("Who"), "element": who},
            {"type": "actions", "block_id": "more", "elements": [skip]},
        ]
    )
    await server.push_views(view)
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator(".b-error", has_text="Please complete this required field.")).to_have_count(3)
    await page.get_by_role("radio", name="Unsafe").check()
    await page.get_by_role("checkbox", name="Unsafe").check()
    await page.get_by_label("Who").select_option(label="Ben")
    await page.get_by_role("button", name="Skip").click()
    await page.get_by_role("dialog", name="Skip it?").get_by_role("button", name="Yes").click()
    (body,) = await server.heard("/ui/action")
    assert (body["view_id"], body["action_id"]) == ("V1", "skip")
    unsafe = canned.option("unsafe")
    assert body["state"]["values"] == {
        "radio_buttons": {"value": {"type": "radio_buttons", "selected_option": unsafe}},
        "checkboxes": {"value": {"type": "checkboxes", "selected_options": [unsafe]}},
        "who": {"value": {"type": "users_select", "selected_user": "U0BEN"}},
    }


async def test_the_next_item_of_a_walk_begins_at_its_top(page: Page, server: FakeServer) -> None:
    def item(number: int) -> dict[str, object]:
        text = {"type": "section", "block_id": f"text-{number}", "text": canned.mrkdwn("a line\n" * 60)}
        field = canned.text_input(f"answer-{number}", f"Answer {number}")
        return canned.edit_view(hash=f"h{number}", blocks=[text, field])

    await server.push_views(item(0))
    for number in range(3):
        await expect(page.get_by_label(f"Answer {number}")).to_be_focused()
        await page.keyboard.type("good")
        await page.keyboard.press("Control+Enter")
        await expect(page.locator("form[aria-busy=true]")).to_have_count(1)
        await server.push_views(item(number + 1))
    await expect(page.get_by_label("Answer 3")).to_be_focused()
    assert await page.locator(".dialog-body").evaluate("(node) => node.scrollTop") == 0


async def test_closing_gives_the_focus_back(page: Page, server: FakeServer) -> None:
    edit = page.locator("[data-action-id=edit]")
    await edit.click()
    await server.push_views(canned.edit_view())
    await expect(page.get_by_label("Answer")).to_be_focused()
    await server.push_views()
    await expect(edit).to_be_focused()


async def test_on_a_phone_it_fills_the_screen(page: Page, server: FakeServer) -> None:
    await page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    await server.push_views(canned.edit_view())
    box = await page.get_by_role("dialog").bounding_box()
    assert box == {"x": 0, "y": 0, **PHONE}
