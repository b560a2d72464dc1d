"""What a reply in a card's thread says: a verdict in one of three exact forms, or a note."""

import re
from dataclasses import dataclass
from html import unescape

_LINK = re.compile(r"<(?:mailto:)?([^<>|@#!][^<>|]*)(?:\|[^<>]*)?>")
_WITH_TEXT = re.compile(r"(reject|edit)[ \t]*:(.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ApproveReply:
    pass


@dataclass(frozen=True, slots=True)
class RejectReply:
    reason: str


@dataclass(frozen=True, slots=True)
class EditReply:
    text: str


@dataclass(frozen=True, slots=True)
class NoteReply:
    text: str


Reply = ApproveReply | RejectReply | EditReply | NoteReply


def read_reply(text: str) -> Reply:
    """`approve` alone, `reject: <reason>`, `edit: <text>` (contract §8); anything else is a note. `text` as Slack gives
    it, with its entities and links."""
    typed = as_typed(text).strip()
    if typed.lower() == "approve":
        return ApproveReply()
    told = _WITH_TEXT.fullmatch(typed)
    if told is None:
        return NoteReply(typed)
    word, rest = told[1].lower(), told[2].strip()
    return RejectReply(rest) if word == "reject" else EditReply(rest)


def as_typed(text: str) -> str:
    """Links as their addresses, `&amp;`, `&lt;` and `&gt;` as the characters that were typed."""
    return unescape(_LINK.sub(lambda link: link[1], text))
