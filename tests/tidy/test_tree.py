"""What lies in the checkout: nothing unexpected at the top, no path of a machine, no address of an index."""

from collections.abc import Iterable
from functools import cache
from pathlib import PurePosixPath

import pytest

from tests.tidy import conftest
from tests.tidy.source import ROOT, tracked_files, tracked_texts

TOP_LEVEL = frozenset({
    *("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "Dockerfile", "pyproject.toml"),
    *("requirements.lock", "requirements-dev.lock"),
    *("config", "hedgebot", "runbooks", "strategies", "tests"),
    *(".ci", ".dockerignore", ".editorconfig", ".gitattributes", ".gitignore"),
})  # fmt: skip

# Built from pieces, so that this file passes its own check.
MACHINE_PATHS = tuple("/" + name + "/" for name in ("work", "tmp", "root"))
INDEX_MARKS = tuple("".join(parts) for parts in (("py", "pi.org"), ("files.python", "hosted"), ("index", "-url")))


def strangers(paths: Iterable[str]) -> list[str]:
    """Names at the top level that have no place there."""
    return sorted({PurePosixPath(path).parts[0] for path in paths} - TOP_LEVEL)


def addresses(texts: Iterable[tuple[str, str]]) -> list[str]:
    """Lines that name a machine's folder or a package index. A longer path that only contains one is no machine's."""
    problems = []
    for path, text in texts:
        for number, line in enumerate(text.splitlines(), start=1):
            machine = [mark for mark in MACHINE_PATHS if _names_root_folder(line, mark)]
            problems += [f"{path}:{number}: {mark}" for mark in (*machine, *(m for m in INDEX_MARKS if m in line))]
    return problems


def _names_root_folder(line: str, mark: str) -> bool:
    """Whether `mark` stands in the line as the begin of an absolute path, not inside a relative or longer one."""
    start = line.find(mark)
    while start >= 0:
        before = line[start - 1] if start else " "
        if not (before.isalnum() or before in "._-}~*)/"):
            return True
        if before == "/" and line[max(start - 2, 0)] == "/":  # file:///...
            return True
        start = line.find(mark, start + 1)
    return False


def secrets(paths: Iterable[str]) -> list[str]:
    """Files that are never committed: keys, databases, environments."""
    return [path for path in paths if PurePosixPath(path).suffix in {".db", ".key", ".pem", ".pyc", ".secret"}]


def test_the_top_level_is_known() -> None:
    problems = strangers(tracked_files())
    assert not problems, "\n".join(problems)


def test_no_machine_path_or_index_address() -> None:
    problems = addresses(tracked_texts())
    assert not problems, "\n".join(problems)


def test_nothing_secret_or_built_is_tracked() -> None:
    assert secrets(tracked_files()) == []


def test_the_house_is_complete() -> None:
    wanted = {"LICENSE", "Makefile", "pyproject.toml", ".ci/run", "hedgebot/py.typed", "requirements.lock"}
    assert wanted - set(tracked_files()) == set()
    assert "Apache License" in (ROOT / "LICENSE").read_text("utf-8")


def test_a_stranger_is_found() -> None:
    assert strangers(["hedgebot/a.py", "notes.txt", "scratch/a.py"]) == ["notes.txt", "scratch"]


@pytest.mark.parametrize("mark", [*MACHINE_PATHS, *INDEX_MARKS])
def test_an_address_is_found(mark: str) -> None:
    assert addresses([("a.md", f"fine\nsee {mark}x")]) == [f"a.md:2: {mark}"]
    assert addresses([("a.md", f"'{mark}x'")]) == [f"a.md:1: {mark}"]


def test_a_file_address_is_found() -> None:
    assert addresses([("a.md", "file:" + "//" + MACHINE_PATHS[0] + "x")])


@pytest.mark.parametrize("line", ["hedgebot/work" + "/x.py", "$STATE" + "}" + MACHINE_PATHS[1] + "x", "/v5/rootless/x"])
def test_a_longer_path_is_no_machine_path(line: str) -> None:
    assert addresses([("a.md", line)]) == []


def test_a_secret_is_found() -> None:
    assert secrets(["a/journal.db", "b.key", "c.py"]) == ["a/journal.db", "b.key"]


def test_the_product_s_syntax_trees_go_with_the_last_tidy_test(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A collection that looks at all of them stops the event loop of a later test for longer than its time-outs."""
    kept = cache(object)
    monkeypatch.setattr(conftest, "modules", kept)
    kept()
    conftest.pytest_runtest_teardown(request.node)
    assert kept.cache_info().currsize == 1
    conftest.pytest_runtest_teardown(None)
    assert kept.cache_info().currsize == 0
