"""What another system posts when it sees an anomaly (contract §3)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from routing.decision import DecisionId, TaskType

Severity = Literal["low", "medium", "high", "critical"]


class AlertRequest(BaseModel):
    """An anomaly that a person should look at. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    id: DecisionId | None = None
    """The system's own key, unique per app; without it the server makes one."""
    title: Annotated[str, Field(min_length=1, max_length=200)]
    detail: Annotated[str, Field(min_length=1, max_length=10_000)]
    task_type: TaskType | None = None
    """Whose channel and reviewers; without it those of the policy's defaults."""
    url: Annotated[str, Field(pattern=r"^https?://", max_length=2000)] | None = None
    """Where to look further, such as a trace."""
    severity: Severity
