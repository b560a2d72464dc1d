from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.slack.phrases import claimed, confidence, percent, reason_sentence, reasons_to_ask, reasons_told
from routing.decision import Reason
from tests.bot.slack import samples


@pytest.mark.parametrize(
    ("share_of_one", "words"),
    [(0.87, "87 %"), (1.0, "100 %"), (0.98999, "98 %"), (0.999999, "99 %"), (0.0, "0 %"), (1e-300, "0 %")],
)
def test_percent_never_rounds_up(share_of_one: float, words: str) -> None:
    assert percent(share_of_one) == words


def said(sure: float, needed: float) -> str:
    return confidence(replace(samples.REFUND, confidence=sure, threshold=needed, confident=sure >= needed))


@pytest.mark.parametrize(
    ("sure", "needed", "words"),
    [
        (0.671, 0.7, "67 % confident, below the 70 % needed"),
        (0.699, 0.7, "69.9 % confident, below the 70 % needed"),
        (0.69999, 0.7, "69.99 % confident, below the 70 % needed"),
        (0.9998, 0.9, "99 % confident, 90 % needed"),
        (0.997, 0.995, "99.7 % confident, 99.5 % needed"),
        (0.99506, 0.995, "99.5 % confident, 99.5 % needed"),
        (0.69991, 0.69995, "69.99 % confident, below the 70 % needed"),
        (0, 1, "0 % confident, below the 100 % needed"),
    ],
)
def test_confidence_shows_as_many_decimals_as_it_takes(sure: float, needed: float, words: str) -> None:
    assert said(sure, needed) == words


@given(sure=samples.shares, needed=samples.shares)
def test_the_numbers_never_contradict_the_words(sure: float, needed: float) -> None:
    words = said(sure, needed)
    shown, against = (float(part) for part in words.replace("%", "").split() if part.replace(".", "").isdigit())
    assert shown <= sure * 100 * (1 + 1e-15)
    assert shown < against if "below" in words else shown >= against


RULE = Reason("risk.rule", rule="big_money", detail="context.amount > 10000", result="critical")
BASE = Reason("risk.base", detail="refund", result="medium")
BELOW = Reason("confidence.below", detail="0.671 < 0.7")
FOREVER = Reason("irreversible", result="ESCALATE")
FAILED = Reason("check.failed", rule="cites", detail=r"output lacks what is required: \[\d+\]", result="ESCALATE")


@pytest.mark.parametrize(
    ("reasons", "shown"),
    [
        ([BASE], ["refund is medium risk by itself"]),
        ([BASE, BELOW], []),
        ([BASE, Reason("confidence.missing")], []),
        (
            [BASE, replace(RULE, rule="new_user", result="high"), RULE, BELOW, FOREVER, FAILED],
            [
                "Check cites failed: output lacks what is required",
                "The action cannot be undone",
                "Rule big_money makes the risk critical",
                "Rule new_user makes the risk high",
            ],
        ),
        ([BASE, Reason("sampled"), FOREVER], ["The action cannot be undone", "Drawn at random for an audit"]),
        ([Reason("check.failed", rule="cap", detail="does not hold: output.amount <= 5.0")], ["Check cap failed"]),
    ],
)
def test_reasons_are_few_strong_ones_first_and_in_words(reasons: list[Reason], shown: list[str]) -> None:
    assert reasons_to_ask(replace(samples.REFUND, reasons=tuple(reasons))) == shown


@given(st.lists(samples.reasons, min_size=1).map(tuple))
def test_only_confidence_and_the_tasks_own_risk_are_ever_left_out(reasons: tuple[Reason, ...]) -> None:
    others = [reason for reason in reasons if reason.code not in {"risk.base", "confidence.below"}]
    assume(others)
    assert len(reasons_to_ask(replace(samples.REFUND, reasons=reasons))) == len(others)


def test_hidden_confidence_is_no_number_and_no_reason() -> None:
    blind = replace(samples.BLIND, reasons=(BASE, BELOW, Reason("provisional", detail="0.671 >= 0.6")))
    assert confidence(blind) == "confidence hidden for now"
    assert reasons_to_ask(blind) == ["Released as provisional"]
    assert [reason.detail for reason in reasons_told(blind)] == ["refund", None]
    assert reasons_told(replace(blind, state="cancelled")) == list(blind.reasons)


def test_whether_confidence_was_a_reason_does_not_show_where_it_is_hidden() -> None:
    unsure, sure = (reasons_to_ask(replace(samples.BLIND, reasons=reasons)) for reasons in ((BASE, BELOW), (BASE,)))
    assert unsure == sure == ["refund is medium risk by itself"]


def test_where_the_output_is_hidden_no_reason_tells_of_it() -> None:
    judged = Reason("judge.failed", detail="it promises too much")
    hidden = replace(samples.HIDDEN, reasons=(BASE, RULE, FAILED, judged, FOREVER))
    assert [reason_sentence(reason) for reason in reasons_told(hidden)] == [
        "refund is medium risk by itself",
        "Rule big_money makes the risk critical",
        "The action cannot be undone",
    ]


def test_a_claim_is_as_old_as_each_reader_sees_it() -> None:
    assert claimed(samples.CLAIM) == "👋 <@U0ADA> claimed this <!date^1795168860^{ago}|2026-11-20 10:01 UTC>."


def test_a_reason_in_full_holds_the_expression() -> None:
    assert reason_sentence(RULE) == "Rule big_money makes the risk critical: context.amount > 10000"
    assert reason_sentence(FAILED) == r"Check cites failed: output lacks what is required: \[\d+\]"
