import gzip
from pathlib import Path

import msgspec
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.calibration_frames import PROFILE_BPS, read_frames

SNAPSHOT = {"lastUpdateId": 1, "bids": [["100.0", "2"], ["99.9", "3"]], "asks": [["100.1", "1"], ["100.2", "4"]]}


def quote(bid: str, ask: str, **more: object) -> dict[str, object]:
    data = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": bid, "B": "2", "a": ask, "A": "1", "T": 990, "E": 991}
    return {"stream": "btcusdt@bookTicker", "data": {**data, **more}}


def trade(price: str, qty: str, at_ms: int, *, sell: bool = False, kind: str = "MARKET") -> dict[str, object]:
    data = {"e": "trade", "E": at_ms + 3, "T": at_ms, "s": "BTCUSDT", "p": price, "q": qty, "X": kind, "m": sell}
    return {"stream": "btcusdt@trade", "data": data}


def depth(**sides: list[list[str]]) -> dict[str, object]:
    data = {"e": "depthUpdate", "E": 1_000, "T": 999, "s": "BTCUSDT", "U": 2, "u": 3, "b": [], "a": []}
    return {"stream": "btcusdt@depth@0ms", "data": {**data, **sides}}


def write(path: Path, *frames: dict[str, object]) -> Path:
    lines = [b"%d %s\n" % (10**18 + n * 10**8, msgspec.json.encode(frame)) for n, frame in enumerate(frames)]
    path.write_bytes(gzip.compress(b"".join(lines)))
    return path


def test_frames_become_quotes_takers_and_depth(tmp_path: Path) -> None:
    file = write(
        tmp_path / "frames.gz",
        quote("100.0", "100.1"),
        SNAPSHOT,
        trade("100.1", "1", 1_000),
        trade("100.2", "2", 1_000),  # the same order: one side, one moment
        trade("100.0", "1", 1_000, sell=True),
        trade("100.0", "9", 1_000, sell=True, kind="INSURANCE_FUND"),  # no taker's
        depth(a=[["100.1", "0"], ["100.3", "5"]], b=[["99.9", "7"]]),
        quote("100.0", "100.2"),
    )
    found = read_frames(file)
    assert (found.symbol, found.kind) == ("BTCUSDT", "linear_perp")
    assert found.tick == pytest.approx(0.1)
    assert found.bid_usd.tolist() == [200.0, 200.0]
    assert found.seconds == pytest.approx(0.7)
    assert found.prints == 3
    assert found.taker_usd.tolist() == pytest.approx([100.1 + 200.4, 100.0])
    assert found.taker_sign.tolist() == [1.0, -1.0]
    assert found.taker_last.tolist() == [100.2, 100.0]
    bids, asks = found.profile[0]
    middle = 100.05
    assert bids[PROFILE_BPS.index(5.0)] == pytest.approx(2 * middle)
    assert bids[PROFILE_BPS.index(10.0)] == pytest.approx(2 * middle)
    assert asks[PROFILE_BPS.index(10.0)] == 0.0  # 100.1 is gone, 100.2 is 15 bps away
    assert found.publish_ms.tolist() == [3.0, 3.0, 3.0, 3.0]


def test_inverse_contracts_count_in_usd(tmp_path: Path) -> None:
    inverse = [{"s": f"{coin}USD_PERP", "ps": f"{coin}USD"} for coin in ("BTC", "ETH")]
    values = []
    for names in inverse:
        frames = (quote("100.0", "100.1", **names), SNAPSHOT, trade("100.1", "3", 1), depth(), quote("100.0", "100.2"))
        found = read_frames(write(tmp_path / "frames.gz", *frames))
        assert found.kind == "inverse_perp"
        values.append(found.taker_usd.tolist())
    assert values == [[300.0], [30.0]]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no gzip", "cannot be read as gzip"),
        (gzip.compress(b"no stamp\n", mtime=0), "line 1: is not '<local ns> <json>'"),
        (gzip.compress(b'1 {"stream": "x@trade", "data": {"p": 1}}\n', mtime=0), "line 1: is no Binance frame"),
        (gzip.compress(b'1 {"lastUpdateId": 1, "bids": [], "asks": []}\n', mtime=0), "holds no quotes, trades or book"),
    ],
)
def test_another_file_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    path = tmp_path / "frames.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=problem):
        read_frames(path)
