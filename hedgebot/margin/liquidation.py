"""At which mark price a position is liquidated or bankrupt: closed forms over risk-limit ladders.

Conventions: `qty` is signed coins (linear) or signed quote units (inverse); margins in the settlement currency; no fee
to close is set aside. None: no price above zero does it. Must not know accounts or venues' words.
Sources: Bybit's help page "Liquidation Price Calculation under Isolated Mode (Unified Trading Account)", 2026-05-27
(its inverse formula without the taker's fee is `isolated_price`); Hyperliquid's is the same algebra (margin reference
section 6.5, HL-1).
"""

import math

from hedgebot.margin.tiers import Ladder


def isolated_price(ladder: Ladder, *, qty: float, entry: float, margin: float, is_inverse: bool) -> float | None:
    """Mark price at which `margin` plus profit has fallen to maintenance margin, by the tier that price leads to."""
    if qty == 0.0:
        return None
    at = entry
    for _ in ladder.tiers:
        tier = ladder.tier_of(_value(qty, at, is_inverse=is_inverse))
        found = _solve(ladder, tier, qty=qty, entry=entry, margin=margin, is_inverse=is_inverse)
        if found is None:
            return None
        if ladder.tier_of(_value(qty, found, is_inverse=is_inverse)) == tier:
            return found
        at = found
    return at


def bankruptcy_price(*, qty: float, entry: float, margin: float, is_inverse: bool) -> float | None:
    """Price at which the whole `margin` is lost: what a liquidated position is settled at."""
    if qty == 0.0:
        return None
    if not is_inverse:
        return _positive(entry - margin / qty)
    denominator = 1.0 / entry + margin / qty
    return 1.0 / denominator if denominator > 0.0 else None


def cross_price(
    ladder: Ladder, *, qty: float, mark: float, balance: float, maintenance: float, is_inverse: bool
) -> float | None:
    """Mark price at which the account's `balance` meets its `maintenance`, if only this contract's price moves.

    Both are the whole account's, now, in the contract's settlement currency.
    """
    if qty == 0.0 or mark <= 0.0:
        return None
    own = ladder.maintenance(_value(qty, mark, is_inverse=is_inverse))
    # What stands behind this one contract, seen from its mark as if entered there.
    return isolated_price(ladder, qty=qty, entry=mark, margin=balance - maintenance + own, is_inverse=is_inverse)


def _value(qty: float, price: float, *, is_inverse: bool) -> float:
    return abs(qty) / price if is_inverse else abs(qty) * price


def _solve(ladder: Ladder, tier: int, *, qty: float, entry: float, margin: float, is_inverse: bool) -> float | None:
    """Margin + profit = value * rate - deduction, with one tier's rate."""
    rate, deduction = ladder.tiers[tier].maintenance_rate, ladder.deduction(tier)
    size = abs(qty)
    if is_inverse:
        # margin + qty/entry - qty/price = size*rate/price - deduction
        return _ratio(qty + size * rate, margin + qty / entry + deduction)
    # margin + qty*(price - entry) = size*rate*price - deduction
    return _ratio(qty * entry - margin - deduction, qty - size * rate)


def _ratio(numerator: float, denominator: float) -> float | None:
    return _positive(numerator / denominator) if denominator else None


def _positive(price: float) -> float | None:
    return price if math.isfinite(price) and price > 0.0 else None
