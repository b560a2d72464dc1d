"""The card of an alert and the form that closes it: within Slack's limits, and harmless whatever an app wrote."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.views import View as SdkView

from bot.alerts import RootCause
from bot.slack.alert_card import alert_view, duration, render_alert, taken
from bot.slack.alert_modal import parse_root_cause, root_cause_modal
from bot.slack.modal import FieldErrors, StateValues
from store.alerts import Alert
from tests.bot.slack import samples
from tests.bot.slack.samples import NOW, PEOPLE
from tests.support.slack_checker import check_message, check_modal

OPEN = Alert(
    review_pk=7,
    review_id="rev_7Q2M",
    version=1,
    id="refund-rate",
    app_pk=1,
    app="monitoring",
    task_type="refund",
    channel="#refunds",
    severity="high",
    body_sha256="0" * 64,
    content={
        "title": "Refunds doubled",
        "detail": "42 of the last 100 decisions were refunds; 20 are usual.",
        "url": "https://traces.example/refunds?from=10:00",
    },
    created_at=NOW,
    acknowledged_by=None,
    acknowledged_at=None,
    began_at=None,
    recovered_at=None,
    resolved_by=None,
    resolved_at=None,
)
TAKEN = replace(OPEN, acknowledged_by="U0ADA", acknowledged_at=NOW + timedelta(minutes=3))
RESOLVED = replace(
    TAKEN,
    content={**OPEN.content, "cause": "A prompt was changed.", "mitigation": "It was changed back."},
    began_at=NOW - timedelta(minutes=30),
    recovered_at=NOW + timedelta(minutes=12),
    resolved_by="U0BEA",
    resolved_at=NOW + timedelta(minutes=20),
)


@pytest.mark.parametrize(("name", "alert"), [("open", OPEN), ("acknowledged", TAKEN), ("resolved", RESOLVED)])
def test_golden(name: str, alert: Alert) -> None:
    message = render_alert(alert_view(alert, ()))
    check_message(message.text, message.blocks, PEOPLE)
    samples.assert_golden(f"alert_{name}", {"text": message.text, "blocks": message.blocks})


def test_the_buttons_go_with_what_is_left_to_do() -> None:
    shown = [
        [each["action_id"] for block in render_alert(alert_view(alert, ())).blocks for each in block.get("elements", [])
         if "action_id" in each]
        for alert in (OPEN, TAKEN, RESOLVED)
    ]  # fmt: skip
    assert shown == [["alert.acknowledge", "alert.root_cause"], ["alert.root_cause"], []]


@settings(max_examples=60)
@given(
    texts=st.tuples(*[st.text(max_size=60) | st.just("<!channel> *a* https://x.example ")] * 4),
    times=st.sampled_from([1, 300]),
    base=st.sampled_from([OPEN, TAKEN, RESOLVED]),
    app=st.none() | st.text(min_size=1, max_size=64),
)
def test_any_words_are_harmless_and_fit(texts: tuple[str, ...], times: int, base: Alert, app: str | None) -> None:
    title, detail, cause, mitigation = (text * times for text in texts)
    content: dict[str, Any] = {"title": title, "detail": detail, "url": f"https://x.example/{title[:60]}"}
    if base is RESOLVED:
        content |= {"cause": cause, "mitigation": mitigation}
    view = alert_view(replace(base, content=content, app=app), ())
    message = render_alert(view)
    check_message(message.text, message.blocks, PEOPLE)
    check_modal(root_cause_modal(view, NOW), PEOPLE)


def test_only_a_web_address_becomes_a_link() -> None:
    for url in ("javascript:alert(1)", "https://a@b.example", "http://x.example/\u202etxt"):
        view = alert_view(replace(OPEN, content={**OPEN.content, "url": url}), ())
        assert "link" not in str(render_alert(view).blocks)


def test_what_the_policy_hides_is_hidden_everywhere() -> None:
    number = "4111111111111111"
    content = dict.fromkeys(("title", "detail", "cause", "mitigation"), f"card {number}")
    view = alert_view(replace(RESOLVED, content={**content, "url": f"https://x.example/{number}"}), (r"\b\d{16}\b",))
    message = render_alert(view)
    assert number not in str(message)
    assert "[redacted 1]" in message.text
    assert number not in str(root_cause_modal(view, NOW))


def test_what_retention_has_removed_is_said() -> None:
    message = render_alert(alert_view(replace(RESOLVED, content={}), ()))
    check_message(message.text, message.blocks, PEOPLE)
    assert "removed" in message.text


def test_who_comes_too_late_hears_who_was_first() -> None:
    assert taken(TAKEN).startswith("<@U0ADA> already acknowledged this")
    assert taken(RESOLVED).startswith("<@U0BEA> already resolved this")


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0.5, "less than a minute"), (42, "42 min"), (60, "1 h"), (185, "3 h 5 min"), (1440, "1 d"), (1680, "1 d 4 h")],
)
def test_durations_are_told_in_the_units_that_matter(minutes: float, words: str) -> None:
    assert duration(timedelta(minutes=minutes)) == words


# The form -------------------------------------------------------------------------------------------------------------


def values(
    cause: str | None, began: datetime | None, recovered: datetime | None, mitigation: str | None
) -> StateValues:
    return {
        "cause": {"value": {"type": "plain_text_input", "value": cause}},
        "mitigation": {"value": {"type": "plain_text_input", "value": mitigation}},
        **{
            name: {"value": {"type": "datetimepicker", "selected_date_time": at and int(at.timestamp())}}
            for name, at in (("began", began), ("recovered", recovered))
        },
    }


def test_the_form_begins_with_the_time_from_the_alert_until_now() -> None:
    later = NOW + timedelta(minutes=42)
    view = root_cause_modal(alert_view(TAKEN, ()), later)
    check_modal(view, PEOPLE)
    SdkView(**view).validate_json()
    samples.assert_golden("root_cause_modal", view)
    initial = [block["element"].get("initial_date_time") for block in view["blocks"] if block["type"] == "input"]
    assert initial == [None, int(NOW.timestamp()), int(later.timestamp()), None]


BEGAN, ENDED = NOW - timedelta(hours=1), NOW


@pytest.mark.parametrize(
    ("sent", "parsed"),
    [
        ((" A deploy. ", BEGAN, ENDED, " "), RootCause("A deploy.", BEGAN, ENDED, None)),
        (("A deploy.", BEGAN, ENDED, "Rolled back."), RootCause("A deploy.", BEGAN, ENDED, "Rolled back.")),
        ((None, BEGAN, ENDED, None), {"cause"}),
        (("A deploy.", None, ENDED, None), {"began"}),
        (("A deploy.", BEGAN, None, None), {"recovered"}),
        (("A deploy.", ENDED, BEGAN, None), {"recovered"}),
        (("A deploy.", BEGAN, NOW + timedelta(minutes=5), None), {"recovered"}),
        ((" ", None, None, None), {"cause", "began", "recovered"}),
    ],
)
def test_what_is_sent_is_read_or_refused_beside_its_field(sent: Any, parsed: RootCause | set[str]) -> None:
    found = parse_root_cause(values(*sent), NOW.astimezone(UTC))
    if isinstance(parsed, set):
        assert isinstance(found, FieldErrors)
        assert set(found.errors) == parsed
    else:
        assert found == parsed
