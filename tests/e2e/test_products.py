"""A book of every kind of contract, inverse and dated ones too: reconciled, valued, hedged, and audited to the end.

What an inverse contract gains, pays as funding or as fee is coins, and those are exposure: the daemon's book must
follow them, through a delivery as well, and a second book of the cash must come to the venue's wallet.
"""

import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import checker
from tests.e2e.harness import HERE, Daemon, World
from tests.e2e.settling import verify

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

PERP = "bybit:inverse:BTCUSD"


@pytest.fixture
def products() -> Iterator[World]:
    with (
        tempfile.TemporaryDirectory(prefix="hb") as folder,
        World(Path(folder), scenario=HERE / "products.toml") as made,
    ):
        yield made


def dated(world: World, category: str) -> list[str]:
    """Futures of a category, the one that ends first before the others."""
    url = f"{world.url}/v5/market/instruments-info?category={category}"
    with urllib.request.urlopen(url, timeout=10) as answer:
        rows: list[dict[str, Any]] = json.loads(answer.read())["result"]["list"]
    futures = [row for row in rows if row["deliveryTime"] not in {"", "0"} and row["settleCoin"] in {"USDT", "BTC"}]
    futures.sort(key=lambda row: int(row["deliveryTime"]))
    return [f"bybit:{category}:{row['symbol']}" for row in futures]


def trade(world: World, instrument: str, contracts: str) -> None:
    """The client buys or sells at market."""
    side = "sell" if contracts.startswith("-") else "buy"
    answer = world.admin("trade", instrument=instrument, side=side, contracts=contracts.lstrip("-"))
    assert Decimal(answer["order"]["filled_contracts"]) == Decimal(contracts.lstrip("-")), answer


def delta_coin(answer: dict[str, Any]) -> float:
    """The exchange's own: coins with the unrealised ones, linear contracts, inverse ones, options by its delta."""
    account = answer["accounts"]["main"]
    delta = sum(float(one["wallet"]) for one in account["wallet"]["coins"] if one["coin"] == "BTC")
    for one in account["positions"]:
        contracts, category = float(one["contracts"]), one["instrument"].split(":")[1]
        if category == "option":
            delta += float(one["delta"])
        else:
            delta += contracts / float(one["entry_price"]) if category == "inverse" else contracts
    return delta


def settled(world: World, daemon: Daemon) -> None:
    """Wait, with the client silent, until journal, daemon and exchange agree on everything and the book is hedged."""
    problems = ["not compared yet"]
    book = daemon.book()
    until_s = time.monotonic() + 30.0
    while problems and time.monotonic() < until_s:
        time.sleep(0.5)
        book, answer = daemon.book(), world.admin("truth")
        truth, rows = checker.read_truth(answer), checker.read_rows(world.state_dir)
        (underlying,) = book["underlyings"]
        ours, theirs = underlying["delta_coin"], delta_coin(answer)
        problems = [
            *(f"order {one['client_id']} is still {one['status']}" for one in book["orders"]),
            *checker.order_problems(rows, truth),
            *checker.position_problems(checker.positions(rows), truth),
            *checker.coin_problems(book, truth),
            *([] if ours is not None and abs(ours - theirs) < 0.03 else [f"delta: ours {ours}, theirs {theirs}"]),
            *([] if abs(theirs) <= underlying["band_coin"] + 0.03 else [f"delta {theirs} is outside the band"]),
        ]
    assert not problems, "\n".join(problems) + "\n" + daemon.words()
    assert book["mode"] == "active", f"{book['mode']}: {book['mode_reason']}"


EXPLAINED = ("opening position", "opening cash", "less than one lot")


def test_inverse_and_dated_contracts_from_the_first_snapshot_to_the_audit(products: World) -> None:
    world = products
    soon_inverse, later_inverse = dated(world, "inverse")[:2]
    soon_linear, later_linear = dated(world, "linear")[:2]
    daemon = world.daemon()
    daemon.until_active()
    # Opened while the daemon runs, some of it beyond the order of one second.
    for instrument, contracts in (
        (soon_inverse, "45000"),
        (later_inverse, "-60000"),
        (soon_linear, "0.6"),
        (later_linear, "-0.4"),
        (PERP, "-30000"),
    ):
        trade(world, instrument, contracts)
    world.admin("price", underlying="BTC", percent=1.5)
    time.sleep(2.0)
    # Closed in part and turned round: profit in coins.
    trade(world, PERP, "50000")
    trade(world, later_inverse, "90000")
    world.admin("price", underlying="BTC", percent=-2.0)
    ended = {soon_inverse, soon_linear}
    until_s = time.monotonic() + 75.0
    while ended & checker.read_truth(world.admin("truth")).positions.keys():
        assert time.monotonic() < until_s, "the futures were not delivered"
        time.sleep(0.5)
    funded = world.admin("truth")["accounts"]["main"]["funding"]
    while not any(one["instrument"] == PERP for one in funded):
        assert time.monotonic() < until_s, "the inverse perpetual paid no funding"
        time.sleep(0.5)
        funded = world.admin("truth")["accounts"]["main"]["funding"]
    world.admin("flow", enabled=False)
    settled(world, daemon)
    rows = checker.read_rows(world.state_dir)
    held = checker.positions(rows)
    assert held.keys() >= {PERP, later_inverse, later_linear}
    assert not ended & held.keys()
    delivered = [one for one in checker.fills(rows) if one["kind"] == "delivery"]
    assert {one["instrument"] for one in delivered} >= ended
    assert any(row.kind == "FundingPaid" and row.payload["coin"] == "BTC" for row in rows)
    # Nothing was taken over without an execution that explains it, but the opening and what is below one lot.
    adjusted = [row.payload for row in rows if row.kind == "RecordAdjustment"]
    unexplained = [one for one in adjusted if not one["evidence"].startswith(EXPLAINED)]
    assert unexplained == []
    assert daemon.stop() == 0, daemon.words()
    verify(world)
    code, answer = world.verb("journal", "audit", "--state-dir", str(world.state_dir))
    assert code == 0, json.dumps(answer, indent=1)
