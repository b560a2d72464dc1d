"""What the inputs of a modal or message hold: their initial values, and what a person put in."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.sandbox.blocks import interactive_elements
from bot.sandbox.elements import offered_options
from bot.sandbox.limits import utf16_length

Json = dict[str, Any]

MEMBERS = {
    "plain_text_input": ("initial_value", "value"),
    "number_input": ("initial_value", "value"),
    "email_text_input": ("initial_value", "value"),
    "url_text_input": ("initial_value", "value"),
    "rich_text_input": ("initial_value", "rich_text_value"),
    "file_input": ("", "files"),
    "static_select": ("initial_option", "selected_option"),
    "external_select": ("initial_option", "selected_option"),
    "radio_buttons": ("initial_option", "selected_option"),
    "checkboxes": ("initial_options", "selected_options"),
    "multi_static_select": ("initial_options", "selected_options"),
    "users_select": ("initial_user", "selected_user"),
    "multi_users_select": ("initial_users", "selected_users"),
    "conversations_select": ("initial_conversation", "selected_conversation"),
    "multi_conversations_select": ("initial_conversations", "selected_conversations"),
    "channels_select": ("initial_channel", "selected_channel"),
    "multi_channels_select": ("initial_channels", "selected_channels"),
    "datepicker": ("initial_date", "selected_date"),
    "timepicker": ("initial_time", "selected_time"),
    "datetimepicker": ("initial_date_time", "selected_date_time"),
}
"""Element type: where the app put the initial value, where Slack puts the current one."""


def option_of(element: Json, value: str) -> Json:
    """The offered option with this value."""
    for option in offered_options(element):
        if option["value"] == value:
            found: Json = option
            return found
    raise LookupError(f"{element['action_id']} offers no option {value}")


def put_in(element: Json, given: Any) -> Json:
    """The state of an element after a person chose or typed `given`: a text, the value of an option, or a list."""
    if isinstance(given, dict) and given.get("type") == element["type"]:
        return given
    member = MEMBERS[element["type"]][1]
    if member == "selected_option" and isinstance(given, str):
        given = option_of(element, given)
    elif member == "selected_options":
        given = [option_of(element, value) if isinstance(value, str) else value for value in given]
    return {"type": element["type"], member: given}


def _initial(element: Json) -> Json:
    initial, member = MEMBERS[element["type"]]
    return {"type": element["type"], member: element.get(initial, [] if member.endswith("s") else None)}


def _stateful(blocks: list[Json]) -> Iterator[tuple[Json, Json]]:
    for block in blocks:
        for element in interactive_elements(block):
            if element["type"] in MEMBERS:
                yield block, element


def _fits(element: Json, entered: Json) -> bool:
    """Whether what was entered into an element of the same ids may stand in this one."""
    if entered["type"] != element["type"]:
        return False
    chosen = [entered.get("selected_option"), *entered.get("selected_options", [])]
    return all(option in offered_options(element) for option in chosen if option is not None)


def state_values(
    blocks: list[Json], given: Mapping[str, Any], entered: Mapping[str, Json] | None = None
) -> dict[str, Json]:
    """Slack's `state.values`. `given` is by block id: the value of its one input, or values by action id.

    `entered` are the values before the latest update; they go before an initial value of the same block and action id.
    Raises LookupError for a block or action id that is not there: nobody can type into what is not shown.
    """
    values: dict[str, Json] = {}
    for block, element in _stateful(blocks):
        before = (entered or {}).get(block["block_id"], {}).get(element["action_id"])
        stays = before is not None and _fits(element, before)
        values.setdefault(block["block_id"], {})[element["action_id"]] = before if stays else _initial(element)
    for block_id, entry in given.items():
        if block_id not in values:
            raise LookupError(f"no input in block {block_id}")
        by_action = entry if _is_by_action(entry, values[block_id]) else {next(iter(values[block_id])): entry}
        for action_id, value in by_action.items():
            element = next(e for b, e in _stateful(blocks) if (b["block_id"], e["action_id"]) == (block_id, action_id))
            values[block_id][action_id] = put_in(element, value)
    return values


def _is_by_action(entry: Any, known: Json) -> bool:
    return isinstance(entry, dict) and bool(entry) and set(entry) <= set(known)


def refused_inputs(blocks: list[Json], values: Mapping[str, Json]) -> dict[str, str]:
    """What Slack itself objects to before it asks the app, by block id."""
    refused = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element = block["element"]
        state = values[block["block_id"]][element["action_id"]]
        content = state.get(MEMBERS[element["type"]][1])
        if content in (None, "", []) and not block.get("optional", False):
            refused[block["block_id"]] = "Please complete this required field."
        elif isinstance(content, str) and content:
            low, high = element.get("min_length", 0), element.get("max_length", 3_000)
            if not low <= utf16_length(content) <= high:
                refused[block["block_id"]] = f"Must be between {low} and {high} characters."
    return refused
