"""What apps have named, as it may be shown in a digest."""

from routing.policy import Policy
from routing.redaction import Placeholders, redaction


class Hiding:
    """Hides by the `redact` of a name's task. The same piece has the same number throughout one digest, where the tasks
    hide alike."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._placeholders: dict[tuple[str, ...], Placeholders] = {}

    def of(self, task_type: str, name: str) -> str:
        patterns = self._policy.task(task_type).redact
        placeholders = self._placeholders.setdefault(patterns, Placeholders(redaction(patterns)))
        return str(placeholders.hide(name))
