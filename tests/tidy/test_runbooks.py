"""Each runbook that code names exists, each that exists is named by code, and what a page says to type exists."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import typer

from hedgebot.console.main import app
from tests.tidy.source import ROOT, Module, module, product

RUNBOOK_ID = re.compile(r"\bRB-\d\d\b")
TYPED = re.compile(r"`hedgebot ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?([^`\n|]*)")
FLAG = re.compile(r"(?<!\w)--[a-z][a-z-]+")


def named(code: Iterable[Module]) -> dict[str, str]:
    """Runbook id -> a module that names it."""
    return {found_id: found.path for found in code for found_id in RUNBOOK_ID.findall(found.text)}


def mismatches(code: Iterable[Module], files: Iterable[str]) -> list[str]:
    """Ids without a page, pages without an id in code, pages whose name begins with no id, and ids with two pages."""
    ids = named(code)
    by_id: dict[str, list[str]] = {}
    for name in files:
        if match := RUNBOOK_ID.match(name):
            by_id.setdefault(match.group(), []).append(name)
    return [
        *(f"{ids[one]} names {one}: no runbooks/{one}*.md" for one in sorted(ids.keys() - by_id.keys())),
        *(f"runbooks/{by_id[one][0]}: no code names {one}" for one in sorted(by_id.keys() - ids.keys())),
        *(f"{one} has several pages: {', '.join(pages)}" for one, pages in sorted(by_id.items()) if len(pages) > 1),
    ]


def test_runbooks_and_code_agree() -> None:
    problems = mismatches(product(), sorted(path.name for path in (ROOT / "runbooks").glob("*.md")))
    assert not problems, "\n".join(problems)


def test_a_mismatch_is_found() -> None:
    code = [module("hedgebot/domain/alerts.py", "A = 'RB-01'\nB = 'RB-02'")]
    assert mismatches(code, ["RB-02-b.md", "RB-03-c.md", "stop.md"]) == [
        "hedgebot/domain/alerts.py names RB-01: no runbooks/RB-01*.md",
        "runbooks/RB-03-c.md: no code names RB-03",
    ]
    assert mismatches(code, ["RB-01.md", "RB-02-b.md", "RB-02-c.md"]) == [
        "RB-02 has several pages: RB-02-b.md, RB-02-c.md"
    ]
    assert mismatches(code, ["RB-01.md", "RB-02.md"]) == []


def untypable(text: str) -> Iterator[str]:
    """Commands and options of a page that there are not."""
    root: Any = typer.main.get_command(app)
    for first, second, rest in TYPED.findall(text):
        verb: Any = root.commands.get(first)
        if hasattr(verb, "commands"):
            verb = verb.commands.get(second)
        known = set() if verb is None else {one for given in verb.params for one in given.opts + given.secondary_opts}
        words = f"hedgebot {first} {second}".strip()
        yield from [words] if verb is None else [f"{words} {one}" for one in FLAG.findall(rest) if one not in known]


def test_what_a_page_says_to_type_exists() -> None:
    pages = [*sorted((ROOT / "runbooks").glob("*.md")), ROOT / "README.md"]
    problems = [f"{page.name}: {one}" for page in pages for one in untypable(page.read_text("utf-8"))]
    assert not problems, "\n".join(problems)


def test_a_command_that_there_is_not_is_found() -> None:
    page = "`hedgebot journal query`, `hedgebot kill --loud --reason x`, `hedgebot status`"
    assert list(untypable(page)) == ["hedgebot journal query", "hedgebot kill --loud"]
