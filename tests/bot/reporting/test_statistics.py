"""`hitl stats`: the metrics as a table and as JSON, and wrong use told in one message."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from routing.evidence import Evidence
from routing.metrics import Facts, metrics
from store import tables as t
from store.engine import open_engine, parse_url
from store.writer import Writer
from tests.support.bot import POLICY
from tests.support.hitl import Hitl
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import add_world

MONDAY = datetime(2026, 11, 8, 23, 30, tzinfo=UTC)  # half past midnight in Berlin
WEEK = ("--from", "2026-11-09", "--to", "2026-11-16")


@asynccontextmanager
async def past_of(hitl: Hitl, settings: dict[str, str]) -> AsyncIterator[Past]:
    assert (await hitl.aside("migrate")).code == 0
    Path(settings["HITL_POLICY"]).write_text(POLICY.replace("version: 1", "version: 1\ntimezone: Europe/Berlin", 1))
    engine = open_engine(parse_url(settings["HITL_DATABASE_URL"]))
    writer = Writer(engine)
    writer.start()
    try:
        yield Past(engine, await add_world(writer, engine))
    finally:
        await writer.stop()
        await engine.dispose()


async def fill(past: Past) -> None:
    await past.add(MONDAY - timedelta(hours=1))  # of the week before
    await past.add(MONDAY, Judgement("gate", [Voted("approve", after=130)]), cohort="eu")
    await past.add(MONDAY, Judgement("gate", [Voted("reject", "tone", after=410)]), cohort="us")
    for pk in range(8):
        judged = [Judgement("audit", [Voted("approve")])] if pk < 2 else []
        await past.add(MONDAY + timedelta(days=6), *judged, task_type="refund", inclusion=0.25)


async def asked(hitl: Hitl, *options: str) -> dict[str, Any]:
    ended = await hitl.aside("stats", *options, "--json")
    assert (ended.code, ended.err) == (0, "")
    found: dict[str, Any] = json.loads(ended.out)
    return found


async def test_the_objects_of_a_week_of_the_policys_days(hitl: Hitl, settings: dict[str, str]) -> None:
    async with past_of(hitl, settings) as past:
        await fill(past)
        found = await asked(hitl, *WEEK)
        assert (found["from"], found["to"]) == ("2026-11-08T23:00:00Z", "2026-11-15T23:00:00Z")
        assert set(metrics(Facts())) < set(found)
        assert found["escalation_rate"] == {"value": 0.2, "numerator": 2, "denominator": 10}
        assert found["review_latency"] == {
            "p50": pytest.approx(130, rel=0.05),
            "p95": pytest.approx(410, rel=0.05),
            "n": 2,
        }
        assert found["reviewer_agreement"] == {"value": 0.75, "numerator": 3, "denominator": 4}
        assert found["error_escape_rate"]["denominator"] == 8
        assert found["error_categories"] == [{"category": "tone", "count": 1}]
        assert found["by_task"]["refund"]["escalation_rate"] == {"value": 0.0, "numerator": 0, "denominator": 8}
        assert set(found["by_cohort"]) == {"eu", "us"}

        refund = await asked(hitl, *WEEK, "--task", "refund")
        assert found["by_task"]["refund"].items() < refund.items()
        assert refund["task_type"] == "refund"
        assert refund["cost"] is None, "the policy does not say"
        nothing = await asked(hitl, "--from", "2026-01-05", "--to", "2026-01-12")
        assert nothing["escalation_rate"] == {"value": None, "numerator": 0, "denominator": 0}


async def test_the_table_names_number_interval_and_target(hitl: Hitl, settings: dict[str, str]) -> None:
    async with past_of(hitl, settings) as past:
        await fill(past)
        ended = await hitl.aside("stats", *WEEK)
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == "2026-11-09 00:00 to 2026-11-16 00:00 (Europe/Berlin), all task types: 10 decisions"
    by_name = {line[:29].strip(): line[29:].split() for line in lines}
    assert by_name["Went to people"] == ["20.0", "%", "10", "15", "%", "to", "30", "%", "on", "target", "▇·····▁"]
    assert by_name["Errors among what ran alone"][:5] == ["0.0", "%", "2", "0.0", "%"]
    assert by_name["From correction to use, p95"] == ["–", "0"]
    assert any(line.startswith("refund ") for line in lines)
    assert "nothing waits for people now" in lines
    assert any(line.startswith("tone ") for line in lines)
    assert max(map(len, lines)) <= 120


async def test_cohorts_that_stand_out_and_what_it_cost(hitl: Hitl, settings: dict[str, str]) -> None:
    async with past_of(hitl, settings) as past:
        policy = Path(settings["HITL_POLICY"])
        policy.write_text(policy.read_text().replace("version: 1", "version: 1\ncost: {review_minute: 2}", 1))
        async with past.together():
            for number in range(60):
                # One after the other, a minute and a half each.
                judged = [Judgement("gate", [Voted("approve", after=90 * number)])] if number < 40 else []
                await past.add(MONDAY, *judged, cohort="eu" if number < 30 else "us")
        found = await asked(hitl, *WEEK)
        ended = await hitl.aside("stats", *WEEK)
    out = {each["cohort"]: (each["rate"], each["value"], each["rest"]) for each in found["cohorts_that_stand_out"]}
    assert out == {"eu": ("escalation_rate", 1.0, 1 / 3), "us": ("escalation_rate", 1 / 3, 1.0)}
    assert found["by_cohort"]["eu"]["override_rate"] == {"value": 0.0, "numerator": 0, "denominator": 30}
    assert (found["cost"]["review_minutes"], found["cost"]["review"], found["cost"]["value"]) == (60.0, 120.0, None)
    assert "100.0 % of eu in label went to people (30 of 30), 33.3 % of the rest" in ended.out
    assert "Cost: 120 for 1 h of review; what errors cost is not known without audits" in ended.out


async def test_what_waits_and_how_far_each_task_has_come_is_told_beside_the_metrics(
    hitl: Hitl, settings: dict[str, str]
) -> None:
    async with past_of(hitl, settings) as past:
        opened = datetime.now(UTC) - timedelta(hours=3)
        await past.add(opened, Judgement("gate"), task_type="refund")
        for _ in range(30):
            audit = Judgement("audit", [Voted("approve")])
            await past.add(opened, audit, task_type="refund", inclusion=0.25)
        row = {"task_type": "refund", "model_name": "", "model_version": "", "confidence_source": "other"}
        maturity = {"state": "degraded", "evidence": Evidence(0.02).as_json()}
        more = {"maturity": maturity, "rate": 0.25, "since": opened, "judged_to": 1, "version": 1}
        async with past.engine.begin() as connection:
            await connection.execute(insert(t.audit_streams), [row | more])
        shown = (await hitl.aside("stats", "--task", "refund")).out.splitlines()
        other = (await hitl.aside("stats", "--task", "label")).out.splitlines()
    [waiting] = [line.split() for line in shown if line.startswith("refund ")]
    assert waiting == ["refund", "1", "3", "h"]
    # Of the week thirty were audited, and a tripling to 3 % takes 301 audits to be seen.
    assert "  refund: degraded, 25 % audited; audits find 3× errors in 70 d" in shown
    assert "refund" not in " ".join(other)


@pytest.mark.parametrize(
    "options",
    [("--window", "a week"), ("--from", "today"), ("--to", "2026-11-16"), ("--window", "7d", "--from", "2026-11-09")],
)
def test_wrong_use_is_told_in_one_message(hitl: Hitl, options: tuple[str, ...]) -> None:
    ended = hitl("stats", *options)
    assert (ended.code, ended.out) == (2, "")
    assert options[0] in ended.err
    assert len(ended.err.splitlines()) == 1


def test_the_help_says_which_days_count(hitl: Hitl) -> None:
    shown = " ".join(hitl("stats", "--help").out.split())
    assert "on and before --to" in shown
