"""The project's table of faults, in the words of this exchange: each that is the venue's or the network's doing.

Whoever plays a fault of the table finds here what it is made of; what a fault is made of is read back as JSON, so that
neither a name nor a unit can drift. Faults of the process, the disk and the operator are not the exchange's.
"""

import msgspec
import pytest

from hedgebot.exchange.faultbook import FaultBook
from hedgebot.exchange.faults import (
    Altered,
    FaultBase,
    LineFault,
    LineFaultKind,
    LinkFault,
    OrderFault,
    OrderFaultKind,
    PushFault,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.exchange.wire.faults import ConnectFault, ConnectFaultKind, Fault, HttpFault, HttpFaultKind
from hedgebot.exchange.wire.faults import SocketFault as Socket
from hedgebot.exchange.wire.faults import SocketFaultKind as S

R, P, L, W = RequestFaultKind, PushFaultKind, LineFaultKind, OrderFaultKind
GREEKS = ("delta", "gamma", "vega", "theta")
CREATE = "/v5/order/create"

IN_PROCESS: dict[str, tuple[LinkFault | OrderFault, ...]] = {
    # with `Streams.drop("private")` between a fill and its news
    "N01": (PushFault(kind=P.MUTE, topic="execution", count=1),),
    "N02": (LineFault(kind=L.HALF_OPEN, stream="public"),),
    "N04": (LineFault(kind=L.REFUSE, seconds=300),),
    "N05": (RequestFault(kind=R.ACK_LOST, request="place", count=None, probability=0.05),),
    "N06": (RequestFault(kind=R.REQUEST_LOST, request="place"),),
    "N08": (RequestFault(kind=R.ACK_DELAY, request="place", delay_ms=500),),
    "N09": (
        PushFault(kind=P.DUPLICATE, probability=0.5),
        PushFault(kind=P.REORDER, probability=0.5, delay_ms=2_000),
    ),
    "N11": (PushFault(kind=P.GARBLE, count=1),),
    "N12": (LineFault(kind=L.CUT, delay_ms=1_000, seconds=600),),
    "N15": (LineFault(kind=L.SLOW, delay_ms=9_000),),
    "V01": (RequestFault(kind=R.REFUSE, request="place", executed=True),),
    "V02": (RequestFault(kind=R.REFUSE, reason="banned", count=None, seconds=120),),
    "V03": (OrderFault(kind=W.OVERLOADED, count=None, seconds=60),),
    "V04": (OrderFault(kind=W.CANCEL_RACE, share=1.0),),
    "V05": (OrderFault(kind=W.PARTIAL, share=0.4), OrderFault(kind=W.VENUE_CANCEL)),
    # with `Streams.drop()`; the dead-man's switch fires by its own rules
    "V08": (LineFault(kind=L.REFUSE, seconds=10),),
    "V14": (RequestFault(kind=R.EMPTY, request="query.positions"),),
    "V16": (
        PushFault(kind=P.ALTER, topic="market", seconds=150, altered=Altered(fields=("mark", "index"), factor=0.84)),
    ),
    "V18": (
        PushFault(kind=P.ALTER, topic="market", altered=Altered(fields=GREEKS, missing=True)),
        PushFault(kind=P.ALTER, topic="market", altered=Altered(fields=GREEKS, nan=True)),
        PushFault(kind=P.ALTER, topic="market", altered=Altered(fields=GREEKS, factor=-1)),
    ),
    # beside a price shock
    "V22": (LineFault(kind=L.REFUSE, seconds=1_800), LineFault(kind=L.HALF_OPEN, seconds=1_800)),
    "O06": (RequestFault(kind=R.REFUSE, reason="no_permission", count=None),),
    "M06": tuple(
        PushFault(kind=P.ALTER, topic="market", altered=Altered(fields=("bid", "ask"), factor=factor))
        for factor in (0, -1, 1_000, 1e9)
    ),
}
ON_THE_WIRE: dict[str, tuple[Fault, ...]] = {
    "N01": (Socket(kind=S.MUTE, channel="private", topic="execution", count=1),),
    "N02": (Socket(kind=S.HALF_OPEN, channel="public"),),
    "N04": (ConnectFault(kind=ConnectFaultKind.REFUSE, seconds=300),),
    "N11": tuple(Socket(kind=kind, count=1) for kind in (S.TRUNCATE, S.NULL, S.UNKNOWN_WORD, S.HUGE)),
    "N12": (ConnectFault(kind=ConnectFaultKind.CUT, delay_ms=1_000, seconds=600),),
    "N15": (ConnectFault(kind=ConnectFaultKind.SLOW, delay_ms=9_000),),
    "V01": (HttpFault(kind=HttpFaultKind.STATUS, endpoint=CREATE, status=503, executed=True),),
    "V02": (HttpFault(kind=HttpFaultKind.STATUS, status=429, retry_after_s=30),),
    "V08": (ConnectFault(kind=ConnectFaultKind.REFUSE, seconds=10),),
}


@pytest.mark.parametrize("name", IN_PROCESS)
def test_it_is_a_value_that_travels_and_strikes(name: str) -> None:
    for fault in IN_PROCESS[name]:
        kind = OrderFault if isinstance(fault, OrderFault) else LinkFault
        assert msgspec.json.decode(msgspec.json.encode(fault), type=kind) == fault
        book: FaultBook[FaultBase] = FaultBook(1)
        book.add(fault, 0)
        assert any(book.strike(0, lambda _: True) is fault for _ in range(50))


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_it_can_be_ordered_over_http(name: str) -> None:
    for fault in ON_THE_WIRE[name]:
        assert msgspec.json.decode(msgspec.json.encode(fault), type=Fault) == fault
