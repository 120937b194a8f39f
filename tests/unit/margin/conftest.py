"""The worked examples of the margin reference, which live outside the checkout."""

from pathlib import Path

import pytest

from hedgebot.margin.cases import Case, parse_cases

FILES = ("margin_examples.json", "margin_derive_pm2.json")


def domain_folder(root: Path) -> Path:
    """The folder of reference material beside the checkout, or one level up for a second work tree."""
    for parent in (root.parent, root.parent.parent):
        folder = parent / "shared" / "domain"
        if folder.is_dir():
            return folder
    pytest.skip("no margin examples: ../shared/domain is not beside this checkout")


@pytest.fixture(scope="session")
def margin_cases(root: Path) -> dict[str, Case]:
    """Cases of both example files by id."""
    folder = domain_folder(root)
    return {case.id: case for name in FILES for case in parse_cases((folder / name).read_bytes(), name)}
