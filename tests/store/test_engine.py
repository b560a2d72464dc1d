"""Plain database URLs, as people write them."""

import pytest

from store.engine import DatabaseUrlError, parse_url


@pytest.mark.parametrize(
    ("plain", "made"),
    [
        ("sqlite:///hitl.db", "sqlite+aiosqlite:///hitl.db"),
        ("postgresql://user:pw@host/db", "postgresql+asyncpg://user:pw@host/db"),
        ("postgres://host/db", "postgresql+asyncpg://host/db"),
        ("postgresql:///db?host=/run/socket", "postgresql+asyncpg:///db?host=%2Frun%2Fsocket"),
        ("postgresql://host/db?sslmode=require", "postgresql+asyncpg://host/db?ssl=require"),
    ],
)
def test_the_driver_is_chosen_inside(plain: str, made: str) -> None:
    assert parse_url(plain).render_as_string(hide_password=False) == made


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        ("mysql://host/db", "'mysql' is not supported"),
        ("not a url", "not a database URL"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("postgresql://host/db?target_session_attrs=any", "target_session_attrs in the query is not supported"),
    ],
)
def test_a_url_that_cannot_work_is_refused_in_words(plain: str, says: str) -> None:
    with pytest.raises(DatabaseUrlError, match=says):
        parse_url(plain)
