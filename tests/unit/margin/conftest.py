"""The worked examples of the margin reference, which live outside the checkout."""

import json
from pathlib import Path
from typing import Any

import pytest


def domain_folder(root: Path) -> Path:
    """The folder of reference material beside the checkout, or one level up for a second work tree."""
    for parent in (root.parent, root.parent.parent):
        folder = parent / "shared" / "domain"
        if folder.is_dir():
            return folder
    pytest.skip("no margin examples: ../shared/domain is not beside this checkout")


@pytest.fixture(scope="session")
def margin_cases(root: Path) -> dict[str, dict[str, Any]]:
    """Cases of margin_examples.json by id."""
    cases = json.loads((domain_folder(root) / "margin_examples.json").read_text("utf-8"))
    return {case["id"]: case for case in cases}
