"""The README is the shipped copy of how the house is built: what it shows and links to must be there."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from hedgebot.console.main import app
from hedgebot.domain.orders import transition_diagram

_FENCE = re.compile(r"```mermaid\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")
_CODE = re.compile(r"```sh\n.*?```|`[^`\n]+`", re.DOTALL)
_VERB = re.compile(r"(?:`|^)hedgebot ([a-z-]+)", re.MULTILINE)
_PATH = re.compile(r"`((?:hedgebot|strategies|config|runbooks)/[\w./-]+)`")


def diagram_of(readme: str) -> str:
    """The order diagram in a README; empty when there is none."""
    found = _FENCE.search(readme)
    return found.group(1) if found else ""


def dead_links(readme: str, root: Path) -> list[str]:
    """Relative links and named paths that lead nowhere."""
    return sorted({one for one in [*_LINK.findall(readme), *_PATH.findall(readme)] if not (root / one).exists()})


def unknown_verbs(readme: str, known: set[str]) -> list[str]:
    """Verbs in shell lines that the console does not have."""
    return sorted({verb for code in _CODE.findall(readme) for verb in _VERB.findall(code) if verb not in known})


@pytest.fixture
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def test_the_order_diagram_is_the_table(readme: str) -> None:
    assert diagram_of(readme) == transition_diagram()


def test_links_and_paths_lead_somewhere(readme: str, root: Path) -> None:
    assert dead_links(readme, root) == []


def test_every_verb_exists(readme: str) -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert unknown_verbs(readme, known) == []


def test_the_checks_can_fail(root: Path) -> None:
    assert diagram_of("no diagram") != transition_diagram()
    assert dead_links("[x](nowhere.md) `hedgebot/no.py`", root) == ["hedgebot/no.py", "nowhere.md"]
    assert unknown_verbs("type `hedgebot dance now`", {"run"}) == ["dance"]
