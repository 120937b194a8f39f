"""The exchange as its users start it, a process of its own, for clients and suites that are not ours."""

import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.e2e.harness import Process

SCENARIO = Path(__file__).parent / "foreign.toml"


class Served(NamedTuple):
    """A running exchange: where it listens, and its process."""

    url: str
    process: Process

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def admin(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask the test plane; GET without a body, POST with one. Fails on a refusal."""
        data = None if body is None else json.dumps(body).encode()
        try:
            with urllib.request.urlopen(f"{self.url}/admin/{path}", data, timeout=10) as reply:
                answer: dict[str, Any] = json.load(reply)
        except urllib.error.HTTPError as error:
            raise AssertionError(f"/admin/{path} {body}: {error.read().decode()}") from None
        return answer

    def delivered(self) -> dict[tuple[str, str, str], int]:
        """Frames that left, by channel, account ("" for public ones) and topic."""
        rows = self.admin("sessions")["delivered"]
        return {(row["channel"], row["account"], row["topic"]): row["frames"] for row in rows}


@contextlib.contextmanager
def served(folder: Path, scenario: Path = SCENARIO) -> Iterator[Served]:
    """Start an exchange on a free port; it is ended whatever happens."""
    words = ["exchange", "serve", "--port", "0", "--scenario", str(scenario)]
    process = Process(words, folder / "exchange.log", {"XDG_STATE_HOME": str(folder)})
    try:
        first = process.line()
        assert first, f"the exchange did not start:\n{process.words()}"
        yield Served(json.loads(first)["url"], process)
    finally:
        process.close()
