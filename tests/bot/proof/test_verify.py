"""Whatever is done to the history behind the bot's back is found, and named."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from bot.proof.comparison import differences
from bot.proof.verify import Printed
from store.engine import open_engine, parse_url
from store.history import HistoryRecord
from store.seals import HeldRecord, sealed
from store.writer import Writer
from tests.bot.proof.world import BLOCK, DECISIONS, Append, Proof, opened, sealed_history
from tests.support.databases import migrate
from tests.support.rows import NOW

RECORDS = DECISIONS + 4
SEALS = -(-RECORDS // BLOCK)
# A record like another, under another number. Without a decision it tells of no content.
COPY = (
    "INSERT INTO history (seq, at, event, actor, app_pk, facts) "
    "SELECT :seq, at, event, actor, app_pk, facts FROM history WHERE seq = :of"
)


@pytest.fixture
async def either(engine: AsyncEngine) -> AsyncIterator[Proof]:
    """On both databases; `proof` is on SQLite, which starts sooner."""
    async with sealed_history(engine) as made:
        yield made


@pytest.fixture
async def whole(tmp_path: Path) -> Path:
    url = f"sqlite:///{tmp_path}/whole.db"
    await migrate(url)
    engine = open_engine(parse_url(url))
    async with sealed_history(engine):
        pass
    await engine.dispose()
    return tmp_path / "whole.db"


@pytest.fixture
async def proof(whole: Path) -> AsyncIterator[Proof]:
    engine = open_engine(parse_url(f"sqlite:///{whole}"))
    async with opened(engine, app_pk=1) as made:
        yield made
    await engine.dispose()


async def told(proof: Proof, *printed: Printed) -> list[str]:
    report = await proof.verify(*printed)
    assert report.problems == len(report.findings)
    return [finding.what for finding in report.findings]


async def test_a_history_that_nobody_touched_is_whole(either: Proof) -> None:
    report = await either.verify()
    latest = await either.seals.latest()
    assert latest is not None
    assert (report.findings, report.problems, report.removed, report.unsealed) == ([], 0, 0, 0)
    assert (report.records, report.seals) == (RECORDS, SEALS)
    assert report.latest == Printed(latest.number, latest.sha256)
    assert await told(either, Printed(latest.number, latest.sha256[:8].upper()), Printed(1, "")) == []


async def test_records_since_the_last_seal_are_counted_and_their_content_is_checked(proof: Proof) -> None:
    await proof.add(99)
    report = await proof.verify()
    assert (report.unsealed, report.records, report.problems) == (1, RECORDS + 1, 0)
    await proof.tamper("DELETE FROM contents WHERE decision_pk = 99")
    assert await told(proof) == [f"the request of which record {RECORDS + 1} tells is missing"]


async def test_one_changed_byte_is_found(either: Proof) -> None:
    changes = [
        "actor = 'app:shoq'",
        "event = 'app:decision:postee'",
        "app_pk = app_pk + 1",
        "decision_pk = NULL",
        "review_pk = 1",
        'facts = replace(facts, \'"id":"d-\', \'"id": "d-\')',
    ]
    for seq, change in enumerate(changes, 12):
        await either.tamper("UPDATE history SET " + change + f" WHERE seq = {seq}")  # noqa: S608
    assert await told(either) == [f"record {seq} was changed" for seq in range(12, 18)]


async def test_a_missing_record_is_named(either: Proof) -> None:
    await either.tamper("DELETE FROM history WHERE seq IN (1, 10, 12)")
    assert await told(either) == ["record 1 is missing", "record 10 is missing", "record 12 is missing"]


async def test_an_inserted_record_is_named(proof: Proof) -> None:
    await proof.tamper("DELETE FROM history WHERE seq IN (1, 12)")
    for seq in (-7, 0):
        await proof.tamper(COPY, seq=seq, of=13)
    assert await told(proof) == [
        "record -7 was inserted",
        "record 0 was inserted",
        "record 1 is missing",
        "record 12 is missing",
    ]


async def test_records_that_changed_places_are_named(proof: Proof) -> None:
    await proof.tamper(
        "UPDATE history SET seq = -1 WHERE seq = 12",
        "UPDATE history SET seq = 12 WHERE seq = 19",
        "UPDATE history SET seq = 19 WHERE seq = -1",
    )
    assert await told(proof) == ["record 12 was changed", "record 19 was changed"]


async def test_numbers_that_were_rolled_back_are_not_missed_and_cannot_be_filled(proof: Proof) -> None:
    await proof.tamper(COPY, seq=30, of=3)
    await proof.seal()
    assert await told(proof) == []
    await proof.tamper(COPY, seq=27, of=3)
    assert await told(proof) == ["record 27 was inserted"]


@pytest.mark.parametrize(
    "change", ["sha256 = replace(sha256, substr(sha256, 1, 1), 'x')", "last_seq = last_seq - 1", "records = 4"]
)
async def test_a_broken_seal_is_named_and_those_after_it_still_hold(proof: Proof, change: str) -> None:
    await proof.tamper("UPDATE seals SET " + change + " WHERE number = 2")  # noqa: S608
    await proof.tamper("DELETE FROM history WHERE seq = 12")
    first, *others = await told(proof)
    assert first.startswith("seal 2 is broken: records 6 to ")
    assert others == ["record 12 is missing"]


async def test_a_missing_seal_is_named(proof: Proof) -> None:
    await proof.tamper("DELETE FROM seals WHERE number IN (2, 3)", "UPDATE history SET actor = 'x' WHERE seq = 17")
    assert await told(proof) == [
        "seals 2 to 3 are missing: what they sealed cannot be checked",
        "record 17 was changed",
    ]


async def test_a_tail_that_was_cut_off_shows_when_its_seal_was_printed(proof: Proof) -> None:
    latest = await proof.seals.latest()
    assert latest is not None
    printed = Printed(latest.number, latest.sha256[:12])
    await proof.tamper("DELETE FROM seals WHERE number = 5", "DELETE FROM history WHERE seq > 20")
    assert await told(proof) == []
    assert await told(proof, printed) == ["seal 5, which was printed, is not there"]
    # What grows in its place has another seal.
    await proof.add(99)
    await proof.seal()
    assert await told(proof, printed) == ["seal 5 is not the one that was printed"]


async def test_content_that_was_changed_or_taken_is_named(either: Proof) -> None:
    await either.tamper(
        "UPDATE contents SET body = replace(body, 'shipping', 'refunds') WHERE decision_pk IN (1, 9)",
        "DELETE FROM contents WHERE decision_pk = 2 AND part = 'outcome'",
        "DELETE FROM contents WHERE decision_pk = 10",
        "UPDATE contents SET body = 'no JSON' WHERE decision_pk = 11",
    )
    assert await told(either) == [
        "the request of which record 3 tells was changed",
        "the outcome of which record 4 tells was changed",
        "the outcome of which record 6 tells is missing",
        "the request of which record 13 tells was changed",
        "the request of which record 14 tells is missing",
        "the request of which record 15 tells was changed",
    ]


async def test_of_several_outcomes_the_last_is_held_against_the_content(proof: Proof) -> None:
    facts = {"outcome": "edited", "content_sha256": "0" * 64}
    later = HistoryRecord(NOW, "reviewer:review:changed", "user:T0HOME/U0BEN", proof.app_pk, 1, facts=facts)
    held = replace(later, event="reviewer:review:held", facts=facts | {"content_sha256": "1" * 64})
    await proof.writer.submit(Append([later, held]))
    assert await told(proof) == [f"the outcome of which record {RECORDS + 1} tells was changed"]


async def test_more_problems_than_can_be_told_are_counted(proof: Proof, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.proof.verify._MOST_TOLD", 3)
    await proof.tamper("UPDATE history SET actor = 'x' WHERE seq > 12")
    report = await proof.verify()
    assert (len(report.findings), report.problems) == (3, RECORDS - 12)


DAMAGES = {
    "history": ("seq", ("at", "event", "actor", "app_pk", "decision_pk", "review_pk", "facts")),
    "seals": ("number", ("first_seq", "last_seq", "records", "digests", "sha256", "at")),
}
VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), st.text(), st.binary(max_size=70), st.integers(1, 9)
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
async def test_any_damage_to_any_member_is_found(whole: Path, data: st.DataObject) -> None:
    """SQLite keeps anything in any column."""
    table = data.draw(st.sampled_from(sorted(DAMAGES)))
    key, columns = DAMAGES[table]
    column, value = data.draw(st.sampled_from(columns)), data.draw(VALUES)
    number = data.draw(st.integers(1, RECORDS if table == "history" else SEALS))
    copy = whole.with_name("copy.db")
    copy.write_bytes(whole.read_bytes())
    engine = open_engine(parse_url(f"sqlite:///{copy}"))
    async with engine.connect() as connection:
        query = text(f"SELECT quote({column}) FROM {table} WHERE {key} = {number}")  # noqa: S608
        before = await connection.scalar(query)
    proof = Proof(engine, Writer(engine), app_pk=1)
    await proof.tamper(f"UPDATE {table} SET {column} = :value WHERE {key} = {number}", value=value)  # noqa: S608
    async with engine.connect() as connection:
        is_changed = before != await connection.scalar(query)
    findings = (await proof.verify()).findings
    await engine.dispose()
    assert bool(findings) == is_changed
    if is_changed:
        assert f"record {number} was" in findings[0].what or f"seal {number} is broken" in findings[0].what


@settings(max_examples=60)
@given(st.integers(0, 12), st.sets(st.integers(1, 40), min_size=1, max_size=20), st.data())
def test_every_record_that_is_not_as_it_was_sealed_is_named(after: int, seqs: set[int], data: st.DataObject) -> None:
    """Without a database: records removed, added and changed at will."""
    was = {seq: record(seq) for seq in sorted(seqs) if seq > after}
    if not was:
        return
    seal, _ = sealed(None, list(was.values()), NOW)
    possible = range(after + 1, seal.last_seq + 1)
    now = {
        seq: record(seq, data.draw(st.sampled_from(["as it was", "other"])))
        for seq in possible
        if data.draw(st.booleans())
    }
    findings = list(differences(seal, list(now.values()), after=after))
    wrong = {seq for seq in possible if was.get(seq) != now.get(seq)}
    assert bool(findings) == bool(wrong)
    there = {finding.seq for finding in findings if finding.seq in now and "missing" not in finding.what}
    assert there == wrong & now.keys()
    assert all(finding.seq in wrong for finding in findings if finding.what.endswith("is missing"))


def record(seq: int, actor: str = "as it was") -> HeldRecord:
    return HeldRecord(seq, "2026-11-20 10:00:00.000000", "app:decision:posted", actor, 1, seq, None, "{}")
