"""CEL, the language of the policy's rules and of its `cel` checks.

`cel-expr-python` gives most errors as values, which are truthy, and a few as exceptions. Only CEL's BOOL counts here;
everything else is an `EvaluationError`, so that a rule or check can fail closed.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Self

from cel_expr_python import cel

from routing.decision import Alternative, DecisionRequest, Json, Model

_TYPE = cel.Type
_VARIABLES = {
    "task_type": _TYPE.STRING,
    "input": _TYPE.DYN,
    "output": _TYPE.DYN,
    "confidence": _TYPE.DYN,
    "model": _TYPE.DYN,
    "context": _TYPE.Map(_TYPE.STRING, _TYPE.DYN),
    "variant": _TYPE.STRING,
    "cohort": _TYPE.DYN,
    "reversible": _TYPE.BOOL,
    "alternatives": _TYPE.List(_TYPE.DYN),
}
_ENVIRONMENT = cel.NewEnv(variables=_VARIABLES)
FIELD_ROOTS = (*_VARIABLES, "sources")
"""What the `field` of a check may begin with."""
_COPYING = re.compile(r"\.\s*(map|filter)\s*\(")
_MOST_TO_COPY = 500
"""`map` and `filter` take time by the square of the list, and CEL's iteration budget does not see it."""
_COMPILE_ERROR = re.compile(r"ERROR: <input>:(\d+:\d+: .*)")


class EvaluationError(Exception):
    """An expression gave no boolean for these facts."""


class Facts:
    """What the expressions see of one decision.

    Null members of `context` count as absent, at any depth of objects. Optional fields that are absent are null.
    """

    def __init__(self, variables: dict[str, Json], sources: list[Json]) -> None:
        self.fields = {**variables, "sources": sources}
        """What the `field` of a check can reach, by root."""
        self._variables = variables
        self._sources = sources

    @cached_property
    def activation(self) -> cel.Activation:
        """Converted for CEL once, whatever the number of expressions."""
        return _ENVIRONMENT.Activation(self._variables)

    @cached_property
    def longest_list(self) -> int:
        """The length of the longest list among the facts, at any depth."""
        return max(map(len, _lists(self._variables)), default=0)

    @classmethod
    def of(cls, request: DecisionRequest) -> Self:
        variables = {
            "task_type": request.task_type,
            "input": request.input,
            "output": request.output,
            "confidence": request.confidence,
            "model": _model(request.model),
            "context": _without_nulls(request.context),
            "variant": request.variant,
            "cohort": request.cohort,
            "reversible": request.reversible,
            "alternatives": [_alternative(alternative) for alternative in request.alternatives],
        }
        return cls(variables, [source.model_dump(exclude_none=True) for source in request.sources])

    def with_output(self, output: Json) -> "Facts":
        """The same decision with another output, for example an edited one."""
        if output is self.fields["output"]:
            return self
        return Facts({**self._variables, "output": output}, self._sources)


class Expression:
    """A compiled CEL expression that gives a boolean."""

    def __init__(self, source: str) -> None:
        """Compile; ValueError when it is not CEL, names an unknown variable or cannot be boolean."""
        self.source = source
        try:
            self.compiled = _ENVIRONMENT.compile(source)
        except RuntimeError as error:
            raise ValueError(f"invalid CEL: {_readable(str(error))}") from None
        kind = self.compiled.return_type()
        if kind not in (_TYPE.BOOL, _TYPE.DYN):
            raise ValueError(f"invalid CEL: gives {kind.name()}, where a boolean is needed")

        self._copies_lists = _COPYING.search(source) is not None

    def holds(self, facts: Facts) -> bool:
        """Evaluate; EvaluationError when there is no boolean answer (missing key, wrong type, budget)."""
        if self._copies_lists and facts.longest_list > _MOST_TO_COPY:
            raise EvaluationError(f"a list has {facts.longest_list} items; map and filter take {_MOST_TO_COPY}")
        try:
            value = self.compiled.eval(facts.activation)
            answer = value.value()
        except RuntimeError as error:
            raise EvaluationError(str(error)) from None
        if answer is True or answer is False:  # Python's bool comes from CEL's BOOL only
            return answer
        kind = value.type()
        raise EvaluationError(str(answer) if kind == _TYPE.ERROR else f"gave {kind.name()}, not a boolean")


def _readable(message: str) -> str:
    """The positions and texts of CEL's report, without the drawing of the source."""
    return "; ".join(_COMPILE_ERROR.findall(message)) or message


def _model(model: Model | None) -> Json:
    return None if model is None else model.model_dump(exclude_none=True)


def _alternative(alternative: Alternative) -> Json:
    return {
        "output": alternative.output,
        "confidence": alternative.confidence,
        "model": _model(alternative.model),
    }


def _lists(value: Json) -> Iterator[list[Json]]:
    """Every list inside, without recursion: the facts come from outside."""
    pending = [value]
    while pending:
        here = pending.pop()
        if isinstance(here, list):
            yield here
            pending.extend(here)
        elif isinstance(here, dict):
            pending.extend(here.values())


def _without_nulls(value: dict[str, Json]) -> dict[str, Any]:
    return {
        name: _without_nulls(member) if isinstance(member, dict) else member
        for name, member in value.items()
        if member is not None
    }
