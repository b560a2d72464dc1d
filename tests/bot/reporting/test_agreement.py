"""The report on agreement: people with each other, people with the model, and whose doing it is."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.reporting.agreement import AgreementReport, agreement_object, read_agreement, reckoned
from bot.reporting.agreement_text import agreement_text
from routing.agreement import Share
from store.agreement import AgreementStore, OnModel, Said, TwoOpinions
from store.facts import Window
from tests.bot.reporting.test_statistics import past_of
from tests.support.hitl import Hitl
from tests.support.judged import Judgement, Voted

MONDAY = datetime(2026, 11, 9, 8, tzinfo=UTC)
WEEK = Window(MONDAY, MONDAY + timedelta(days=5))
OK, TONE, FACT = ("approve", None), ("reject", "tone"), ("edit", "fact")


def two(
    task: str, one: str, said: tuple[str, str | None], other: str, too: tuple[str, str | None], n: int
) -> TwoOpinions:
    return TwoOpinions(task, Said(one, *said), Said(other, *too), n)


def verdicts(task: str, user_id: str, approved: int, rejected: int) -> list[OnModel]:
    return [OnModel(task, Said(user_id, *said), n) for said, n in ((OK, approved), (TONE, rejected)) if n]


def report(opinions: Sequence[TwoOpinions], judged: Sequence[OnModel] = ()) -> AgreementReport:
    return reckoned(WEEK, opinions, judged)


def test_a_pair_is_one_whoever_came_first() -> None:
    found = report([two("label", "U0BEN", OK, "U0ADA", TONE, 2), two("label", "U0ADA", OK, "U0BEN", TONE, 3)])
    assert found.raters == {("U0ADA", "U0BEN"): {("reject", "approve"): 2, ("approve", "reject"): 3}}
    assert found.reviewers["U0ADA"].pairs == {("reject", "approve"): 2, ("approve", "reject"): 3}
    assert found.reviewers["U0BEN"].pairs == {("approve", "reject"): 2, ("reject", "approve"): 3}
    assert found.whole.pairs == found.tasks["label"].pairs == {("approve", "reject"): 5}


def test_categories_are_agreed_on_where_both_name_the_same() -> None:
    said = [(TONE, TONE, 6), (TONE, FACT, 2), (OK, FACT, 1), (OK, OK, 50)]
    found = report(
        [two("label", "U0ADA", one, "U0BEN", other, n) for one, other, n in said], verdicts("label", "U0ADA", 3, 1)
    )
    assert found.categories["tone"].both == Share(6, 8)
    assert found.categories["fact"].both == Share(0, 3)
    assert found.categories["tone"].of_verdicts == Share(1, 4)


@pytest.mark.parametrize(
    ("agreed", "differed", "approved", "rejected", "whose"),
    [(60, 0, 60, 40, "model"), (40, 20, 70, 30, "guideline"), (10, 0, 60, 40, "unknown"), (60, 0, 90, 10, None)],
)
def test_each_task_has_its_own_diagnosis(
    agreed: int, differed: int, approved: int, rejected: int, whose: str | None
) -> None:
    opinions = [two("label", "U0ADA", OK, "U0BEN", OK, agreed), two("label", "U0ADA", OK, "U0BEN", TONE, differed)]
    found = report(opinions, [*verdicts("label", "U0ADA", approved, rejected), *verdicts("refund", "U0ADA", 500, 0)])
    assert found.tasks["label"].whose == whose
    assert found.tasks["refund"].whose is None


def test_the_text_keeps_people_with_each_other_apart_from_people_with_the_model() -> None:
    opinions = [
        two("label", "U0ADA", OK, "U0BEN", OK, 55),
        two("label", "U0ADA", TONE, "U0BEN", TONE, 4),
        two("refund", "U0ADA", OK, "U0CHEN", FACT, 1),
    ]
    found = report(opinions, verdicts("label", "U0ADA", 60, 40))
    found.tasks["label"].examples = ("d-1", "d-2")
    lines = agreement_text(found, ZoneInfo("Europe/Berlin")).splitlines()
    assert lines[0].startswith("2026-11-09 09:00 to 2026-11-14 09:00 (Europe/Berlin), all task types: people with each")
    by_name = {line.split()[0]: line.split() for line in lines[2:] if line}
    assert by_name["all"][1:3] == ["60", "98.3"]
    assert "uncertain" in by_name["refund"]
    assert "uncertain" not in by_name["all"]
    assert by_name["all"][-7:-4] == ["100", "60.0", "%"]
    told = "label: it seems to be the model: people agree with each other, as on d-1, d-2"
    assert told in lines
    assert max(map(len, lines)) <= 120


def test_of_nothing_the_report_is_empty_and_readable() -> None:
    found = report([])
    assert "–" in agreement_text(found, ZoneInfo("UTC"))
    told = agreement_object(found)
    assert (told["between_reviewers"]["value"], told["with_model"]["value"], told["diagnosis"]) == (None, None, None)


async def test_the_command_tells_the_items_that_show_it(hitl: Hitl, settings: dict[str, str]) -> None:
    async with past_of(hitl, settings) as past:
        async with past.together():
            for number in range(50):
                first, second = (Voted("reject", "tone"), Voted("reject", "tone", user_id="U0BEN"))
                if number >= 10:
                    first, second = Voted("approve"), Voted("approve", user_id="U0BEN")
                await past.add(MONDAY, Judgement("gate", [first]), Judgement("double", [second]))
        ended = await hitl.aside("stats", "--agreement", "--from", "2026-11-09", "--to", "2026-11-16", "--json")
        shown = await hitl.aside("stats", "--agreement", "--from", "2026-11-09", "--to", "2026-11-16")
        direct = await read_agreement(AgreementStore(past.engine), WEEK)
    assert (ended.code, ended.err) == (0, "")
    told = json.loads(ended.out)
    assert (told["diagnosis"], told["with_model"]["value"], told["between_reviewers"]["value"]) == ("model", 0.8, 1.0)
    assert len(told["by_task"]["label"]["examples"]) == 5
    assert told["by_pair"][0]["reviewers"] == ["U0ADA", "U0BEN"]
    assert direct.tasks["label"].examples == tuple(told["by_task"]["label"]["examples"])
    assert "label: it seems to be the model" in shown.out
