"""What must hold between the parts of a policy, beyond each part being well-formed.

Every finding names the paths it rests on, so that the caller can leave out a finding about a part that was itself
refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from routing.decision import Risk, Route
from routing.policy_file import Path
from routing.policy_sections import Defaults, Matrix, PolicyFile, Task, Thresholds


@dataclass(frozen=True, slots=True)
class Finding:
    """A contradiction at `path`; `rests_on` are all paths it was concluded from."""

    path: Path
    message: str
    rests_on: tuple[Path, ...]


def findings(file: PolicyFile) -> Iterator[Finding]:
    """Every contradiction of a well-formed file."""
    for scope in scopes(file):
        if scope.owns("reviewers"):
            yield from _people(scope)
        if scope.owns("rubric"):
            yield from _rubric(scope, file)
        if scope.owns("matrix"):
            yield from _monotone_matrix(scope.value("matrix"), scope.path("matrix"))
        if scope.owns("thresholds"):
            yield from _rising_thresholds(scope.value("thresholds"), scope.path("thresholds"))
        yield from _timeout(scope)
        yield from _provisional(scope)
        yield from _autonomy(scope)
        yield from _undo(scope)


class Scope:
    """The defaults, or one task with the defaults behind it."""

    def __init__(self, file: PolicyFile, task: str | None) -> None:
        self._defaults = file.defaults
        self._own: Defaults | Task = file.defaults if task is None else file.tasks[task]
        self._root: Path = ("defaults",) if task is None else ("tasks", task)
        self._risk_key = "base_risk" if task is None else "risk"
        self.is_task = task is not None
        self.title = "a task that is not listed" if task is None else task
        self.base_risk = (isinstance(self._own, Task) and self._own.risk) or file.defaults.base_risk

    def owns(self, key: str) -> bool:
        """Whether a finding about `key` belongs here: a task that inherits it leaves it to the defaults."""
        return self._own is self._defaults or key in self._own.model_fields_set

    def value(self, key: str) -> Any:
        own = getattr(self._own, key)
        return own if self.owns(key) and own is not None else getattr(self._defaults, key)

    def path(self, *keys: str) -> Path:
        return (*self._root, *keys)

    def against_risk(self, key: str, message: str) -> Iterator[Finding]:
        """A finding about `key` together with the base risk, unless the scope sets neither of the two."""
        if self.owns(key) or self.owns(self._risk_key):
            path = self.path(key if self.owns(key) else self._risk_key)
            inherited: tuple[Path, ...] = (("defaults", key), ("defaults", "base_risk"))
            yield Finding(path, message, (self.path(key), self.path(self._risk_key), *inherited))


def scopes(file: PolicyFile) -> Iterator[Scope]:
    """The defaults, then each task."""
    yield Scope(file, None)
    for name in file.tasks:
        yield Scope(file, name)


def _people(scope: Scope) -> Iterator[Finding]:
    if not scope.value("reviewers").named:
        path = scope.path("reviewers")
        message = (
            f"nobody to decide a high or critical decision of {scope.title}: name `users` or a `usergroup` "
            "(rules can raise any task, and channel members count for low and medium only)"
        )
        yield Finding(path, message, (path,))


def _rubric(scope: Scope, file: PolicyFile) -> Iterator[Finding]:
    name = scope.value("rubric")
    if name != "default" and name not in file.rubrics:
        yield Finding(scope.path("rubric"), f"no rubric is named {name!r}", (scope.path("rubric"), ("rubrics",)))


def _timeout(scope: Scope) -> Iterator[Finding]:
    if scope.base_risk > Risk.MEDIUM and scope.value("on_timeout") == "provisional":
        message = f"{scope.title} is {scope.base_risk}: it may not time out into action (on_timeout: provisional)"
        yield from scope.against_risk("on_timeout", message)


def _provisional(scope: Scope) -> Iterator[Finding]:
    explicit = scope.owns("queue") and scope.value("queue").provisional_from is not None
    if explicit and scope.base_risk > Risk.MEDIUM:
        message = f"{scope.title} is {scope.base_risk}: there is no provisional release above medium (provisional_from)"
        yield from scope.against_risk("queue", message)


def _autonomy(scope: Scope) -> Iterator[Finding]:
    if scope.value("autonomy") == 5 and scope.base_risk != Risk.LOW:
        message = f"autonomy 5 is for low risk only; {scope.title} is {scope.base_risk}"
        yield from scope.against_risk("autonomy", message)


def _undo(scope: Scope) -> Iterator[Finding]:
    # In the defaults it is meant for the tasks that allow it; the others go without.
    if scope.is_task and scope.owns("undo") and scope.value("undo") and scope.base_risk > Risk.MEDIUM:
        message = f"{scope.title} is {scope.base_risk}: nothing above medium can be undone; leave `undo` out"
        yield from scope.against_risk("undo", message)


def _monotone_matrix(matrix: Matrix, path: Path) -> Iterator[Finding]:
    for risk in Risk:
        cell = matrix.at(risk)
        if cell.confident > cell.unsure:
            message = f"confident ({cell.confident}) must not mean more oversight than unsure ({cell.unsure})"
            yield Finding((*path, risk.value), message, (path,))
    for lower, higher in pairwise(Risk):
        for column in ("confident", "unsure"):
            before, after = getattr(matrix.at(lower), column), getattr(matrix.at(higher), column)
            if before > after:
                message = f"{column}: {higher} ({after}) must not mean less oversight than {lower} ({before})"
                yield Finding((*path, higher.value, column), message, (path,))
    if matrix.critical.confident is Route.AUTO:
        yield Finding((*path, "critical", "confident"), "critical is never AUTO", (path,))


def _rising_thresholds(thresholds: Thresholds, path: Path) -> Iterator[Finding]:
    for lower, higher in pairwise(Risk):
        if thresholds.at(lower) > thresholds.at(higher):
            message = (
                f"{thresholds.at(higher)} is below {lower}'s {thresholds.at(lower)}; more risk needs no less confidence"
            )
            yield Finding((*path, higher.value), message, (path,))
