from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from bot.slack.blocks import rendered
from bot.slack.item import item_blocks, item_line
from bot.slack.modal import modal
from bot.slack.view import CardView
from routing.decision import UncertainSpan
from tests.bot.slack import samples
from tests.support.slack_checker import check_modal, units


@pytest.mark.parametrize(("name", "view"), [("item_reply", samples.REPLY), ("item_disputed", samples.DISPUTED)])
def test_golden(name: str, view: CardView) -> None:
    samples.assert_golden(name, item_blocks(view))


@given(view=samples.views)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_any_text_in_any_field_stays_text_and_leaves_room_in_the_modal(view: CardView) -> None:
    blocks = item_blocks(view)
    check_modal(modal("Review", blocks, callback_id="review.walk"), samples.PEOPLE)
    assert len(blocks) <= 40
    assert rendered(blocks) <= 9_000
    line = item_line(view)
    assert 0 < units(line) <= 150
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize("view", [samples.REPLY, samples.DISPUTED, samples.HIDDEN, samples.EDITED])
def test_no_block_of_one_item_is_taken_for_a_block_of_the_next(view: CardView) -> None:
    assert all("rev_7Q2M" in block["block_id"] for block in item_blocks(view))


def test_the_longest_item_is_still_small() -> None:
    everywhere = replace(
        samples.DISPUTED,
        input="&" * 20_000,
        output="&" * 20_000,
        positions=samples.DISPUTED.positions * 5,
        sources=samples.REPLY.sources,
        earlier=samples.REPLY.earlier,
        spans=(UncertainSpan(start=0, end=20_000),),
    )
    assert 5_000 < rendered(item_blocks(everywhere)) <= 9_000


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (samples.CLASSIFICATION, "🟢 Low risk · ticket_classification · damaged_item"),
        (samples.PAYOUT, "🟡 Medium risk · refund · action refund, amount 28.21, currency EUR"),
        (samples.HIDDEN, "🟢 Low risk · reply · Can I return the lamp after 40 days? It was a gift."),
        (
            samples.PROPOSED,
            '🔴 Critical risk · refund · {"action": "refund", "amount": 100, "fee": 0.5, "notify": true, "note": null, '
            '"lines": [{"sku": "A1"}]}',
        ),
        (replace(samples.CLASSIFICATION, output="a" * 999), f"🟢 Low risk · ticket_classification · {'a' * 111}…"),
    ],
)
def test_a_line_says_what_is_at_stake_and_what_is_proposed(view: CardView, line: str) -> None:
    assert item_line(view) == line
