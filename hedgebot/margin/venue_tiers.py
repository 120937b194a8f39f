"""Tiered margin as venues other than Bybit state it: no netting, a rate of each position's value.

Owns Binance USD-M, Hyperliquid and dYdX; ladders are `tiers.Ladder`, whose deduction is Binance's `cum` and
Hyperliquid's deduction. Money in USD, sizes signed coins. Sources and verification: margin reference sections 6.2, 6.5,
6.6 (cases BIN-1, BIN-2, BIN-5, BIN-7, BIN-8, HL-1, HL-2, HL-4, DYDX-1, DYDX-3 to their printed digits).
"""

from dataclasses import dataclass

PPM = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """What the rest of a cross account adds: its maintenance margin and its signed unrealised profit."""

    maintenance: float = 0.0
    profit: float = 0.0


def binance_liquidation_price(
    *, qty: float, entry: float, wallet: float, rate: float, deduction: float, others: Others | None = None
) -> float | None:
    """Mark price at which a one-way USD-M position is liquidated, with the tier (rate, `cum`) given; None: none."""
    rest = others or Others()
    denominator = abs(qty) * rate - qty
    price = (wallet - rest.maintenance + rest.profit + deduction - qty * entry) / denominator if denominator else 0.0
    return price if price > 0.0 else None


def binance_ratio(adjusted_equity: float, maintenance: float) -> float:
    """UniMMR of portfolio margin: equity over maintenance margin, so that down is bad; infinite without positions."""
    return adjusted_equity / maintenance if maintenance > 0.0 else float("inf")


def binance_loan_maintenance(amount: float, rate: float) -> float:
    """Maintenance margin of a loan, in its coin; the rate is 10 % at 3x, 8 % at 5x, 5 % at 10x."""
    return amount * rate


def hyperliquid_liquidation_price(*, price: float, size: float, available: float, leverage_max: float) -> float:
    """Price at which `available` (equity less maintenance margin at `price`) is used up by a signed position."""
    side = 1.0 if size > 0.0 else -1.0
    return price - side * available / abs(size) / (1.0 - side / (2.0 * leverage_max))


def hyperliquid_health(collateral: tuple[tuple[float, float, float], ...], borrowed: float) -> float:
    """Health factor over (amount, price, loan to value): below 1 nothing more is lent; it liquidates nobody."""
    worth = sum(amount * price * ratio for amount, price, ratio in collateral)
    return worth / borrowed if borrowed > 0.0 else float("inf")


def hyperliquid_borrow_thresholds(value: float, loan_to_value: float) -> tuple[float, float]:
    """Debts above which a borrower is liquidated in part and in full."""
    return value * (loan_to_value + (1.0 - loan_to_value) / 2.0), value * (
        loan_to_value + (1.0 - loan_to_value) * 2.0 / 3.0
    )


def dydx_liquidation_price(
    *, equity: float, size: float, price: float, rate: float, others: float = 0.0
) -> float | None:
    """Oracle price at which a signed position brings the account's equity to its maintenance margin; None: none."""
    denominator = abs(size) * rate - size
    found = (equity - size * price - others) / denominator if denominator else 0.0
    return found if found > 0.0 else None


def dydx_initial_ppm(*, base_ppm: int, open_interest: int, lower_cap: int, upper_cap: int) -> int:
    """Initial margin fraction in millionths, rising with open interest between two caps (an upper cap of 0: never)."""
    if not upper_cap or open_interest <= lower_cap:
        return base_ppm
    if open_interest >= upper_cap:
        return PPM
    return base_ppm + (PPM - base_ppm) * (open_interest - lower_cap) // (upper_cap - lower_cap)


def dydx_margin(notional: int, ppm: int) -> int:
    """Margin in quote quanta, rounded up."""
    return -(-notional * ppm // PPM)
