"""A book that holds STETH and METH in the exchange's wallet: hedged to its band, and a withdrawal is no trade of it."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.view import book_view
from hedgebot.domain import commands as cmd
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import TokenSpec, UnderlyingSpec
from hedgebot.exchange.transfers import Transfer, Wallet
from hedgebot.lab.oracle import Oracle
from hedgebot.lab.pace import Pace
from hedgebot.lab.simbook import SimBook
from hedgebot.lab.worldspec import HOLDER, SCENARIO, SETTINGS, START_NS
from strategies.delta_neutral import STRATEGY

BAND_COIN = 0.5
STEP_S = 1.0
RATIOS = {"STETH": Decimal("1.0"), "METH": Decimal("1.06")}


def _book(*, is_named: bool = True) -> SimBook:
    """Ten STETH and five METH behind the ETH perpetual; the client trades ETH beside them."""
    flow = SCENARIO.client_flow
    assert flow is not None
    account = msgspec.structs.replace(
        SCENARIO.accounts[0],
        coins={"USDT": Decimal(500_000), "USDC": Decimal(500_000), "STETH": Decimal(10), "METH": Decimal(5)},
        positions=(),
    )
    scenario = msgspec.structs.replace(
        SCENARIO,
        underlyings=(UnderlyingSpec(name="ETH", start_price=3_000.0, vol=0.9, option_expiries_days=()),),
        accounts=(account,),
        tokens=tuple(TokenSpec(name=one, underlying="ETH", ratio=float(ratio)) for one, ratio in RATIOS.items()),
        client_flow=msgspec.structs.replace(flow, size_coin={"ETH": 0.8}, bound_coin={"ETH": 4.0}),
    )
    underlying = msgspec.structs.replace(
        SETTINGS.underlyings[0],
        underlying="ETH",
        hedge_instrument=InstrumentId("bybit:linear:ETHUSDT"),
        band_coin=BAND_COIN,
        delta_limit_coin=30.0,
        order_qty_coin_max=20.0,
        tokens=RATIOS if is_named else {},
    )
    strategy = msgspec.structs.replace(SETTINGS.strategies[0], underlyings=("ETH",))
    settings = msgspec.structs.replace(SETTINGS, underlyings=(underlying,), strategies=(strategy,))
    return SimBook(Exchange(scenario, START_NS), settings, STRATEGY.build, pace=Pace.of_seconds(STEP_S))


def _go(book: SimBook, seconds: float) -> None:
    book.timeline.advance(book.timeline.now_ns + round(seconds * NS_PER_S))


def _is_up(book: SimBook, kind: AlertKind) -> bool:
    return any(one.kind is kind for one in book.host.engine.state.alerts.values())


def test_tokens_are_hedged_with_the_perpetual_and_what_vanishes_is_told() -> None:
    book = _book()
    oracle = Oracle(book.exchange, HOLDER, book.host.journal, book.settings)
    eth = book.settings.underlyings[0]
    book.host.start()
    assert oracle.delta_coin(eth) == 15.3
    _go(book, 30.0)
    outside = 0
    for _ in range(300):
        _go(book, STEP_S)
        outside += abs(oracle.delta_coin(eth)) > BAND_COIN
    assert outside <= 15, "beyond the band only until the order of that step has filled"
    assert oracle.hedge_coin(eth) < -10.0
    state = book.host.engine.state
    assert state.mode is cmd.Mode.ACTIVE
    assert state.accounts[HOLDER].reconciled
    assert not _is_up(book, AlertKind.RECON_BREAK)
    (shown,) = book_view(state, book.timeline.now_ns).underlyings
    tokens = {one.instrument: one.delta_coin for one in shown.positions if one.kind == "token"}
    assert tokens == {"STETH": 10.0, "METH": 5.3}
    wallet = state.accounts[HOLDER].wallet
    assert wallet is not None
    assert wallet.prices_usd["METH"] / wallet.prices_usd["STETH"] == pytest.approx(1.06)
    assert not oracle.violations

    moved = book.exchange.transfers.move(HOLDER, "away", "STETH", Decimal(6), Wallet.UNIFIED, Wallet.FUND)
    assert isinstance(moved, Transfer)
    _go(book, 20.0)
    assert _is_up(book, AlertKind.RECON_BREAK)
    state = book.host.engine.state
    assert not state.accounts[HOLDER].reconciled
    assert state.accounts[HOLDER].mismatches["STETH"].venue_value == 4
    assert state.coins[f"{HOLDER}|STETH"].qty == 10, "a difference is evidence, never a silent repair"


def test_tokens_that_nobody_named_are_no_exposure_and_are_told() -> None:
    book = _book(is_named=False)
    book.host.start()
    _go(book, 60.0)
    view = book_view(book.host.engine.state, book.timeline.now_ns)
    assert [one.partition(" ")[0] for one in view.accounts[0].unnamed] == ["STETH", "METH"]
    assert view.underlyings[0].delta_coin is not None
    assert abs(view.underlyings[0].delta_coin) <= BAND_COIN + 1.0
