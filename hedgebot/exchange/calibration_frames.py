"""Reads raw Binance frames (`<local ns> <json>` lines, gzip) into the arrays that a calibration needs.

Owns the frames' field names and the book that they build up; sizes leave here in USD, so that a contract of 100 USD and
a coin compare. Must not estimate anything. Frames: Binance's bookTicker, trade, depthUpdate and REST depth snapshot.
"""

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hedgebot.domain.errors import DataError

Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]

# Distances from the middle at which the book's depth is sampled.
PROFILE_BPS = (0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0)
PROFILE_EVERY_NS = 500_000_000
# Binance COIN-M contracts: 100 USD on BTC, 10 USD on every other coin.
_INVERSE_CONTRACT_USD = {"BTC": 100.0}
_INVERSE_OTHERS_USD = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One instrument's frames. Times are local ns; sizes USD; `profile` is (sample, side: bid 0 ask 1, distance) USD.

    Takers are aggressive orders: prints of one side with one venue time, merged. `lag_ms` is local minus venue time,
    not adjusted for the clocks; `publish_ms` is from the trade to its push by the venue's own clock.
    """

    symbol: str
    kind: str
    tick: float
    quote_ns: Times
    bid: Floats
    ask: Floats
    bid_usd: Floats
    ask_usd: Floats
    taker_ns: Times
    taker_sign: Floats
    taker_usd: Floats
    taker_first: Floats
    taker_last: Floats
    prints: int
    profile: Floats
    lag_ms: Floats
    publish_ms: Floats

    @property
    def seconds(self) -> float:
        """From the first to the last quote."""
        return float(self.quote_ns[-1] - self.quote_ns[0]) / 1e9

    @property
    def middle(self) -> Floats:
        """Middle of each quote."""
        middle: Floats = (self.bid + self.ask) / 2.0
        return middle


@dataclass(slots=True)
class _Book:
    """Price levels as the updates leave them."""

    bids: dict[float, float] = field(default_factory=dict)
    asks: dict[float, float] = field(default_factory=dict)

    def update(self, bids: list[list[str]], asks: list[list[str]]) -> None:
        for levels, changes in ((self.bids, bids), (self.asks, asks)):
            for price, qty in changes:
                if float(qty) == 0.0:
                    levels.pop(float(price), None)
                else:
                    levels[float(price)] = float(qty)

    def within(self, middle: float, bps: tuple[float, ...]) -> list[list[float]]:
        """Quantity of each side within each distance of the middle."""
        edges = [middle * one * 1e-4 for one in bps]
        found = []
        for levels in (self.bids, self.asks):
            near = [(abs(price - middle), qty) for price, qty in levels.items() if abs(price - middle) <= edges[-1]]
            found.append([sum(qty for distance, qty in near if distance <= edge) for edge in edges])
        return found


class _Reader:
    """Gathers one file's frames."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.symbol = self.kind = ""
        self.book = _Book()
        self.snapshot = False
        self.middle = 0.0
        self.quotes: list[tuple[int, float, float, float, float]] = []
        self.takers: list[tuple[int, int, float, float, float, float]] = []
        self.prints = 0
        self.profile: list[list[list[float]]] = []
        self.lags: list[float] = []
        self.publish: list[float] = []
        self.next_profile_ns = 0

    def take(self, at_ns: int, frame: dict[str, Any]) -> None:
        """One frame: a stream's data, or the REST snapshot of the book."""
        if "lastUpdateId" in frame:
            self.book.bids.clear()
            self.book.asks.clear()
            self.book.update(frame["bids"], frame["asks"])
            self.snapshot = True
            return
        data, event = frame["data"], frame["stream"].partition("@")[2]
        if event == "bookTicker":
            self.quote(at_ns, data)
        elif event == "trade":
            self.trade(at_ns, data)
        elif event.startswith("depth"):
            self.depth(at_ns, data)
        if "E" in data:
            self.lags.append(at_ns / 1e6 - data["E"])
            if event == "trade":
                self.publish.append(float(data["E"] - data["T"]))

    def quote(self, at_ns: int, data: dict[str, Any]) -> None:
        if not self.symbol:
            self.symbol = data["s"]
            self.kind = "inverse_perp" if "ps" in data else "linear_perp" if "e" in data else "spot"
        bid, ask = float(data["b"]), float(data["a"])
        self.middle = (bid + ask) / 2.0
        self.quotes.append((at_ns, bid, ask, self.usd(float(data["B"]), bid), self.usd(float(data["A"]), ask)))

    def trade(self, at_ns: int, data: dict[str, Any]) -> None:
        """Prints of one venue time and side are one aggressive order."""
        if data.get("X", "MARKET") != "MARKET":
            return
        sign, price = (-1.0 if data["m"] else 1.0), float(data["p"])
        usd = self.usd(float(data["q"]), price)
        self.prints += 1
        if self.takers and self.takers[-1][1] == data["T"] and self.takers[-1][2] == sign:
            last = self.takers[-1]
            self.takers[-1] = (*last[:3], last[3] + usd, last[4], price)
        else:
            self.takers.append((at_ns, data["T"], sign, usd, price, price))

    def depth(self, at_ns: int, data: dict[str, Any]) -> None:
        self.book.update(data["b"], data["a"])
        if self.snapshot and self.middle and at_ns >= self.next_profile_ns:
            self.next_profile_ns = at_ns + PROFILE_EVERY_NS
            self.profile.append(
                [[self.usd(one, self.middle) for one in side] for side in self.book.within(self.middle, PROFILE_BPS)]
            )

    def usd(self, qty: float, price: float) -> float:
        """Value of a quantity."""
        if self.kind == "inverse_perp":
            return qty * _INVERSE_CONTRACT_USD.get(self.symbol[:3], _INVERSE_OTHERS_USD)
        return qty * price

    def done(self) -> Recording:
        if not self.quotes or not self.takers or not self.profile:
            msg = f"{self.name}: holds no quotes, trades or book with its snapshot; give raw frames of one instrument"
            raise DataError(msg)
        quotes, takers = np.array(self.quotes), np.array([row[2:] for row in self.takers])
        prices = np.unique(quotes[:, 1:3])
        return Recording(
            symbol=self.symbol,
            kind=self.kind,
            tick=float(np.round(np.diff(prices).min(), 8)),
            quote_ns=np.array([row[0] for row in self.quotes], dtype=np.int64),
            bid=quotes[:, 1],
            ask=quotes[:, 2],
            bid_usd=quotes[:, 3],
            ask_usd=quotes[:, 4],
            taker_ns=np.array([row[0] for row in self.takers], dtype=np.int64),
            taker_sign=takers[:, 0],
            taker_usd=takers[:, 1],
            taker_first=takers[:, 2],
            taker_last=takers[:, 3],
            prints=self.prints,
            profile=np.array(self.profile),
            lag_ms=np.array(self.lags),
            publish_ms=np.array(self.publish),
        )


def read_frames(path: Path) -> Recording:
    """Read one file; DataError when it is no gzip of frames, or holds too little."""
    reader = _Reader(path.name)
    try:
        for number, (at_ns, frame) in enumerate(_lines(path), 1):
            try:
                reader.take(at_ns, frame)
            except (KeyError, TypeError, ValueError) as error:
                msg = f"{path.name}, line {number}: is no Binance frame ({error!r})"
                raise DataError(msg) from error
    except (OSError, EOFError, zlib.error) as error:
        msg = f"{path}: cannot be read as gzip ({error})"
        raise DataError(msg) from error
    return reader.done()


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with gzip.open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            stamp, _, body = line.partition(b" ")
            try:
                yield int(stamp), msgspec.json.decode(body, type=dict[str, Any])
            except (ValueError, msgspec.DecodeError) as error:
                msg = f"{path.name}, line {number}: is not '<local ns> <json>' ({error})"
                raise DataError(msg) from error
