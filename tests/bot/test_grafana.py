"""The dashboard asks for nothing that the bot does not export, and draws each target where the statistics have it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from bot.metrics import Metrics
from routing.metrics import TARGETS
from store.engine import open_engine, parse_url
from tests.support.clock import ManualClock
from tests.support.databases import migrate

DASHBOARD: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "grafana" / "hitl.json").read_text())
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


def queries() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (each["definition"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query")


async def exported(folder: Path) -> set[str]:
    """The names of the series."""
    url = f"sqlite:///{folder}/hitl.db"
    await migrate(url)
    engine = open_engine(parse_url(url))
    metrics = Metrics(ManualClock(), engine)
    text = (await metrics.scrape(None)).decode()
    await engine.dispose()
    families = text_string_to_metric_families(text)
    return {family.name + suffix for family in families for suffix in SUFFIXES.get(family.type, ("",))}


async def test_every_metric_that_it_asks_for_is_exported(tmp_path: Path) -> None:
    asked = {name for query in queries() for name in re.findall(r"hitl_[a-z0-9_]+", query)}
    assert asked
    assert asked <= await exported(tmp_path)


def test_it_can_be_imported_anywhere() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    assert DASHBOARD["uid"]
    assert DASHBOARD["templating"]["list"][0]["type"] == "datasource"
    sources = {panel["datasource"]["uid"] for panel in DASHBOARD["panels"]}
    assert sources == {"${datasource}"}, "no data source of somebody's own"
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)


def test_each_target_is_a_line_in_the_panel_of_its_metric() -> None:
    panels = {panel["description"].partition(" ")[0].rstrip(","): panel for panel in DASHBOARD["panels"]}
    for key, target in TARGETS.items():
        defaults = panels[key]["fieldConfig"]["defaults"]
        assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"
        drawn = [step["value"] for step in defaults["thresholds"]["steps"][1:]]
        assert drawn == [end for end in target if end is not None], key
    assert "inter_reviewer_agreement" in panels
