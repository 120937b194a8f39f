import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from hedgebot.domain.toml_lines import key_lines, line_of

TEXT = '''# a comment with [brackets] and = signs
name = "a # no comment"  # one = more
[table]
"quoted.key" = 'lit#eral'
dotted.inner = 1
long = """
[not_a_table]
not_a_key = 1 \\"""
"""
times = 2025-10-10 21:00:00
nested = { a = [1, 2], b = { c = "}" } } # { }

[[items]]
list = [
  { x = 1 }, # ]
  { x = "2,]" },
]
[items.sub]
y = true
[[items]]
y = 5
[[items.deep]]
z = 1
[[items.deep]]
z = 2'''


def paths(value: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path of a parsed text."""
    if at:
        yield at
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*at, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from paths(inner, (*at, number))


def test_each_key_has_the_line_it_stands_on() -> None:
    lines = key_lines(TEXT)
    assert set(lines) == set(paths(tomllib.loads(TEXT)))
    assert lines["name",] == 2
    assert lines["table", "quoted.key"] == 4
    assert lines["table", "dotted", "inner"] == 5
    assert lines["table", "times"] == 10
    assert lines["table", "nested", "b", "c"] == 11
    assert lines["items", 0, "list", 1, "x"] == 16
    assert lines["items", 0, "sub", "y"] == 19
    assert lines["items", 1] == 20
    assert lines["items", 1, "deep", 0, "z"] == 23
    assert lines["items", 1, "deep", 1, "z"] == 25


def test_what_is_not_in_the_text_stands_where_its_table_does() -> None:
    lines = key_lines(TEXT)
    assert line_of(lines, ("items", 1, "absent")) == 20
    assert line_of(lines, ("absent",)) is None


@pytest.mark.parametrize("folder", ["config", "config/scenarios", "."])
def test_all_keys_of_the_files_that_ship_are_found(root: Path, folder: str) -> None:
    files = sorted((root / folder).glob("*.toml"))
    assert files
    for file in files:
        text = file.read_text("utf-8")
        assert set(key_lines(text)) == set(paths(tomllib.loads(text))), file
