"""What a task's threshold decides about: a certificate is about that alone."""

from collections.abc import Iterator

from routing.decision import Risk, Route
from routing.matrix import PEOPLE_DECIDE, oversight
from routing.policy import TaskPolicy
from store.labels import Domain

_THRESHOLD_DECIDES = PEOPLE_DECIDE + 1
"""The autonomy at which confidence decides; below it everything meets a person, and what could run alone is what would
at this one."""


def domain_of(task: TaskPolicy) -> Domain:
    """What may run alone under this policy, if only it is confident enough. Raised risk asks for its own level's
    threshold as well."""
    return Domain(dict(_floors(task)))


def _floors(task: TaskPolicy) -> Iterator[tuple[str, float]]:
    autonomy = max(task.autonomy, _THRESHOLD_DECIDES)
    for risk in Risk:
        level = max(risk, task.base_risk)  # it was lower under an earlier policy, and would not be now
        if oversight(task.matrix.at(level).confident, demand=None, autonomy=autonomy, risk=level) <= Route.AUTO_AUDIT:
            yield risk.value, task.thresholds.at(level) if level > task.base_risk else 0.0
