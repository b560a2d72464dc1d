"""Block Kit's composition objects and interactive elements: which members each may have, and how large."""

from typing import Any

from bot.sandbox import limits
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
    string,
    whole,
)


def _typed(name: str, required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    return shape({"type": one_of(name), **required}, optional)


def plain_text(high: int) -> Check:
    return by_type({"plain_text": _typed("plain_text", {"text": string(high, 1)}, {"emoji": boolean})})


def any_text(high: int) -> Check:
    mrkdwn = _typed("mrkdwn", {"text": string(high, 1)}, {"verbatim": boolean})
    return by_type({"plain_text": plain_text(high), "mrkdwn": mrkdwn})


action_id = string(limits.ACTION_ID, 1)

confirm = shape(
    {
        "title": plain_text(limits.CONFIRM_TITLE),
        "text": any_text(limits.CONFIRM_TEXT),
        "confirm": plain_text(limits.CONFIRM_BUTTON),
        "deny": plain_text(limits.CONFIRM_BUTTON),
    },
    {"style": one_of("primary", "danger")},
)


def _option(text: Check, **extra: Check) -> Check:
    return shape({"text": text, "value": string(limits.OPTION_VALUE, 1)}, extra)


_plain_option = _option(
    plain_text(limits.OPTION_TEXT),
    description=plain_text(limits.OPTION_DESCRIPTION),
)
_rich_option = _option(any_text(limits.OPTION_TEXT), description=any_text(limits.OPTION_DESCRIPTION))
_overflow_option = _option(
    plain_text(limits.OPTION_TEXT),
    description=plain_text(limits.OPTION_DESCRIPTION),
    url=string(limits.OPTION_URL),
)
_option_group = shape(
    {"label": plain_text(limits.GROUP_LABEL), "options": items(_plain_option, limits.GROUP_OPTIONS)},
)


def offered_options(element: dict[str, Any]) -> list[Any]:
    """All options of a select, its groups included."""
    grouped = [option for group in element.get("option_groups", []) for option in group.get("options", [])]
    return [*element.get("options", []), *grouped]


def _initial_is_offered(element: Any, pointer: str, report: Report) -> None:
    chosen = element.get("initial_options", [])
    if "initial_option" in element:
        chosen = [*chosen, element["initial_option"]]
    offered = offered_options(element)
    if any(option not in offered for option in chosen):
        report.add("initial option must be one of the options", pointer)


def _values_differ(element: Any, pointer: str, report: Report) -> None:
    values = [option.get("value") for option in offered_options(element)]
    if len(set(values)) != len(values):
        report.add("options must have different values", pointer)


def _if_well_formed(structure: Check, *more: Check) -> Check:
    """The further checks read members freely; they run only on what the structure check let pass."""

    def check(value: Any, pointer: str, report: Report) -> None:
        before = len(report.messages)
        structure(value, pointer, report)
        if len(report.messages) == before:
            for further in more:
                further(value, pointer, report)

    return check


_common: dict[str, Check] = {"action_id": action_id, "confirm": confirm}
_focus: dict[str, Check] = {"focus_on_load": boolean}
_placeholder: dict[str, Check] = {"placeholder": plain_text(limits.PLACEHOLDER)}
_select: dict[str, Check] = {**_common, **_focus, **_placeholder}
_ids = items(string(255, 1), 100)


def _static_select(name: str, **extra: Check) -> Check:
    options: dict[str, Check] = {
        "options": items(_plain_option, limits.SELECT_OPTIONS),
        "option_groups": items(_option_group, limits.OPTION_GROUPS),
    }
    structure = both(_typed(name, {}, {**_select, **options, **extra}), exactly_one("options", "option_groups"))
    return _if_well_formed(structure, _initial_is_offered, _values_differ)


def _choices(name: str, **extra: Check) -> Check:
    options = {"options": items(_rich_option, limits.CHOICES)}
    structure = _typed(name, options, {**_common, **_focus, **extra})
    return _if_well_formed(structure, _initial_is_offered, _values_differ)


def _length_bounds_fit(element: Any, pointer: str, report: Report) -> None:
    if element.get("min_length", 0) > element.get("max_length", limits.INPUT_LENGTH):
        report.add("min_length must not exceed max_length", pointer)


_dispatch: dict[str, Check] = {
    "dispatch_action_config": shape(
        {}, {"trigger_actions_on": items(one_of("on_enter_pressed", "on_character_entered"), 2)}
    )
}
_typing: dict[str, Check] = {"action_id": action_id, **_focus, **_placeholder, **_dispatch}

_button = _typed(
    "button",
    {"text": plain_text(limits.BUTTON_TEXT)},
    {
        **_common,
        "url": string(limits.BUTTON_URL),
        "value": string(limits.BUTTON_VALUE),
        "style": one_of("primary", "danger"),
        "accessibility_label": string(limits.ACCESSIBILITY_LABEL),
    },
)
_overflow = _if_well_formed(
    _typed("overflow", {"options": items(_overflow_option, limits.OVERFLOW_OPTIONS)}, _common), _values_differ
)
image_source: dict[str, Check] = {
    "image_url": string(limits.IMAGE_URL, 1),
    "slack_file": both(shape({}, {"id": string(255, 1), "url": string(limits.IMAGE_URL, 1)}), exactly_one("id", "url")),
}
image_element = both(
    _typed("image", {"alt_text": string(limits.IMAGE_ALT)}, image_source), exactly_one("image_url", "slack_file")
)

_conversation_select: dict[str, Check] = {
    "default_to_current_conversation": boolean,
    "response_url_enabled": boolean,
    "filter": anything,
}
_several: dict[str, Check] = {"max_selected_items": whole(1, 100)}

_single_selects: dict[str, Check] = {
    "static_select": _static_select("static_select", initial_option=_plain_option),
    "external_select": _typed(
        "external_select", {}, {**_select, "min_query_length": whole(0, 255), "initial_option": _plain_option}
    ),
    "users_select": _typed("users_select", {}, {**_select, "initial_user": string(255, 1)}),
    "conversations_select": _typed(
        "conversations_select", {}, {**_select, **_conversation_select, "initial_conversation": string(255, 1)}
    ),
    "channels_select": _typed(
        "channels_select", {}, {**_select, "initial_channel": string(255, 1), "response_url_enabled": boolean}
    ),
}
_multi_selects: dict[str, Check] = {
    "multi_static_select": _static_select(
        "multi_static_select", initial_options=items(_plain_option, limits.SELECT_OPTIONS), **_several
    ),
    "multi_users_select": _typed("multi_users_select", {}, {**_select, **_several, "initial_users": _ids}),
    "multi_conversations_select": _typed(
        "multi_conversations_select",
        {},
        {**_select, **_several, **_conversation_select, "initial_conversations": _ids},
    ),
    "multi_channels_select": _typed("multi_channels_select", {}, {**_select, **_several, "initial_channels": _ids}),
}
_choosers: dict[str, Check] = {
    "checkboxes": _choices("checkboxes", initial_options=items(_rich_option, limits.CHOICES)),
    "radio_buttons": _choices("radio_buttons", initial_option=_rich_option),
    "datepicker": _typed("datepicker", {}, {**_select, "initial_date": string(10, 10)}),
    "timepicker": _typed("timepicker", {}, {**_select, "initial_time": string(5, 5), "timezone": string(255)}),
    "datetimepicker": _typed(
        "datetimepicker", {}, {**_common, **_focus, "initial_date_time": whole(1_000_000_000, 9_999_999_999)}
    ),
}
_text_inputs: dict[str, Check] = {
    "plain_text_input": _if_well_formed(
        _typed(
            "plain_text_input",
            {},
            {
                **_typing,
                "initial_value": string(limits.INPUT_LENGTH),
                "multiline": boolean,
                "min_length": whole(0, limits.INPUT_LENGTH),
                "max_length": whole(1, limits.INPUT_LENGTH),
            },
        ),
        _length_bounds_fit,
    ),
    "number_input": _typed(
        "number_input",
        {"is_decimal_allowed": boolean},
        {
            **_typing,
            "initial_value": string(limits.INPUT_LENGTH),
            "min_value": string(255),
            "max_value": string(255),
        },
    ),
    "email_text_input": _typed("email_text_input", {}, {**_typing, "initial_value": string(limits.INPUT_LENGTH)}),
    "url_text_input": _typed("url_text_input", {}, {**_typing, "initial_value": string(limits.INPUT_LENGTH)}),
    "rich_text_input": _typed("rich_text_input", {}, {**_typing, "initial_value": anything}),
    "file_input": _typed(
        "file_input",
        {},
        {"action_id": action_id, "filetypes": _ids, "max_files": whole(1, limits.INPUT_FILES)},
    ),
}

in_actions = by_type({"button": _button, "overflow": _overflow, **_single_selects, **_choosers})
in_section = by_type(
    {"button": _button, "overflow": _overflow, "image": image_element, **_single_selects, **_multi_selects, **_choosers}
)
in_input = by_type({**_single_selects, **_multi_selects, **_choosers, **_text_inputs})
in_context = by_type({"image": image_element, "plain_text": plain_text(limits.TEXT), "mrkdwn": any_text(limits.TEXT)})

_feedback_button = shape(
    {"text": plain_text(limits.BUTTON_TEXT)},
    {"value": string(limits.BUTTON_VALUE), "accessibility_label": string(limits.ACCESSIBILITY_LABEL)},
)
in_context_actions = by_type(
    {
        "feedback_buttons": _typed(
            "feedback_buttons",
            {"positive_button": _feedback_button, "negative_button": _feedback_button},
            {"action_id": action_id},
        ),
        "icon_button": _typed(
            "icon_button",
            {"icon": one_of("trash"), "text": plain_text(limits.BUTTON_TEXT)},
            {
                **_common,
                "value": string(limits.BUTTON_VALUE),
                "accessibility_label": string(75),
                "visible_to_user_ids": _ids,
            },
        ),
    }
)
