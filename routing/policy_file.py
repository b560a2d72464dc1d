"""YAML text to plain data, with the line of every key and item, so that each problem can be pointed at.

Only what JSON can say is let through: string keys, finite numbers of 64 bits, no tags, no duplicate keys. The node
graph is read instead of constructed objects because construction loses the lines.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from routing.json_value import INT64, MAX_DEPTH, UNSTORABLE_TEXT

Path = tuple[str | int, ...]

_MAX_NODES = 100_000
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a policy: where (dotted path, 1-based line if known) and what."""

    path: str
    line: int | None
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line is not None else ""
        return f"{place}{self.path or 'policy'}: {self.message}"


class PolicyError(ValueError):
    """A policy is refused; `problems` lists everything that is wrong with it, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass
class RawPolicy:
    """The data of a file, where each part of it stands, and what was wrong with the text itself."""

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def problem(self, path: Path, message: str) -> Problem:
        """A problem at `path`, on the line of the nearest part that exists."""
        known = next((path[:end] for end in range(len(path), -1, -1) if path[:end] in self.lines), None)
        return Problem(dotted(path), None if known is None else self.lines[known], message)


def dotted(path: Path) -> str:
    """`("rules", 0, "when")` as people write it: `rules[0].when`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def read_policy(text: str) -> RawPolicy:
    """Read YAML; never raises: what is wrong is among the result's problems."""
    raw = RawPolicy()
    yaml = YAML(typ="safe", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML allows to reuse a name; the last one counts
    try:
        root = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        raw.problems.append(Problem("", mark.line + 1 if mark else None, f"not YAML: {message}"))
    except (YAMLError, AssertionError, ValueError, OverflowError) as error:
        # The parser lets some of its own slips through, for example AssertionError for "%YAML 1.3".
        raw.problems.append(Problem("", None, f"not YAML: {str(error).splitlines()[0]}"))
    except RecursionError:
        raw.problems.append(Problem("", None, "nested too deeply"))
    else:
        if root is not None:
            _Reader(raw).read(root)
        if raw.data is None and not raw.problems:
            raw.problems.append(Problem("", None, "empty; a policy must at least hold `version: 1` and `defaults`"))
    return raw


class _Reader:
    def __init__(self, raw: RawPolicy) -> None:
        self._raw = raw
        self._nodes = 0

    def read(self, root: Node) -> None:
        try:
            self._raw.data = self._value(root, ())
        except _TooLargeError as error:
            self._raw.data = None
            self._raw.problems.append(Problem("", None, str(error)))

    def _value(self, node: Node, path: Path) -> Any:
        # Aliases make the graph cyclic or exponentially large on paper; depth and count bound both.
        self._nodes += 1
        if len(path) > MAX_DEPTH or self._nodes > _MAX_NODES:
            raise _TooLargeError(f"nested deeper than {MAX_DEPTH} or larger than {_MAX_NODES} values (an alias loop?)")
        self._raw.lines.setdefault(path, node.start_mark.line + 1)
        match node:
            case MappingNode(tag=tag) if tag == f"{_TAG}map":
                return self._mapping(node, path)
            case SequenceNode(tag=tag) if tag == f"{_TAG}seq":
                return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
            case ScalarNode():
                return self._scalar(node, path)
        self._report(path, f"the tag {node.tag} is not supported")
        return None

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for key, value in node.value:
            name = self._scalar(key, path) if isinstance(key, ScalarNode) else None
            if not isinstance(name, str):
                line = key.start_mark.line + 1
                self._raw.problems.append(Problem(dotted(path), line, "a key must be text; put it in quotes"))
            elif name in members:
                line = key.start_mark.line + 1
                first = self._raw.lines[*path, name]
                self._raw.problems.append(Problem(dotted((*path, name)), line, f"duplicate key; first on line {first}"))
            else:
                self._raw.lines[*path, name] = key.start_mark.line + 1
                members[name] = self._value(value, (*path, name))
        return members

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        try:
            return _plain((node.tag or "").removeprefix(_TAG), node.value)
        except ValueError as error:
            self._report(path, str(error))
            return None

    def _report(self, path: Path, message: str) -> None:
        self._raw.problems.append(self._raw.problem(path, message))


class _TooLargeError(Exception):
    pass


def _plain(tag: str, text: str) -> Any:
    match tag:
        case "str" | "timestamp" | "merge":  # a bare date is text here; YAML 1.2 has no merge keys
            if UNSTORABLE_TEXT.search(text):
                raise ValueError("holds a character that cannot be stored (U+0000 or half of a surrogate pair)")
            return text
        case "null":
            return None
        case "bool" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "int" | "float":
            return _number(text)
    raise ValueError(f"{text!r} with the tag {tag} is not supported")


def _number(text: str) -> int | float:
    digits = text.replace("_", "")
    try:
        whole = int(digits, 0)
    except ValueError:
        number = float(digits)
        if not math.isfinite(number):
            raise ValueError(f"{text} is out of range") from None
        return number
    if whole not in INT64:
        raise ValueError(f"{text} does not fit in 64 bits")
    return whole
