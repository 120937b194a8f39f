"""Mishaps of the market: falls, wicks, prices that go to and fro, books that are none, figures in another unit."""

from functools import partial

from hedgebot.domain.alerts import AlertKind
from hedgebot.exchange.trouble import PriceShock
from hedgebot.lab import criteria as must
from hedgebot.lab import criteria_orders as became
from hedgebot.lab.stage import Deed, Mishap, Stage, both, client_trade, market
from hedgebot.lab.turnoverjudge import turnover_within_bands
from hedgebot.lab.worldspec import TIGHT_REPEATS, nobody_trades, tight_throttle

ZIGZAG_S = 3_600.0
ORDERS_PER_MINUTE_MAX = 40.0
"""`repeat_orders_max` of the world's limits."""

ORDERS_PER_HOUR_MAX = 120.0
"""Of 1,800 crossings of an edge: what the price's own way through an hour asks for, and no order for each swing."""


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


def _zigzag(stage: Stage, seconds: float, ratio: float) -> None:
    """The price goes to and fro by a ratio every two seconds."""
    for number in range(round(seconds / 2.0)):
        stage.later(2.0 * number, partial(_shock, stage, ratio if number % 2 == 0 else 1 / ratio))


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


def _unmarked(name: str, title: str, spoils: Deed, from_s: float) -> Mishap:
    """A book that is well, without what it is held to: from then on an order goes only where it shrinks a position."""
    return Mishap(
        id=name,
        title=title,
        begin=both(spoils, lambda stage: stage.later(from_s + 4.0, lambda: client_trade("0.2")(stage))),
        seconds=from_s + 29.0,
        criterion=must.every(became.only_shrinking_after(from_s), must.back_within(30.0)),
        alerts=(AlertKind.SUSPECT_DATA,),
        alert_s=from_s + 4.0,
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
    Mishap(
        id="M02t",
        title="next to nothing stands in the book, near its mark and narrow",
        # The trade is seen at once and the book with its next step: it comes after that.
        begin=both(
            market(20.0, "bid_qty", "ask_qty", factor=1e-9),
            lambda stage: stage.later(1.0, lambda: client_trade("0.2")(stage)),
        ),
        seconds=20.0,
        criterion=must.every(must.no_orders_after(1.0), must.back_within(30.0)),
        alerts=(AlertKind.SUSPECT_DATA,),
        alert_s=10.0,
        # The client trades back and forth meanwhile.
        times=4,
        due=became.wanted_in_vain,
    ),
    _spoilt("M02s", "the book is too wide to hedge on, and near its mark", "ask", factor=1.009),
    Mishap(
        id="M03",
        title="a wick of a sixth and back",
        begin=_wick,
        seconds=150.0,
        criterion=must.every(must.slippage_inside_collar, turnover_within_bands, must.back_within(60.0)),
    ),
    Mishap(
        id="M04",
        title="the price crosses an edge of the band every two seconds, for an hour",
        begin=both(client_trade("0.2"), partial(_zigzag, seconds=ZIGZAG_S, ratio=0.9975)),
        seconds=ZIGZAG_S,
        criterion=must.every(must.struck, must.orders_at_most(ORDERS_PER_HOUR_MAX / 60.0)),
        scenario=nobody_trades,
        alone=True,
    ),
    Mishap(
        id="M04w",
        title="the price leaves the whole band every two seconds",
        begin=partial(_zigzag, seconds=100.0, ratio=1.01),
        seconds=100.0,
        criterion=must.orders_at_most(ORDERS_PER_MINUTE_MAX),
    ),
    Mishap(
        id="M04t",
        title="the price leaves the whole band every two seconds, and repeats are not wanted",
        begin=partial(_zigzag, seconds=100.0, ratio=1.01),
        seconds=100.0,
        criterion=became.throttled(TIGHT_REPEATS, 60.0),
        alerts=(AlertKind.ORDER_REJECTED,),
        # Ten swings down and ten up, and some that met a hedge on its way.
        alert_s=60.0,
        settings=tight_throttle,
        alone=True,
    ),
    _spoilt("M06", "prices in another unit", "bid", "ask", "mark", factor=1_000.0),
    _spoilt("M06n", "prices that are no numbers", "bid", "ask", nan=True),
    _unmarked("M06k", "marks that are no numbers", market(30.0, "mark", nan=True), from_s=1.0),
    _unmarked("M06y", "marks of zero", market(30.0, "mark", factor=0.0), from_s=1.0),
    # An index that is missing is held until it is as old as a mark may be.
    _unmarked("M06i", "the index is gone", market(40.0, "index", missing=True), from_s=11.0),
    _spoilt("M06z", "prices of zero", "bid", "ask", factor=0.0),
    _spoilt("M06m", "negative prices", "bid", "ask", factor=-1.0),
)
