"""Hedges bought in a future and sold in the perpetual: killed in mid-order in each, cut off with an order out.

The real daemon with the real ccxt.pro against the exchange on the wire. Whatever strikes, no order is doubled, the net
delta comes back into its band, and longs and shorts of the two never stand against each other beyond the cap.
"""

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from hedgebot.daemon.failpoints import Failpoint
from tests.e2e import checker
from tests.e2e.harness import HERE, Daemon, World
from tests.e2e.settling import verify
from tests.e2e.test_products import dated, settled, trade

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PERP, CLIENTS = "bybit:linear:BTCUSDT", "bybit:linear:BTCPERP"
CAP, LOT, ZERO = Decimal("0.3"), Decimal("0.001"), Decimal(0)
START_S = 40.0


@pytest.fixture
def desk() -> Iterator[World]:
    """An account without coins of its own, whose client trades only when told to."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        scenario = Path(folder) / "desk.toml"
        text = (HERE / "world.toml").read_text("utf-8")
        for old, new in (('BTC = "5"\n', ""), ("[client_flow]\n", "[client_flow]\nenabled = false\n")):
            assert old in text
            text = text.replace(old, new, 1)
        scenario.write_text(text, "utf-8")
        with World(Path(folder), scenario=scenario) as made:
            yield made


def configure(world: World) -> str:
    """Long hedges go to the future that ends last; its id."""
    future = [one for one in dated(world, "linear") if "BTCUSDT" in one][-1]
    own = f'hedge_instrument_buy = "{future}"\nopposed_coin_max = {CAP}\nhedge_hold_days = 3.0\n'
    text = world.config.read_text("utf-8")
    assert "settlement_window_s" in text
    world.config.write_text(text.replace("settlement_window_s", own + "settlement_window_s", 1), "utf-8")
    return future


def killed(world: World, client_trades: str) -> str:
    """Kill the daemon when the answer to an order of ours is about to come; the instrument of that order."""
    daemon = world.daemon(HEDGEBOT_FAILPOINT=Failpoint.AFTER_SEND_BEFORE_ANSWER.value)
    daemon.until_active(START_S)
    trade(world, CLIENTS, client_trades)
    daemon.until_killed(START_S)
    sent = [row.payload for row in checker.read_rows(world.state_dir) if row.kind == "SubmitOrder"]
    return str(sent[-1]["approved"]["intent"]["instrument"])


def back(world: World) -> Daemon:
    """A daemon that comes after it, once everything agrees and the book is hedged."""
    daemon = world.daemon()
    daemon.until_active(START_S)
    settled(world, daemon)
    return daemon


def most_opposed(world: World, *hedges: str) -> Decimal:
    """The most of the hedges that ever stood against each other: by the exchange's orders, one after the other."""
    held, most = dict.fromkeys(hedges, ZERO), ZERO
    for order in checker.read_truth(world.admin("truth")).ours:
        held[order["instrument"]] += Decimal(order["filled_contracts"]) * (1 if order["side"] == "buy" else -1)
        longs, shorts = (sum((max(sign * one, ZERO) for one in held.values()), ZERO) for sign in (1, -1))
        most = max(most, min(longs, shorts))
    return most


def test_p01_n05_two_hedges_survive_kills_and_a_cut_in_mid_order(desk: World) -> None:
    future = configure(desk)
    daemon = desk.daemon()
    daemon.until_active(START_S)
    trade(desk, CLIENTS, "-1.5")
    settled(desk, daemon)
    assert checker.read_truth(desk.admin("truth")).positions.keys() == {CLIENTS, future}
    assert daemon.stop() == 0, daemon.words()
    # A long more, opened in the future.
    assert killed(desk, "-1.0") == future
    assert back(desk).stop() == 0
    # The longs are sold first, in as many orders as the market takes; then shorts are opened in the perpetual.
    struck = ""
    for _ in range(4):
        struck = killed(desk, "2.5")
        daemon = back(desk)
        if struck == PERP:
            break
        assert daemon.stop() == 0
    assert struck == PERP
    assert checker.read_truth(desk.admin("truth")).positions[PERP] < 0
    # The answer to an order is lost and the private socket is cut with it.
    desk.admin("faults", type="http", kind="ack_lost", endpoint="/v5/order/create", count=1)
    before = len(checker.read_truth(desk.admin("truth")).ours)
    trade(desk, CLIENTS, "-3.0")
    desk.admin("drop", channel="private")
    daemon.until("ordering", lambda _: len(checker.read_truth(desk.admin("truth")).ours) > before, START_S)
    desk.admin("drop", channel="private")
    settled(desk, daemon)
    truth = checker.read_truth(desk.admin("truth"))
    assert {one["instrument"] for one in truth.ours} == {PERP, future}
    assert {(one["instrument"], one["side"]) for one in truth.ours if Decimal(one["filled_contracts"])} >= {
        (future, "buy"),
        (future, "sell"),
        (PERP, "sell"),
        (PERP, "buy"),
    }
    assert most_opposed(desk, PERP, future) <= CAP + LOT
    # Nobody hedged in circles: a trade of the client's takes a few orders, and what a kill left one more.
    assert len(truth.ours) <= 25, truth.ours
    assert daemon.stop() == 0, daemon.words()
    verify(desk)
