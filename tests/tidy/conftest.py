"""The product's syntax trees go with the last tidy test in a row."""

from pathlib import Path

import pytest

from tests.tidy.source import modules


def pytest_runtest_teardown(nextitem: pytest.Item | None) -> None:
    """Two million nodes are not kept: each full collection would stop the event loop of later tests for seconds."""
    if nextitem is None or nextitem.path.parent != Path(__file__).parent:
        modules.cache_clear()
