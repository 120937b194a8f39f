"""What is left of a frame or an answer after it was spoilt."""

import orjson
import pytest

from hedgebot.exchange.faults import Altered
from hedgebot.exchange.wire import mangle

TICKER = orjson.dumps(
    {"topic": "tickers.X", "type": "delta", "data": {"symbol": "X", "markPrice": "100.50", "ts": 5, "side": "Buy"}}
)
LIST = orjson.dumps(
    {"retCode": 0, "result": {"category": "linear", "list": [{"size": "1.5", "side": "Buy"}], "nextPageCursor": "abc"}}
)


def test_half_a_frame_is_no_json() -> None:
    assert TICKER.startswith(mangle.truncated(TICKER))
    for cut in (mangle.truncated(TICKER), mangle.GARBAGE):
        with pytest.raises(orjson.JSONDecodeError):
            orjson.loads(cut)


def test_types_are_exchanged_in_rows_only() -> None:
    frame = orjson.loads(mangle.retyped(TICKER))
    assert frame["topic"] == "tickers.X"
    assert frame["data"] == {"symbol": 0, "markPrice": 0, "ts": None, "side": 0}
    assert orjson.loads(mangle.retyped(LIST))["result"]["list"] == [{"size": 0, "side": 0}]


def test_fields_are_nulled() -> None:
    assert set(orjson.loads(mangle.nulled(TICKER))["data"].values()) == {None}
    data = orjson.loads(mangle.nulled(TICKER, ("markPrice",)))["data"]
    assert data == {"symbol": "X", "markPrice": None, "ts": 5, "side": "Buy"}


def test_words_become_unknown() -> None:
    assert orjson.loads(mangle.unknown_word(TICKER))["data"]["side"] == mangle.UNKNOWN_WORD
    assert orjson.loads(mangle.unknown_word(LIST))["result"]["list"][0] == {"size": "1.5", "side": mangle.UNKNOWN_WORD}
    assert orjson.loads(mangle.unknown_word(TICKER, ("symbol",)))["data"]["side"] == "Buy"


def test_lists_are_emptied_and_have_no_next_page() -> None:
    assert orjson.loads(mangle.emptied(LIST))["result"] == {"category": "linear", "list": [], "nextPageCursor": ""}
    assert mangle.emptied(TICKER) == TICKER


def test_a_huge_frame_is_the_same_frame() -> None:
    payload = mangle.huge(TICKER)
    assert len(payload) > mangle.HUGE_BYTES
    assert orjson.loads(payload)["data"] == orjson.loads(TICKER)["data"]


def test_figures_are_altered_and_stay_texts() -> None:
    def mark(how: Altered) -> object:
        return orjson.loads(mangle.altered(TICKER, how))["data"]["markPrice"]

    assert mark(Altered(fields=("markPrice",), factor=0.84)) == "84.42"
    assert mark(Altered(fields=("markPrice",), factor=-1)) == "-100.5"
    assert mark(Altered(fields=("markPrice",), nan=True)) == "NaN"
    assert mark(Altered(fields=("markPrice",), missing=True)) == ""
    assert mark(Altered(fields=("other",), factor=2)) == "100.50"
    assert orjson.loads(mangle.altered(TICKER, Altered(fields=("ts", "symbol"), factor=2)))["data"] == {
        "symbol": "X",
        "markPrice": "100.50",
        "ts": 10,
        "side": "Buy",
    }
    assert orjson.loads(mangle.altered(LIST, Altered(fields=("size",), factor=0)))["result"]["list"][0]["size"] == "0"


def test_what_is_no_json_object_is_left_alone() -> None:
    for payload in (b"", b"[1]", b"nonsense"):
        assert mangle.retyped(payload) == mangle.huge(payload) == mangle.emptied(payload) == payload
