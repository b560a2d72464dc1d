"""The digest as a message: golden files, within Slack's limits for any names, and nothing in them is parsed."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block as SdkBlock

from bot.reporting.chart import alt_text
from bot.slack.digest import Chart, NoChart, render_digest
from routing.cohorts import StandingOut
from routing.digest import (
    Advice,
    Category,
    Digest,
    Doubt,
    Example,
    OpenWork,
    Pattern,
    Protection,
    RollbacksOfWeek,
    Seal,
    point,
)
from routing.maturity import MaturityState
from routing.metrics import Facts, Judged, metrics
from routing.money import Money
from routing.policy import AdjustedKey
from routing.tuning import Looked, OpenChange, PastChange, Tuning
from store.messages import Place
from tests.bot.slack import samples
from tests.support.slack_checker import check_message

VERDICTS = {"gate": {"approve": 228, "edit": 19, "reject": 21}, "audit": {"approve": 64, "reject": 1}}
WEEK = Facts(
    decisions=1234,
    escalated=272,
    verdicts=Counter({Judged(kind, verdict): n for kind, told in VERDICTS.items() for verdict, n in told.items()}),
    categories=Counter({"wrong_action": 22, "tone": 12, "missing_citation": 5, "": 2}),
    latencies=Counter({8_200: 200, 25_000: 68}),
    audits=Counter({(0.07, False): 64, (0.07, True): 1}),
    pairs=Counter({("approve", "approve"): 11, ("approve", "edit"): 2, ("reject", "reject"): 1}),
)
BEFORE = Facts(
    decisions=1180,
    escalated=289,
    verdicts=Counter({Judged("gate", "approve"): 250, Judged("gate", "reject"): 30}),
    latencies=Counter({41_000: 280}),
)
TUNINGS = (
    Tuning(
        "refund",
        4_321,
        threshold=0.9,
        autonomy=3,
        looked=Looked("2026-11-17", "acme-2 v3", 0.83, share=0.97, reviews=-41),
        waiting=(OpenChange("threshold", 0.83, "2026-11-17", "C0REFUND", "1763370000.000100"),),
        maturity=MaturityState.STABLE,
        audit_rate=0.07,
        tripling_days=12.4,
    ),
    Tuning(
        "reply",
        900,
        threshold=0.9,
        autonomy=3,
        looked=Looked("2026-11-01", "", None, "142 more labels at or above 0.9 would decide it"),
        changes=(PastChange("applied", "autonomy", 3, "2026-11-18", 4),),
        is_news=True,
        maturity=MaturityState.LEARN,
        audit_rate=0.25,
        tripling_days=40,
    ),
    Tuning("label", 77, threshold=0.7, autonomy=2, labels=120),
)
KEYS: tuple[AdjustedKey, ...] = ("threshold", "autonomy")
CARD = Place("C0REFUND", "1763370000.000100")
LINKS = {CARD: "https://team.slack.com/archives/C0REFUND/p1763370000000100"}
FULL = Digest(
    week="2026-W47",
    first="2026-11-16",
    last="2026-11-22",
    timezone="Europe/Berlin",
    made_at="2026-11-23T08:00:00+00:00",
    metrics=metrics(WEEK),
    metrics_before=metrics(BEFORE),
    decisions=WEEK.decisions,
    judged=WEEK.judged,
    corrected=WEEK.corrected,
    categories=(
        Category(name="wrong_action", count=22, share=22 / 41, before=4, change="more"),
        Category(name="tone", count=12, share=12 / 41, before=9, change="unclear"),
        Category(name="missing_citation", count=5, share=5 / 41, before=17, change="fewer"),
        Category(name="", count=2, share=2 / 41, before=0, change="unclear"),
    ),
    patterns=(
        Pattern(
            category="wrong_action",
            task_type="refund",
            cohort="eu-smb",
            count=17,
            examples=(
                Example(decision_id="refund-8812", channel=CARD.channel, ts=CARD.ts),
                Example(decision_id="refund-8790"),
            ),
        ),
        Pattern(category="tone", task_type="reply", cohort=None, count=9),
    ),
    doubts=(
        Doubt(
            task_type="refund",
            whose="model",
            with_model=(640, 820),
            between=(74, 78),
            examples=(Example(decision_id="refund-8812", channel=CARD.channel, ts=CARD.ts),),
        ),
        Doubt(task_type="reply", whose="guideline", with_model=(430, 500), between=(41, 56)),
    ),
    tunings=TUNINGS,
    further_tunings=2,
    disputes=3,
    second_opinions=(14, 2),
    open=OpenWork(
        rollbacks=2, rollbacks_overdue=1, oldest_rollback_hours=54.0, audits=12, audits_overdue=3, disputes=1, changes=1
    ),
    protection=Protection(people=2, fast=1, streaks=2),
    advice=Advice(code="one_category", about="wrong_action", numbers={"share": 22 / 41, "corrected": 41}),
    cohorts=(StandingOut("refund", "eu-smb", "escalation_rate", 0.455, 0.151, 35, 77, 1e-7),),
    spent=Money(247.0, 198.0, 5.8, 583.0, 781.0, 269.0, 2_304.0),
    trend=tuple(point(f"2026-W{week}", facts) for week, facts in ((46, BEFORE), (47, WEEK))),
    seal=Seal(number=12, sha256="0123456789abcdef" * 4),
)
CHART = Chart("F0CHART", alt_text(FULL))
NOTHING = metrics(Facts())
QUIET = FULL.model_copy(
    update={
        "metrics": NOTHING,
        "metrics_before": NOTHING,
        "decisions": 0,
        "judged": 0,
        "corrected": 0,
        "categories": (),
        "patterns": (),
        "cohorts": (),
        "spent": None,
        "doubts": (),
        "tunings": (),
        "further_tunings": 0,
        "disputes": 0,
        "second_opinions": (0, 0),
        "open": OpenWork(),
        "protection": Protection(),
        "advice": None,
    }
)


@pytest.mark.parametrize(
    ("name", "digest", "chart"),
    [
        ("digest", FULL, CHART),
        ("digest_without_chart", FULL, NoChart("Slack answers missing_scope")),
        ("digest_quiet", QUIET, NoChart("nothing to draw")),
        ("digest_of_what_waits", QUIET.model_copy(update={"open": OpenWork(audits=1)}), CHART),
    ],
)
def test_golden(name: str, digest: Digest, chart: Chart | NoChart) -> None:
    message = render_digest(digest, chart, LINKS)
    check_message(message.text, message.blocks, frozenset())
    for block in message.blocks:
        parsed = SdkBlock.parse(block)
        assert parsed is not None
        parsed.validate_json()
    samples.assert_golden(name, {"text": message.text, "blocks": message.blocks})


def test_the_word_digest_is_in_every_text_and_the_seal_in_every_digest_that_has_one() -> None:
    for digest in (FULL, QUIET):
        message = render_digest(digest, CHART, {})
        assert "digest" in message.text
        assert "digest" in str(message.blocks[0]["text"])
        assert "History seal 12: `0123456789abcdef`" in str(message.blocks[-1])
        unsealed = render_digest(digest.model_copy(update={"seal": None}), CHART, {})
        assert "seal" not in str(unsealed.blocks)


def test_a_quiet_week_is_one_line() -> None:
    [line, _seal] = render_digest(QUIET, NoChart("nothing to draw"), {}).blocks
    assert line["text"]["text"] == "🗞️ Weekly digest, 16 to 22 Nov 2026: nothing new."


ADVICE: tuple[tuple[str, dict[str, float], str], ...] = (
    (
        "errors_escape",
        {"value": 0.05, "low": 0.03, "high": 0.08, "n": 300},
        "5.0 % of what refund decides alone is wrong",
    ),
    ("disagreement", {"value": 0.8, "n": 60}, "80.0 % of 60 verdicts only"),
    ("guideline", {"value": 0.8, "n": 60, "between": 0.7, "pairs": 30}, "guideline"),
    ("model", {"value": 0.8, "n": 60, "between": 0.95, "pairs": 30}, "95.0 % of 30: it seems to be the model"),
    ("both", {"value": 0.6, "n": 60, "between": 0.8, "pairs": 70}, "80.0 % of 70: it seems to be the model, and the"),
    ("slow", {"p95": 420.0, "n": 60}, "longer than 7 min (60 reviews)"),
    ("threshold", {"share": 0.97, "n": 250}, "97.0 % of 250 in refund"),
)


@pytest.mark.parametrize(("code", "numbers", "said"), ADVICE)
def test_advice_is_said_with_its_numbers(code: Any, numbers: dict[str, float], said: str) -> None:
    told = FULL.model_copy(update={"advice": Advice(code=code, about="refund", numbers=numbers)})
    message = render_digest(told, CHART, {})
    assert said in message.text
    assert said in str(message.blocks[2])


def long_tuning(name: str) -> Tuning:
    """Longer than one can be: with all that is told of a task."""
    waiting = tuple(OpenChange(key, 0.123456, "2026-11-17", CARD.channel, CARD.ts) for key in KEYS)
    change = PastChange("ended", "threshold", 0.123456, "2026-11-18", 0.123456)
    return Tuning(
        "t" * 64,
        4_321,
        threshold=0.987654,
        autonomy=2,
        looked=Looked("2026-11-17", name, 0.654321, share=0.4321, reviews=-12_345),
        waiting=waiting,
        changes=(change,) * 4,
        earlier_changes=99,
        maturity=MaturityState.SUSPENDED,
        audit_rate=0.07,
        tripling_days=1_234,
    )


@given(name=samples.texts, count=st.integers(0, 10**9))
@settings(max_examples=50)
def test_any_name_stays_text_and_within_the_limits(name: str, count: int) -> None:
    category = Category(name=name, count=count, share=0.5, before=count, change="more")
    example = Example(decision_id="x" * 128, channel=CARD.channel, ts=CARD.ts)
    pattern = Pattern(category=name, task_type="t" * 64, cohort=name, count=count, examples=(example, example))
    digest = FULL.model_copy(
        update={
            "categories": (category,) * 30,
            "patterns": (pattern,) * 3,
            "doubts": (
                Doubt(task_type="t" * 64, whose="both", with_model=(1, 9), between=(1, 9), examples=(example,) * 2),
            )
            * 3,
            "cohorts": (StandingOut("t" * 64, name, "escalation_rate", 0.5, 0.25, 10**9, 10**9, 0.0),) * 3,
            "tunings": (long_tuning(name),) * 6,
            "decisions": count,
            "advice": Advice(code="one_category", about=name, numbers={"share": 0.5, "corrected": float(count)}),
        }
    )
    message = render_digest(digest, CHART, LINKS)
    check_message(message.text, message.blocks, frozenset())


def test_a_digest_survives_the_database() -> None:
    assert Digest.model_validate(FULL.model_dump(mode="json")) == FULL


def test_rollbacks_of_the_week_are_told() -> None:
    digest = QUIET.model_copy(update={"rollbacks": RollbacksOfWeek(requested=1, done=2, failed=1)})
    said = str(render_digest(digest, NoChart("nothing to draw"), {}).blocks)
    assert "1 rollback asked for in the week; 2 done and 1 failed in it" in said
