"""What people must not know yet is on no surface: neither what the model wrote nor how sure it is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from bot.slack.card import render_card
from bot.slack.claim_modal import claim_modal
from bot.slack.details_modal import details_modal
from bot.slack.edit_modal import edit_modal
from bot.slack.hand_over_modal import hand_over_modal
from bot.slack.item import item_blocks, item_line
from bot.slack.reject_modal import reject_modal
from bot.slack.view import CardView
from routing.decision import Alternative, Reason, ReasonCode, Risk, UncertainSpan
from tests.bot.slack import samples

SURFACES: dict[str, Callable[[CardView], Any]] = {
    "card": render_card,
    "details": details_modal,
    "item": item_blocks,
    "line": item_line,
    "edit": lambda view: edit_modal(view, samples.RUBRIC),
    "alternative": lambda view: edit_modal(view, samples.RUBRIC, alternative=0),
    "reject": lambda view: reject_modal(view, samples.RUBRIC),
    "claim": claim_modal,
    "hand over": hand_over_modal,
}
CODES: tuple[ReasonCode, ...] = (
    "check.failed", "check.error", "risk.rule", "rule.error", "judge.failed", "judge.passed", "judge.error",
)  # fmt: skip
JUDGED = tuple(
    Reason(code, detail="about it: SECRET", rule="SECRET" if code.startswith("check") else "named", result="critical")
    for code in CODES
)


def telling(word: str) -> CardView:
    """A critical decision of which everything that the model wrote is the word."""
    return replace(
        samples.REFUND,
        claim=samples.CLAIM,
        output=word,
        alternatives=(Alternative(output=f"{word} too", confidence=0.1),),
        spans=(UncertainSpan(start=0, end=len(word), confidence=0.2),),
        reasons=(*samples.REFUND.reasons, *JUDGED),
        trace_url=f"https://traces.example/{word}",
        risk=Risk.CRITICAL,
        reversible=False,
    )


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("state", ["open", "disputed"])
def test_at_autonomy_0_nothing_tells_what_the_model_wrote(surface: str, state: Any) -> None:
    render = SURFACES[surface]
    hidden = replace(telling("SECRET"), hides_output=True, state=state)
    assert "SECRET" not in str(render(hidden))
    assert render(hidden) == render(replace(hidden, output="Something else, and longer", alternatives=(), spans=()))


@pytest.mark.parametrize("surface", ["card", "details", "item", "edit", "reject", "claim"])
def test_the_same_surfaces_tell_it_where_it_is_not_hidden(surface: str) -> None:
    assert "SECRET" in str(SURFACES[surface](telling("SECRET")))


def test_after_the_verdict_the_model_is_shown_beside_the_person() -> None:
    outcome = replace(samples.EDITED.outcome, output="Their own.")  # type: ignore[type-var]
    decided = replace(telling("SECRET"), hides_output=True, state="decided", outcome=outcome)
    for surface in ("card", "details", "item"):
        shown = str(SURFACES[surface](decided))
        assert "SECRET" in shown
        assert "Their own." in shown


@given(view=samples.open_views)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_no_surface_depends_on_hidden_confidence(view: CardView) -> None:
    waiting = replace(view, state="open", hides_confidence=True, alternatives=samples.REFUND.alternatives)
    unsure = replace(waiting, confidence=0.123, threshold=0.9, confident=False)
    sure = replace(
        waiting,
        confidence=0.987,
        threshold=0.5,
        confident=True,
        alternatives=(samples.REFUND.alternatives[0].model_copy(update={"confidence": 0.9}),),
        spans=tuple(span.model_copy(update={"confidence": 0.9}) for span in view.spans),
    )
    for render in SURFACES.values():
        assert render(unsure) == render(sure)


def test_hidden_confidence_is_no_reason_either() -> None:
    unsure = replace(samples.BLIND, reasons=(*samples.BLIND.reasons, Reason("provisional", detail="0.671 >= 0.6")))
    for render in SURFACES.values():
        assert "0.67" not in str(render(unsure))
        assert "67" not in str(render(unsure))
        assert "not sure enough" not in str(render(unsure))
