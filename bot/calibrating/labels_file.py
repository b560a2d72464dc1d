"""Labels from a CSV file: task_type,item_id,confidence,is_correct[,inclusion_prob]."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.reporting.words import numbered
from routing.labels import LEAST_INCLUSION, Labels, labels_of

_REQUIRED = ("task_type", "item_id", "confidence", "is_correct")
_OPTIONAL = "inclusion_prob"
_CORRECT = {"1": True, "true": True, "0": False, "false": False}
_TOLD = 10


class LabelsFileError(ValueError):
    """What is wrong with the file, one line each, with its line, column and remedy; at most ten of them."""

    def __init__(self, problems: list[str]) -> None:
        more = [f"and {len(problems) - _TOLD:,} more"] if len(problems) > _TOLD else []
        super().__init__("\n".join([*problems[:_TOLD], *more]))
        self.problems = problems


@dataclass(slots=True)
class _Columns:
    """One task's labels as they are read; `lines`: where each item was labelled."""

    confidence: list[float] = field(default_factory=list)
    is_wrong: list[bool] = field(default_factory=list)
    inclusion: list[float] = field(default_factory=list)
    unknown: float = 0.0
    lines: dict[str, int] = field(default_factory=dict)


class _UnusableError(ValueError):
    def __init__(self, column: str, problem: str) -> None:
        super().__init__(f"column {column}: {problem}")


def read_labels(lines: Iterable[str]) -> dict[str, Labels]:
    """The labels of each task type, in the order of the file. Without a confidence a decision is one that always goes
    to a person: it counts among all of them, and no more.

    Raises:
        LabelsFileError: with every problem there is.
    """
    rows = csv.reader(lines)
    tasks: dict[str, _Columns] = {}
    problems: list[str] = []
    try:
        header = [name.strip() for name in next(rows, [])]
        _check_header(header)
        for row in rows:
            if row:
                problems += _taken(dict(zip(header, row, strict=False)), len(row) - len(header), rows.line_num, tasks)
    except csv.Error as error:
        problems.append(f"line {rows.line_num}: {error}")
    except UnicodeDecodeError as error:
        problems.append(f"line {rows.line_num + 1}: not UTF-8 ({error.reason}): save the file as UTF-8.")
    if problems:
        raise LabelsFileError(problems)
    return {task: labels_of(c.confidence, c.is_wrong, c.inclusion, unknown=c.unknown) for task, c in tasks.items()}


def _check_header(header: list[str]) -> None:
    problems = [f"line 1: column {name} is missing." for name in _REQUIRED if name not in header]
    # A mistyped inclusion_prob must not be lost in silence: what follows would be wrong.
    problems += [
        f'line 1: unknown column "{name}": the columns are {", ".join(_REQUIRED)} and, if you need it, {_OPTIONAL}.'
        for name in header
        if name not in (*_REQUIRED, _OPTIONAL)
    ]
    problems += [f"line 1: column {name} occurs twice." for name in sorted(set(header)) if header.count(name) > 1]
    if problems:
        raise LabelsFileError(problems)


def _taken(values: dict[str, str], surplus: int, line: int, tasks: dict[str, _Columns]) -> Iterator[str]:
    """Adds one row to its task; yields what is wrong with it."""
    if surplus:
        yield f"line {line}: {numbered(abs(surplus), 'value')} {'too many' if surplus > 0 else 'too few'}."
        return
    try:
        task, item = _text(values, "task_type"), _text(values, "item_id")
        confidence = _number(values, "confidence", "0..1, or empty where it is not known") if _given(values) else None
        is_wrong = not _is_correct(values["is_correct"])
        inclusion = _inclusion(values)
        columns = tasks.setdefault(task, _Columns())
        _check_once(columns, item, line)
    except _UnusableError as problem:
        yield f"line {line}, {problem}"
        return
    if confidence is None:
        columns.unknown += 1 / inclusion
        return
    columns.confidence.append(confidence)
    columns.is_wrong.append(is_wrong)
    columns.inclusion.append(inclusion)


def _check_once(columns: _Columns, item: str, line: int) -> None:
    first = columns.lines.setdefault(item, line)
    if first != line:
        raise _UnusableError("item_id", f'"{item}" was labelled on line {first} already: keep one of them.')


def _given(values: dict[str, str]) -> bool:
    return bool(values["confidence"].strip())


def _text(values: dict[str, str], column: str) -> str:
    text = values[column].strip()
    if not text:
        raise _UnusableError(column, "is empty: each label needs one.")
    return text


def _number(values: dict[str, str], column: str, expected: str) -> float:
    text = values[column].strip()
    try:
        number = float(text)
    except ValueError:
        raise _UnusableError(column, f'"{text}" is no number: write {expected}.') from None
    if not 0 <= number <= 1:  # NaN neither
        raise _UnusableError(column, f"{text} is out of range: write {expected}.")
    return number


def _is_correct(text: str) -> bool:
    correct = _CORRECT.get(text.strip().lower())
    if correct is None:
        raise _UnusableError("is_correct", f'"{text.strip()}" is unclear: write 1 if the model was right, else 0.')
    return correct


def _inclusion(values: dict[str, str]) -> float:
    if _OPTIONAL not in values:
        return 1.0
    expected = "the probability, above 0 and up to 1, with which this item was chosen to be labelled"
    inclusion = _number(values, _OPTIONAL, expected)
    if inclusion < LEAST_INCLUSION:
        raise _UnusableError(_OPTIONAL, f"what was never to be labelled is no label: write {expected}.")
    return inclusion
