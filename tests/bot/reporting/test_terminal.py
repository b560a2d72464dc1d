"""The overview as text for a terminal."""

from zoneinfo import ZoneInfo

from bot.reporting.overview import Overview
from bot.reporting.statistics import Statistics
from bot.reporting.terminal import overview_text
from routing.metrics import Facts, Group, metrics
from tests.bot.reporting.test_overview import WEEK

HOSTILE = "eu\x1b[2J\nrefund  9 decisions\u202e"


def test_the_names_of_apps_command_no_terminal() -> None:
    groups = {
        Group("refund", HOSTILE): Facts(decisions=400, escalated=300),
        Group("refund", "us"): Facts(decisions=400),
    }
    statistics = Statistics(WEEK, groups)

    told = overview_text(
        Overview(
            statistics=statistics,
            tz=ZoneInfo("UTC"),
            told=metrics(statistics.whole),
            trend=(),
            unit="day",
            spent=None,
            waiting=(),
            tasks=(),
        )
    )

    naming = [line for line in told.split("\n") if "eu" in line]
    assert len(naming) == 2, "in its line of the table, and where it stands out"
    assert all(line.isprintable() and "refund  9 decisions" in line for line in naming)
