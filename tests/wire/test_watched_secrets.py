"""A venue that repeats in its errors what it was asked with: nothing of it stands in an event of a watched account."""

import json
import re
import time
from collections.abc import Callable

import pytest

from hedgebot.domain import events as ev
from hedgebot.journal.redaction import RedactingSink, Redactor
from hedgebot.venues.registry import open_venue
from tests.support import stub_venue as stubs
from tests.support.sinks import Sink
from tests.support.stub_venue import KEY, PASSPHRASE, SECRET, Answer, Request, StubVenue, stub_venue, watched

pytestmark = pytest.mark.wire

DERIBIT = "private/get_account_summaries", "private/get_positions"
OKX = "account/balance", "account/positions"


def deribit(asked: Request) -> Answer:
    return Answer(json.dumps({"jsonrpc": "2.0", "error": {"code": 10004, "message": asked.echo()}}), 400)


def okx(asked: Request) -> Answer:
    return Answer(json.dumps({"code": "51000", "data": [], "msg": asked.echo()}))


def binance(asked: Request) -> Answer:
    return Answer(json.dumps({"code": -1102, "msg": asked.echo()}), 400)


def signatures(asked: Request) -> list[str]:
    """What a request was signed with."""
    told = [asked.query.get("signature"), asked.headers.get("OK-ACCESS-SIGN")]
    told += re.findall(r"sig=(\w+)", asked.headers.get("Authorization", ""))
    return [one for one in told if one]


@pytest.mark.parametrize(
    ("venue", "fill", "path", "careless", "kind"),
    [
        ("deribit", stubs.deribit, "private/get_account_summaries", deribit, ev.WatchFailed),
        ("deribit", stubs.deribit, "private/get_positions", deribit, ev.WalletUpdated),
        ("okx", stubs.okx, "account/balance", okx, ev.WatchFailed),
        ("okx", stubs.okx, "public/instruments", okx, ev.WalletUpdated),
        ("binance", stubs.binance, "fapi/v2/account", binance, ev.WatchFailed),
    ],
)
async def test_s01_nothing_that_a_request_carried_stands_in_an_event(
    venue: str,
    fill: Callable[[StubVenue], None],
    path: str,
    careless: Callable[[Request], Answer],
    kind: type[ev.WatchFailed | ev.WalletUpdated],
) -> None:
    sink, plain = Sink(), Sink()

    class Both:
        """The daemon's way to the inbox, and beside it what would have got there."""

        def put(self, event: ev.Event) -> None:
            plain.put(event)
            RedactingSink(sink, Redactor([KEY, SECRET, PASSPHRASE])).put(event)

    async with stub_venue() as stub:
        fill(stub)
        stub.script(path, careless)
        port = open_venue(watched(stub, venue), Both(), time.time_ns)
        await port.start()
        try:
            (told, *_) = await sink.until(kind)
        finally:
            await port.stop()
        said, signed = repr(sink.events), [one for asked in stub.requests for one in signatures(asked)]
    assert "***" in repr(told)
    assert SECRET in repr(plain.of(kind)[0])
    assert not [one for one in (KEY, SECRET, PASSPHRASE, *signed) if one in said]
    assert signed
