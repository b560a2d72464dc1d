"""Block Kit pieces as plain dicts. Untrusted text goes into plain_text and rich_text, where Slack parses nothing."""

from typing import Any
from urllib.parse import urlsplit

from bot.slack import limits
from bot.slack.text import body, clip_line, one_line

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
    words: list[Element] = [{"type": "text", "text": clip_line(text, 300), "style": {"bold": True}}]
    if url is not None:
        words += [{"type": "text", "text": " "}, {"type": "link", "url": url}]
    return {"type": "rich_text_section", "elements": words}


def bullets(lines: list[str]) -> Element:
    items = [{"type": "rich_text_section", "elements": [{"type": "text", "text": line}]} for line in lines]
    return {"type": "rich_text_list", "style": "bullet", "elements": items}


def quote(text: str) -> Element:
    return {"type": "rich_text_quote", "elements": [{"type": "text", "text": text}]}


def preformatted(text: str) -> Element:
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": text}]}


def option(text: str, value: str) -> Element:
    return {"text": plain(text, limits.OPTION_TEXT), "value": value}


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
