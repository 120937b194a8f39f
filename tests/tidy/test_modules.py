"""A test module for each module, one that asserts; and no oversized function or module."""

import ast
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from tests.tidy.source import Module, at, called_name, module, modules, product

FUNCTION_LINES_MAX = 70
MODULE_LINES_MAX = 400

# Modules that are tested elsewhere than in their unit test, with the reason.
ELSEWHERE: dict[str, tuple[str, str]] = {}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def home_of(path: str) -> str:
    """Where the tests of a module belong: hedgebot/a/b.py -> tests/unit/a/test_b.py."""
    if path in ELSEWHERE:
        return ELSEWHERE[path][0]
    parts = PurePosixPath(path.removeprefix("hedgebot/"))
    name = "init" if parts.stem == "__init__" else parts.stem.strip("_")
    return (PurePosixPath("tests/unit") / parts.parent / f"test_{name}.py").as_posix()


def has_code(found: Module) -> bool:
    """Whether a package's __init__ does more than describe, import and name."""
    plain = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr)
    return any(not isinstance(node, plain) for node in found.tree.body)


def needs_tests(found: Module) -> bool:
    """Every module does, but for an __init__ without code."""
    return not found.path.endswith("/__init__.py") or has_code(found)


def asserts(found: Module) -> bool:
    """Whether a test module states anything: an assert, or an expected error or warning."""
    return any(
        isinstance(node, ast.Assert)
        or (isinstance(node, ast.Call) and called_name(node) in {"raises", "warns", "fail"})
        for node in ast.walk(found.tree)
    )


def untested(code: Iterable[Module], tests: Iterable[Module]) -> list[str]:
    """Modules without a test module, and test modules that state nothing."""
    by_path = {found.path: found for found in tests}
    problems = []
    for found in code:
        wanted = home_of(found.path)
        if not needs_tests(found):
            continue
        if wanted not in by_path:
            problems.append(f"{found.path}: its tests belong in {wanted}")
        elif not asserts(by_path[wanted]):
            problems.append(f"{wanted}: asserts nothing about {found.path}")
    return problems


def silent(tests: Iterable[Module]) -> list[str]:
    """Test modules that assert nothing, whatever they are for."""
    return [
        f"{found.path}: asserts nothing"
        for found in tests
        if PurePosixPath(found.path).name.startswith("test_") and not asserts(found)
    ]


def oversized(code: Iterable[Module]) -> list[str]:
    """Functions over their bound, counted from `def` to the last line, and modules over theirs."""
    problems = []
    for found in code:
        lines = len(found.text.splitlines())
        if lines > MODULE_LINES_MAX:
            problems.append(f"{found.path}: {lines} lines, at most {MODULE_LINES_MAX}")
        for node in ast.walk(found.tree):
            if isinstance(node, Function):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    problems.append(at(found, node, f"{node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"))
    return problems


def stale(code: Collection[str]) -> list[str]:
    """Exceptions for modules that are gone, or without a reason."""
    return [path for path, (_, reason) in ELSEWHERE.items() if path not in code or not reason]


def test_each_module_has_its_tests() -> None:
    problems = untested(product(), modules("tests"))
    assert not problems, "\n".join(problems)


def test_each_test_module_asserts() -> None:
    problems = silent(modules("tests"))
    assert not problems, "\n".join(problems)


def test_nothing_is_oversized() -> None:
    problems = oversized((*product(), *modules("tests")))
    assert not problems, "\n".join(problems)


def test_exceptions_are_current() -> None:
    assert stale({found.path for found in product()}) == []


def test_a_module_without_tests_is_found() -> None:
    code = [module("hedgebot/core/gate.py", "x = 1")]
    assert untested(code, []) == ["hedgebot/core/gate.py: its tests belong in tests/unit/core/test_gate.py"]


def test_a_test_module_that_states_nothing_is_found() -> None:
    code = [module("strategies/flat.py", "x = 1")]
    hollow = module("tests/unit/strategies/test_flat.py", "def test_it():\n    run()")
    assert untested(code, [hollow]) == [f"{hollow.path}: asserts nothing about strategies/flat.py"]
    assert silent([hollow]) == [f"{hollow.path}: asserts nothing"]
    assert untested(code, [module(hollow.path, "def test_it():\n    assert run()")]) == []
    assert untested(code, [module(hollow.path, "def test_it():\n    with raises(E):\n        run()")]) == []


def test_an_init_needs_tests_only_for_code() -> None:
    assert untested([module("hedgebot/core/__init__.py", '"""Doc."""\nfrom a import b\nC = 1')], []) == []
    problems = untested([module("hedgebot/core/__init__.py", "def f():\n    return 1")], [])
    assert problems == ["hedgebot/core/__init__.py: its tests belong in tests/unit/core/test_init.py"]


def test_a_long_function_is_found() -> None:
    body = "\n".join("        x = 1" for _ in range(FUNCTION_LINES_MAX))
    long = module("a.py", f"class A:\n    async def f(self):\n{body}")
    assert oversized([long]) == ["a.py:2: f has 71 lines, at most 70"]
    assert oversized([module("a.py", long.text.rsplit("\n", 1)[0])]) == []


def test_a_long_module_is_found() -> None:
    assert oversized([module("a.py", "x = 1\n" * 401)]) == ["a.py: 401 lines, at most 400"]
    assert oversized([module("a.py", "x = 1\n" * 400)]) == []
