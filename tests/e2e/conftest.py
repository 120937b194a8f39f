"""One world for each test, ended whatever happens."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import World
from tests.e2e.volumes import small_volume


@pytest.fixture
def world() -> Iterator[World]:
    """A busy exchange and a book's folders; the path is short, because a socket's must be."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder, World(Path(folder)) as made:
        yield made


@pytest.fixture
def volume() -> Iterator[Path]:
    """A small file system of its own; skips where none can be mounted."""
    with small_volume() as folder:
        yield folder
