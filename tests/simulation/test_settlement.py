"""Half an hour in which a delivery price is averaged: the hedge goes as options and futures lose their delta."""

from decimal import Decimal

import msgspec
import numpy as np

from hedgebot.domain import commands as cmd
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.settings import AccountRole, AccountSettings
from hedgebot.exchange.expiries import linear_future_symbol, moment
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import HoldingSpec
from hedgebot.lab.oracle import Oracle
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from hedgebot.lab.worldspec import SCENARIO, SETTINGS, START_NS
from strategies.delta_neutral import STRATEGY

EXPIRY_S = 1_920
BAND_COIN = 0.1
STEP_S = 2.0
FUTURE = "linear:" + linear_future_symbol("BTC", "USDT", moment(START_NS + EXPIRY_S * NS_PER_S))
_OVERSHOOT_COIN = 0.15


def _book(*holdings: tuple[str, str], window_s: float = 1_800.0) -> SimBook:
    """Options and a future that end after 35 minutes, hedged with the perpetual; nobody trades beside."""
    coin = msgspec.structs.replace(
        SCENARIO.underlyings[0],
        vol=0.6,
        jumps_per_day=0.0,
        option_expiries_s=(float(EXPIRY_S),),
        option_strikes=5,
        option_strike_step=1_000.0,
        future_expiries_s=(float(EXPIRY_S),),
    )
    account = msgspec.structs.replace(
        SCENARIO.accounts[0],
        coins={"USDT": Decimal(3_000_000), "USDC": Decimal(1_000_000), "BTC": Decimal(1)},
        positions=tuple(HoldingSpec(instrument=name, contracts=Decimal(contracts)) for name, contracts in holdings),
    )
    scenario = msgspec.structs.replace(
        SCENARIO, step_ms=round(1_000 * STEP_S), underlyings=(coin,), accounts=(account,), client_flow=None
    )
    underlying = msgspec.structs.replace(SETTINGS.underlyings[0], band_coin=BAND_COIN, settlement_window_s=window_s)
    settings = msgspec.structs.replace(
        SETTINGS,
        underlyings=(underlying,),
        accounts=(AccountSettings(name="main", venue="bybit", role=AccountRole.SHARED),),
    )
    return SimBook(Exchange(scenario, START_NS), settings, STRATEGY.build, pace=Pace.of_seconds(STEP_S))


def _through_delivery(book: SimBook) -> np.ndarray:
    """The true delta at the exchange, at every step from the first minute on until two minutes after the delivery."""
    oracle = Oracle(book.exchange, "main", book.host.journal, book.settings)
    book.host.start()
    book.timeline.advance(START_NS + 60 * NS_PER_S + NS_PER_S)
    seen = []
    while book.timeline.now_ns < START_NS + (EXPIRY_S + 120) * NS_PER_S:
        book.timeline.advance(book.timeline.now_ns + round(STEP_S * NS_PER_S))
        seen.append(oracle.delta_coin(book.settings.underlyings[0]))
    assert book.host.engine.state.mode is cmd.Mode.ACTIVE
    return np.array(seen)


def test_the_hedge_is_unwound_through_the_window_and_nothing_jumps_at_expiry() -> None:
    """HEDGING 3.3: in the money, at the money, and a dated future; the perpetual's position is gone with them."""
    book = _book(
        ("option:BTC/0/-2/C", "-2"),
        ("option:BTC/0/0/C", "-1"),
        (FUTURE, "1.5"),
    )
    seen = _through_delivery(book)
    assert np.abs(seen).max() <= BAND_COIN + _OVERSHOOT_COIN, f"at step {np.abs(seen).argmax()}"
    inside = np.abs(seen) <= BAND_COIN
    assert inside.mean() > 0.97, "beyond the band only until the order of that step has filled"
    delivered = round((EXPIRY_S - 61) / STEP_S)
    assert np.abs(np.diff(seen[delivered - 5 : delivered + 5])).max() < 0.02, "the delivery itself moves nothing"
    held = {one.instrument.split(":")[2] for one in book.exchange.positions("main")}
    assert held == {"BTCUSDT"}


def test_without_the_window_the_delivery_leaves_a_naked_perpetual() -> None:
    """What this is for: an engine that takes the delivery price for the index of its last second."""
    seen = _through_delivery(_book(("option:BTC/0/-2/C", "-2"), window_s=1.0))
    assert np.abs(seen).max() > 10 * BAND_COIN
