"""Deribit's standard margin of futures and its account identities.

Owns the size-dependent rate and what an account summary's fields are to each other; figures are handed in. The rate
schedule is the one before August 2026 (margin reference section 6.1, cases DER-3 and DER-5); its successor's table is
unknown, so live numbers come from the venue's `get_margins`.
"""


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
