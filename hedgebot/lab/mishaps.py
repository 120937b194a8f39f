"""The mishaps that the fault world plays: each under its id of the project's table, with what begins and what ends it.

Owns how each is made of the exchange's faults and troubles, of the process and of its operator. What must hold
meanwhile is the oracle's to say; weights are the catalogue's.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Protocol

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.faults import (
    Altered,
    LineFault,
    LineFaultKind,
    OrderFault,
    OrderFaultKind,
    PushFault,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.exchange.link import Link
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import Adl, Depeg, FundingChange, PriceShock, Suspension, WrongMark
from hedgebot.exchange.types import OrderRequest, OrderType
from hedgebot.lab.host import Host

GREEKS = ("delta", "gamma", "vega", "theta")


class Stage(Protocol):
    """What a mishap may touch."""

    exchange: Exchange
    link: Link
    host: Host
    holder: str
    underlying: str
    hedge: InstrumentId

    def later(self, seconds: float, deed: Callable[[], None]) -> None:
        """Have something done after a while."""

    def chance(self) -> float:
        """A number from 0 up to 1, of this run's seed."""


Deed = Callable[[Stage], None]


def _nothing(_stage: Stage) -> None:
    return


class Mishap(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: it begins, lasts for `seconds`, and ends. `blind`: market data do not arrive meanwhile."""

    id: str
    title: str
    begin: Deed
    end: Deed = _nothing
    seconds: float = 60.0
    blind: bool = False

    @property
    def fault(self) -> str:
        """Id in the catalogue; what follows it tells several ways of one fault apart."""
        return self.id[:3]


def _link(*faults: RequestFault | PushFault | LineFault) -> Deed:
    def begin(stage: Stage) -> None:
        for fault in faults:
            stage.link.add(fault)

    return begin


def _orders(*faults: OrderFault) -> Deed:
    def begin(stage: Stage) -> None:
        for fault in faults:
            stage.exchange.order_faults.add(fault)

    return begin


def _dropping(stream: str, *faults: RequestFault | PushFault | LineFault) -> Deed:
    def begin(stage: Stage) -> None:
        _link(*faults)(stage)
        stage.link.streams.drop(stream)

    return begin


def _place(kind: RequestFaultKind, seconds: float = 60.0, probability: float = 0.5, **more: object) -> Deed:
    fault = RequestFault(kind=kind, request="place", count=None, seconds=seconds, probability=probability)
    return _link(msgspec.structs.replace(fault, **more))


def _market(seconds: float, *fields: str, factor: float = 1.0, nan: bool = False, missing: bool = False) -> Deed:
    altered = Altered(fields=fields, factor=factor, nan=nan, missing=missing)
    return _link(PushFault(kind=PushFaultKind.ALTER, topic="market", seconds=seconds, altered=altered))


def _adl(stage: Stage) -> None:
    """The venue closes three fifths of the hedge."""
    held = next((one for one in stage.exchange.positions(stage.holder) if one.instrument == stage.hedge), None)
    rules = stage.exchange.listing(stage.hedge)
    if held is None or rules is None:
        return
    contracts = rules.instrument.floor_qty(abs(held.contracts) * Decimal("0.6"))
    if contracts:
        stage.exchange.strike(Adl(account=stage.holder, instrument=stage.hedge, contracts=contracts))


def _manual_trade(stage: Stage) -> None:
    stage.exchange.place(
        OrderRequest(
            account=stage.holder,
            instrument=stage.hedge,
            side=Side.BUY if stage.chance() < 0.5 else Side.SELL,
            type=OrderType.MARKET,
            qty_contracts=Decimal("0.3"),
            client_id=f"manual-{stage.exchange.now_ns}",
        )
    )


def _crashes(stage: Stage) -> None:
    """The process dies somewhere on the order path, and once more at any moment; each time it is started again."""
    point = ("before_commit", "after_commit_before_send", "after_send_before_answer")[int(stage.chance() * 3)]

    def passing(name: str) -> None:
        if name == point:
            stage.host.passing = lambda _name: None
            _crash(stage)

    stage.host.passing = passing
    stage.later(20.0 + 20.0 * stage.chance(), lambda: _crash(stage))


def _crash(stage: Stage) -> None:
    if stage.host.running:
        stage.host.crash(power_cut=stage.chance() < 0.5)
        stage.later(3.0, lambda: None if stage.host.running else stage.host.start())


def _no_more_crashes(stage: Stage) -> None:
    stage.host.passing = lambda _name: None


def _broken_disk(stage: Stage) -> None:
    stage.host.journal.broken = "no space left on device"


def _mended_disk(stage: Stage) -> None:
    stage.host.journal.broken = ""


def _fall(stage: Stage) -> None:
    """A fifth of the price within a minute."""
    for number in range(20):
        shock = PriceShock(underlying=stage.underlying, ratio=0.8 ** (1 / 20))
        stage.later(3.0 * number, partial(stage.exchange.strike, shock))


def _wick(stage: Stage) -> None:
    stage.exchange.strike(PriceShock(underlying=stage.underlying, ratio=0.84))


def _wick_back(stage: Stage) -> None:
    stage.exchange.strike(PriceShock(underlying=stage.underlying, ratio=1 / 0.84))


def _zigzag(stage: Stage) -> None:
    """The price goes to and fro across an edge of the band every two seconds."""
    for number in range(30):
        ratio = 1.01 if number % 2 == 0 else 1 / 1.01
        shock = PriceShock(underlying=stage.underlying, ratio=ratio)
        stage.later(2.0 * number, partial(stage.exchange.strike, shock))


def _outage(stage: Stage) -> None:
    stage.exchange.strike(PriceShock(underlying=stage.underlying, ratio=0.92))
    _dropping("", LineFault(kind=LineFaultKind.REFUSE, seconds=60.0))(stage)


def _operator(event: ev.Event) -> Deed:
    return lambda stage: stage.host.put(event)


def _switch(*, enabled: bool) -> Deed:
    return _operator(
        ev.StrategySwitched(strategy="delta_neutral", enabled=enabled, operator="lab", reason="the fault world")
    )


R, P, L, W = RequestFaultKind, PushFaultKind, LineFaultKind, OrderFaultKind

MISHAPS: tuple[Mishap, ...] = (
    Mishap(
        id="N01",
        title="the private stream breaks between a fill and its news",
        begin=_dropping("private", PushFault(kind=P.MUTE, topic="execution", count=2)),
        seconds=20.0,
    ),
    Mishap(
        id="N02",
        title="market data stand still on a connection that stands",
        begin=_link(LineFault(kind=L.HALF_OPEN, stream="public", seconds=30.0)),
        seconds=30.0,
        blind=True,
    ),
    Mishap(
        id="N04",
        title="no connection to the venue can be made",
        begin=_dropping("", LineFault(kind=L.REFUSE, seconds=90.0)),
        seconds=90.0,
        blind=True,
    ),
    Mishap(id="N05", title="orders are taken, their answers are lost", begin=_place(R.ACK_LOST)),
    Mishap(id="N06", title="orders are lost on their way", begin=_place(R.REQUEST_LOST)),
    Mishap(id="N08", title="fills come before the answer", begin=_place(R.ACK_DELAY, delay_ms=800.0)),
    Mishap(
        id="N09",
        title="news come twice and out of order",
        begin=_link(
            PushFault(kind=P.DUPLICATE, seconds=60.0, probability=0.5, topic="execution"),
            PushFault(kind=P.DUPLICATE, seconds=60.0, probability=0.5, topic="order"),
            PushFault(kind=P.REORDER, seconds=60.0, probability=0.5, delay_ms=2_000.0),
        ),
    ),
    Mishap(
        id="N11",
        title="frames that cannot be read",
        begin=_link(
            PushFault(kind=P.GARBLE, topic="market", count=5), PushFault(kind=P.GARBLE, topic="execution", count=1)
        ),
        seconds=10.0,
    ),
    Mishap(
        id="N12",
        title="each connection is cut after a second",
        begin=_dropping("", LineFault(kind=L.CUT, delay_ms=1_000.0, seconds=60.0)),
    ),
    Mishap(
        id="N15",
        title="each connection takes nine seconds",
        begin=_dropping("", LineFault(kind=L.SLOW, delay_ms=9_000.0, seconds=60.0)),
    ),
    Mishap(id="V01", title="an error after the order was carried out", begin=_place(R.REFUSE, executed=True)),
    Mishap(
        id="V02",
        title="the address is banned",
        begin=_link(RequestFault(kind=R.REFUSE, reason="banned", count=None, seconds=30.0)),
        seconds=30.0,
    ),
    Mishap(
        id="V03",
        title="new orders are throttled",
        begin=_orders(OrderFault(kind=W.OVERLOADED, count=None, seconds=30.0)),
        seconds=30.0,
    ),
    Mishap(
        id="V05",
        title="orders are filled in part",
        begin=_orders(OrderFault(kind=W.PARTIAL, share=0.4, count=None, seconds=60.0, probability=0.7)),
    ),
    Mishap(id="V06", title="the hedge is auto-deleveraged", begin=_adl, seconds=10.0),
    Mishap(
        id="V08",
        title="the venue restarts",
        begin=_dropping("", LineFault(kind=L.REFUSE, seconds=10.0)),
        seconds=10.0,
    ),
    Mishap(
        id="V10",
        title="the hedge instrument is suspended",
        begin=lambda stage: stage.exchange.strike(Suspension(instrument=stage.hedge, duration_s=30.0)),
        seconds=30.0,
    ),
    Mishap(
        id="V12",
        title="funding changes its interval and its rate",
        begin=lambda stage: stage.exchange.strike(
            FundingChange(instrument=stage.hedge, interval_s=60, next_rate=0.0005)
        ),
        end=lambda stage: stage.exchange.strike(FundingChange(instrument=stage.hedge, interval_s=28_800)),
    ),
    Mishap(
        id="V14",
        title="the list of positions comes back empty",
        begin=_link(RequestFault(kind=R.EMPTY, request="query.positions", count=2)),
        seconds=40.0,
    ),
    Mishap(
        id="V16",
        title="mark and index are wrong by a sixth",
        begin=_market(40.0, "mark", "index", factor=0.84),
        seconds=40.0,
    ),
    Mishap(
        id="V17",
        title="a stablecoin loses its peg",
        begin=lambda stage: stage.exchange.strike(Depeg(coin="USDC", usd_price=0.9, duration_s=40.0)),
        seconds=40.0,
    ),
    Mishap(
        id="V18",
        title="option greeks are turned over",
        begin=_market(40.0, *GREEKS, factor=-1.0),
        seconds=40.0,
    ),
    Mishap(
        id="V22",
        title="the venue is down while the price falls",
        begin=_outage,
        seconds=60.0,
        blind=True,
    ),
    Mishap(id="P01", title="the process is killed on the order path", begin=_crashes, end=_no_more_crashes),
    Mishap(
        id="P03",
        title="the process is stopped for a while",
        begin=lambda stage: stage.host.pause(),
        end=lambda stage: stage.host.resume(),
        seconds=30.0,
    ),
    Mishap(
        id="P06",
        title="a task of the daemon fails",
        begin=_operator(ev.TaskFailed(task="clock", error="a bug", restarting=True)),
        seconds=5.0,
    ),
    Mishap(id="D01", title="the disk is full", begin=_broken_disk, end=_mended_disk, seconds=20.0),
    Mishap(id="O03", title="somebody trades by hand", begin=_manual_trade, seconds=10.0),
    Mishap(
        id="O05",
        title="an operator kills the book",
        begin=_operator(ev.OperatorKilled(operator="lab", reason="the fault world")),
        seconds=30.0,
    ),
    Mishap(
        id="O10",
        title="the strategy is switched off and on",
        begin=_switch(enabled=False),
        end=_switch(enabled=True),
        seconds=20.0,
    ),
    Mishap(id="M01", title="the price falls by a fifth in a minute", begin=_fall),
    Mishap(id="M02", title="the book has one side", begin=_market(30.0, "bid", missing=True), seconds=30.0),
    Mishap(id="M03", title="a wick of a sixth and back", begin=_wick, end=_wick_back, seconds=30.0),
    Mishap(id="M04", title="the price crosses an edge every two seconds", begin=_zigzag),
    Mishap(
        id="M06",
        title="prices in another unit",
        begin=_market(20.0, "bid", "ask", "mark", factor=1_000.0),
        seconds=20.0,
    ),
    Mishap(
        id="M06n",
        title="prices that are no numbers",
        begin=_market(20.0, "bid", "ask", nan=True),
        seconds=20.0,
    ),
    Mishap(
        id="V16m",
        title="the venue's mark is wrong for everybody",
        begin=lambda stage: stage.exchange.strike(WrongMark(instrument=stage.hedge, ratio=0.84, duration_s=40.0)),
        seconds=40.0,
    ),
)

BY_ID = {one.id: one for one in MISHAPS}
