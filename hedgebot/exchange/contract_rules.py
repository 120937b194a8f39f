"""Trading rules of every product: ticks, lots, limits, leverage, funding caps and delivery fees.

Owns figures. BTC and ETH as the venue publishes them where a published answer is at hand: docs/v5/market/instrument.mdx
(BTCUSDT perpetual and spot, BTC options) and answers of instruments-info from 2026 that others have published (BTCUSD:
tick 0.1, 1 to 25,000,000 USD; BTCUSDZ26: tick 0.5, 1 to 5,000,000 USD, delivery 0.05 %); funding caps and the delivery
fee of futures also docs/v5/market/tickers.mdx. The other coins' figures are of the same order, made up. Must not know
scenarios or prices.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentKind


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules of one product of one coin; quantities in contracts, rates as fractions of value."""

    tick: Decimal
    lot: Decimal
    qty_min: Decimal
    qty_max: Decimal
    market_qty_max: Decimal
    min_notional_quote: Decimal = Decimal(5)
    leverage_max: int = 1
    collar_ratio: float = 0.05
    delivery_rate: Decimal = Decimal(0)
    funding_rate_cap: float | None = None


def _rules(words: str, **more: object) -> Rules:
    """Rules from tick, lot, smallest, largest and largest market quantity."""
    tick, lot, qty_min, qty_max, market_qty_max = (Decimal(word) for word in words.split())
    plain = Rules(tick=tick, lot=lot, qty_min=qty_min, qty_max=qty_max, market_qty_max=market_qty_max)
    return msgspec.structs.replace(plain, **more)


_PERP = {"leverage_max": 100, "funding_rate_cap": 0.005}
_FUTURE = {"leverage_max": 100, "delivery_rate": Decimal("0.0005")}
_OPTION = {"delivery_rate": Decimal("0.00015"), "collar_ratio": 0.0, "min_notional_quote": Decimal(0)}

_TABLE: dict[InstrumentKind, dict[str, Rules]] = {
    InstrumentKind.SPOT: {
        "BTC": _rules("0.1 0.000001 0.000011 83 41"),
        "ETH": _rules("0.01 0.00001 0.00029 2400 1200"),
        "*": _rules("0.01 0.001 0.01 50000 10000"),
    },
    InstrumentKind.LINEAR_PERP: {
        "BTC": _rules("0.1 0.001 0.001 1190 500", **_PERP),
        "ETH": _rules("0.01 0.01 0.01 7240 1400", **_PERP),
        "*": _rules("0.01 0.1 0.1 50000 10000", **_PERP),
    },
    InstrumentKind.INVERSE_PERP: {
        "BTC": _rules("0.1 1 1 25000000 5000000", **_PERP),
        "ETH": _rules("0.01 1 1 10000000 2000000", **_PERP),
        "*": _rules("0.01 1 1 2000000 400000", **_PERP),
    },
    InstrumentKind.LINEAR_FUTURE: {
        "BTC": _rules("0.1 0.001 0.001 500 100", **_FUTURE),
        "ETH": _rules("0.01 0.01 0.01 3000 600", **_FUTURE),
        "*": _rules("0.01 0.1 0.1 20000 4000", **_FUTURE),
    },
    InstrumentKind.INVERSE_FUTURE: {
        "BTC": _rules("0.5 1 1 5000000 1000000", **_FUTURE),
        "ETH": _rules("0.05 1 1 1000000 200000", **_FUTURE),
        "*": _rules("0.01 1 1 200000 40000", **_FUTURE),
    },
    InstrumentKind.LINEAR_OPTION: {
        "BTC": _rules("5 0.01 0.01 500 500", **_OPTION),
        "ETH": _rules("0.1 0.1 0.1 5000 5000", **_OPTION),
        "*": _rules("0.01 1 1 50000 50000", **_OPTION),
    },
}


def rules_of(kind: InstrumentKind, coin: str) -> Rules:
    """Rules of a product of a coin. KeyError for a kind that this venue does not have."""
    table = _TABLE[kind]
    return table.get(coin, table["*"])
