"""The message that tells a channel that its reviewers are behind: how far, what was done by itself, what helps."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from bot.slack import phrases
from bot.slack.batch import start_button
from bot.slack.blocks import Block, bullets, context, header, rich_text, section
from bot.slack.card import Message
from bot.slack.text import clip_line, escape
from routing.load import Level

_MOST_NAMED = 5
_TITLES = {
    Level.WARNED: "⚠️ Reviews here may soon take too long",
    Level.BATCH: "⏳ Reviews here fall behind",
    Level.RELEASE: "⏳ Reviews here fall behind",
    Level.WIDEN: "⏳ Reviews here fall behind",
    Level.TELL: "🚨 Reviews here miss their time, and more people are needed",
}


def render_load(channel: str, body: Mapping[str, Any]) -> Message:
    """`body`: what was measured, minutes where it says so, and `level`, `since`, `until`, `help`."""
    level = Level(body["level"])
    if level is Level.NORMAL:
        return _over(body)
    title, facts = _TITLES[level], [*_facts(body)]
    blocks: list[Block] = [header("load.header", title), rich_text("load.facts", [bullets(facts)])]
    done, helps = [*_done(level, body)], [*_helps(body)]
    if done:
        blocks += [section("load.done", "*Done by itself*"), rich_text("load.did", [bullets(done)])]
    if helps:
        blocks += [section("load.help", "*What helps*"), rich_text("load.helps", [bullets(helps)])]
    if level is Level.TELL:
        blocks.append(section("load.who", _who(body.get("help") or {})))
    blocks.append(start_button(f"batch:{channel}"))
    since = f"Behind since {phrases.moment(_at(body['since']))}. This message keeps up by itself."
    blocks.append(context("load.since", [{"type": "mrkdwn", "text": since}]))
    return Message(text=f"{title}. {escape(' '.join([*facts, *done, *helps]))}", blocks=blocks)


def _over(body: Mapping[str, Any]) -> Message:
    words = (
        f"✅ *Reviews here are back to normal* since {phrases.moment(_at(body['until']))}. "
        f"They had been behind since {phrases.moment(_at(body['since']))}."
    )
    sums = " ".join(_sums(body))
    return Message(text=f"{words} {sums}".strip(), blocks=[section("load.over", f"{words} {sums}".strip())])


def _facts(body: Mapping[str, Any]) -> Iterator[str]:
    waiting, sla = int(body["waiting"]), _long(body["sla_minutes"])
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        longest = _long(body["oldest_minutes"])
        yield f"{_counted(waiting, 'review')} {verb}, the oldest for {longest}; {sla} are allowed."
    comes = f"In the busiest hour {body['arrivals_per_hour']:g} come, each takes {_long(body['service_minutes'])}"
    people = int(body["people"])
    there = "1 person is" if people == 1 else f"{people} people are"
    if not body["keeps_up"]:
        yield f"{comes}, and {there} there: more than can be done."
    elif body["p95_minutes"] is not None:
        within = _long(body["p95_minutes"])
        yield f"{comes}, and {there} there: 19 of 20 are done within {within} (P95; allowed: {sla})."


def _done(level: Level, body: Mapping[str, Any]) -> Iterator[str]:
    if level >= Level.BATCH:
        yield "Half as many notifications: each leads to a longer walk."
    yield from _sums(body)


def _sums(body: Mapping[str, Any]) -> Iterator[str]:
    released, widened = int(body["released"]), int(body["widened"])
    if released:
        went = "went out as provisional and is" if released == 1 else "went out as provisional and are"
        yield f"{_counted(released, 'decision')} {went} looked at afterwards."
    if widened:
        yield f"More people were asked about {_counted(widened, 'card')}."


def _helps(body: Mapping[str, Any]) -> Iterator[str]:
    """Nobody is told to come who would make no difference."""
    needed, people = body["people_needed"], int(body["people"])
    if needed is not None and needed > people:
        yield f"{needed} people at once in the busiest hour would keep the time; {people} were there."
    if body["waiting"]:
        yield "Each verdict helps. Start reviewing begins with the most urgent."


def _who(named: Mapping[str, Any]) -> str:
    people = [phrases.whom(str(each)) for each in list(named.get("people") or [])[:_MOST_NAMED]]
    channels = [f"`{escape(clip_line(str(each), 81))}`" for each in list(named.get("channels") or [])[:_MOST_NAMED]]
    asked = f"{', '.join(people)}: can you help?" if people else "Whoever may review this: please help."
    return f"{asked} The policy also names {', '.join(channels)}." if channels else asked


def _counted(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def _long(minutes: float) -> str:
    """A span in the two largest units that say something."""
    if minutes < 1:
        return f"{max(round(minutes * 60), 1)} s"
    if minutes < 10 and round(minutes, 1) != round(minutes):
        return f"{minutes:.1f} min"
    whole = round(minutes)
    days, hours, rest = whole // 1440, whole % 1440 // 60, whole % 60
    parts = [(days, "d"), (hours, "h"), (rest, "min")]
    told = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(told[:2])


def _at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
