"""What a digest tells of calibration and thresholds: how things are when it is made, and what the week has changed."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.adjusting import Adjusted, Wanted
from bot.digest import DigestSources, make_digest
from routing.digest import Digest
from routing.drift import tripling_audits
from routing.tuning import OpenChange, PastChange, Tuning
from store import tables as t
from store.adjustments import Proposal
from store.calibrations import CalibrationStore
from tests.bot.calibrating.labelled import HOPELESS, SOUND
from tests.bot.jobs.test_calibrate import Calibrating, process
from tests.bot.reviewing.world import review_world
from tests.support.bot import POLICY
from tests.support.judged import Judgement, Past, Voted
from tests.support.rows import NOW

ADA = "user:T0HOME/U0ADA"
WEEK, NEXT = date(2026, 11, 16), date(2026, 11, 23)
"""NOW is the Friday of the first."""
DAY = timedelta(days=1)


@pytest.fixture
async def here(tmp_path: Path, database_url: str) -> AsyncIterator[Calibrating]:
    async with review_world(tmp_path, database_url) as world:
        yield process(world)


async def digest(here: Calibrating, monday: date = WEEK) -> Digest:
    """As it is made on the Monday after that week."""
    made_at = datetime(monday.year, monday.month, monday.day, 9, tzinfo=UTC) + 7 * DAY
    sources = DigestSources.on(here.world.engine)
    made = await make_digest(sources, monday, here.world.policy.current, made_at)
    assert Digest.model_validate(made.model_dump(mode="json")) == made, "it survives the database"
    return made


async def tuning(here: Calibrating, monday: date = WEEK) -> Tuning:
    [found] = (await digest(here, monday)).tunings
    return found


async def proposal(here: Calibrating) -> Proposal:
    [found] = await here.proposals()
    return found


async def applied(here: Calibrating) -> Adjusted:
    await here.judged(SOUND)
    await here.run()
    done = await here.adjusting.apply(await proposal(here), by=ADA)
    assert isinstance(done, Adjusted)
    return done


def past(here: Calibrating) -> Past:
    return Past(here.world.engine, here.world.app_pk)


# What waits, and what labels have proven ------------------------------------------------------------------------------


async def test_a_certified_threshold_that_waits_is_told_with_what_it_would_have_meant(here: Calibrating) -> None:
    await here.judged(SOUND)
    await here.run()
    asked, m = await proposal(here), t.messages.c
    async with here.world.engine.begin() as connection:
        posted = {"message_channel": "C0REVIEW", "message_ts": "1.5"}
        await connection.execute(update(t.messages).where(m.key == asked.message_key).values(**posted))

    made = await digest(here)

    [told] = made.tunings
    assert told.waiting == (OpenChange("threshold", asked.value, "2026-11-20", "C0REVIEW", "1.5"),)
    assert told.looked is not None
    assert (told.looked.threshold, told.looked.day, told.looked.share) == (asked.value, "2026-11-20", 1.0)
    assert told.looked.reviews == -sum(confidence >= asked.value for confidence, _ in SOUND), "all met people"
    assert (told.threshold, told.changes, told.is_news) == (0.7, (), True)
    assert (made.open.changes, made.is_quiet, ("C0REVIEW", "1.5") in made.places) == (1, False, True)


async def test_once_applied_it_is_in_force_and_news_of_that_week_alone(here: Calibrating) -> None:
    done = await applied(here)
    told = await tuning(here)
    assert told.looked is not None
    assert (told.threshold, told.looked.threshold, told.waiting) == (done.value, done.value, ())
    assert told.changes == (PastChange("applied", "threshold", done.value, "2026-11-20", 0.7, lasts=True),)
    later = await digest(here, NEXT)
    assert (later.is_quiet, later.tunings) == (True, ()), "a quiet week stays quiet"


async def test_what_is_undone_in_the_same_week_is_told_of_both_times(here: Calibrating) -> None:
    done = await applied(here)
    await here.world.clock.advance(DAY.total_seconds())
    await here.adjusting.undo(done.adjustment_id, by=ADA)
    assert (await tuning(here)).changes == (
        PastChange("applied", "threshold", done.value, "2026-11-20", 0.7),
        PastChange("undone", "threshold", done.value, "2026-11-21"),
    )


async def test_a_policy_file_that_overrules_people_is_told(here: Calibrating) -> None:
    done = await applied(here)
    await here.world.set_policy(POLICY.replace("threshold: 0.70", "threshold: 0.75"))
    assert [change.what for change in (await tuning(here)).changes] == ["applied", "ended"]
    assert (await tuning(here)).threshold == 0.75 != done.value


async def test_a_refusal_says_what_would_end_it(here: Calibrating) -> None:
    await here.judged([(0.9, False)] * 100 + [(0.2, True)] * 200)
    await here.run()
    told = await tuning(here, WEEK)
    assert told.looked is not None
    assert told.looked.threshold is None
    assert "more labels at or above 0.9 would decide it" in told.looked.refusal


async def test_where_labels_have_spoken_nobody_guesses_at_the_threshold(here: Calibrating) -> None:
    easy = past(here)
    async with easy.together():
        for _ in range(200):
            await easy.add(NOW - DAY, Judgement("gate", [Voted("approve")]))
    before = (await digest(here)).advice
    assert before is not None
    assert before.code == "threshold"
    await here.judged(HOPELESS)
    await here.run()
    assert (await digest(here)).advice is None


async def test_labels_of_a_task_that_nobody_has_looked_at_are_counted_for_the_model_with_most(
    here: Calibrating,
) -> None:
    await past(here).add(NOW - DAY, Judgement("gate", [Voted("approve")]))
    await here.judged(SOUND[:30], model_name="old")
    await here.judged(SOUND[:20], model_name="new")
    told = await tuning(here)
    assert (told.looked, told.labels, told.is_news) == (None, 30, False)


async def test_of_whom_it_is_proven_is_told_as_the_policy_lets_it_be_shown(here: Calibrating) -> None:
    await here.world.set_policy(POLICY.replace("  label: {", "  label: {redact: ['acme-[0-9]+'], "))
    await here.judged(SOUND, model_name="acme-2", model_version="v3")
    await here.judged([(0.9, False)] * 700, model_name="acme-3", model_version="v1")
    # The stream with fewer labels is looked at first, and it is the other one's look that is the latest.
    await here.looks.take()
    found = await CalibrationStore(here.world.engine).latest("label")
    assert found is not None
    made = await digest(here)
    assert "acme" not in made.model_dump_json()
    assert made.tunings[0].looked is not None
    assert made.tunings[0].looked.model == "[redacted 1] v1"


async def test_a_threshold_of_a_model_that_decides_little_is_one_of_another_model(here: Calibrating) -> None:
    await here.judged(SOUND, model_name="old")
    await here.looks.take()
    looked = (await tuning(here)).looked
    assert looked is not None
    assert (looked.model, looked.is_of_another_model) == ("old", False)
    await here.judged([(0.9, False)] * 290 + [(0.5, True)] * 11, model_name="new")
    looked = (await tuning(here)).looked
    assert looked is not None
    assert (looked.model, looked.is_of_another_model) == ("old", True)


# Pauses and breaches --------------------------------------------------------------------------------------------------


async def test_a_pause_is_told_for_as_long_as_it_lasts_and_its_end_once(here: Calibrating) -> None:
    at_work = past(here)
    await here.adjusting.pause("label", by="operator", why="odd answers")
    paused = PastChange("paused", "autonomy", 2, "2026-11-20", lasts=True)
    assert (await tuning(here)).changes == (paused,)
    assert (await digest(here, NEXT)).tunings == (), "nothing of it comes any more"
    await at_work.add(NOW + 5 * DAY, Judgement("gate", [Voted("approve")]))
    later = await tuning(here, NEXT)
    assert (later.changes, later.is_stopped, later.is_news) == ((paused,), True, False)

    await here.world.clock.advance((5 * DAY).total_seconds())
    await here.adjusting.resume("label", by="operator")
    assert (await tuning(here, NEXT)).changes == (PastChange("pause_ended", "autonomy", 2, "2026-11-25"),)


async def test_a_breach_during_a_pause_is_told_beside_it_and_takes_nothing_twice(here: Calibrating) -> None:
    await here.adjusting.pause("label", by="operator", why="odd answers")
    await here.world.clock.advance(DAY.total_seconds())
    change = await here.adjusting.lowered([Wanted("label", "autonomy", 2, "8 errors in 40 audits", "breach", {})])
    assert change is not None
    await here.world.writer.submit(change)
    told = await tuning(here)
    assert [(each.what, each.day, each.lasts) for each in told.changes] == [
        ("paused", "2026-11-20", False),
        ("breach", "2026-11-21", True),
    ]
    await here.world.clock.advance(DAY.total_seconds())
    await here.adjusting.resume("label", by="operator")
    told = await tuning(here)
    assert [(each.what, each.lasts) for each in told.changes] == [
        ("paused", True),
        ("breach", False),
        ("breach_ended", False),
    ]


# What watches over it, and the order ----------------------------------------------------------------------------------


async def test_how_soon_a_tripling_is_found_comes_from_four_weeks_of_audits(here: Calibrating) -> None:
    audited = past(here)
    async with audited.together():
        for week in range(5):
            for _ in range(14):
                at = NOW - week * 7 * DAY
                await audited.add(at, Judgement("audit", [Voted("approve")]), inclusion=0.5)
    told = await tuning(here)
    max_error = here.world.policy.current.task("label").max_error
    assert told.tripling_days == tripling_audits(max_error) / 2
    assert (told.decisions, told.is_unseen) == (56, False)


async def test_what_runs_alone_without_audits_is_unseen(here: Calibrating) -> None:
    some = past(here)
    await some.add(NOW, Judgement("gate", [Voted("approve")]))
    assert (await tuning(here)).is_unseen is False
    await some.add(NOW)
    assert (await tuning(here)).is_unseen is True


async def test_six_tasks_are_told_and_those_with_something_to_do_come_first(here: Calibrating) -> None:
    async def add(count: int, task_type: str) -> None:
        some = replace(past(here), first_pk=1 + 100 * len(task_type))
        async with some.together():
            for _ in range(count):
                await some.add(NOW, Judgement("gate", [Voted("approve")]), task_type=task_type)

    for number in range(1, 9):
        await add(number, "x" * number)
    await here.adjusting.pause("x", by="operator", why="odd answers")
    await here.adjusting.adjust("xx", "threshold", 0.9, by=ADA, why="proven")
    made = await digest(here)
    assert [len(each.task_type) for each in made.tunings] == [1, 2, 8, 7, 6, 5]
    assert made.further_tunings == 2


async def test_a_digest_that_was_kept_before_there_was_this_part_is_read(here: Calibrating) -> None:
    body: dict[str, Any] = (await digest(here)).model_dump(mode="json")
    for name in ("tunings", "further_tunings"):
        del body[name]
    del body["open"]["changes"]
    assert Digest.model_validate(body) == await digest(here)
    async with here.world.engine.connect() as connection:
        assert list(await connection.execute(select(t.proposals))) == []
