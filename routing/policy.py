"""The policy in force: a policy file plus adjustments, versioned, resolved per task type."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import ConfigDict

from routing.checks import CompiledCheck
from routing.decision import Risk
from routing.json_value import canonical
from routing.policy_file import PolicyError, Problem, RawPolicy, read_policy
from routing.policy_problems import validated
from routing.policy_sections import BusinessHours, Cost, Judge, People, PolicyFile, Reviewers, Rubric, Settings, Task
from routing.policy_warnings import warnings_of
from routing.rules import CompiledRule

__all__ = ["AdjustedKey", "Adjustment", "Circle", "Policy", "PolicyError", "Problem", "TaskPolicy", "parse_policy"]


AdjustedKey = Literal["threshold", "autonomy"]


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A task's threshold (0..1) or autonomy (0..5) changed without touching the file."""

    task: str
    key: AdjustedKey
    value: float

    @property
    def plain_value(self) -> float:
        """As the file would say it: a database may give 3.0 for the level 3 or 1 for the threshold 1.0."""
        whole = self.key == "autonomy" and float(self.value).is_integer()
        return int(self.value) if whole else float(self.value)


@dataclass(frozen=True, slots=True)
class Circle:
    """Who may decide: the named users, the members of the user group, and perhaps every member of the channel."""

    users: frozenset[str]
    usergroup: str | None
    channel_members: bool


class TaskPolicy(Settings):
    """All that holds for one task type, with the defaults filled in and the expressions compiled."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    channel: str
    base_risk: Risk
    threshold: float | None
    """The task's own; None: that of its base risk."""
    people: Reviewers
    rubric: Rubric
    judge: Judge | None
    rules: tuple[CompiledRule, ...]
    checks: tuple[CompiledCheck, ...]

    def reviewers(self, risk: Risk) -> Circle:
        """Who may decide at this risk; channel members count for low and medium only."""
        return _circle(self.people, channel_members=self.people.channel_members and risk <= Risk.MEDIUM)

    def settlers(self, risk: Risk) -> Circle:
        """Who settles a disagreement: the adjudicators; where none are named, whoever may review."""
        return _circle(self.adjudicators, channel_members=False) if self.adjudicators.named else self.reviewers(risk)

    def approvals_at(self, risk: Risk) -> int:
        """How many distinct people have to agree."""
        return self.approvals.get(risk, 1)

    def undo_at(self, risk: Risk) -> timedelta:
        """How long a verdict waits before the app is told, so that it can be taken back; never at high and critical
        risk."""
        return self.undo if risk <= Risk.MEDIUM else timedelta(0)

    def threshold_at(self, risk: Risk) -> float:
        """The confidence needed at `risk`: the task's own, never below the level's own once risk was raised."""
        own = self.thresholds.at(self.base_risk) if self.threshold is None else self.threshold
        return max(own, self.thresholds.at(risk)) if risk > self.base_risk else own


class Policy:
    """The policy in force. Immutable; `version` names it, `document` is what to store.

    `warnings` are what refuses nothing and yet will hardly work as meant, each with its remedy; the lines are known
    where the policy was read from a file.
    """

    def __init__(self, file: PolicyFile, document: dict[str, Any], warnings: tuple[Problem, ...]) -> None:
        self.file = file
        self.document = document
        self.warnings = warnings
        self.version = hashlib.sha256(canonical(document)).hexdigest()[:12]
        self._tasks: dict[str | None, TaskPolicy] = {}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Self:
        """The same policy, with the same version, from its stored `document`; PolicyError when it no longer holds."""
        raw = RawPolicy(data=_adjusted(document["file"], document["adjustments"]))
        file = validated(raw)
        return cls(file, document, warnings_of(file, raw))

    def with_adjustments(self, adjustments: list[Adjustment]) -> Self:
        """This file with exactly these adjustments (of one task and key the last counts).

        PolicyError when one is out of range or breaks a rule, such as autonomy 5 for a task that is not low.
        """
        last = {(adjustment.task, adjustment.key): adjustment.plain_value for adjustment in adjustments}
        listed = [{"task": task, "key": key, "value": value} for (task, key), value in sorted(last.items())]
        document = {"file": self.document["file"], "adjustments": listed}
        # No adjustment touches what the warnings are about, and these know their lines.
        return type(self)(self.from_document(document).file, document, self.warnings)

    def value(self, task_type: str, key: AdjustedKey) -> float:
        """What is in force for a task: its level of autonomy, or the confidence it needs at its base risk."""
        task = self.task(task_type)
        return task.autonomy if key == "autonomy" else task.threshold_at(task.base_risk)

    def said_by_file(self, task_type: str, key: AdjustedKey) -> float | None:
        """What the file itself says for the task's own key; None: nothing."""
        own: dict[str, Any] = self.document["file"].get("tasks", {}).get(task_type, {})
        return own.get(key)

    @property
    def timezone(self) -> str:
        return self.file.timezone

    @property
    def business_hours(self) -> BusinessHours | None:
        return self.file.business_hours

    @property
    def tasks(self) -> list[str]:
        """The task types that the file lists."""
        return list(self.file.tasks)

    @cached_property
    def channels(self) -> frozenset[str]:
        """Every channel that reviews may be posted to, by escalation too."""
        wider = {step.channel for task in self._listed_tasks for step in task.escalation if step.channel}
        return frozenset({task.channel for task in self._listed_tasks} | wider)

    @property
    def cost(self) -> Cost | None:
        """What people's time and errors cost; None where the file does not say."""
        return self.file.cost if "cost" in self.file.model_fields_set else None

    @property
    def digest_channel(self) -> str:
        """Where the weekly digest is posted."""
        return self.file.digest.channel or self.file.defaults.channel

    def max_live_cards(self, channel: str) -> int:
        """How many undecided cards may wait in a channel: the least that a task posting there allows."""
        limits = [task.queue.max_live_cards for task in self._listed_tasks if task.channel == channel]
        return min(limits, default=self.file.defaults.queue.max_live_cards)

    def batch_every(self, channel: str) -> timedelta:
        """How often people in a channel are notified of what waits there: the least that a task posting there asks."""
        asked = [task.queue.batch_every for task in self._listed_tasks if task.channel == channel]
        return min(asked, default=self.file.defaults.queue.batch_every)

    @cached_property
    def _listed_tasks(self) -> list[TaskPolicy]:
        """The listed tasks and, as the empty name, what all others get."""
        return [self.task(name) for name in ("", *self.file.tasks)]

    def task(self, task_type: str) -> TaskPolicy:
        """What holds for this task type; one that is not listed gets the defaults."""
        listed = task_type if task_type in self.file.tasks else None
        if listed not in self._tasks:
            self._tasks[listed] = self._resolve(Task() if listed is None else self.file.tasks[listed])
        return self._tasks[listed]

    def _resolve(self, task: Task) -> TaskPolicy:
        defaults, own = self.file.defaults, task.model_fields_set
        shared = {name: getattr(task if name in own else defaults, name) for name in Settings.model_fields}
        rubrics = {"default": Rubric(), **self.file.rubrics}
        return TaskPolicy.model_construct(
            **shared,
            channel=task.channel or defaults.channel,
            base_risk=task.risk or defaults.base_risk,
            threshold=task.threshold,
            people=task.reviewers or defaults.reviewers,
            rubric=rubrics[task.rubric or defaults.rubric],
            judge=task.judge,
            rules=(*self._global_rules, *map(CompiledRule.of, task.rules)),
            checks=tuple(map(CompiledCheck.of, task.checks)),
        )

    @cached_property
    def _global_rules(self) -> tuple[CompiledRule, ...]:
        """Compiled once, shared by all tasks."""
        return tuple(map(CompiledRule.of, self.file.rules))


def parse_policy(text: str) -> Policy:
    """Read a policy file's text; PolicyError carries every problem at once, each with path and line."""
    raw = read_policy(text)
    file = validated(raw)
    return Policy(file, {"file": raw.data, "adjustments": []}, warnings_of(file, raw))


def _adjusted(file: dict[str, Any], adjustments: list[dict[str, Any]]) -> dict[str, Any]:
    tasks = {name: dict(task) for name, task in file.get("tasks", {}).items()}
    for adjustment in adjustments:
        tasks.setdefault(adjustment["task"], {})[adjustment["key"]] = adjustment["value"]
    return {**file, "tasks": tasks}


def _circle(people: People, *, channel_members: bool) -> Circle:
    return Circle(frozenset(people.users or ()), people.usergroup, channel_members)
