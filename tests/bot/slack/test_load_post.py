"""What a channel is told of its load: golden files, within Slack's limits whatever the numbers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.slack.load_post import render_load
from routing.load import Level
from tests.bot.slack import samples
from tests.support.slack_checker import check_message

PEOPLE = frozenset({"U0ADA", "U0BEA"})
SINCE = int(samples.NOW.timestamp())
WARNED: dict[str, Any] = {
    "level": Level.WARNED,
    "since": SINCE,
    "waiting": 0,
    "oldest_minutes": 0,
    "sla_minutes": 20.0,
    "arrivals_per_hour": 62.5,
    "service_minutes": 1.5,
    "people": 2,
    "people_needed": 3,
    "p95_minutes": 24.3,
    "keeps_up": True,
    "released": 0,
    "widened": 0,
}
RELEASE = {**WARNED, "level": Level.RELEASE, "waiting": 48, "oldest_minutes": 31, "released": 14}
TELL = {
    **RELEASE,
    "level": Level.TELL,
    "oldest_minutes": 93,
    "people_needed": None,
    "p95_minutes": None,
    "keeps_up": False,
    "widened": 1,
    "help": {"people": ["S0ONCALL", "U0ADA"], "channels": ["#leads"]},
}
OVER = {**TELL, "level": Level.NORMAL, "until": SINCE + 7200}


@pytest.mark.parametrize(("name", "body"), [("warned", WARNED), ("release", RELEASE), ("tell", TELL), ("over", OVER)])
def test_golden(name: str, body: dict[str, Any]) -> None:
    message = render_load("#ai-review", body)
    samples.assert_golden(f"load_{name}", {"text": message.text, "blocks": message.blocks})


def spoken(**changes: Any) -> str:
    return render_load("#ai-review", {**RELEASE, **changes}).text


def test_what_is_not_known_is_not_said() -> None:
    words = spoken(p95_minutes=None, people=0)
    assert "busiest hour come" not in words
    assert "within" not in words


def test_nobody_is_called_who_would_make_no_difference() -> None:
    assert "3 people at once" in spoken()
    assert "at once" not in spoken(people=3)
    assert "at once" not in spoken(people_needed=None)


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(0.2, "12 s"), (1.5, "1.5 min"), (2.0, "2 min"), (59.6, "1 h"), (93, "1 h 33 min"), (2 * 1440 + 61, "2 d 1 h")],
)
def test_spans_are_told_in_their_two_largest_units(minutes: float, words: str) -> None:
    assert f"each takes {words}," in spoken(service_minutes=minutes)


counts = st.integers(0, 10**9)
minutes = st.floats(0, 1e9)


@settings(max_examples=50)
@given(
    st.fixed_dictionaries(
        {
            "level": st.sampled_from([level for level in Level if level]),
            "waiting": counts,
            "oldest_minutes": counts,
            "sla_minutes": minutes,
            "arrivals_per_hour": minutes,
            "service_minutes": minutes,
            "people": counts,
            "people_needed": st.none() | counts,
            "p95_minutes": st.none() | minutes,
            "keeps_up": st.booleans(),
            "released": counts,
            "widened": counts,
        }
    ),
    st.lists(samples.texts, max_size=9),
)
def test_any_numbers_and_names_fit(numbers: dict[str, Any], names: list[str]) -> None:
    body = {**numbers, "since": SINCE, "help": {"people": ["U0ADA"] * 9, "channels": names}}
    message = render_load("#ai-review", body)
    check_message(message.text, message.blocks, PEOPLE)
