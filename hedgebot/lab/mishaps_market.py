"""Mishaps of the market: falls, wicks, prices that go to and fro, books that are none, figures in another unit."""

from functools import partial

from hedgebot.domain.alerts import AlertKind
from hedgebot.exchange.trouble import PriceShock
from hedgebot.lab import criteria as must
from hedgebot.lab.stage import Mishap, Stage, both, client_trade, market

ZIGZAG_S = 300.0
ORDERS_PER_MINUTE_MAX = 40.0
"""`repeat_orders_max` of the world's limits."""


def _shock(stage: Stage, ratio: float) -> None:
    stage.exchange.strike(PriceShock(underlying=stage.underlying, ratio=ratio))


def _fall(stage: Stage) -> None:
    """A fifth of the price within a minute."""
    for number in range(20):
        stage.later(3.0 * number, partial(_shock, stage, 0.8 ** (1 / 20)))


def _wick(stage: Stage) -> None:
    """A sixth down within 75 seconds, and back within another 75."""
    for number in range(15):
        stage.later(5.0 * number, partial(_shock, stage, 0.84 ** (1 / 15)))
        stage.later(75.0 + 5.0 * number, partial(_shock, stage, 0.84 ** (-1 / 15)))


def _zigzag(stage: Stage) -> None:
    """The price goes to and fro across an edge of the band every two seconds."""
    for number in range(round(ZIGZAG_S / 2.0)):
        stage.later(2.0 * number, partial(_shock, stage, 1.01 if number % 2 == 0 else 1 / 1.01))


def _spoilt(
    name: str, title: str, *fields: str, factor: float = 1.0, nan: bool = False, missing: bool = False
) -> Mishap:
    """Market data that must not be traded on: no order, an alert, and all is well afterwards."""
    return Mishap(
        id=name,
        title=title,
        begin=both(market(20.0, *fields, factor=factor, nan=nan, missing=missing), client_trade("0.2")),
        seconds=20.0,
        criterion=must.every(must.no_orders_after(1.0), must.back_within(30.0)),
        alerts=(AlertKind.SUSPECT_DATA,),
    )


OF_THE_MARKET: tuple[Mishap, ...] = (
    Mishap(
        id="M01",
        title="the price falls by a fifth in a minute",
        begin=_fall,
        criterion=must.every(must.slippage_inside_collar, must.limit_breach_told, must.back_within(60.0)),
    ),
    _spoilt("M02", "the book has one side", "bid", missing=True),
    _spoilt("M02e", "the book is empty", "bid", "ask", missing=True),
    _spoilt("M02c", "the book is crossed", "bid", factor=1.01),
    _spoilt("M02w", "the book is a tenth wide", "ask", factor=1.1),
    _spoilt("M02s", "the book is too wide to hedge on, and near its mark", "ask", factor=1.009),
    Mishap(
        id="M03",
        title="a wick of a sixth and back",
        begin=_wick,
        seconds=150.0,
        criterion=must.every(must.slippage_inside_collar, must.turnover_within_bands, must.back_within(60.0)),
    ),
    Mishap(
        id="M04",
        title="the price crosses an edge every two seconds",
        begin=_zigzag,
        seconds=ZIGZAG_S,
        criterion=must.orders_at_most(ORDERS_PER_MINUTE_MAX),
    ),
    _spoilt("M06", "prices in another unit", "bid", "ask", "mark", factor=1_000.0),
    _spoilt("M06n", "prices that are no numbers", "bid", "ask", nan=True),
    _spoilt("M06z", "prices of zero", "bid", "ask", factor=0.0),
    _spoilt("M06m", "negative prices", "bid", "ask", factor=-1.0),
)
