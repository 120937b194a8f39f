"""One world for each test, ended whatever happens."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import World


@pytest.fixture
def world() -> Iterator[World]:
    """A busy exchange and a book's folders; the path is short, because a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder, World(Path(folder)) as made:
        yield made
