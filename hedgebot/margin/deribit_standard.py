"""Deribit's standard margin of futures and short options, and its account identities.

Owns the size-dependent rate, the short-option formula and what an account summary's fields are to each other; figures
are handed in. The rate schedule is the one before August 2026 (margin reference section 6.1, cases DER-3 and DER-5);
its successor's table is unknown, so live numbers come from the venue's `get_margins`. The formula of options is from
secondary sources (SEC there): no published number was recomputed by it.
"""

import msgspec


class ShortRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fractions of the index: initial margin at the money, its least, and maintenance margin."""

    initial: float
    initial_floor: float
    maintenance: float


def short_option(  # one value for each term of the formula
    rates: ShortRates, *, index: float, forward: float, mark: float, strike: float, is_call: bool
) -> tuple[float, float]:
    """Initial and maintenance margin in USD per coin of an option that is sold; `mark` is its premium in USD.

    The formula is in coins: everything here is that times the index. How far it is out of the money is counted in
    parts of its expiry's forward.
    """
    out = max(strike - forward, 0.0) if is_call else max(forward - strike, 0.0)
    initial = max(rates.initial - out / forward, rates.initial_floor) * index + mark
    if is_call:
        return initial, rates.maintenance * index + mark
    maintenance = max(rates.maintenance * index, rates.maintenance * mark) + mark
    return max(initial, maintenance), maintenance


def futures_margin(*, base_rate: float, rate_per_coin: float, coins: float, price: float) -> float:
    """Margin in USD of `coins` (either sign) at `price`: the rate grows with size and holds for the whole position."""
    size = abs(coins)
    return (base_rate + rate_per_coin * size) * size * price


def margin_balance(equity: float, options_value: float) -> float:
    """Segregated standard margin: options count at no value, so a short one does not lower the balance."""
    return equity - options_value


def available_funds(equity: float, options_value: float, initial_margin: float) -> float:
    """What is free for new positions, in the account's coin."""
    return margin_balance(equity, options_value) - initial_margin
