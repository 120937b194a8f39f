"""An order in an operator's words, such as `sell 2 BTC perp on bybit`, read into a value. Decides nothing.

Owns the grammar: side, quantity, coin (or USD of a coin), kind, what a future or option needs more, `on` a venue. A
word that cannot be read is named, with what would be right in its place.
"""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from hedgebot.console.errors import WrongUse
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Side
from hedgebot.domain.whatif import OrderKind, WantedOrder

EXAMPLE = "sell 2 BTC perp on bybit"
EXPIRY_HOUR_UTC = 8
"""Crypto venues deliver futures and options at 08:00 UTC."""

_SIDES = {"buy": Side.BUY, "long": Side.BUY, "sell": Side.SELL, "short": Side.SELL}
_KINDS = {
    "perp": OrderKind.PERP,
    "perpetual": OrderKind.PERP,
    "swap": OrderKind.PERP,
    "future": OrderKind.FUTURE,
    "futures": OrderKind.FUTURE,
    "spot": OrderKind.SPOT,
    "coins": OrderKind.SPOT,
    "call": OrderKind.OPTION,
    "put": OrderKind.OPTION,
}
_SCALES = {"k": Decimal(1_000), "m": Decimal(1_000_000)}
_NAMED = re.compile(r"^([A-Za-z0-9]{2,10})-(?:PERPETUAL|PERP|SWAP)$", re.IGNORECASE)
_COIN = re.compile(r"[A-Za-z0-9]{2,10}")


def read_order(text: str, underlyings: tuple[str, ...], venues: tuple[str, ...]) -> WantedOrder:
    """Read an order; WrongUse names the word that cannot be read."""
    words = _Words(text)
    side = words.choose("a side", _SIDES)
    qty, in_usd, underlying = _size(words, underlyings)
    kind_word = words.take("a kind of instrument: perp, future, call, put or spot")
    kind = _KINDS.get(kind_word.lower())
    if kind is None:
        words.refuse(kind_word, "a kind of instrument must be one of perp, future, call, put, spot")
    fields: dict[str, Any] = {}
    if kind is OrderKind.OPTION:
        fields = _option(words, is_call=kind_word.lower() == "call")
    elif kind is OrderKind.FUTURE and words.next and words.next.lower() != "on":
        fields = {"expiry_ns": _day(words, words.take("an expiry"))}
    return WantedOrder(
        side=side, qty=qty, in_usd=in_usd, underlying=underlying, kind=kind, venue=_venue(words, venues), **fields
    )


class _Words:
    """The words of one order, one after the other."""

    def __init__(self, text: str) -> None:
        self._text = text
        # A perpetual by its venue's name, BTC-PERPETUAL, is its coin and its kind.
        self._left = [part for word in text.split() for part in _NAMED.sub(r"\1 perp", word).split()]

    @property
    def next(self) -> str:
        return self._left[0] if self._left else ""

    def take(self, what: str) -> str:
        if not self._left:
            raise WrongUse(f'"{self._text}" ends where {what} must stand; an order reads: {EXAMPLE}')
        return self._left.pop(0)

    def choose(self, what: str, choices: dict[str, Side]) -> Side:
        word = self.take(f"{what} ({', '.join(choices)})")
        found = choices.get(word.lower())
        if found is None:
            self.refuse(word, f"{what} must be one of {', '.join(choices)}")
        return found

    def refuse(self, word: str, right: str) -> NoReturn:
        raise WrongUse(f'"{word}" cannot be read in "{self._text}": {right}; an order reads: {EXAMPLE}')


def _size(words: _Words, underlyings: tuple[str, ...]) -> tuple[Decimal, bool, str]:
    """Quantity, whether it is in USD, and the coin: `2 BTC`, `50k USD of BTC`, `50000 USD BTC`."""
    word = words.take("a quantity")
    qty = _number(words, word, "a quantity must be a number above zero, such as 2, 0.5 or 50k")
    coin = words.take(f"a coin ({', '.join(underlyings)})")
    in_usd = coin.upper() in {"USD", "USDT", "USDC"}
    if in_usd:
        if words.next.lower() == "of":
            words.take("of")
        coin = words.take(f"the coin that is worth so many USD ({', '.join(underlyings)})")
    known = {one.upper(): one for one in underlyings}
    if not _COIN.fullmatch(coin) or coin.upper() not in known:
        words.refuse(coin, f"a coin must be an underlying of the book: {', '.join(underlyings) or 'it has none'}")
    return qty, in_usd, known[coin.upper()]


def _number(words: _Words, word: str, right: str) -> Decimal:
    text = word.replace(",", "").replace("_", "").lower()
    scale = _SCALES.get(text[-1:], Decimal(1))
    try:
        found = Decimal(text[:-1] if text[-1:] in _SCALES else text) * scale
    except InvalidOperation:
        found = Decimal(0)
    if not (found.is_finite() and found > 0):
        words.refuse(word, right)
    return found


def _option(words: _Words, *, is_call: bool) -> dict[str, Any]:
    """`120000 2027-03-26 iv 55`: strike, expiry, volatility in percent a year."""
    strike = float(_number(words, words.take("a strike"), "a strike must be a price above zero"))
    expiry_ns = _day(words, words.take("an expiry, such as 2027-03-26"))
    word = words.take("iv and the volatility in percent, such as: iv 55")
    if word.lower() != "iv":
        words.refuse(word, "a volatility must follow, such as: iv 55")
    vol = float(_number(words, words.take("a volatility in percent"), "a volatility must be percent a year")) / 100.0
    return {"strike": strike, "expiry_ns": expiry_ns, "is_call": is_call, "vol": vol}


def _day(words: _Words, word: str) -> int:
    """A day's delivery in UTC nanoseconds."""
    try:
        day = datetime.strptime(word, "%Y-%m-%d").replace(hour=EXPIRY_HOUR_UTC, tzinfo=UTC)
    except ValueError:
        words.refuse(word, "an expiry must be a day such as 2027-03-26")
    return int(day.timestamp()) * NS_PER_S


def _venue(words: _Words, venues: tuple[str, ...]) -> str:
    if not words.next:
        return ""
    word = words.take("on")
    if word.lower() != "on":
        words.refuse(word, "after the instrument stands on and a venue, or nothing")
    venue = words.take(f"a venue ({', '.join(venues)})").lower()
    if venue not in venues:
        words.refuse(venue, f"a venue must be one of {', '.join(venues)}")
    if words.next:
        words.refuse(words.next, "an order ends with its venue")
    return venue
