"""What a fault makes of the answer to a request: whether the request happened, and what comes back for it.

Owns the shape of an acknowledgement that is not true, and how content is spoilt; shared by HTTP and the trade socket.
"""

from hashlib import blake2b

from hedgebot.exchange.wire import mangle
from hedgebot.exchange.wire.faults import HttpFault, HttpFaultKind
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params


def is_executed(fault: HttpFault) -> bool:
    """Whether a request that meets this fault is carried out."""
    match fault.kind:
        case HttpFaultKind.REQUEST_LOST | HttpFaultKind.ACK_FALSE:
            return False
        case HttpFaultKind.STATUS | HttpFaultKind.RET_CODE:
            return fault.executed
        case _:
            return True


def false_ack(params: Params) -> Fields:
    """The result that an order request would have had, with an order id that no order has."""
    link_id = params.text("orderLinkId")
    digest = blake2b(f"{link_id}/{params.text('symbol')}/{params.text('qty')}".encode(), digest_size=16).hexdigest()
    made = f"{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:]}"
    return {"orderId": params.text("orderId") or made, "orderLinkId": link_id}


def spoilt_answer(payload: bytes, fault: HttpFault) -> bytes:
    """An answer as a fault of its content leaves it."""
    match fault.kind:
        case HttpFaultKind.GARBLE:
            return b'{"retCode":0,"result":{'
        case HttpFaultKind.EMPTY_BODY:
            return b""
        case HttpFaultKind.EMPTY:
            return mangle.emptied(payload)
        case _:
            spoiler = mangle.SPOILERS.get(fault.kind)
            return spoiler(payload, fault.altered) if spoiler else payload
