import json

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.venues.health.dialects import frames_of, read_frame

CASSETTE = """interactions:
- response:
    body:
      string: '{"crossMarginSummary":{"accountValue":"10.5","totalNtlPos":"0.0","totalMarginUsed":"0"},
        "assetPositions":[],"who":"it''s"}'
    headers: {}
"""


def test_numbers_keep_their_printed_digits() -> None:
    (frame,) = frames_of(b'{"a": 1.250, "b": 7}', "x.json")
    assert frame == {"a": "1.250", "b": 7}


def test_a_cassette_is_its_answers() -> None:
    (frame,) = frames_of(CASSETTE.encode(), "x.yaml")
    assert isinstance(frame, dict)
    assert frame["who"] == "it's"
    (account,) = read_frame(frame) or ()
    assert (account.venue, account.equity) == ("hyperliquid", 10.5)


@pytest.mark.parametrize(("name", "content"), [("x.json", "{"), ("x.yaml", "a: 1\n"), ("y.yaml", "   string: '{'\n")])
def test_a_file_that_is_neither_is_named(name: str, content: str) -> None:
    with pytest.raises(DataError, match=name):
        frames_of(content.encode(), name)


@pytest.mark.parametrize(
    ("frame", "venue"),
    [
        ({"uniMMR": "2", "accountEquity": "2", "accountMaintMargin": "1"}, "binance"),
        ({"topic": "wallet", "data": [{"totalMaintenanceMargin": "", "coin": []}]}, "bybit"),
        ({"code": "0", "data": [{"totalEq": "", "details": []}]}, "okx"),
        ({"params": {"channel": "user.portfolio.eth", "data": {"currency": "ETH"}}}, "deribit"),
        ({"margin_accounts": [{"name": "f-xbt:usd", "pv": "1"}]}, "krakenfutures"),
        ({"blocked_margin": "1", "mm_w_ucf": "1"}, "delta"),
    ],
)
def test_each_dialect_is_known_by_its_words(frame: dict[str, object], venue: str) -> None:
    (account,) = read_frame(json.loads(json.dumps(frame))) or ()
    assert account.venue == venue
    assert read_frame({"hello": 1}) is None
