"""What a digest says of one task's calibration, threshold and autonomy: what is to be done first, in few words."""

from dataclasses import replace
from typing import Any

import pytest

from bot.slack.digest_tuning import render_tunings
from routing.digest import Digest
from routing.maturity import MaturityState
from routing.tuning import Looked, OpenChange, PastChange, Tuning, by_urgency
from store.messages import Place
from tests.bot.slack.test_digest import FULL

DAY = "2026-11-17"
CERTIFIED = Looked(DAY, "acme-2", 0.83, share=0.97, reviews=-41)
TASK = Tuning("refund", 900, threshold=0.9, autonomy=3, looked=CERTIFIED)
CARD = Place("C0REFUND", "1.5")
WAITING = OpenChange("threshold", 0.83, DAY, CARD.channel, CARD.ts)
NEVER = "Never calibrated: 0 labels, the first look comes at 300"


def items(digest: Digest, links: dict[Place, str]) -> list[str]:
    """What each bullet shows; a link as [its text]."""
    [block] = render_tunings(digest, links)
    _title, bullets = block["elements"]
    return [
        "".join(f"[{leaf['text']}]" if leaf["type"] == "link" else leaf["text"] for leaf in item["elements"])
        for item in bullets["elements"]
    ]


def said(tuning: Tuning, links: dict[Place, str] | None = None) -> str:
    [item] = items(FULL.model_copy(update={"tunings": (tuning,), "further_tunings": 0}), links or {})
    return item


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"waiting": (WAITING,)},
            "👉 refund: Certified from 0.83 (in force 0.9): apply it, 41 fewer reviews a week; waiting since 17 Nov",
        ),
        (
            {"waiting": (WAITING,), "autonomy": 2},
            "👉 refund: Certified from 0.83 (in force 0.9): apply it, 41 fewer reviews a week with autonomy 3 (it is "
            "2); waiting since 17 Nov",
        ),
        (
            {"waiting": (WAITING,), "looked": replace(CERTIFIED, share=None, reviews=None)},
            "👉 refund: Certified from 0.83 (in force 0.9): apply it; waiting since 17 Nov",
        ),
        (
            {"waiting": (OpenChange("autonomy", 4, DAY),), "threshold": 0.83},
            "👉 refund: Autonomy 4 (now 3): waiting since 17 Nov. Certified from 0.83 on 17 Nov, in force",
        ),
        (
            {"waiting": (WAITING,), "looked": Looked("2026-12-01", "", None, "12 more labels would decide it")},
            "👉 refund: Threshold 0.83 (now 0.9): waiting since 17 Nov. Calibration refused on 1 Dec (in force 0.9): "
            "12 more labels would decide it",
        ),
        ({}, "refund: Certified from 0.83 on 17 Nov, not applied (in force 0.9), 41 fewer reviews a week"),
        (
            {"looked": replace(CERTIFIED, share=0.123)},
            "⚠️ refund: Certified from 0.83 on 17 Nov (in force 0.9), but only for acme-2, which made 12.3 % of the "
            "week's decisions",
        ),
        (
            {"looked": replace(CERTIFIED, model="", share=0.0)},
            "⚠️ refund: Certified from 0.83 on 17 Nov (in force 0.9), but only for the model without a name, which made "
            "0.0 % of the week's decisions",
        ),
        ({"looked": None, "labels": 1}, "refund: Never calibrated: 1 label, the first look comes at 300"),
        (
            {"looked": None, "labels": 412},
            "refund: Never calibrated: 412 labels; the first look, on the first of a month, takes 300 on what may run "
            "alone",
        ),
    ],
)
def test_what_labels_have_proven_and_what_waits(changes: dict[str, Any], told: str) -> None:
    assert said(replace(TASK, **changes)) == told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            PastChange("applied", "threshold", 0.83, DAY, 0.9, lasts=True),
            "Threshold 0.83 applied on 17 Nov, 0.9 before",
        ),
        (PastChange("applied", "autonomy", 4, DAY, 3), "Promoted to autonomy 4 on 17 Nov, 3 before"),
        (PastChange("applied", "autonomy", 2, DAY, 3), "Lowered to autonomy 2 on 17 Nov, 3 before"),
        (PastChange("applied", "autonomy", 2, DAY), "Autonomy 2 applied on 17 Nov"),
        (PastChange("undone", "threshold", 0.83, DAY), "Threshold 0.83 undone on 17 Nov"),
        (PastChange("ended", "autonomy", 4, DAY), "Autonomy 4 overruled by the policy file on 17 Nov"),
        (PastChange("paused", "autonomy", 2, DAY, lasts=True), "Paused on 17 Nov: everything goes to people"),
        (PastChange("paused", "autonomy", 2, DAY), "Paused on 17 Nov"),
        (PastChange("pause_ended", "autonomy", 2, DAY), "Pause ended on 17 Nov"),
        (
            PastChange("breach", "autonomy", 2, DAY, 4, lasts=True),
            "More errors than allowed proven on 17 Nov: everything goes to people",
        ),
        (PastChange("breach_ended", "autonomy", 2, DAY), "Autonomy given back on 17 Nov"),
    ],
)
def test_what_has_changed(change: PastChange, told: str) -> None:
    mark = "⚠️ " if change.what in ("paused", "breach") and change.lasts else ""
    assert said(replace(TASK, looked=None, changes=(change,))) == f"{mark}refund: {told}. {NEVER}"


def test_more_changes_than_anybody_reads_are_counted() -> None:
    paused = PastChange("pause_ended", "autonomy", 2, DAY)
    told = said(replace(TASK, looked=None, changes=(paused,), earlier_changes=12))
    assert told == f"refund: Pause ended on 17 Nov. Before that 12 changes in the week. {NEVER}"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"maturity": MaturityState.STABLE, "audit_rate": 0.07, "tripling_days": 12.4},
            "Stable, 7 % audited; a tripling of its errors is found within 12 days",
        ),
        ({"tripling_days": 0.2}, "A tripling of its errors is found within 1 day"),
        (
            {"maturity": MaturityState.COLD, "audit_rate": 1.0, "is_unseen": True},
            "No audit was judged in the last four weeks, so nobody would see its errors rise",
        ),
    ],
)
def test_how_it_is_watched(changes: dict[str, Any], told: str) -> None:
    mark = "⚠️ " if "is_unseen" in changes else ""
    assert said(replace(TASK, looked=None, **changes)) == f"{mark}refund: {NEVER}. {told}"


def test_a_link_leads_to_what_waits_and_none_to_what_has_none() -> None:
    tuning = replace(TASK, waiting=(WAITING, OpenChange("autonomy", 4, DAY)))
    assert said(tuning, {CARD: "https://team.slack.com/archives/C0REFUND/p15"}) == (
        "👉 refund: Certified from 0.83 (in force 0.9): apply it, 41 fewer reviews a week; waiting since 17 Nov [card]"
        ". Autonomy 4 (now 3): waiting since 17 Nov"
    )


def test_what_there_is_no_room_for_is_counted_with_what_was_left_out() -> None:
    """Six tasks of which much is to be told."""
    change = PastChange("ended", "threshold", 0.123456, DAY)
    long = replace(TASK, waiting=(WAITING,), changes=(change,) * 3, tripling_days=9)
    shown = items(FULL.model_copy(update={"tunings": (long,) * 6, "further_tunings": 3}), {})
    assert 1 < len(shown) - 1 < 6
    assert shown[-1] == f"… and {9 - len(shown) + 1} further tasks: hitl stats"
    [only] = items(
        FULL.model_copy(update={"tunings": (replace(long, changes=(change,) * 60),), "further_tunings": 0}), {}
    )
    assert only.startswith("👉 refund"), "however long the first is"


def test_no_task_no_part() -> None:
    assert render_tunings(FULL.model_copy(update={"tunings": ()}), {}) == []


def test_what_is_to_be_done_comes_first_then_news_then_the_largest() -> None:
    stopped = PastChange("breach", "autonomy", 2, DAY, lasts=True)
    tasks = [
        replace(TASK, task_type="large", decisions=1_000),
        replace(TASK, task_type="larger", decisions=2_000),
        replace(TASK, task_type="news", is_news=True),
        replace(TASK, task_type="pause that ended", changes=(replace(stopped, lasts=False),), is_news=True),
        replace(TASK, task_type="stopped", changes=(stopped,)),
        replace(TASK, task_type="asked", waiting=(WAITING,)),
    ]
    assert [each.task_type for each in by_urgency(tasks)] == [
        "asked",
        "stopped",
        "news",
        "pause that ended",
        "larger",
        "large",
    ]
