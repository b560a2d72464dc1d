"""A person at a form: the state that Slack would submit for a view, with some inputs changed."""

from typing import Any

from bot.slack.modal import StateValues, View


def submitted(view: View, changes: dict[str, str | None] | None = None) -> StateValues:
    """`view.state.values` with every input as prefilled, save for `changes` (block_id to text or option value)."""
    values: StateValues = {}
    for block in view["blocks"]:
        if block["type"] == "input":
            value = _prefilled(block["element"])
            if changes and block["block_id"] in changes:
                value = changes[block["block_id"]]
            values[block["block_id"]] = {block["element"]["action_id"]: _state(block["element"], value)}
    assert set(changes or {}) <= set(values)
    return values


def _prefilled(element: dict[str, Any]) -> str | None:
    if element["type"] == "plain_text_input":
        initial: str | None = element.get("initial_value")
        return initial
    return element["initial_option"]["value"] if "initial_option" in element else None


def _state(element: dict[str, Any], value: str | None) -> dict[str, Any]:
    if element["type"] == "plain_text_input":
        return {"type": element["type"], "value": value or None}
    (chosen,) = [option for option in element["options"] if option["value"] == value] or [None]
    return {"type": element["type"], "selected_option": chosen}
