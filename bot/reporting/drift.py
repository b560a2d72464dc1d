"""What people read when a model behaves differently. Its name is untrusted, and hidden where it is shown."""

from datetime import date

from bot.reporting import words
from routing.drift import Reading, tripling_days
from routing.evidence import Evidence


def people_asked(model: str, found: Reading, watched_until: date, pace: str) -> str:
    """`model`: its name in one line, "" where the app gives none; `pace`: `tripling`."""
    return (
        f"{_when(found)} people were asked for {words.percent(found.rate)} of "
        f"{words.numbered(found.decisions, 'decision')} of {_named(model)}. Usual are {words.percent(found.usual)}; as "
        f"much as days differ, it stays between {words.percent(found.low)} and {words.percent(found.high)} "
        f"({found.points} days before).\nSomething has changed: the model, what it is asked, or the policy.\nUntil "
        f"{_day(watched_until)} its audits are as many as after a rise in errors. {pace}"
    )


def errors_risen(model: str, since: Evidence, pace: str) -> str:
    """`since`: what the audits have found after the alarm."""
    return (
        f"The audits of {_named(model)} show more errors than before; the post about its audits has the numbers. The "
        f"policy allows {words.percent(since.max_error)}. After the alarm: {words.numbered(since.errors, 'error')} in "
        f"{words.numbered(since.labels, 'audit')}.\nIt is audited at the policy's initial rate until its error is "
        f"proven to be below what the policy allows. {pace}"
    )


def tripling(audits_per_day: float, max_error: float) -> str:
    """How soon it would be found that the errors have become three times as frequent."""
    days = tripling_days(audits_per_day, max_error)
    if days is None:
        return f"{words.UNSEEN.capitalize()}."
    pace = f"At {audits_per_day:,.1f} audits a day, as in the last four weeks"
    return f"{pace}, {words.tripling(days)} in four of five cases."


def _named(model: str) -> str:
    return model or "a model without a name"


def _when(found: Reading) -> str:
    if found.first == found.last:
        return f"On {_day(found.last)}"
    return f"From {words.days(found.first, found.last)}"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
