"""The second step of a configuration that looks like a slip: what it would do to the book as it stands now.

Owns the words. Knows settings and the book's view; changes nothing. A tenfold band or a turned sign is taken only by
who names the very configuration that was shown (a piece of its hash): fault O01 of the safety reference.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from hedgebot.config.canonical import is_slip
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings

WORD_CHARS = 8
_COMPARED = ("band_coin", "delta_limit_coin", "order_qty_coin_max", "order_notional_usd_max")


def slips(changes: Iterable[str]) -> list[str]:
    """Those lines "key: old -> new" that look like a slip of unit or sign."""
    return [one for one in changes if is_slip(one)]


def second_step(hash_: str) -> str:
    """The word that confirms exactly this configuration."""
    return hash_[:WORD_CHARS]


def exposure_lines(old: EngineSettings, new: EngineSettings, book: Mapping[str, Any]) -> list[str]:
    """For each underlying whose bounds change: where its delta stands, and what it may come to, in coins and USD."""
    before = {one.underlying: one for one in old.underlyings}
    rows = {row["underlying"]: row for row in book["underlyings"]}
    return [
        _line(before[one.underlying], one, rows.get(one.underlying, {}))
        for one in new.underlyings
        if one.underlying in before and _bounds(before[one.underlying]) != _bounds(one)
    ]


def _line(old: UnderlyingSettings, new: UnderlyingSettings, row: Mapping[str, Any]) -> str:
    delta, delta_usd = row.get("delta_coin"), row.get("delta_usd")
    now = "unknown" if delta is None else f"{delta:+.4f} {new.underlying}"
    price = delta_usd / delta if delta and delta_usd is not None else None
    worth = "" if price is None else f" (about {new.band_coin * price:,.0f} USD, before {old.band_coin * price:,.0f})"
    return (
        f"{new.underlying}: net delta {now}; unhedged it may come to {new.band_coin:g}{worth}, "
        f"before {old.band_coin:g}; "
        f"alarm at {new.delta_limit_coin:g}, before {old.delta_limit_coin:g}; one order up to "
        f"{new.order_qty_coin_max:g} and {new.order_notional_usd_max:,.0f} USD, "
        f"before {old.order_qty_coin_max:g} and {old.order_notional_usd_max:,.0f}"
    )


def _bounds(one: UnderlyingSettings) -> list[float]:
    return [getattr(one, name) for name in _COMPARED]
