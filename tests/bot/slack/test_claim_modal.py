import json
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from slack_sdk.models.views import View as SdkView

from bot.slack.claim_modal import claim_modal
from bot.slack.view import CardView
from tests.bot.slack import samples
from tests.support.slack_checker import check_modal


def test_golden() -> None:
    view = claim_modal(samples.CLAIMED)
    check_modal(view, samples.PEOPLE)
    SdkView(**view).validate_json()
    assert json.loads(view["private_metadata"]) == {"review": "rev_7Q2M"}
    samples.assert_golden("claim_modal", view)


@given(view=samples.open_views)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_in_any_field_stays_within_the_limits(view: CardView) -> None:
    check_modal(claim_modal(view), samples.PEOPLE)


def test_what_would_be_approved_is_shown() -> None:
    edited = replace(samples.PROPOSED, claim=samples.CLAIM)
    assert '"amount": 100' in str(claim_modal(edited)["blocks"][2])
