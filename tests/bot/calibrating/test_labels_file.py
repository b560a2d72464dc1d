"""The file of labels: each problem with its line, column and remedy, and nothing lost in silence."""

import pytest

from bot.calibrating.labels_file import LabelsFileError, read_labels

HEADER = "task_type,item_id,confidence,is_correct\n"


def problems(text: str) -> list[str]:
    with pytest.raises(LabelsFileError) as raised:
        read_labels(text.splitlines(keepends=True))
    return raised.value.problems


def test_labels_of_each_task() -> None:
    found = read_labels([HEADER, "refund,a,0.5,1\n", "refund,b,0.9,FALSE\n", "triage,a,1,true\n", "\n"])
    assert list(found) == ["refund", "triage"]
    refund = found["refund"]
    assert (refund.confidence.tolist(), refund.is_wrong.tolist()) == ([0.9, 0.5], [True, False])
    assert (refund.weight.tolist(), refund.unknown) == ([1, 1], 0)


def test_columns_in_any_order_and_with_their_chances() -> None:
    found = read_labels(
        ["inclusion_prob,is_correct,confidence,item_id,task_type\n", "0.25,1,0.9,a,refund\n", "0.5,0,,b,refund\n"]
    )
    assert found["refund"].weight.tolist() == [4]
    assert found["refund"].unknown == 2


def test_without_any_row_there_is_no_task() -> None:
    assert read_labels([HEADER]) == {}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("refund,a,high,1", 'column confidence: "high" is no number: write 0..1, or empty where it is not known.'),
        ("refund,a,nan,1", "column confidence: nan is out of range"),
        ("refund,a,1e400,1", "column confidence: 1e400 is out of range"),
        ("refund,a,87,1", "column confidence: 87 is out of range"),
        ("refund,a,0.9,maybe", 'column is_correct: "maybe" is unclear: write 1 if the model was right, else 0.'),
        ("refund,a,0.9,", 'column is_correct: "" is unclear'),
        ("refund,a,,2", 'column is_correct: "2" is unclear'),
        (",a,0.9,1", "column task_type: is empty"),
        ("refund, ,0.9,1", "column item_id: is empty"),
        ("refund,z,0.9,1", 'column item_id: "z" was labelled on line 2 already: keep one of them.'),
    ],
)
def test_a_value_that_means_nothing(row: str, told: str) -> None:
    [problem] = problems(f"{HEADER}refund,z,0.9,1\n{row}\n")
    assert problem.startswith(f"line 3, {told}")


def test_a_row_of_another_length() -> None:
    assert problems(f"{HEADER}refund,a,0.9\nrefund,b,0.9,1,0.5,x\n") == [
        "line 2: 1 value too few.",
        "line 3: 2 values too many.",
    ]


@pytest.mark.parametrize("chance", ["0", "1e-310", "-1", "1.5", "nan", "", "often"])
def test_a_chance_that_is_none(chance: str) -> None:
    [problem] = problems(f"{HEADER.strip()},inclusion_prob\nrefund,a,0.9,1,{chance}\n")
    assert problem.startswith("line 2, column inclusion_prob: ")
    assert "above 0 and up to 1" in problem


def test_a_mistyped_column_is_not_lost_in_silence() -> None:
    assert problems("task_type,item_id,confidence,is_correct,inclusion_probability\n") == [
        'line 1: unknown column "inclusion_probability": the columns are task_type, item_id, confidence, is_correct '
        "and, if you need it, inclusion_prob."
    ]
    assert problems("task_type,item_id,confidence,confidence\n") == [
        "line 1: column is_correct is missing.",
        "line 1: column confidence occurs twice.",
    ]
    assert len(problems("")) == 4


def test_a_thousand_problems_are_told_by_the_first_ten() -> None:
    with pytest.raises(LabelsFileError) as raised:
        read_labels([HEADER, *(f"refund,{n},2,1\n" for n in range(1000))])
    assert str(raised.value).splitlines()[9:] == [
        "line 11, column confidence: 2 is out of range: write 0..1, or empty where it is not known.",
        "and 990 more",
    ]
