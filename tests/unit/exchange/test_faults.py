"""The vocabulary of faults: strict to read, and one set of words for both faces."""

import msgspec
import pytest

from hedgebot.exchange.faults import (
    LinkFault,
    OrderFault,
    OrderFaultKind,
    PushFaultKind,
    RequestFault,
    RequestFaultKind,
)
from hedgebot.exchange.wire.faults import HttpFaultKind, SocketFaultKind


def test_faults_are_read_strictly() -> None:
    made = msgspec.json.decode(b'{"type": "request", "kind": "ack_lost", "probability": 0.5}', type=LinkFault)
    assert made == RequestFault(kind=RequestFaultKind.ACK_LOST, probability=0.5)
    assert made.count == 1
    for wrong in (b'{"type": "request", "kind": "melt"}', b'{"type": "push", "kind": "mute", "probability": 0}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=LinkFault)


def test_the_wire_has_every_neutral_kind_under_the_same_name() -> None:
    assert {kind.value for kind in RequestFaultKind} - {"refuse"} <= {kind.value for kind in HttpFaultKind}
    assert {kind.value for kind in PushFaultKind} <= {kind.value for kind in SocketFaultKind}


def test_an_order_fault_picks_by_account_instrument_and_prefix() -> None:
    fault = OrderFault(kind=OrderFaultKind.REJECT, account="a", instrument="x", client_id="hb")
    assert fault.picks("a", "x", "hb-1")
    assert not fault.picks("b", "x", "hb-1")
    assert not fault.picks("a", "y", "hb-1")
    assert not fault.picks("a", "x", None)
    assert OrderFault(kind=OrderFaultKind.REJECT).picks("b", "y", None)
