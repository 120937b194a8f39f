"""No module asks, when it is imported, for one that asks for it: what works by the order of imports breaks with it."""

import ast
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

from tests.tidy.source import Module, module, product


def name_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imported(tree: ast.AST, names: Mapping[str, Module]) -> set[str]:
    """Modules of ours that importing this one asks for: not within functions, nor for a type checker alone."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{one.name}" for one in node.names}
            found |= {one if one in names else node.module for one in inner}
        found |= imported(node, names)
    return found & names.keys()


def cycle(code: Iterable[Module]) -> list[str]:
    """The modules of one cycle, none where there is none."""
    names = {name_of(one.path): one for one in code}
    graph = {name: imported(one.tree, names) - {name} for name, one in names.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_module_is_imported_in_a_cycle() -> None:
    assert cycle(product()) == []


def test_the_check_itself() -> None:
    first = module("hedgebot/a.py", "from hedgebot import b\n")
    assert set(cycle([first, module("hedgebot/b.py", "import math\nfrom hedgebot.a import one\n")])) == {
        "hedgebot.a",
        "hedgebot.b",
    }
    assert cycle([first, module("hedgebot/b.py", "def late() -> None:\n    import hedgebot.a\n")]) == []
