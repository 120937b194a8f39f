"""One request and what its failure proves: the window it is signed with, the patience, the venue's raw code first."""

import asyncio
from types import SimpleNamespace

import ccxt
import pytest

from hedgebot.venues.asking import ask, said_in_error
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.profile import Channel, Verdict
from hedgebot.venues.replies import RawReply

ERROR = ccxt.BadRequest('bybit {"retCode":110007,"retMsg":"too little"}')


async def test_it_is_signed_with_its_own_window() -> None:
    client, windows = SimpleNamespace(options={"recvWindow": 5_000}), list[int]()

    async def call() -> str:
        windows.append(client.options["recvWindow"])
        return "answer"

    assert await ask(client, call, window_ms=321, timeout_ms=1_000) == "answer"
    assert windows == [321]


async def test_no_answer_in_time_is_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        await ask(SimpleNamespace(options={}), asyncio.Event().wait, window_ms=1, timeout_ms=10)


@pytest.mark.parametrize(
    ("reply", "error", "verdict", "code", "message"),
    [
        # What came over the wire goes before what the client quotes of it.
        (RawReply(status=200, code="10002", message="late"), ERROR, Verdict.CLOCK, "10002", "late"),
        (RawReply(), ERROR, Verdict.FUNDS, "110007", "too little"),
        # A gateway does not know what happened behind it; a yes that could not be read is no answer either.
        (RawReply(status=502, code="110007"), ERROR, Verdict.UNKNOWN, "110007", ""),
        (RawReply(status=200, code="0", message="OK"), KeyError("orderId"), Verdict.UNKNOWN, "0", "OK"),
        (RawReply(status=502), ccxt.ExchangeNotAvailable("down"), Verdict.UNKNOWN, "http:502", "down"),
        (RawReply(), ccxt.NetworkError("cut"), Verdict.UNKNOWN, "local:NetworkError", "cut"),
    ],
)
def test_what_a_failure_proves(reply: RawReply, error: Exception, verdict: Verdict, code: str, message: str) -> None:
    said = said_in_error(BYBIT, Channel.REST, reply, error)
    assert (said.verdict, said.code, said.message) == (verdict, code, message)
