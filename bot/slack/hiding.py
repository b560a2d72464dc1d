"""What the policy redacts, hidden in all that a view holds: the one place that everything on its way to Slack passes.

Forms are filled from what is shown and read with its `placeholders`, which put the originals back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any

from pydantic import BaseModel

from bot.slack.view import CardView
from routing.decision import Json, Reason, UncertainSpan
from routing.redaction import Placeholders, Redaction

OURS = frozenset(
    {
        "review_id", "state", "confidence", "confidence_source", "threshold", "requested_by", "claim", "needed",
        "votes", "worth", "spans", "guideline", "placeholders", "verdict", "decided_by", "edited_by", "code", "result",
    }
)  # fmt: skip
"""Members that hold nothing an app or a person wrote. Every other one is redacted, so that none can be forgotten."""
_SAID = ("outcome", "former", "positions", "proposal", "earlier")
"""Members that come and go as people speak."""


def hidden(view: CardView, said: Iterable[Json], redaction: Redaction) -> CardView:
    """The view as it may be shown. `said`: what people wrote with all their verdicts, in the order in which they spoke.

    What the app posted comes first, then what people said: so each number stays what it is for as long as a form is
    open, whatever others say meanwhile.
    """
    placeholders = Placeholders(redaction)
    changes = _members(view, (field.name for field in fields(view) if field.name not in _SAID), placeholders)
    for content in said:
        placeholders.hide(content)
    changes |= _members(view, _SAID, placeholders)
    spans = _moved(view.spans, changes["output"], placeholders)
    return replace(view, **changes, spans=spans, placeholders=placeholders)


def hide(value: Any, placeholders: Placeholders) -> Any:
    """A member of a view as it may be shown: JSON, or dataclasses and models with such members."""
    if value is None or isinstance(value, bool | Enum | datetime) or _compares_numbers(value):
        return value
    match value:
        case tuple():
            return tuple(hide(item, placeholders) for item in value)
        case Mapping():
            return placeholders.hide(dict(value))
        case BaseModel():
            return value.model_copy(update=_members(value, type(value).model_fields, placeholders))
        case _ if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **_members(value, (field.name for field in fields(value)), placeholders))
        case _:
            return placeholders.hide(value)


def _compares_numbers(value: Any) -> bool:
    """Whether it is a reason whose detail is a confidence, which may well have sixteen digits, and a threshold."""
    return isinstance(value, Reason) and value.code in ("confidence.below", "provisional")


def _members(value: Any, names: Iterable[str], placeholders: Placeholders) -> dict[str, Any]:
    return {name: hide(getattr(value, name), placeholders) for name in names if name not in OURS}


def _moved(spans: tuple[UncertainSpan, ...], output: Json, placeholders: Placeholders) -> tuple[UncertainSpan, ...]:
    if not spans or not isinstance(output, str):
        return spans
    ranges = placeholders.moved(output, [(span.start, span.end) for span in spans])
    return tuple(
        span.model_copy(update={"start": start, "end": end}) for span, (start, end) in zip(spans, ranges, strict=True)
    )
