"""Mishaps between the book and the venue: connections, answers, news, and how the venue treats single orders."""

import msgspec

from hedgebot.domain.alerts import AlertKind
from hedgebot.exchange.faults import (
    LineFault,
    LineFaultKind,
    OrderFault,
    OrderFaultKind,
    PushFault,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.exchange.scenario import Scenario
from hedgebot.lab import criteria as must
from hedgebot.lab import criteria_orders as became
from hedgebot.lab.stage import (
    Mishap,
    Stage,
    at_own_fill,
    at_own_order,
    both,
    client_trade,
    dropping,
    link,
    orders,
    place,
)
from hedgebot.lab.worldspec import SIX, six_hedges, six_underlyings

R, P, L, W = RequestFaultKind, PushFaultKind, LineFaultKind, OrderFaultKind
DEADLINE_S = 5.0
"""How long an order may live: `order_deadline_ms` of the world's limits."""

OUTAGE_S = 300.0


def _dead_line(stage: Stage) -> None:
    dropping("", LineFault(kind=L.REFUSE, seconds=OUTAGE_S))(stage)


def _six_in_flight(stage: Stage) -> None:
    """An order each on six underlyings reaches the venue, no answer and no news of them comes back, the lines die."""
    link(RequestFault(kind=R.ACK_LOST, request="place", count=len(SIX)))(stage)
    at_own_order(_dead_line, len(SIX))(stage)
    for name in SIX:
        client_trade("0.2" if name == stage.underlying else "2", underlying=name)(stage)
    # What those say is on its way already.
    link(*(PushFault(kind=P.MUTE, topic=topic, seconds=5.0) for topic in ("order", "execution")))(stage)


def _binance(scenario: Scenario) -> Scenario:
    """A venue that lets orders through that only reduce."""
    return msgspec.structs.replace(scenario, venue_rules="binance")


ON_THE_WIRE: tuple[Mishap, ...] = (
    Mishap(
        id="N01",
        title="the private stream breaks between a fill and its news",
        begin=both(at_own_fill(lambda stage: stage.link.streams.drop("private")), client_trade("0.2")),
        seconds=20.0,
        criterion=must.every(must.struck, must.booked_within(10.0)),
    ),
    Mishap(
        id="N01d",
        title="the private stream says nothing of executions, the second reader does",
        begin=both(link(PushFault(kind=P.MUTE, topic="execution", seconds=20.0)), client_trade("0.2")),
        seconds=20.0,
        # It reads every six seconds, three more are a stream's grace, and then the venue is asked.
        criterion=must.every(became.all_booked_within(10.0), must.back_within(15.0)),
        alerts=(AlertKind.RECON_BREAK,),
        # Where no snapshot happened to be due before.
        due=became.first_booked_after(9.0),
        alert_s=11.0,
        times=3,
    ),
    Mishap(
        id="N02",
        title="market data stand still on a connection that stands",
        begin=both(link(LineFault(kind=L.HALF_OPEN, stream="public", seconds=30.0)), client_trade("0.2")),
        seconds=30.0,
        criterion=must.no_orders_after(6.0),
        alerts=(AlertKind.STALE_MARKET_DATA,),
        # The limit of its age, and five seconds.
        alert_s=10.0,
    ),
    Mishap(
        id="N02t",
        title="books go on, the tickers with mark and index stand still",
        begin=both(
            link(PushFault(kind=P.MUTE, topic="market.ticker", seconds=40.0)),
            lambda stage: stage.later(15.0, lambda: client_trade("0.2")(stage)),
        ),
        seconds=40.0,
        # The limit of a mark's age is ten seconds. Until then the last one counts.
        criterion=must.every(became.only_shrinking_after(11.0), must.back_within(30.0)),
        alerts=(AlertKind.STALE_MARKET_DATA,),
        alert_s=15.0,
    ),
    Mishap(
        id="N04",
        title="no connection to the venue can be made",
        begin=_six_in_flight,
        seconds=OUTAGE_S + 5.0,
        criterion=must.every(
            became.in_flight(len(SIX), OUTAGE_S),
            became.as_the_venue_has_them,
            must.booked_after_end(30.0),
            must.settled_after_end(30.0),
        ),
        alerts=(AlertKind.PRIVATE_STREAM_SILENT, AlertKind.VENUE_UNREACHABLE),
        scenario=six_underlyings,
        settings=six_hedges,
        alone=True,
    ),
    Mishap(
        id="N04o",
        title="no connection can be made while one order is in flight",
        begin=both(
            link(RequestFault(kind=R.ACK_LOST, request="place", count=1)), at_own_fill(_dead_line), client_trade("0.2")
        ),
        seconds=OUTAGE_S + 5.0,
        criterion=must.every(must.struck, must.booked_after_end(30.0), must.settled_after_end(30.0)),
        alerts=(AlertKind.PRIVATE_STREAM_SILENT, AlertKind.VENUE_UNREACHABLE),
    ),
    Mishap(
        id="N05",
        title="orders are taken, their answers are lost",
        begin=both(place(R.ACK_LOST), client_trade("0.2")),
        criterion=must.every(must.struck, must.booked_within(10.0)),
    ),
    Mishap(
        id="N06",
        title="an order is lost on its way",
        begin=both(link(RequestFault(kind=R.REQUEST_LOST, request="place", count=1)), client_trade("0.2")),
        seconds=1.0,
        criterion=must.every(must.struck, must.back_within(DEADLINE_S + 10.0)),
    ),
    Mishap(id="N06r", title="many orders are lost on their way", begin=place(R.REQUEST_LOST)),
    Mishap(
        id="N08",
        title="fills come before the answer",
        begin=both(place(R.ACK_DELAY, probability=1.0, delay_ms=800.0), client_trade("0.2")),
        criterion=must.every(must.struck, must.as_in_order),
    ),
    Mishap(
        id="N09",
        title="news come several times and out of order",
        begin=both(
            link(
                PushFault(kind=P.DUPLICATE, seconds=60.0, probability=0.5, topic="execution"),
                PushFault(kind=P.DUPLICATE, seconds=60.0, probability=0.5, topic="order"),
                PushFault(kind=P.REORDER, seconds=60.0, probability=0.5, delay_ms=2_000.0),
            ),
            client_trade("0.2"),
        ),
        criterion=must.every(must.struck, must.as_in_order),
    ),
    Mishap(
        id="N11",
        title="frames that cannot be read",
        begin=link(
            PushFault(kind=P.GARBLE, topic="market", count=5), PushFault(kind=P.GARBLE, topic="execution", count=1)
        ),
        seconds=10.0,
        criterion=must.back_within(30.0),
        alerts=(AlertKind.SUSPECT_DATA,),
    ),
    Mishap(
        id="N12",
        title="each connection is cut after a second",
        begin=dropping("", LineFault(kind=L.CUT, delay_ms=1_000.0, seconds=60.0)),
        criterion=must.back_within(60.0),
        alerts=(AlertKind.PRIVATE_STREAM_SILENT,),
    ),
    Mishap(
        id="N15",
        title="each connection takes nine seconds",
        begin=dropping("", LineFault(kind=L.SLOW, delay_ms=9_000.0, seconds=60.0)),
        criterion=must.back_within(60.0),
        alerts=(AlertKind.PRIVATE_STREAM_SILENT,),
    ),
    Mishap(
        id="V01",
        title="an error after the order was carried out",
        begin=both(place(R.REFUSE, executed=True), client_trade("0.2")),
        criterion=must.every(must.struck, must.booked_within(10.0)),
    ),
    Mishap(
        id="V02",
        title="the address is banned",
        begin=both(link(RequestFault(kind=R.REFUSE, reason="banned", count=None, seconds=30.0)), client_trade("0.2")),
        seconds=30.0,
        criterion=must.back_within(60.0),
        alerts=(AlertKind.VENUE_UNREACHABLE,),
        # The next look at the venue finds it.
        alert_s=20.0,
    ),
    Mishap(
        id="V03",
        title="new orders are throttled, only reducing ones pass",
        begin=both(orders(OrderFault(kind=W.OVERLOADED, count=None, seconds=40.0)), client_trade("0.2")),
        seconds=40.0,
        criterion=must.every(must.struck, must.reducing_orders_pass, must.refusals_alerted, must.back_within(60.0)),
        scenario=_binance,
        alone=True,
    ),
    Mishap(
        id="V03a",
        title="new orders are throttled, all of them",
        begin=orders(OrderFault(kind=W.OVERLOADED, count=None, seconds=30.0)),
        seconds=30.0,
        criterion=must.every(must.refusals_alerted, must.back_within(60.0)),
    ),
    Mishap(
        id="V04",
        title="an order's end is confirmed, then its fill arrives",
        begin=both(
            orders(OrderFault(kind=W.PARTIAL, share=0.5, count=None, seconds=40.0)),
            link(PushFault(kind=P.DELAY, topic="execution", seconds=40.0, delay_ms=2_500.0)),
            client_trade("0.4"),
        ),
        seconds=40.0,
        criterion=must.every(must.struck, must.booked_within(10.0), must.back_within(15.0)),
    ),
    Mishap(
        id="V05",
        title="orders are filled in part and the venue cancels the rest",
        begin=both(
            orders(OrderFault(kind=W.PARTIAL, share=0.4, count=None, seconds=60.0, probability=0.7)),
            client_trade("0.4"),
        ),
        criterion=must.every(must.struck, must.back_within(15.0)),
    ),
    Mishap(
        id="V08",
        title="the venue restarts and forgets our orders",
        begin=dropping("", LineFault(kind=L.REFUSE, seconds=10.0)),
        seconds=10.0,
        criterion=must.every(must.settled_after_end(30.0), must.back_within(60.0)),
    ),
    Mishap(
        id="V14",
        title="the list of positions comes back empty",
        begin=link(RequestFault(kind=R.EMPTY, request="query.positions", count=2)),
        seconds=40.0,
        criterion=must.every(must.never_flat, must.back_within(60.0)),
        alerts=(AlertKind.RECON_BREAK,),
        # The next look at the venue finds it.
        alert_s=20.0,
    ),
)
