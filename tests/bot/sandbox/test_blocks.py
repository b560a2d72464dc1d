"""Each documented size: exactly at the limit passes, one over is refused. The numbers are written out on purpose."""

from collections.abc import Callable
from typing import Any

import pytest

from bot.sandbox.blocks import require_message, require_view
from bot.sandbox.errors import SlackError
from bot.sandbox.schema import size_in_bytes
from tests.bot.sandbox.blockkit import (
    actions,
    button,
    confirm,
    divider,
    field,
    home,
    modal,
    mrkdwn,
    option,
    options,
    plain,
    section,
)

Json = dict[str, Any]
Build = Callable[[int], Json]


def x(count: int) -> str:
    return "x" * count


def select(**more: Any) -> Json:
    return {"type": "static_select", "action_id": "pick", **more}


def group(label: str = "Group", count: int = 1) -> Json:
    return {"label": plain(label), "options": options(count)}


def groups(count: int) -> list[Json]:
    return [{"label": plain("Group"), "options": [option(number)]} for number in range(count)]


def context(count: int) -> Json:
    return {"type": "context", "elements": [mrkdwn("x")] * count}


def image(**more: Any) -> Json:
    return {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a", **more}


def text_input(**more: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "text", **more}


BLOCK_LIMITS: dict[str, tuple[int, Build]] = {
    "section.text": (3000, lambda n: section(x(n))),
    "section.fields": (10, lambda n: {"type": "section", "fields": [mrkdwn("x")] * n}),
    "section.field.text": (2000, lambda n: {"type": "section", "fields": [mrkdwn(x(n))]}),
    "header.text": (150, lambda n: {"type": "header", "text": plain(x(n))}),
    "context.elements": (10, context),
    "context.text": (3000, lambda n: {"type": "context", "elements": [mrkdwn(x(n))]}),
    "actions.elements": (25, lambda n: actions(*[button()] * n)),
    "block_id": (255, lambda n: section(block_id=x(n))),
    "action_id": (255, lambda n: actions(button(action_id=x(n)))),
    "image.image_url": (3000, lambda n: image(image_url=x(n))),
    "image.alt_text": (2000, lambda n: image(alt_text=x(n))),
    "image.title": (2000, lambda n: image(title=plain(x(n)))),
    "input.label": (2000, lambda n: field(label=plain(x(n)))),
    "input.hint": (2000, lambda n: field(hint=plain(x(n)))),
    "button.text": (75, lambda n: actions(button(x(n)))),
    "button.value": (2000, lambda n: actions(button(value=x(n)))),
    "button.url": (3000, lambda n: actions(button(url=x(n)))),
    "button.accessibility_label": (75, lambda n: actions(button(accessibility_label=x(n)))),
    "confirm.title": (100, lambda n: actions(button(confirm=confirm(title=plain(x(n)))))),
    "confirm.text": (300, lambda n: actions(button(confirm=confirm(text=mrkdwn(x(n)))))),
    "confirm.confirm": (30, lambda n: actions(button(confirm=confirm(confirm=plain(x(n)))))),
    "confirm.deny": (30, lambda n: actions(button(confirm=confirm(deny=plain(x(n)))))),
    "option.text": (75, lambda n: actions(select(options=[option(text=plain(x(n)))]))),
    "option.value": (75, lambda n: actions(select(options=[option(value=x(n))]))),
    "option.description": (75, lambda n: actions(select(options=[option(description=plain(x(n)))]))),
    "option.url": (3000, lambda n: actions({"type": "overflow", "options": [option(url=x(n))]})),
    "select.options": (100, lambda n: actions(select(options=options(n)))),
    "select.option_groups": (100, lambda n: actions(select(option_groups=groups(n)))),
    "option_group.options": (100, lambda n: actions(select(option_groups=[group(count=n)]))),
    "option_group.label": (75, lambda n: actions(select(option_groups=[group(x(n))]))),
    "overflow.options": (5, lambda n: actions({"type": "overflow", "options": options(n)})),
    "checkboxes.options": (10, lambda n: actions({"type": "checkboxes", "options": options(n)})),
    "radio_buttons.options": (10, lambda n: actions({"type": "radio_buttons", "options": options(n)})),
    "placeholder.text": (150, lambda n: field(text_input(placeholder=plain(x(n))))),
    "plain_text_input.max_length": (3000, lambda n: field(text_input(max_length=n))),
    "plain_text_input.initial_value": (3000, lambda n: field(text_input(initial_value=x(n)))),
    "file_input.max_files": (10, lambda n: field({"type": "file_input", "max_files": n})),
    "video.title": (
        200,
        lambda n: {"type": "video", "title": plain(x(n)), "alt_text": "a", "video_url": "v", "thumbnail_url": "t"},
    ),
    "context_actions.elements": (
        5,
        lambda n: {
            "type": "context_actions",
            "elements": [{"type": "icon_button", "icon": "trash", "text": plain("Delete")}] * n,
        },
    ),
    "markdown.text.cumulative": (12000, lambda n: {"type": "markdown", "text": x(n)}),
}

VIEW_LIMITS: dict[str, tuple[int, Build]] = {
    "modal.blocks": (100, lambda n: modal(*[divider()] * n)),
    "home.blocks": (100, lambda n: home(*[divider()] * n)),
    "modal.title": (24, lambda n: modal(title=plain(x(n)))),
    "modal.submit": (24, lambda n: modal(submit=plain(x(n)))),
    "modal.close": (24, lambda n: modal(close=plain(x(n)))),
    "view.private_metadata": (3000, lambda n: modal(private_metadata=x(n))),
    "view.callback_id": (255, lambda n: modal(callback_id=x(n))),
    "view.external_id": (255, lambda n: modal(external_id=x(n))),
    "view.focus_on_load": (1, lambda n: modal(*[field(text_input(focus_on_load=True))] * n)),
}


def refusal_of_message(*blocks: Json) -> SlackError:
    with pytest.raises(SlackError) as caught:
        require_message(list(blocks), [])
    return caught.value


def refusal_of_view(view: Json) -> SlackError:
    with pytest.raises(SlackError) as caught:
        require_view(view, view["type"])
    return caught.value


@pytest.mark.parametrize("name", BLOCK_LIMITS)
def test_a_block_may_reach_each_limit_and_not_pass_it(name: str) -> None:
    limit, build = BLOCK_LIMITS[name]
    require_message([build(limit)], [])
    error = refusal_of_message(build(limit + 1))
    assert error.code == "invalid_blocks"
    assert all("[json-pointer:/blocks" in message for message in error.messages)


@pytest.mark.parametrize("name", VIEW_LIMITS)
def test_a_view_may_reach_each_limit_and_not_pass_it(name: str) -> None:
    limit, build = VIEW_LIMITS[name]
    view = build(limit)
    require_view(view, view["type"])
    error = refusal_of_view(build(limit + 1))
    assert error.code == "invalid_arguments"
    assert all("[json-pointer:/view" in message for message in error.messages)


def test_a_message_holds_fifty_blocks() -> None:
    require_message([divider()] * 50, [])
    assert refusal_of_message(*[divider()] * 51).answer() == {
        "ok": False,
        "error": "invalid_blocks",
        "response_metadata": {"messages": ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]},
    }


def test_a_message_renders_at_most_13200_characters() -> None:
    full = [section(x(3000))] * 4
    require_message([*full, section(x(1200))], [])
    assert refusal_of_message(*full, section(x(1201))).code == "msg_blocks_too_long"


def test_a_header_costs_a_hundred_characters_more() -> None:
    full = [section(x(3000))] * 4
    header = {"type": "header", "text": plain(x(100))}
    require_message([*full, header, section(x(1000))], [])
    assert refusal_of_message(*full, header, section(x(1001))).code == "msg_blocks_too_long"


def test_markdown_blocks_share_one_limit() -> None:
    half = {"type": "markdown", "text": x(6000)}
    require_message([half, half], [])
    assert refusal_of_message(half, half, {"type": "markdown", "text": "x"}).code == "invalid_blocks"


def test_characters_are_utf16_units_and_entities_count_as_written() -> None:
    require_message([section("\U0001f600" * 1500)], [])
    assert refusal_of_message(section("\U0001f600" * 1500 + "x")).code == "invalid_blocks"
    require_message([section("&amp;" * 600)], [])
    assert refusal_of_message(section("&amp;" * 601)).code == "invalid_blocks"


def test_attachments_are_counted_and_their_blocks_checked() -> None:
    require_message([], [{"footer": x(300)}] * 100)
    with pytest.raises(SlackError, match="too_many_attachments"):
        require_message([], [{}] * 101)
    with pytest.raises(SlackError, match="invalid_blocks"):
        require_message([], [{"footer": x(301)}])
    with pytest.raises(SlackError, match="invalid_blocks"):
        require_message([], [{"blocks": [section(x(3001))]}])


def test_a_view_weighs_at_most_250_kilobytes() -> None:
    view = modal(*[section(x(2450))] * 99, private_metadata="")
    view["private_metadata"] = x(250_000 - size_in_bytes(view))
    assert size_in_bytes(view) == 250_000
    require_view(view, "modal")
    view["private_metadata"] += "x"
    assert refusal_of_view(view).code == "view_too_large"


WRONG: dict[str, list[Json]] = {
    "an unknown member": [actions(button(colour="red"))],
    "an unknown member of a block": [section(color="red")],
    "an unknown member of a text": [{"type": "section", "text": {**mrkdwn("x"), "emoji": True}}],
    "an unknown type": [{"type": "marquee"}],
    "a block new workspaces only have": [{"type": "table", "rows": []}],
    "no type": [{"text": mrkdwn("x")}],
    "no object": ["section"],  # type: ignore[list-item]
    "a section without content": [{"type": "section"}],
    "an empty text": [section("")],
    "markdown in a button": [actions({"type": "button", "text": mrkdwn("Go")})],
    "markdown in a header": [{"type": "header", "text": mrkdwn("x")}],
    "no elements": [actions()],
    "an input in an actions block": [actions(text_input())],
    "a button in an input block": [field(button())],
    "a style that is none": [actions(button(style="warning"))],
    "a repeated block_id": [section(block_id="a"), section(block_id="a")],
    "a repeated action_id": [actions(button(action_id="a"), button(action_id="a"))],
    "an initial option that is not offered": [actions(select(options=options(2), initial_option=option(7)))],
    "a repeated option value": [actions(select(options=[option(1), option(1)]))],
    "both options and groups": [actions(select(options=options(1), option_groups=[group()]))],
    "neither options nor groups": [actions(select())],
    "two sources of an image": [image(slack_file={"id": "F1"})],
    "a minimum above the maximum": [field(text_input(min_length=9, max_length=8))],
    "a number as text": [{"type": "section", "text": {"type": "mrkdwn", "text": 5}}],
    "a text as number": [field(text_input(max_length="5"))],
    "a text as boolean": [field(optional="yes")],
    "an incomplete confirm": [actions(button(confirm={"title": plain("Sure?")}))],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_blocks_are_refused(name: str) -> None:
    assert refusal_of_message(*WRONG[name]).code == "invalid_blocks"


def test_every_right_thing_passes() -> None:
    require_message(
        [
            section(accessory=button(style="danger", confirm=confirm(), value="v"), block_id="a"),
            actions(button(action_id="a"), select(options=options(3), initial_option=option(1))),
            actions({"type": "overflow", "action_id": "more", "options": options(1)}),
            image(title=plain("Chart")),
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_list",
                        "style": "bullet",
                        "elements": [
                            {
                                "type": "rich_text_section",
                                "elements": [{"type": "text", "text": "x", "style": {"bold": True}}],
                            }
                        ],
                    }
                ],
            },
        ],
        [],
    )


@pytest.mark.parametrize("kind", ["markdown", "context_actions"])
def test_some_blocks_are_for_messages_only(kind: str) -> None:
    block = BLOCK_LIMITS["markdown.text.cumulative" if kind == "markdown" else "context_actions.elements"][1](1)
    require_message([block], [])
    assert f"unsupported type: {kind}" in refusal_of_view(modal(block)).messages[0]
    assert f"unsupported type: {kind}" in refusal_of_view(home(block)).messages[0]


def test_a_modal_with_an_input_needs_a_submit_button() -> None:
    view = modal(field())
    del view["submit"]
    assert refusal_of_view(view).messages == ["[ERROR] missing required field: submit [json-pointer:/view]"]


def test_a_home_has_no_title() -> None:
    assert refusal_of_view(home(title=plain("Home"))).messages == [
        "[ERROR] invalid additional property: title [json-pointer:/view]"
    ]
