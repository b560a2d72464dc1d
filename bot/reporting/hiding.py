"""What apps have named, as it may be shown in Slack."""

from dataclasses import replace

from routing.cohorts import StandingOut
from routing.policy import Policy
from routing.redaction import Placeholders, redaction


class Hiding:
    """Hides by the `redact` of a name's task. The same piece has the same number throughout one message, where the
    tasks hide alike."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._placeholders: dict[tuple[str, ...], Placeholders] = {}

    def of(self, task_type: str, name: str) -> str:
        patterns = self._policy.task(task_type).redact
        placeholders = self._placeholders.setdefault(patterns, Placeholders(redaction(patterns)))
        return str(placeholders.hide(name))

    def cohort(self, found: StandingOut) -> StandingOut:
        task_type = found.task_type
        return replace(found, task_type=self.of(task_type, task_type), cohort=self.of(task_type, found.cohort))
