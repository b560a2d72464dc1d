"""The digest's chart: the last weeks, one panel under the other, to be read on a telephone."""

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Final

from bot.reporting import words
from bot.reporting.overview import Overview
from routing.digest import Digest, Point
from routing.metrics import TARGETS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_WIDTH, _HEIGHT, _DPI = 8.0, 10.0, 100
"""800 by 1,000 pixels: Slack shows them on a telephone at less than half that size, so letters are large."""
_LETTERS = 17
_OPEN, _ROOM = 4.0, 1.25
"""An interval of errors is shown as far as so many times the target, and as there is room for the highest rate."""
# M. Okabe and K. Ito, "Color Universal Design", 2008: told apart by everyone; lines differ in their marks too.
BLUE: Final = "#0072B2"
ORANGE: Final = "#D55E00"
GREY: Final = "#6B6B6B"


def draw(trend: Sequence[Point]) -> bytes:
    """A PNG. Takes a second or more: not on the event loop."""
    # Half a second to load, and only once a week.
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    people, errors, wait, agreement = figure.subplots(4, 1, sharex=True)
    _people(people, trend)
    _errors(errors, trend)
    _wait(wait, trend)
    _agreement(agreement, trend)
    for panel in (people, errors, wait):
        panel.set_ylim(bottom=0)
    for panel in (people, errors, wait, agreement):
        panel.set_xlim(-0.6, len(trend) - 0.4)
        panel.tick_params(labelsize=_LETTERS - 2)
        panel.spines[["top", "right"]].set_visible(False)
        panel.locator_params(axis="y", nbins=3)
    agreement.set_xticks(range(len(trend)), [_when(point) for point in trend])
    drawn = BytesIO()
    figure.savefig(drawn, format="png")
    return drawn.getvalue()


def _people(panel: "Axes", trend: Sequence[Point]) -> None:
    low, high = TARGETS["escalation_rate"]
    _title(panel, "Went to people, % (grey: target)")
    panel.axhspan(100 * (low or 0), 100 * (high or 1), color=GREY, alpha=0.2)
    panel.bar(range(len(trend)), [100 * (point.escalation or 0) for point in trend], color=BLUE, width=0.6)
    _say_where_nothing_is(panel, [point.escalation for point in trend])


def _errors(panel: "Axes", trend: Sequence[Point]) -> None:
    _title(panel, "Errors among what ran alone, % (dotted: target)")
    known = [(at, point) for at, point in enumerate(trend) if point.escape is not None]
    values = [100 * (point.escape or 0) for _, point in known]
    below = [max(value - 100 * (point.escape_low or 0), 0) for value, (_, point) in zip(values, known, strict=True)]
    above = [max(100 * (point.escape_high or 0) - value, 0) for value, (_, point) in zip(values, known, strict=True)]
    places = [at for at, _ in known]
    panel.errorbar(places, values, yerr=[below, above], fmt="o", color=ORANGE, markersize=9, linewidth=3, capsize=6)
    target = 100 * (TARGETS["error_escape_rate"].high or 0)
    _target(panel, target)
    # What few audits leave open would flatten what is known: such an interval leaves the panel, and says how far.
    top = max([_OPEN * target, *(_ROOM * value for value in values)])
    for at, point in known:
        high = 100 * (point.escape_high or 0)
        if high > top:
            panel.set_ylim(top=top)
            panel.text(at + 0.12, top, f"↑{high:.0f}", va="top", fontsize=_LETTERS - 2, color=ORANGE)
    _say_where_nothing_is(panel, [point.escape for point in trend])


def _when(point: Point) -> str:
    """W46, or 14 Nov."""
    _, _, rest = point.name.partition("-")
    return rest if rest.startswith("W") else words.day(date.fromisoformat(point.name))


def _wait(panel: "Axes", trend: Sequence[Point]) -> None:
    _title(panel, "Wait for a verdict, p95, minutes")
    panel.bar(range(len(trend)), [(point.latency or 0) / 60 for point in trend], color=BLUE, width=0.6)
    _target(panel, (TARGETS["review_latency"].high or 0) / 60)
    _say_where_nothing_is(panel, [point.latency for point in trend])


def _agreement(panel: "Axes", trend: Sequence[Point]) -> None:
    _title(panel, "People agree, %: ● with the model  ■ with each other")
    for values, mark, colour, line in (
        ([point.agreement for point in trend], "o", BLUE, "-"),
        ([point.between_reviewers for point in trend], "s", ORANGE, "--"),
    ):
        drawn = [float("nan") if value is None else 100 * value for value in values]
        panel.plot(range(len(trend)), drawn, line, marker=mark, color=colour, markersize=9, linewidth=2.5)
    _target(panel, 100 * (TARGETS["reviewer_agreement"].low or 0))
    shown = [value for point in trend for value in (point.agreement, point.between_reviewers) if value is not None]
    panel.set_ylim(bottom=min(50, 100 * min(shown, default=1.0) - 5), top=103)
    _say_where_nothing_is(panel, [point.agreement for point in trend])


def _title(panel: "Axes", text: str) -> None:
    panel.set_title(text, fontsize=_LETTERS, loc="left")


def _target(panel: "Axes", at: float) -> None:
    panel.axhline(at, color=GREY, linestyle=":", linewidth=2.5)


def _say_where_nothing_is(panel: "Axes", values: Sequence[float | None]) -> None:
    """No bar must not read as zero."""
    above_axis = panel.get_xaxis_transform()  # wherever the axis ends up
    for at, value in enumerate(values):
        if value is None:
            panel.text(at, 0.02, "–", transform=above_axis, ha="center", va="bottom", fontsize=_LETTERS, color=GREY)


_TOLD = ("escalation_rate", "error_escape_rate", "review_latency", "reviewer_agreement", "inter_reviewer_agreement")


def overview_words(overview: Overview, about: str) -> str:
    """What the chart shows, in words. `about`: the task type, as it may be shown."""
    length = f"{len(overview.trend)} {overview.unit}s"
    sentences = [f"{words.NAMES[key]}: {words.value(key, overview.told[key])}." for key in _TOLD]
    return f"Chart of {length} up to now, {about}. {' '.join(sentences)}"


def alt_text(digest: Digest) -> str:
    """What the chart shows, in words: this week beside the one before."""
    sentences = [
        f"{words.NAMES[key]}: {words.value(key, digest.metrics[key])}, "
        f"the week before {words.value(key, digest.metrics_before[key])}."
        for key in _TOLD
    ]
    last = date.fromisoformat(digest.last)
    return f"Chart of {len(digest.trend)} weeks up to {last.day} {last:%b %Y}. {' '.join(sentences)}"
