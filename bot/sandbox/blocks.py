"""What Slack accepts as the blocks of a message and as a view.

Blocks that not every workspace has (`table`, `data_visualization`, `container`, `card`, …) are refused as unsupported:
an app must be able to do without them.
"""

from collections.abc import Iterator
from typing import Any

from bot.sandbox import elements, limits
from bot.sandbox.errors import SlackError
from bot.sandbox.schema import (
    Check,
    Report,
    anything,
    boolean,
    both,
    by_type,
    exactly_one,
    items,
    one_of,
    shape,
    size_in_bytes,
    string,
    whole,
)

Json = dict[str, Any]
Surface = str
"""`message`, `modal` or `home`."""

BLOCKS_PER_SURFACE = {"message": limits.MESSAGE_BLOCKS, "modal": limits.MODAL_BLOCKS, "home": limits.HOME_BLOCKS}


def _block(name: str, required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return shape(
        {"type": one_of(name), **required},
        {"block_id": string(limits.BLOCK_ID, 1), **(optional or {})},
    )


def _section_has_content(block: Any, pointer: str, report: Report) -> None:
    if isinstance(block, dict) and "text" not in block and "fields" not in block:
        report.add("must define either `text` or `fields`", pointer)


_style = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline", "highlight"), boolean))
_rich_leaf = by_type(
    {
        name: shape({"type": one_of(name), **required}, {"style": _style, **optional})
        for name, required, optional in [
            ("text", {"text": string(limits.RENDERED_CHARS, 1)}, {}),
            ("link", {"url": string(limits.BUTTON_URL, 1)}, {"text": string(limits.TEXT), "unsafe": boolean}),
            ("user", {"user_id": string(255, 1)}, {}),
            ("usergroup", {"usergroup_id": string(255, 1)}, {}),
            ("channel", {"channel_id": string(255, 1)}, {}),
            ("emoji", {"name": string(255, 1)}, {"unicode": string(255), "skin_tone": whole(1, 6)}),
            ("broadcast", {"range": one_of("here", "channel", "everyone")}, {}),
            ("color", {"value": string(255, 1)}, {}),
            (
                "date",
                {"timestamp": anything, "format": string(255, 1)},
                {"url": string(3_000), "fallback": string(255)},
            ),
        ]
    }
)
_leaves = {"elements": items(_rich_leaf, 10_000, 0)}
_rich_section = shape({"type": one_of("rich_text_section"), **_leaves})
_bordered: dict[str, Check] = {"border": whole(0, 1)}
_rich_part = by_type(
    {
        "rich_text_section": _rich_section,
        "rich_text_quote": shape({"type": one_of("rich_text_quote"), **_leaves}, _bordered),
        "rich_text_preformatted": shape(
            {"type": one_of("rich_text_preformatted"), **_leaves}, {**_bordered, "language": string(255)}
        ),
        "rich_text_list": shape(
            {
                "type": one_of("rich_text_list"),
                "style": one_of("bullet", "ordered"),
                "elements": items(_rich_section, 10_000),
            },
            {**_bordered, "indent": whole(0, 8), "offset": whole(0, 10_000)},
        ),
    }
)

BLOCKS: dict[str, tuple[frozenset[Surface], Check]] = {
    name: (frozenset(surfaces.split()), check)
    for name, surfaces, check in [
        ("divider", "message modal home", _block("divider", {})),
        ("header", "message modal home", _block("header", {"text": elements.plain_text(limits.HEADER)})),
        (
            "section",
            "message modal home",
            both(
                _block(
                    "section",
                    {},
                    {
                        "text": elements.any_text(limits.TEXT),
                        "fields": items(elements.any_text(limits.SECTION_FIELD), limits.SECTION_FIELDS),
                        "accessory": elements.in_section,
                        "expand": boolean,
                    },
                ),
                _section_has_content,
            ),
        ),
        (
            "context",
            "message modal home",
            _block("context", {"elements": items(elements.in_context, limits.CONTEXT_ELEMENTS)}),
        ),
        (
            "actions",
            "message modal home",
            _block("actions", {"elements": items(elements.in_actions, limits.ACTIONS_ELEMENTS)}),
        ),
        (
            "context_actions",
            "message",
            _block(
                "context_actions",
                {"elements": items(elements.in_context_actions, limits.CONTEXT_ACTIONS_ELEMENTS)},
            ),
        ),
        (
            "image",
            "message modal home",
            both(
                _block(
                    "image",
                    {"alt_text": string(limits.IMAGE_ALT)},
                    {"title": elements.plain_text(limits.IMAGE_TITLE), **elements.image_source},
                ),
                exactly_one("image_url", "slack_file"),
            ),
        ),
        (
            "input",
            "message modal home",
            _block(
                "input",
                {"label": elements.plain_text(limits.INPUT_LABEL), "element": elements.in_input},
                {"hint": elements.plain_text(limits.INPUT_HINT), "optional": boolean, "dispatch_action": boolean},
            ),
        ),
        ("markdown", "message", _block("markdown", {"text": string(limits.MARKDOWN_TOTAL, 1)})),
        ("rich_text", "message modal home", _block("rich_text", {"elements": items(_rich_part, 10_000)})),
        (
            "video",
            "message modal home",
            _block(
                "video",
                {
                    "alt_text": string(limits.IMAGE_ALT),
                    "title": elements.plain_text(limits.VIDEO_TITLE),
                    "thumbnail_url": string(limits.IMAGE_URL),
                    "video_url": string(limits.IMAGE_URL),
                },
                {
                    "title_url": string(limits.IMAGE_URL),
                    "author_name": string(50),
                    "provider_name": string(50),
                    "provider_icon_url": string(limits.IMAGE_URL),
                    "description": elements.plain_text(200),
                },
            ),
        ),
    ]
}


def interactive_elements(block: Any) -> list[Json]:
    """The elements of a block that carry an `action_id`."""
    if not isinstance(block, dict):
        return []
    listed = block.get("elements") if block.get("type") in ("actions", "context_actions") else []
    found = [*(listed if isinstance(listed, list) else []), block.get("accessory"), block.get("element")]
    return [element for element in found if isinstance(element, dict) and element.get("type") != "image"]


def _check_unique(blocks: list[Any], pointer: str, report: Report) -> None:
    seen: set[Any] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id") if isinstance(block, dict) else None
        if isinstance(block_id, str):
            if block_id in seen:
                report.add(f"`block_id` {block_id} is already used", f"{pointer}/{index}/block_id")
            seen.add(block_id)
        ids = [str(element["action_id"]) for element in interactive_elements(block) if "action_id" in element]
        if len(set(ids)) != len(ids):
            report.add("`action_id` must be unique within its block", f"{pointer}/{index}")


def _check_markdown_total(blocks: list[Any], pointer: str, report: Report) -> None:
    texts = [str(b.get("text", "")) for b in blocks if isinstance(b, dict) and b.get("type") == "markdown"]
    if sum(map(limits.utf16_length, texts)) > limits.MARKDOWN_TOTAL:
        report.add(f"markdown blocks must be less than {limits.MARKDOWN_TOTAL + 1} characters in sum", pointer)


def _check_focus(blocks: list[Any], pointer: str, report: Report) -> None:
    focused = [e for block in blocks for e in interactive_elements(block) if e.get("focus_on_load") is True]
    if len(focused) > limits.FOCUSED_ELEMENTS:
        report.add("only one element may have focus_on_load", pointer)


def check_blocks(blocks: Any, surface: Surface, pointer: str, report: Report) -> None:
    """Report everything that `surface` would refuse in these blocks."""
    table = {name: check for name, (surfaces, check) in BLOCKS.items() if surface in surfaces}
    items(by_type(table), BLOCKS_PER_SURFACE[surface], 0)(blocks, pointer, report)
    if isinstance(blocks, list):
        _check_unique(blocks, pointer, report)
        _check_markdown_total(blocks, pointer, report)
        _check_focus(blocks, pointer, report)


def _rendered_texts(part: Any) -> Iterator[int]:
    if isinstance(part, list):
        for item in part:
            yield from _rendered_texts(item)
    elif isinstance(part, dict):
        if part.get("type") == "header":
            yield limits.RENDERED_CHARS_PER_HEADER
        for name, member in part.items():
            if name in ("text", "alt_text") and isinstance(member, str):
                yield limits.utf16_length(member)
            else:
                yield from _rendered_texts(member)


def rendered_chars(blocks: Any) -> int:
    """About what Slack counts against its undocumented limit on a whole message; entities count as written."""
    return sum(_rendered_texts(blocks))


def require_message(blocks: list[Any], attachments: list[Any]) -> None:
    """Raise what chat.postMessage, chat.update and chat.postEphemeral would answer."""
    if len(attachments) > limits.ATTACHMENTS:
        raise SlackError("too_many_attachments")
    report = Report()
    check_blocks(blocks, "message", "/blocks", report)
    for index, attachment in enumerate(attachments):
        footer = attachment.get("footer", "") if isinstance(attachment, dict) else None
        string(limits.ATTACHMENT_FOOTER)(footer, f"/attachments/{index}/footer", report)
        if isinstance(attachment, dict) and "blocks" in attachment:
            check_blocks(attachment["blocks"], "message", f"/attachments/{index}/blocks", report)
    if report.messages:
        raise SlackError("invalid_blocks", messages=report.messages)
    if rendered_chars([blocks, attachments]) > limits.RENDERED_CHARS:
        raise SlackError("msg_blocks_too_long")


_view_members: dict[str, Check] = {
    "private_metadata": string(limits.PRIVATE_METADATA),
    "callback_id": string(limits.CALLBACK_ID),
    "external_id": string(limits.EXTERNAL_ID),
}
_modal = shape(
    {"type": one_of("modal"), "title": elements.plain_text(limits.MODAL_TITLE), "blocks": anything},
    {
        **_view_members,
        "submit": elements.plain_text(limits.MODAL_SUBMIT),
        "close": elements.plain_text(limits.MODAL_CLOSE),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_home = shape({"type": one_of("home"), "blocks": anything}, _view_members)


def require_view(view: Any, surface: Surface) -> None:
    """Raise what views.open, views.push, views.update (`modal`) or views.publish (`home`) would answer."""
    if size_in_bytes(view) > limits.VIEW_BYTES:
        raise SlackError("view_too_large")
    report = Report()
    by_type({"modal": _modal} if surface == "modal" else {"home": _home})(view, "/view", report)
    if isinstance(view, dict) and "blocks" in view:
        check_blocks(view["blocks"], surface, "/view/blocks", report)
        blocks = view["blocks"] if isinstance(view["blocks"], list) else []
        has_input = any(isinstance(block, dict) and block.get("type") == "input" for block in blocks)
        if surface == "modal" and has_input and "submit" not in view:
            report.add("missing required field: submit", "/view")
    if report.messages:
        raise SlackError("invalid_arguments", messages=report.messages)
