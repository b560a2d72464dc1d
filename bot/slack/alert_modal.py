"""The form that closes an alert: what the cause was, from when to when, and what was done about it."""

from datetime import UTC, datetime, timedelta

from bot.alerts import RootCause
from bot.slack.alert_card import AlertView, about
from bot.slack.blocks import Block
from bot.slack.feedback_form import ACTION, input_block, text_input, typed_text
from bot.slack.json_text import JsonTextError, parse_text
from bot.slack.modal import FieldErrors, StateValues, View, modal

CALLBACK = "alert.resolve"
_SKEW = timedelta(minutes=1)
"""So much later than ours may Slack's clock be."""


def root_cause_modal(view: AlertView, now: datetime) -> View:
    """From the alert until now, unless the person knows better."""
    blocks = [
        about(view),
        text_input("cause", "Root cause", required=True),
        _time("began", "Wrong since", view.alert.created_at),
        _time("recovered", "Recovered", now),
        text_input("mitigation", "Mitigation", hint="What was done, and what keeps it from happening again"),
    ]
    return modal("Root cause", blocks, callback_id=CALLBACK, review_id=view.alert.review_id, submit="Resolve")


def parse_root_cause(values: StateValues, now: datetime) -> RootCause | FieldErrors:
    """Reads a submission; `values` is `view.state.values`."""
    errors: dict[str, str] = {}
    cause = _text(values, "cause", errors)
    mitigation = _text(values, "mitigation", errors)
    began, recovered = _chosen(values, "began", errors), _chosen(values, "recovered", errors)
    if not cause and "cause" not in errors:
        errors["cause"] = "Say what the cause was, in a sentence."
    if began and recovered and recovered < began:
        errors["recovered"] = "This is before it began."
    elif recovered and recovered > now + _SKEW:
        errors["recovered"] = "This is in the future: resolve it once it has recovered."
    if errors or began is None or recovered is None:
        return FieldErrors(errors)
    return RootCause(cause, began, recovered, mitigation or None)


def _time(block_id: str, label: str, initial: datetime) -> Block:
    picker = {"type": "datetimepicker", "action_id": ACTION, "initial_date_time": int(initial.timestamp())}
    return input_block(block_id, label, picker, required=True)


def _text(values: StateValues, block_id: str, errors: dict[str, str]) -> str:
    try:
        return parse_text(typed_text(values, block_id).strip())
    except JsonTextError as error:
        errors[block_id] = f"{error}."
        return ""


def _chosen(values: StateValues, block_id: str, errors: dict[str, str]) -> datetime | None:
    seconds = values[block_id][ACTION]["selected_date_time"]
    if seconds is None:
        errors[block_id] = "Choose a time."
        return None
    return datetime.fromtimestamp(int(seconds), UTC)
