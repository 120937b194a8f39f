"""Each fault of the catalogue has a test named after it, and the catalogue agrees with the project's table."""

import ast
import csv
import re
from collections.abc import Iterable

import pytest

from hedgebot.lab.catalogue import FAULTS
from hedgebot.lab.mishaps import MISHAPS
from tests.tidy.source import ROOT, Module, module, modules

TABLES = [one / "shared" / "domain" / "faults.csv" for one in ROOT.parents]
TABLE = next((one for one in TABLES if one.exists()), None)
NAME = re.compile(r"test_([a-z]\d\d)_")

# Owed by somebody, and nothing else may be owed: whoever lands the test takes the id away.
NO_TEST_YET: frozenset[str] = frozenset()


def named(tests: Iterable[Module]) -> set[str]:
    """Ids of faults that a test function is named after."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef)
    functions = (node for found in tests for node in ast.walk(found.tree) if isinstance(node, defined))
    matches = (NAME.match(one.name) for one in functions)
    return {match[1].upper() for match in matches if match}


def test_every_fault_has_a_test_of_its_name() -> None:
    """One of the real clients or processes where its layer says so; a scaled-down world does not stand in for it."""
    missing = {one.id for one in FAULTS if one.outside} - named(modules("tests"))
    assert missing == NO_TEST_YET, f"land test_<id>_..., then take it off NO_TEST_YET: {missing ^ NO_TEST_YET}"


def test_the_world_plays_what_the_catalogue_says() -> None:
    """`tests/simulation/test_faults.py` has a parameter for each mishap, so that playing it is testing it."""
    missing = {one.id for one in FAULTS if one.in_world} ^ {one.fault for one in MISHAPS}
    assert not missing


def test_the_catalogue_agrees_with_the_table() -> None:
    if TABLE is None:
        pytest.skip("no table of faults: ../shared/domain is not beside this checkout")
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = [(row["id"], int(row["weight"])) for row in csv.DictReader(file)]
    assert [(one.id, one.weight) for one in FAULTS] == rows


def test_names_are_found() -> None:
    code = "def test_n02_a(): ...\nasync def test_p10_b(): ...\ndef test_n0_c(): ...\ndef helper_n03_d(): ..."
    assert named([module("tests/a.py", code)]) == {"N02", "P10"}
