"""Somebody moves money behind the daemon's back, over the wire: runbook RB-08 from the alert to the review, typed out.

A settlement coin first (hedging goes on, what adds risk is refused, `unkill` takes the number over), then a token that
counts as exposure (nothing is sent, the book halts, `unkill` takes the number over, and the rest is hedged).
"""

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import checker
from tests.e2e.harness import HERE, Daemon, World
from tests.e2e.settling import verify
from tests.e2e.test_products import trade

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

CLIENTS = "bybit:linear:BTCPERP"
TOKEN = '\n[[tokens]]\nname = "WBTC"\nunderlying = "BTC"\nratio = 1.0\n'


@pytest.fixture
def world() -> Iterator[World]:
    """An account with three WBTC beside five BTC, whose client trades only when told to."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        text = (HERE / "world.toml").read_text("utf-8")
        for old, new in (
            ('BTC = "5"\n', 'BTC = "5"\nWBTC = "3"\n'),
            ("[client_flow]\n", "[client_flow]\nenabled = false\n"),
        ):
            assert old in text
            text = text.replace(old, new, 1)
        scenario = Path(folder) / "moved.toml"
        scenario.write_text(text + TOKEN, "utf-8")
        with World(Path(folder), scenario=scenario) as made:
            config = made.config.read_text("utf-8")
            named = config.replace("[underlyings.BTC]\n", '[underlyings.BTC]\ntokens = { WBTC = "1.0" }\n', 1)
            assert named != config
            made.config.write_text(named, "utf-8")
            limits = made.config.with_name("limits.toml")
            limits.write_text(limits.read_text("utf-8") + "unexplained_position_ms_max = 6000\n", "utf-8")
            yield made


def breaks(book: dict[str, Any]) -> dict[str, str]:
    return {one["subject"]: one["summary"] for one in book["alerts"] if one["kind"] == "ReconBreak"}


def in_band(book: dict[str, Any]) -> bool:
    (btc,) = book["underlyings"]
    return btc["delta_coin"] is not None and abs(btc["delta_coin"]) <= btc["band_coin"]


def hedged_coin(world: World) -> float:
    """Coins in all linear contracts, the client's among them."""
    return float(sum(checker.read_truth(world.admin("truth")).positions.values()))


def unkill(world: World, *reviewed: str) -> tuple[int, dict[str, Any]]:
    named = [word for one in reviewed for word in ("--reviewed", one)]
    words = ("--operator", "ann", "--reason", "ticket 42", "--confirm", "unkill e2e", *named)
    return world.verb("unkill", *words, "--state-dir", str(world.state_dir))


def lifted(world: World, daemon: Daemon, *reviewed: str) -> None:
    """Lift what is latched, once the list has nothing else on it."""
    answer: dict[str, Any] = {}

    def is_lifted(_: dict[str, Any]) -> bool:
        nonlocal answer
        code, answer = unkill(world, *reviewed)
        return code == 0

    try:
        daemon.until("lifted", is_lifted, 40.0)
    except AssertionError as error:
        raise AssertionError(answer) from error


def taken_over(world: World) -> list[tuple[str, Decimal]]:
    rows = [row.payload for row in checker.read_rows(world.state_dir) if row.kind == "RecordAdjustment"]
    return [
        (one["subject"], Decimal(one["after"]) - Decimal(one["before"])) for one in rows if "ann" in one["evidence"]
    ]


def test_money_that_somebody_moves_is_told_and_taken_over_by_an_operators_word(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    daemon.until("coins and tokens are hedged", in_band)
    assert hedged_coin(world) == pytest.approx(-8.0, abs=0.3)

    world.admin("transfer", coin="USDT", qty="5000")
    book = daemon.until("the cash is told", lambda one: bool(breaks(one)), 30.0)
    assert list(breaks(book)) == ["main|USDT cash"]
    # The client's trade raises the delta, and what brings it back is sent all the same.
    trade(world, CLIENTS, "1.0")
    daemon.until("hedged on", lambda one: one["mode"] == "active" and in_band(one) and bool(breaks(one)))
    code, _ = world.verb("reduce", "--reason", "ticket 42", "--state-dir", str(world.state_dir))
    assert code == 0
    code, answer = unkill(world)
    assert code != 0
    assert "difference:main:USDT cash" in str(answer), answer
    lifted(world, daemon, "difference:main:USDT cash")
    daemon.until("the break has ended", lambda one: one["mode"] == "active" and not breaks(one))
    assert taken_over(world) == [("USDT cash", Decimal(-5_000))]

    world.admin("transfer", coin="WBTC", qty="1")
    book = daemon.until("the token is told", lambda one: bool(breaks(one)), 30.0)
    assert "WBTC" in breaks(book)["main"], breaks(book)
    sent = len(checker.read_truth(world.admin("truth")).ours)
    trade(world, CLIENTS, "0.5")
    daemon.until("halted", lambda one: one["mode"] == "halted", 60.0)
    assert len(checker.read_truth(world.admin("truth")).ours) == sent, "an order on an account that differs"
    lifted(world, daemon, "difference:main:WBTC", "unexplained:main:WBTC")
    daemon.until("the rest is hedged", lambda one: one["mode"] == "active" and in_band(one) and not breaks(one))
    assert hedged_coin(world) == pytest.approx(-7.0, abs=0.3)
    assert taken_over(world)[1:] == [("WBTC", Decimal(-1))]
    assert daemon.stop() == 0
    verify(world)
