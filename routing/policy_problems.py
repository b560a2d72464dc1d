"""Everything wrong with a policy at once.

pydantic reports every malformed part; those parts are then taken out and the rest is checked for contradictions, so
that one run shows all of it. A contradiction that rests on a part taken out is not reported: it may be an effect of
the removal.
"""

import difflib
import json
import re
import typing
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ValidationError

from routing.policy_file import Path, PolicyError, Problem, RawPolicy, dotted
from routing.policy_sections import PolicyFile
from routing.soundness import findings

_STAND_INS: dict[Path, Any] = {("version",): 1, ("defaults", "channel"): "#stand-in"}
"""For required keys that are missing or refused, so that the rest of the file can still be checked."""

_ENUM_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How Python shows a member; people know its value."""


def validated(raw: RawPolicy) -> PolicyFile:
    """The file as data, or PolicyError with all its problems, sorted by line."""
    problems = list(raw.problems)
    file = None
    if raw.data is not None:
        file, refused, malformed = _well_formed(raw)
        duplicates = [raw.problem(path, message) for path, message in _duplicate_ids(raw.data)]
        contradictions = [
            raw.problem(finding.path, finding.message)
            for finding in (findings(file) if file else ())
            if not any(_touch(path, hidden) for path in finding.rests_on for hidden in refused)
        ]
        problems += malformed + duplicates + contradictions
    if problems or file is None:
        raise PolicyError(sorted(problems, key=lambda problem: (problem.line or 0, problem.path)))
    return file


def _well_formed(raw: RawPolicy) -> tuple[PolicyFile | None, set[Path], list[Problem]]:
    """The well-formed rest of the file, the paths taken out of it, and what was wrong with them."""
    refused: set[Path] = set()
    problems: list[Problem] = []
    while () not in refused:
        try:
            return _parse(_without(raw.data, refused)), refused, problems
        except ValidationError as error:
            errors = _errors(error)
        if not refused:  # what later rounds find is only the effect of a removal
            problems = [raw.problem(path, _message(kind, text, path)) for path, kind, text in errors]
        refused |= {_removable(path, kind) for path, kind, _ in errors}
    return None, refused, problems


def _parse(data: Any) -> PolicyFile:
    # JSON mode: it is strict about types and still takes enum values, tuples and durations from their text.
    return PolicyFile.model_validate_json(json.dumps(data))


def _errors(error: ValidationError) -> list[tuple[Path, str, str]]:
    """Path, kind and text of each error; without complaints that a list got empty by its items being refused."""
    parts = [(_location(part["loc"]), part["type"], part["msg"]) for part in error.errors()]
    holders = {path[:end] for path, _, _ in parts for end in range(len(path))}
    return [part for part in parts if not (part[1] == "too_short" and part[0] in holders)]


def _location(loc: tuple[int | str, ...]) -> Path:
    return tuple(part for part in loc if part != "[key]")


def _removable(path: Path, kind: str) -> Path:
    """What to take out because of an error at `path`: whole list items, and what lacks a required key."""
    if kind == "missing" and path not in _STAND_INS:
        path = path[:-1]
    index = next((position for position, part in enumerate(path) if isinstance(part, int)), len(path))
    return path[: index + 1]


def _without(data: Any, refused: set[Path]) -> Any:
    rest = _copy_without(data, refused, ())
    for path in _STAND_INS.keys() & refused:
        section = rest
        for part in path[:-1]:
            section = section.setdefault(part, {})
        section[path[-1]] = _STAND_INS[path]
    return rest


def _copy_without(value: Any, refused: set[Path], path: Path) -> Any:
    match value:
        case dict():
            members = {name: (*path, name) for name in value}
            return {
                name: _copy_without(value[name], refused, member)
                for name, member in members.items()
                if member not in refused
            }
        case list():
            return [
                _copy_without(item, refused, (*path, index))
                for index, item in enumerate(value)
                if (*path, index) not in refused
            ]
    return value


def _touch(one: Path, other: Path) -> bool:
    """Whether one of the two holds the other."""
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def _message(kind: str, text: str, path: Path) -> str:
    match kind:
        case "extra_forbidden":
            near = difflib.get_close_matches(str(path[-1]), _known_keys(path[:-1]), n=1)
            return f"unknown key; did you mean {near[0]!r}?" if near else "unknown key"
        case "missing":
            return "is required"
        case "too_short":
            return "needs at least 1 entry"
        case "literal_error" | "enum":
            text = _ENUM_MEMBER.sub(r"\1", text)
    return text.removeprefix("Value error, ").removeprefix("Input ")


def _known_keys(path: Path) -> list[str]:
    """The keys of the section at `path`, found by walking the models' annotations."""
    sections: list[type[BaseModel]] = [PolicyFile]
    for part in path:
        fields = [field for section in sections for name, field in section.model_fields.items() if name == part]
        if fields:
            sections = [section for field in fields for section in _sections(field.annotation)]
    return [field.alias or name for section in sections for name, field in section.model_fields.items()]


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _sections(argument)


def _duplicate_ids(data: Any) -> Iterator[tuple[Path, str]]:
    """Ids used twice where one list, or the global and a task's own rules, are evaluated together."""
    shared = dict(_ids(data, ("rules",)))
    yield from _repeated(_ids(data, ("rules",)), {})
    tasks = data.get("tasks") if isinstance(data, dict) else None
    for name in tasks if isinstance(tasks, dict) else ():
        yield from _repeated(_ids(data, ("tasks", name, "rules")), shared)
        yield from _repeated(_ids(data, ("tasks", name, "checks")), {})


def _repeated(ids: Iterator[tuple[str, Path]], shared: dict[str, Path]) -> Iterator[tuple[Path, str]]:
    seen = dict(shared)
    for identifier, path in ids:
        if identifier in seen:
            yield path, f"duplicate id {identifier!r}; first in {dotted(seen[identifier][:-1])}"
        seen.setdefault(identifier, path)


def _ids(data: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """Id and place of each item of the list at `path`; whatever is malformed is skipped."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    for index, item in enumerate(data if isinstance(data, list) else ()):
        if isinstance(item, dict) and isinstance(item.get("id"), str):
            yield item["id"], (*path, index, "id")
