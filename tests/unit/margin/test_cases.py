import json
from decimal import Decimal

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.margin.cases import Answer, Case, flatten, judge, matched_digits, parse_cases, worst


def case(**expected: str) -> Case:
    return Case(id="X", venue="", inputs={}, expected={key: Decimal(one) for key, one in expected.items()})


def test_numbers_of_nested_objects_and_lists_have_dotted_names() -> None:
    given = {"a": {"b": [1, {"c": Decimal("2.50")}]}, "text": "no number", "none": None, "yes": True}
    assert flatten(given) == [("a.b.0", Decimal(1)), ("a.b.1.c", Decimal("2.50"))]


@pytest.mark.parametrize(
    ("printed", "found", "passed"),
    [
        ("1114.78", 1114.7849, True),
        ("1114.78", 1114.7852, False),
        ("938", 938.0, True),
        ("938", 938.4, False),  # a whole number was meant exactly
        ("0", 1e-10, True),
        ("0", 1e-6, False),
        ("1.5", float("nan"), False),
        ("123456.0", 123456.00001, True),
    ],
)
def test_a_number_must_agree_as_far_as_it_was_printed(printed: str, found: float, passed: bool) -> None:
    verdict = judge(case(x=printed), "model", Answer(values={"x": found}))
    assert verdict.passed is passed


def test_a_cases_own_tolerance_counts() -> None:
    loose = Case(id="X", venue="", inputs={}, expected={"x": Decimal(676)}, tolerance=0.5)
    assert judge(loose, "model", Answer(values={"x": 676.4})).passed
    assert not judge(loose, "model", Answer(values={"x": 676.6})).passed


def test_a_number_without_a_formula_is_told_and_a_case_of_only_such_does_not_pass() -> None:
    verdict = judge(case(x="1.0", y="2.0"), "model", Answer(values={"x": 1.0}, unknown={"y": "nobody knows"}))
    assert verdict.passed
    assert [(one.name, one.reason) for one in verdict.checks if one.found is None] == [("y", "nobody knows")]
    assert not judge(case(y="2.0"), "model", Answer(values={})).passed


def test_digits_are_counted_relative_to_what_was_printed() -> None:
    assert matched_digits(1000.0, 1000.0) == 16
    assert matched_digits(1000.0, 1000.002) == 5
    assert matched_digits(0.0, 1e-7) == 7
    assert matched_digits(1.0, float("inf")) == 0
    assert worst([]) == 0


def test_both_shapes_of_a_file_are_read() -> None:
    plain = json.dumps([{"id": "A", "inputs": {"p": 1.5}, "expected": {"x": 2.50}, "tolerance": 0.1}])
    (one,) = parse_cases(plain.encode(), "a.json")
    assert (one.inputs, one.tolerance) == ({"p": 1.5}, 0.1)
    assert str(one.expected["x"]) == "2.5"
    shared = {
        "default_params": {"k": 1.0, "l": 2.0},
        "default_scenarios": [[0.1, "Up", 1]],
        "cases": [
            {"id": "B", "cash": 1.0, "param_overrides": {"l": 3.0}, "scenarios_override": None, "expected": {"IM": 1.0}}
        ],
    }
    (two,) = parse_cases(json.dumps(shared).encode(), "b.json")
    assert two.inputs["params"] == {"k": 1.0, "l": 3.0}
    assert two.inputs["scenarios"] == [[0.1, "Up", 1]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "f.json is not JSON"),
        ('{"rows": []}', "expected a list of cases"),
        ('[{"inputs": {}}]', "case 1: id is missing"),
        ('[{"id": "A", "inputs": [], "expected": {"x": 1}}]', "case 1: inputs is missing"),
        ('[{"id": "A", "inputs": {}, "expected": {}}]', "case A: expected holds no number"),
    ],
)
def test_a_bad_file_is_told_with_its_case_and_key(content: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_cases(content.encode(), "f.json")


@pytest.mark.parametrize("content", [b"[]", b'{"cases": []}'])
def test_a_file_without_cases_verifies_nothing(content: bytes) -> None:
    with pytest.raises(DataError, match=r"mine\.json has no cases: there is nothing to verify"):
        parse_cases(content, "mine.json")
