"""The real daemon, the exchange on the wire, and a proxy that breaks the line between them."""

import contextlib
import json
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from hedgebot.domain.client_id import ClientId
from hedgebot.lab.chaosproxy import ChaosProxy, ProxyThread, proxied
from tests.e2e import checker
from tests.e2e.harness import HERE, Daemon, World

SOCKETS, PRIVATE, LINEAR, REST = "stream.bybit.com", "/v5/private", "/v5/public/linear", "api.bybit.com"
PERP = "bybit:linear:BTCPERP"
CALM = {"ack_lost_probability": 0.0, "ack_delay_ms": 1.0, "ack_delay_jitter_ms": 1.0, "push_delay_ms": 1.0}


class Row(NamedTuple):
    """One row of the journal, with its time."""

    at_ns: int
    kind: str
    payload: dict[str, Any]


class Broken:
    """A world whose line can be broken, with one daemon in it."""

    def __init__(self, world: World, line: ProxyThread) -> None:
        self.world = world
        self.line = line
        self.daemon: Daemon = world.daemon()

    def do(self, act: Callable[[ChaosProxy], Any]) -> Any:
        """Act on the proxy."""
        return self.line.do(act)

    def calm(self) -> None:
        """No client, no weather, and nothing under way."""
        self.daemon.until_active()
        self.world.admin("flow", enabled=False)
        self.world.admin("weather", **CALM)
        self.settled(20.0)

    def settled(self, seconds: float) -> dict[str, Any]:
        """Wait until the book is hedged, in its band, equal to the venue's word and quiet."""
        return self.daemon.until("settled", is_settled, seconds)

    def client(self, contracts: str, instrument: str = PERP, side: str = "buy") -> None:
        """The client trades now, on the book's own account."""
        self.world.admin("trade", instrument=instrument, side=side, contracts=contracts, account="main")

    def ours(self) -> list[dict[str, Any]]:
        """Our orders as the exchange has them, all that ever were."""
        return checker.read_truth(self.world.admin("truth")).ours

    def rest(self, install: int | None, count: int) -> set[str]:
        """Leave orders far below the market, ours or (without an install) somebody's; their client ids."""
        names = {
            f"manual-{number}"
            if install is None
            else ClientId(install=install, epoch=1, strategy=0, intent=9_000 + number).encode()
            for number in range(count)
        }
        for name in sorted(names):
            # The venue takes ten a second.
            time.sleep(0.12)
            self.world.admin(
                "trade",
                instrument="bybit:linear:BTCUSDT",
                side="buy",
                contracts="0.001",
                limit_price="80000",
                client_id=name,
            )
        return names

    def alive(self) -> set[str]:
        """Client ids of the orders that can still fill."""
        orders = self.world.admin("truth")["accounts"]["main"]["orders"]
        return {one["client_id"] for one in orders if one["status"] in {"open", "partial"}}

    def until_ours(self, count: int, seconds: float = 10.0) -> list[dict[str, Any]]:
        """Wait until the exchange has so many orders of ours."""
        until_s = time.monotonic() + seconds
        while len(found := self.ours()) < count:
            assert time.monotonic() < until_s, f"{len(found)} orders of ours, not {count}\n{self.daemon.words()}"
            time.sleep(0.01)
        return found

    def stays(self, count: int, seconds: float) -> None:
        """Hold that no order of ours is added for so long."""
        until_s = time.monotonic() + seconds
        while time.monotonic() < until_s:
            assert len(self.ours()) == count, self.daemon.words()
            time.sleep(0.1)

    def rows(self, *kinds: str) -> list[Row]:
        """Rows of the journal of these kinds (all without), oldest first."""
        path = (self.world.state_dir / "journal.db").resolve().as_uri()
        with contextlib.closing(sqlite3.connect(f"{path}?mode=ro", uri=True)) as link:
            found = link.execute("SELECT at_ns, kind, payload FROM rows ORDER BY row").fetchall()
        return [Row(at_ns, kind, json.loads(payload)) for at_ns, kind, payload in found if kind in kinds or not kinds]

    def raised(self, kind: str, since_ns: int, seconds: float = 10.0) -> int:
        """Wait for an alert of a kind; when it was raised, in nanoseconds UTC."""
        until_s = time.monotonic() + seconds
        while True:
            for row in self.rows("RaiseAlert"):
                if row.payload["kind"] == kind and row.at_ns >= since_ns:
                    return row.at_ns
            assert time.monotonic() < until_s, f"no {kind} within {seconds} s\n{self.daemon.words()}"
            time.sleep(0.05)

    def silenced(self, kind: str, seconds: float = 25.0) -> None:
        """Wait until no alert of a kind stands: what happens while one does is told by it and raises no other."""
        until_s = time.monotonic() + seconds
        while True:
            standing: set[str] = set()
            for row in self.rows("RaiseAlert", "ResolveAlert"):
                if row.payload["kind"] == kind:
                    (standing.add if row.kind == "RaiseAlert" else standing.discard)(row.payload["subject"])
            if not standing:
                return
            assert time.monotonic() < until_s, f"{kind} stands for {standing} after {seconds} s\n{self.daemon.words()}"
            time.sleep(0.05)

    def agree(self, seconds: float = 8.0) -> None:
        """Hold that, once nothing is under way, orders and positions are the exchange's, each once."""
        until_s = time.monotonic() + seconds
        while problems := self._differences():
            assert time.monotonic() < until_s, problems
            time.sleep(0.2)

    def _differences(self) -> list[str]:
        truth = checker.read_truth(self.world.admin("truth"))
        book, rows = self.daemon.book(), checker.read_rows(self.world.state_dir)
        booked, told = book["fills"], sum(1 for _ in checker.fills(rows))
        return [
            *checker.order_problems(rows, truth),
            *checker.position_problems(checker.positions(rows), truth),
            *checker.coin_problems(book, truth),
            # However often an execution was told, it is booked once.
            *([] if booked == told else [f"{booked} executions are booked, {told} were told"]),
        ]


def is_settled(book: dict[str, Any]) -> bool:
    """Whether a book is active, reconciled, in its bands and without an order under way."""
    return bool(
        book["mode"] == "active"
        and not book["orders"]
        and all(one["reconciled"] for one in book["accounts"])
        and all(
            one["delta_coin"] is not None and abs(one["delta_coin"]) <= one["band_coin"] + (one["lot_coin"] or 0.0)
            for one in book["underlyings"]
        )
    )


def filled(order: dict[str, Any]) -> Decimal:
    """How much of an order was executed."""
    return Decimal(order["filled_contracts"])


@contextlib.contextmanager
def broken(**files: str) -> Iterator[Broken]:
    """An exchange, a proxy before it and a daemon behind that; `files` replace files of the book by their contents."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        place = Path(folder)
        scenario = HERE / "world.toml"
        if "world" in files:
            scenario = place / "scenario.toml"
            scenario.write_text(files["world"], "utf-8")
        with World(place, scenario=scenario) as world, proxied(urlsplit(world.url).port or 0) as line:
            text = world.with_keys(files["book"]) if "book" in files else world.config.read_text("utf-8")
            for address in (world.url, "http://127.0.0.1:8787"):
                text = text.replace(address, line.proxy.endpoint)
            world.config.write_text(text, "utf-8")
            if "limits" in files:
                (place / "limits.toml").write_text(files["limits"], "utf-8")
            yield Broken(world, line)
