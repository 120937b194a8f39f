import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.events import BookTop, OptionQuote, Ticker
from hedgebot.venues.normalise_market import MarketReader
from hedgebot.venues.reading import FrameProblem
from tests.unit.venues.double import BTC, OPTION, golden


def delta(frame: dict[str, Any], **data: Any) -> dict[str, Any]:
    names = {key: frame["data"][key] for key in ("s", "symbol") if key in frame["data"]}
    return {**frame, "type": "delta", "ts": frame["ts"] + 1, "data": {**names, **data}}


def test_a_book_top() -> None:
    top = MarketReader("bybit").read("linear", golden("book_frame"))
    assert top == BookTop(
        instrument=BTC,
        bid=Decimal("90000.00"),
        bid_qty=Decimal("1.5"),
        ask=Decimal("90000.10"),
        ask_qty=Decimal("0.7"),
        venue_at_ns=1_795_000_000_100_000_000,
    )


def test_a_book_delta_replaces_inserts_and_deletes() -> None:
    reader, frame = MarketReader("bybit"), golden("book_frame")
    reader.read("linear", frame)
    moved = reader.read("linear", delta(frame, b=[["90000.00", "0"], ["89999.90", "2"]], a=[]))
    assert isinstance(moved, BookTop)
    assert (moved.bid, moved.bid_qty, moved.ask) == (Decimal("89999.90"), Decimal(2), Decimal("90000.10"))
    empty = reader.read("linear", delta(frame, b=[["89999.90", "0"]], a=[]))
    assert isinstance(empty, BookTop)
    assert (empty.bid, empty.bid_qty) == (None, None)


def test_a_delta_without_its_snapshot_is_a_problem_also_after_a_reconnect() -> None:
    reader = MarketReader("bybit")
    for name in ("book_frame", "ticker_frame"):
        frame = golden(name)
        with pytest.raises(FrameProblem, match="before its snapshot"):
            reader.read("linear", delta(frame))
        reader.read("linear", frame)
        reader.read("linear", delta(frame))
        reader.forget("linear")
        with pytest.raises(FrameProblem, match="before its snapshot"):
            reader.read("linear", delta(frame))


def test_spot_and_linear_books_of_one_symbol_are_two() -> None:
    reader = MarketReader("bybit")
    spot, linear = reader.read("spot", golden("book_frame")), reader.read("linear", golden("book_frame"))
    assert spot is not None
    assert linear is not None
    assert spot.instrument != linear.instrument
    reader.forget("spot")
    assert reader.read("linear", delta(golden("book_frame"), b=[], a=[])) is not None


def test_a_ticker_and_its_delta() -> None:
    reader, frame = MarketReader("bybit"), golden("ticker_frame")
    first = reader.read("linear", frame)
    assert first == Ticker(
        instrument=BTC,
        mark=Decimal("90000.55"),
        index=Decimal("90010.20"),
        last=Decimal("90000.10"),
        funding_rate=-0.000212,
        funding_interval_hours=8.0,
        next_funding_at_ns=1_795_017_600_000_000_000,
        venue_at_ns=1_795_000_000_200_000_000,
    )
    second = reader.read("linear", delta(frame, markPrice="90001"))
    assert isinstance(second, Ticker)
    assert (second.mark, second.index, second.funding_rate) == (Decimal(90001), Decimal("90010.20"), -0.000212)


def test_a_bad_delta_does_not_spoil_the_next() -> None:
    reader, frame = MarketReader("bybit"), golden("ticker_frame")
    reader.read("linear", frame)
    with pytest.raises(FrameProblem, match="markPrice"):
        reader.read("linear", delta(frame, markPrice="wild"))
    after = reader.read("linear", delta(frame, lastPrice="90002"))
    assert isinstance(after, Ticker)
    assert after.mark == Decimal("90000.55")


def test_an_option_quote_takes_the_expirys_own_forward() -> None:
    quote = MarketReader("bybit").read("option", golden("option_ticker_frame"))
    assert isinstance(quote, OptionQuote)
    assert (quote.instrument, quote.bid, quote.ask) == (OPTION, None, Decimal(1510))
    assert (quote.mark, quote.index) == (Decimal("1490.86976724"), Decimal("90010.2"))
    assert (quote.forward, quote.iv, quote.delta) == (90055.1, 0.4896, 0.512831)
    assert (quote.gamma, quote.vega, quote.theta) == (0.00002145, 41.81351067, -190.9115368)


def test_a_volatility_of_zero_is_unknown() -> None:
    frame = deepcopy(golden("option_ticker_frame"))
    frame["data"].update(markPriceIv="0", delta="")
    quote = MarketReader("bybit").read("option", frame)
    assert isinstance(quote, OptionQuote)
    assert (quote.iv, quote.delta) == (None, None)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("book_frame", {"type": "strange"}),
        ("book_frame", {"data": None}),
        ("book_frame", {"ts": 0}),
        ("book_frame", {"data": {"s": "BTCUSDT", "b": "x"}}),
        ("book_frame", {"data": {"s": "BTCUSDT", "b": [["1"]]}}),
        ("book_frame", {"data": {"s": "BTCUSDT", "b": [[None, "1"]]}}),
        ("ticker_frame", {"data": {"symbol": 7}}),
        ("option_ticker_frame", {"data": []}),
    ],
)
def test_garbage_is_a_problem(name: str, changes: dict[str, Any]) -> None:
    category = "option" if name.startswith("option") else "linear"
    with pytest.raises(FrameProblem):
        MarketReader("bybit").read(category, {**golden(name), **changes})


def test_a_book_that_never_deletes_is_a_problem() -> None:
    levels = [[str(price), "1"] for price in range(1, 100)]
    with pytest.raises(FrameProblem, match="grew"):
        MarketReader("bybit").read("linear", {**golden("book_frame"), "data": {"s": "BTCUSDT", "b": levels, "a": []}})


def test_spot_tickers_and_other_topics_carry_nothing_of_ours() -> None:
    reader = MarketReader("bybit")
    assert reader.read("spot", golden("ticker_frame")) is None
    assert reader.read("linear", {"topic": "publicTrade.BTCUSDT", "data": []}) is None


@pytest.mark.needs_data
@pytest.mark.parametrize(
    ("category", "name"),
    [
        ("linear", "m24_private_frames_roq_gct/bybit/tickers__linear_44.json"),
        ("inverse", "m24_private_frames_roq_gct/bybit/tickers__inverse_45.json"),
        ("option", "m24_private_frames_roq_gct/bybit/tickers__option_46.json"),
        ("linear", "m01_venue_fixtures_nautilus/bybit/ws_ticker_linear.json"),
        ("option", "m01_venue_fixtures_nautilus/bybit/ws_ticker_option.json"),
        ("linear", "m01_venue_fixtures_nautilus/bybit/ws_orderbook_snapshot.json"),
    ],
)
def test_recorded_frames_are_understood(shared_data: Path, category: str, name: str) -> None:
    fact = MarketReader("bybit").read(category, json.loads((shared_data / name).read_text("utf-8")))
    assert fact is not None
    if isinstance(fact, BookTop):
        assert fact.bid is not None
    else:
        assert fact.mark is not None
