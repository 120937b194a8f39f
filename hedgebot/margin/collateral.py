"""What holdings count as collateral, and what borrowed coins need and cost. Pure arithmetic over dated parameters.

Amounts in coins, values in USD, float: margins, not money (what is booked is rounded by the bookkeeper). Must not know
accounts. Sources: bybit-exchange/docs docs/v5/spot-margin-uta/tier-collateral-ratio.mdx (tiers by quantity),
docs/v5/account/collateral-info.mdx (interest-free part) and Bybit's help page "Borrowing, Interest and Repayment
(Unified Trading Account)", 2025-10-22: hourly interest, penalty by the cube of the utilisation above the limit.
"""

from dataclasses import dataclass

from hedgebot.margin.parameters import Borrowing, Collateral


def collateral_qty(terms: Collateral, qty: float) -> float:
    """Coins that a holding of `qty` coins counts for: each tier's part at its own ratio; a debt counts whole."""
    if qty <= 0.0:
        return qty
    counted = lower = 0.0
    for tier in terms.tiers:
        upper = qty if tier.qty_max is None else min(qty, tier.qty_max)
        counted += max(upper - lower, 0.0) * tier.ratio
        lower = upper
    return counted


@dataclass(frozen=True, slots=True)
class Debt:
    """What an account owes in one coin: the whole, the part that unrealised losses made, and the part with interest."""

    amount: float
    unrealised: float
    bearing: float

    @property
    def free(self) -> float:
        """The part without interest."""
        return self.amount - self.bearing


def debt(terms: Borrowing, *, borrowed: float, realised: float) -> Debt:
    """Split a borrowed amount (>= 0) of which `realised` (>= 0) would be owed without open positions' losses."""
    unrealised = max(borrowed - realised, 0.0)
    return Debt(borrowed, unrealised, borrowed - min(unrealised, terms.interest_free_max))


def hourly_interest(terms: Borrowing, owed: Debt) -> float:
    """Interest of one hour in the coin; above the limit it grows with the cube of the utilisation."""
    utilisation = owed.amount / terms.amount_max if terms.amount_max > 0.0 else 1.0
    return owed.bearing * terms.hourly_rate * max(utilisation, 1.0) ** 3
