"""Accounts in every margin mode, for the tests of what they need. Positions are entered at the first marks."""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.requests import MarginMode
from hedgebot.exchange.risk import Risk
from hedgebot.exchange.scenario import HoldingSpec, Scenario
from hedgebot.exchange.types import OrderRequest, OrderType

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")
ETHUSDT = InstrumentId("bybit:linear:ETHUSDT")
BTC_SPOT = InstrumentId("bybit:spot:BTCUSDT")


def holding(
    scenario: Scenario,
    now_ns: int,
    *positions: tuple[str, str],
    mode: MarginMode = MarginMode.CROSS,
    coins: dict[str, str] | None = None,
    step_ms: int = 1_000,
) -> Exchange:
    """An exchange whose account `main` holds the positions (instrument, contracts) in a margin mode.

    Its grid is coarse: these tests wait for minutes and hours, not for the market's small moves.
    """
    first = scenario.accounts[0]
    holdings = tuple(HoldingSpec(instrument=name, contracts=Decimal(size)) for name, size in positions)
    own = first.coins if coins is None else {coin: Decimal(amount) for coin, amount in coins.items()}
    account = msgspec.structs.replace(first, positions=holdings, coins=own)
    exchange = Exchange(msgspec.structs.replace(scenario, accounts=(account,), step_ms=step_ms), now_ns)
    account_of(exchange).margin.mode = mode
    return exchange


def account_of(exchange: Exchange) -> Account:
    """The books behind `main`."""
    return exchange._accounts["main"]


def risk_of(exchange: Exchange) -> Risk:
    """The margin arithmetic of an exchange."""
    return exchange._books.risk


def order(
    instrument: InstrumentId, side: Side, qty: str, price: str | None = None, *, reduce_only: bool = False
) -> OrderRequest:
    """A request of `main`: a limit order with a price, a market order without one."""
    return OrderRequest(
        account="main",
        instrument=instrument,
        side=side,
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        qty_contracts=Decimal(qty),
        limit_price=None if price is None else Decimal(price),
        reduce_only=reduce_only,
    )
