"""Sealing, cursors and draws under one secret."""

import base64
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.secretbox import CursorError, SecretBox, UnsealError, new_webhook_secret

BOX = SecretBox("a long random string")
REPLICA = SecretBox("a long random string")
OTHER = SecretBox("another long random string")

texts = st.text(st.characters(codec="utf-8"))


@given(texts)
def test_what_is_sealed_is_read_back_by_every_replica(text: str) -> None:
    assert REPLICA.decrypt(BOX.encrypt(text)) == text


def test_a_sealed_secret_is_closed_to_another_secret_and_to_changes() -> None:
    sealed = BOX.encrypt("whsec_AAAA")
    assert "whsec" not in sealed
    for box, text in ((OTHER, sealed), (BOX, sealed[:-4] + "AAAA"), (BOX, "whsec_AAAA"), (BOX, "")):
        with pytest.raises(UnsealError, match="HITL_SECRET"):
            box.decrypt(text)


@given(texts)
def test_a_cursor_is_url_safe_and_comes_back(position: str) -> None:
    cursor = BOX.sign_cursor(position)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", cursor)
    assert BOX.verify_cursor(cursor) == position


@given(texts | st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_what_was_not_signed_is_no_cursor(forged: str) -> None:
    with pytest.raises(CursorError):
        BOX.verify_cursor(forged)


def test_a_changed_cursor_is_refused() -> None:
    cursor = BOX.sign_cursor("2026-11-20T10:00:00+00:00|41")
    for index, letter in enumerate(cursor[:-1]):  # of the last letter some bits are padding
        with pytest.raises(CursorError):
            BOX.verify_cursor(cursor[:index] + ("A" if letter != "A" else "B") + cursor[index + 1 :])
    with pytest.raises(CursorError):
        OTHER.verify_cursor(cursor)


@given(texts, texts)
def test_a_draw_is_a_fixed_number_from_zero_up_to_one(app: str, decision_id: str) -> None:
    drawn = BOX.draw(app, decision_id)
    assert 0 <= drawn < 1
    assert drawn == BOX.draw(app, decision_id)


def test_draws_are_spread_evenly_over_ids_that_follow_each_other() -> None:
    drawn = sorted(BOX.draw("shop", f"refund-{number}") for number in range(2000))
    furthest = max(abs(value - rank / 2000) for rank, value in enumerate(drawn))
    assert furthest < 0.05  # Kolmogorov-Smirnov: even draws stay below 0.044 in 99.9 % of all samples


def test_a_draw_depends_on_the_secret_and_on_where_the_apps_name_ends() -> None:
    assert len({BOX.draw("ab", "c"), BOX.draw("a", "bc"), BOX.draw("", "abc"), OTHER.draw("ab", "c")}) == 4


def test_a_webhook_secret_is_as_the_standard_asks_and_never_the_same() -> None:
    made = {new_webhook_secret() for _ in range(100)}
    assert len(made) == 100
    assert all(secret.startswith("whsec_") for secret in made)
    assert {len(base64.b64decode(secret.removeprefix("whsec_"))) for secret in made} == {32}
