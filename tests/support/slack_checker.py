"""What Slack refuses, and what untrusted text must not achieve, as assertions over whole payloads.

Stricter than slack_sdk's models, which see neither 51 blocks nor duplicate ids. Written against Slack's documentation
and not against the renderer's constants, so that a wrong constant shows.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

DATE = re.compile(r"<!date\^\d+\^(?:\{date_short_pretty\} at \{time\}|\{ago\})\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>")
MENTION = re.compile(r"<@([UW][A-Z0-9]{1,31})>")
ENTITY = re.compile(r"&(?:amp|lt|gt);")
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff\U000e0000-\U000e007f]")
RICH_PARENTS = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
TEXT_LIMITS = {"header": 150, "button": 75, "label": 2000, "hint": 2000, "title": 24, "submit": 24, "close": 24}
CONFIRM_LIMITS = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
MESSAGE_BLOCKS = {"header", "section", "rich_text", "actions", "context", "image"}
LINK_TEXTS = {"card"}
"""Our own words for links of Slack's own making."""
MODAL_BLOCKS = MESSAGE_BLOCKS | {"input"}

Json = dict[str, Any]


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def check_message(text: str, blocks: list[Json], people: frozenset[str]) -> None:
    """A message that Slack takes, and in which nobody but `people` is mentioned and no link is hidden."""
    assert 1 <= units(text) <= 3000
    check_mrkdwn(text, people)
    assert 1 <= len(blocks) <= 50
    _check_blocks(blocks, MESSAGE_BLOCKS, people)
    headers = sum(block["type"] == "header" for block in blocks)
    total = units(text) + 100 * headers + sum(map(_rendered, _texts(blocks)))
    assert total <= 10_000, total


def check_modal(view: Json, people: frozenset[str]) -> None:
    """A view that Slack takes; its inputs may hold any text, as people edit the real one."""
    assert view["type"] == "modal"
    assert 1 <= len(view["blocks"]) <= 100
    assert len(json.dumps(view)) <= 250_000
    assert units(view["callback_id"]) <= 255
    assert units(view.get("private_metadata", "")) <= 3000
    for name in ("title", "close", "submit"):
        if name in view:
            _check_text(view[name], TEXT_LIMITS[name], people)
    assert "submit" in view or not any(block["type"] == "input" for block in view["blocks"])
    _check_blocks(view["blocks"], MODAL_BLOCKS, people)


def check_mrkdwn(text: str, people: frozenset[str]) -> None:
    """Every `<…>` is a date of ours or a mention of `people`, every `&` an entity; nothing unsafe is in it."""
    assert not UNSAFE.search(text), ascii(text)
    assert not INVISIBLE.search(text), ascii(text)
    assert set(MENTION.findall(text)) <= people
    rest = MENTION.sub("", DATE.sub("", text))
    assert not re.search("[<>]", rest), rest
    assert "&" not in ENTITY.sub("", rest), rest


def _check_blocks(blocks: list[Json], allowed: set[str], people: frozenset[str]) -> None:
    ids = [block["block_id"] for block in blocks]
    assert len(set(ids)) == len(ids)
    for block in blocks:
        assert block["type"] in allowed
        assert 1 <= units(block["block_id"]) <= 255
        CHECKS[block["type"]](block, people)


def _check_header(block: Json, people: frozenset[str]) -> None:
    assert block["text"]["type"] == "plain_text"
    _check_text(block["text"], TEXT_LIMITS["header"], people)


def _check_section(block: Json, people: frozenset[str]) -> None:
    assert {"type", "block_id", "text"} <= set(block) <= {"type", "block_id", "text", "accessory"}
    _check_text(block["text"], 3000, people)
    if "accessory" in block:
        _check_button(block["accessory"], people)


def _check_context(block: Json, people: frozenset[str]) -> None:
    assert 1 <= len(block["elements"]) <= 10
    for element in block["elements"]:
        _check_text(element, 3000, people)


def _check_image(block: Json, people: frozenset[str]) -> None:
    assert set(block) == {"type", "block_id", "slack_file", "alt_text"}
    assert set(block["slack_file"]) == {"id"}
    assert 1 <= units(block["alt_text"]) <= 2000
    assert not UNSAFE.search(block["alt_text"])


def _check_actions(block: Json, people: frozenset[str]) -> None:
    elements = block["elements"]
    assert 1 <= len(elements) <= 25
    actions = [element["action_id"] for element in elements]
    assert len(set(actions)) == len(actions)
    for element in elements:
        if element["type"] == "button":
            _check_button(element, people)
        else:
            assert element["type"] == "overflow"
            _check_options(element["options"], 5, people)


def _check_button(element: Json, people: frozenset[str]) -> None:
    assert element["type"] == "button"
    assert 1 <= units(element["action_id"]) <= 255
    _check_text(element["text"], TEXT_LIMITS["button"], people)
    assert 1 <= units(element["value"]) <= 2000
    assert "url" not in element
    for name, text in element.get("confirm", {}).items():
        _check_text(text, CONFIRM_LIMITS[name], people)


def _check_input(block: Json, people: frozenset[str]) -> None:
    _check_text(block["label"], TEXT_LIMITS["label"], people)
    if "hint" in block:
        _check_text(block["hint"], TEXT_LIMITS["hint"], people)
    element = block["element"]
    assert 1 <= units(element["action_id"]) <= 255
    if element["type"] == "plain_text_input":
        initial = element.get("initial_value", "x")
        assert 1 <= units(initial) <= 2900
        assert element["multiline"] or "\n" not in initial
        initial.encode()
    elif element["type"] == "users_select":
        assert set(element) == {"type", "action_id"}
    elif element["type"] == "datetimepicker":
        assert len(str(element["initial_date_time"])) == 10
    elif element["type"] == "checkboxes":
        _check_options(element["options"], 10, people)
    else:
        assert element["type"] == "static_select"
        _check_options(element["options"], 100, people)
        assert element.get("initial_option", element["options"][0]) in element["options"]


def _check_options(options: list[Json], most: int, people: frozenset[str]) -> None:
    assert 1 <= len(options) <= most
    values = [option["value"] for option in options]
    assert len(set(values)) == len(values)
    for option in options:
        assert 1 <= units(option["value"]) <= 75
        assert "url" not in option
        _check_text(option["text"], 75, people)


def _check_rich_text(block: Json, people: frozenset[str]) -> None:
    assert block["elements"]
    for parent in block["elements"]:
        assert parent["type"] in RICH_PARENTS
        lines = parent["elements"] if parent["type"] == "rich_text_list" else [parent]
        assert lines
        for line in lines:
            assert line["elements"]
            for leaf in line["elements"]:
                _check_leaf(leaf)


def _check_leaf(leaf: Json) -> None:
    """Text, or a link that shows its own address or says what it is: no user, group, broadcast or emoji."""
    if leaf["type"] == "link":
        assert {"type", "url"} <= set(leaf) <= {"type", "url", "text"}
        assert leaf.get("text", "card") in LINK_TEXTS
        assert re.match(r"https?://[^/@\s]+", leaf["url"])
        assert units(leaf["url"]) <= 3000
        return
    assert leaf["type"] == "text"
    assert 1 <= units(leaf["text"]) <= 3000
    assert not UNSAFE.search(leaf["text"]), ascii(leaf["text"])


def _check_text(element: Json, limit: int, people: frozenset[str]) -> None:
    assert 1 <= units(element["text"]) <= limit
    assert element["text"].strip()
    if element["type"] == "mrkdwn":
        check_mrkdwn(element["text"], people)
        return
    assert element["type"] == "plain_text"
    assert element["emoji"] is False
    assert "\n" not in element["text"]
    assert not UNSAFE.search(element["text"]), ascii(element["text"])
    assert not INVISIBLE.search(element["text"]), ascii(element["text"])


def _texts(node: Any) -> Iterator[Json]:
    """Every element that shows text: text objects, rich text leaves, links."""
    if isinstance(node, list):
        for member in node:
            yield from _texts(member)
    elif isinstance(node, dict):
        if isinstance(node.get("text"), str) or node.get("type") == "link":
            yield node
        else:
            yield from _texts(list(node.values()))


def _rendered(element: Json) -> int:
    if element["type"] == "link":
        return units(element["url"])
    return units(element["text"] if element["type"] == "mrkdwn" else escaped(element["text"]))


CHECKS = {
    "header": _check_header,
    "section": _check_section,
    "context": _check_context,
    "actions": _check_actions,
    "input": _check_input,
    "rich_text": _check_rich_text,
    "image": _check_image,
}
