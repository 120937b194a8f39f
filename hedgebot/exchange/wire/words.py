"""How numbers and moments are written on the wire: strings without exponents, milliseconds. Owns formatting only."""

from decimal import Decimal

from hedgebot.domain.decimals import plain
from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.instrument import Side
from hedgebot.exchange.types import SelfTrade

SMP_TYPE = {
    SelfTrade.NONE: "None",
    SelfTrade.CANCEL_MAKER: "CancelMaker",
    SelfTrade.CANCEL_TAKER: "CancelTaker",
    SelfTrade.CANCEL_BOTH: "CancelBoth",
}
SIDE = {Side.BUY: "Buy", Side.SELL: "Sell"}


def dec(value: Decimal | None, empty: str = "") -> str:
    """Write an exact number; `empty` stands for None."""
    return empty if value is None else plain(value)


def flt(value: float | None, places: int = 8, empty: str = "") -> str:
    """Write a float with at most `places` decimals; `empty` stands for None."""
    if value is None:
        return empty
    text = f"{value:.{places}f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def scalar(value: object) -> str:
    """A JSON scalar as text; "" for null and for what is no scalar (a nested value may be too deep to write out)."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (str, int, float)) else ""


def writable(text: str) -> str:
    """The text with what UTF-8 cannot hold replaced: raw bytes of a request line or header arrive as surrogates."""
    return text.encode("utf-8", "replace").decode()


def ms(at_ns: int) -> int:
    """Milliseconds of a moment in nanoseconds."""
    return at_ns // NS_PER_MS


def ms_text(at_ns: int | None) -> str:
    """Milliseconds as the venue writes most of them: a string, empty for None."""
    return "" if at_ns is None else str(at_ns // NS_PER_MS)
