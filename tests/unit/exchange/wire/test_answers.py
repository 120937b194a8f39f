"""Which faults keep a request from happening, and what is answered for it."""

import pytest

from hedgebot.exchange.wire.answers import false_ack, is_executed, spoilt_answer
from hedgebot.exchange.wire.faults import HttpFault, HttpFaultKind
from hedgebot.exchange.wire.params import Params

NOT_EXECUTED = {HttpFaultKind.REQUEST_LOST, HttpFaultKind.ACK_FALSE, HttpFaultKind.STATUS, HttpFaultKind.RET_CODE}
ANSWER = b'{"retCode":0,"result":{"list":[{"side":"Buy","size":"1"}]}}'


@pytest.mark.parametrize("kind", HttpFaultKind)
def test_a_request_happens_or_not(kind: HttpFaultKind) -> None:
    assert is_executed(HttpFault(kind=kind)) is (kind not in NOT_EXECUTED)
    if kind in {HttpFaultKind.STATUS, HttpFaultKind.RET_CODE}:
        assert is_executed(HttpFault(kind=kind, executed=True))


def test_a_false_acknowledgement_looks_like_one() -> None:
    first = false_ack(Params({"orderLinkId": "a", "symbol": "X", "qty": "1"}))
    assert first["orderLinkId"] == "a"
    assert len(str(first["orderId"])) == 36
    assert first["orderId"] != false_ack(Params({"orderLinkId": "b", "symbol": "X", "qty": "1"}))["orderId"]
    # A cancel is answered with the id that it named.
    assert false_ack(Params({"orderId": "known"}))["orderId"] == "known"


@pytest.mark.parametrize("kind", HttpFaultKind)
def test_content_is_spoilt_by_faults_of_content_only(kind: HttpFaultKind) -> None:
    spoilt = spoilt_answer(ANSWER, HttpFault(kind=kind))
    content = {"garble", "truncate", "wrong_type", "null", "unknown_word", "huge", "empty", "empty_body"}
    assert (spoilt != ANSWER) is (kind.value in content)
