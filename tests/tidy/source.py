"""The tree as the tidy tests see it: tracked files, modules, syntax trees. Rules stand in the test modules."""

import ast
import gc
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]

PURE_ROOMS = (
    "hedgebot/core/",
    "hedgebot/domain/",
    "hedgebot/margin/",
    "hedgebot/pricing/",
    "hedgebot/turn/",
    "strategies/",
)


class Module(NamedTuple):
    """One Python file: its path from the root in POSIX form, its text and its syntax tree."""

    path: str
    text: str
    tree: ast.Module


def module(path: str, text: str) -> Module:
    """A module from its text, as the self-tests make them."""
    return Module(path, text, ast.parse(text, path))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module under `folders`, in the order of their paths; new files count before they are committed."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    # Nothing of it is garbage, and the collector would look for some a dozen times.
    gc.disable()
    try:
        return tuple(module(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths)
    finally:
        gc.enable()


def product() -> tuple[Module, ...]:
    """What ships: hedgebot and the strategies."""
    return modules("hedgebot", "strategies")


@cache
def tracked_files() -> tuple[str, ...]:
    """Paths of all files that git would clone; outside a checkout (a source archive) all files count."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode == 0:
        return tuple(sorted(name for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()))
    return tuple(sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*") if path.is_file()))


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Path and text of each tracked text file; binary ones are passed over."""
    for name in tracked_files():
        try:
            yield name, (ROOT / name).read_text("utf-8")
        except UnicodeDecodeError:
            continue


def at(found: Module, node: ast.expr | ast.stmt | ast.excepthandler | ast.alias, what: str) -> str:
    """A problem with its place, as editors jump to it."""
    return f"{found.path}:{node.lineno}: {what}"


def called_name(call: ast.Call) -> str:
    """The last name of what is called: `b` for both `b()` and `a.b()`, empty for anything else."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a chain of attributes on a name, empty for anything else."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            owner = dotted(value)
            return f"{owner}.{attr}" if owner else ""
        case _:
            return ""
