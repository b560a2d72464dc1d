"""Block Kit pieces as plain dicts. Untrusted text goes into plain_text and rich_text, where Slack parses nothing."""

from typing import Any
from urllib.parse import urlsplit

from bot.slack import limits
from bot.slack.text import body, clip_line, one_line, rendered_size

Block = dict[str, Any]
Element = dict[str, Any]


def plain(text: str, limit: int) -> Element:
    """One line, cut to `limit`; safe for any text."""
    return {"type": "plain_text", "text": clip_line(text, limit), "emoji": False}


def header(block_id: str, text: str) -> Block:
    return {"type": "header", "block_id": block_id, "text": plain(text, limits.HEADER_TEXT)}


def section(block_id: str, mrkdwn: str) -> Block:
    """`mrkdwn` is parsed by Slack: our own words, or escaped."""
    return {"type": "section", "block_id": block_id, "text": {"type": "mrkdwn", "text": mrkdwn}}


def context(block_id: str, elements: list[Element]) -> Block:
    return {"type": "context", "block_id": block_id, "elements": elements}


def rich_text(block_id: str, elements: list[Element]) -> Block:
    return {"type": "rich_text", "block_id": block_id, "elements": elements}


def bold_line(text: str, url: str | None = None) -> Element:
    """A title, and beside it the link, whose visible text is its own address."""
    title = words(clip_line(text, 300), bold=True)
    return line([title] if url is None else [title, words(" "), link(url)])


def link(url: str) -> Element:
    """One that `web_address` let through; it shows its own address."""
    return {"type": "link", "url": url}


def words(text: str, *, bold: bool = False) -> Element:
    """Text inside a rich text element; not empty."""
    return {"type": "text", "text": text, "style": {"bold": True}} if bold else {"type": "text", "text": text}


def line(elements: list[Element]) -> Element:
    return {"type": "rich_text_section", "elements": elements}


def bullets(lines: list[str]) -> Element:
    return bullet_list([[words(text)] for text in lines])


def bullet_list(items: list[list[Element]]) -> Element:
    return {"type": "rich_text_list", "style": "bullet", "elements": [line(item) for item in items]}


def quote(text: str) -> Element:
    return {"type": "rich_text_quote", "elements": [words(text)]}


def preformatted(text: str) -> Element:
    return {"type": "rich_text_preformatted", "elements": [words(text)]}


def option(text: str, value: str) -> Element:
    return {"text": plain(text, limits.OPTION_TEXT), "value": value}


def button(action_id: str, label: str, value: str, style: str | None = None) -> Element:
    made = {"type": "button", "action_id": action_id, "text": plain(label, limits.BUTTON_TEXT), "value": value}
    return made if style is None else {**made, "style": style}


def confirm(title: str, text: str, yes: str) -> Element:
    """The dialog that a button opens before it counts."""
    return {
        "title": plain(title, limits.CONFIRM_TITLE),
        "text": plain(text, limits.CONFIRM_TEXT),
        "confirm": plain(yes, limits.CONFIRM_BUTTON),
        "deny": plain("Cancel", limits.CONFIRM_BUTTON),
    }


def rendered(node: Any) -> int:
    """At least as many characters as Slack counts for these blocks."""
    if isinstance(node, list):
        return sum(map(rendered, node))
    if not isinstance(node, dict):
        return 0
    own = sum(rendered_size(node[name]) for name in ("text", "url") if isinstance(node.get(name), str))
    own += limits.RENDERED_HEADER if node.get("type") == "header" else 0
    return own + sum(map(rendered, node.values()))


def web_address(url: str) -> str | None:
    """The address if it may become a link: http or https, a host, no user info and nothing invisible in it."""
    if len(url) > limits.URL_TEXT:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    honest = url == one_line(url) == body(url) and " " not in url
    if parts.scheme in {"http", "https"} and parts.hostname and "@" not in parts.netloc and honest:
        return url
    return None
