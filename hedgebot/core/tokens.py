"""Coins of a wallet that are exposure: underlyings themselves, and tokens that stand for one (stETH for ETH).

Owns what a coin is worth in which underlying, and when a ratio is believed. A token is a coin of its own in the ledger
and at the venue; only what it counts for is its underlying's. A ratio, the first one as a changed one, is held against
the venue's price of the token when it is named; one that is in force is not, so that a price which leaves its ratio
unhedges nothing. One that is not believed leaves the old one in force, or none; meanwhile only what lowers the delta
with either is sent (safety reference section 2). Ratios have no age: they are the operator's figures.
"""

import math
from decimal import Decimal
from typing import NamedTuple

from hedgebot.core import market
from hedgebot.core.coin_price import coin_price
from hedgebot.core.state import AccountState, Coin, EngineState, followed
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import DecisionCause
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_MS, NS_PER_S
from hedgebot.domain.instrument import STABLECOINS
from hedgebot.domain.scope import counts_coins, counts_token
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings

_ONE = Decimal(1)

FIRST_READING_S = 15
"""A start may take so long to its first reading; later it is told."""

_PRICE_OFF_MAX = Decimal("0.2")
"""How far a ratio may be from the venue's price, as a share of that: stETH stood 7 % below ETH in June 2022, venues
round and the two prices are not of one moment; a slip of a digit or another coin's ratio is off by far more."""


class Worth(NamedTuple):
    """What one coin counts for: `ratio` coins of the underlying, none while no ratio was ever believed."""

    underlying: str
    ratio: Decimal


def worth(state: EngineState, coin: str) -> Worth | None:
    """What a coin counts for; None where it is no exposure."""
    if coin in state.underlyings:
        return Worth(coin, _ONE)
    for settings in state.settings.underlyings:
        if coin in settings.tokens:
            return Worth(settings.underlying, state.underlyings[settings.underlying].sums.ratios.get(coin, ZERO))
    return None


def counted(state: EngineState, account: str, coin: str) -> Worth | None:
    """What a coin on an account counts for; None also where the strategies' scope leaves it out."""
    found = worth(state, coin)
    if found is None:
        return None
    counts = counts_coins if coin == found.underlying else counts_token
    return found if counts(state.settings, found.underlying, account) else None


def stands_for(state: EngineState, coin: Coin, underlying: str) -> Decimal:
    """Coins of an underlying that a balance stands for, in scope or not."""
    found = worth(state, coin.coin)
    return coin.qty * found.ratio if found is not None and found.underlying == underlying else ZERO


def is_held(state: EngineState, coin: Coin, underlying: str) -> bool:
    """Whether a balance is some of an underlying, also where nobody can say how much of it."""
    found = worth(state, coin.coin)
    return found is not None and found.underlying == underlying and coin.qty != ZERO


def names(settings: EngineSettings) -> tuple[str, ...]:
    """Every coin of a wallet that is compared with the venue: the underlyings, then their tokens."""
    found = tuple(one.underlying for one in settings.underlyings)
    return found + tuple(token for one in settings.underlyings for token in one.tokens)


def take_ratios(state: EngineState) -> None:
    """Put the configured ratios in force where they are believed (`ledger.rebuild`, which makes the sums with them)."""
    for settings in state.settings.underlyings:
        sums = state.underlyings[settings.underlying].sums
        for gone in [one for one in sums.ratios if one not in settings.tokens]:
            del sums.ratios[gone]
        sums.unproven = [one for one in sums.unproven if one in settings.tokens]
        for token in settings.tokens:
            _settle(state, settings, token)


def forget(step: Step) -> None:
    """Drop the coins that left the configuration: named again later, they are what is there then."""
    state, kept = step.state, names(step.state.settings)
    for key, coin in list(state.coins.items()):
        if coin.coin in kept:
            continue
        if coin.qty:
            step.adjust(coin.account, coin.coin, coin.qty, 0, "the coin left the configuration")
        del state.coins[key]
        if coin.account in state.accounts:
            state.accounts[coin.account].mismatches.pop(coin.coin, None)


def review(step: Step) -> None:
    """Judge the ratios that are not settled yet: by a price that came, or by coins that have become few or many."""
    for settings in step.state.settings.underlyings:
        underlying = step.state.underlyings[settings.underlying]
        for token in settings.tokens:
            before = underlying.sums.ratios.get(token, ZERO)
            if not _settle(step.state, settings, token):
                continue
            jump = _qty(step.state, token) * (underlying.sums.ratios.get(token, ZERO) - before)
            underlying.sums.balance_coin += jump
            underlying.linear_coin += jump
            step.touch(settings.underlying, DecisionCause.FILL)


def watch(step: Step) -> None:
    """Hold an alert up for each ratio that is not believed; one whose coins have become few enough by now is."""
    review(step)
    for settings in step.state.settings.underlyings:
        for token in settings.tokens:
            why = problem(step.state, settings, token)
            if not why or not _awaits(step, settings, token):
                step.check(AlertKind.HOLDING_UNTRUSTED, token, why)


def problem(state: EngineState, settings: UnderlyingSettings, token: str) -> str:
    """Why a token's configured ratio is not believed, in a sentence; empty when it is."""
    if is_settled(state, settings, token):
        return ""
    shown = _shown(state, settings, token)
    why = _off_problem(settings, token, shown) or _size_problem(state, settings, token, shown)
    known = state.underlyings[settings.underlying].sums.ratios.get(token)
    counts = "its coins count for nothing" if known is None else f"it counts with {known}"
    return f"token {token}: {why}; {counts}, and only what is proven to lower risk is sent" if why else ""


def is_settled(state: EngineState, settings: UnderlyingSettings, token: str) -> bool:
    """Whether the configured ratio is in force and was held against a price: it is not judged any more."""
    sums = state.underlyings[settings.underlying].sums
    return sums.ratios.get(token) == settings.tokens[token] and token not in sums.unproven


def doubt_coin(state: EngineState, settings: UnderlyingSettings) -> tuple[float, float]:
    """What ratios that are not believed would take from the delta at most, and what they would add."""
    less_coin = more_coin = 0.0
    sums = state.underlyings[settings.underlying].sums
    for token in [one for one in settings.tokens if problem(state, settings, one)]:
        qty = _qty(state, token)
        counted_coin = float(qty * sums.ratios.get(token, ZERO))
        if token in sums.ratios and token not in sums.unproven:
            jump = float(_jump_coin(state, settings, token))
            less_coin, more_coin = less_coin + min(jump, 0.0), more_coin + max(jump, 0.0)
        elif qty > 0:
            # No ratio was ever held against a price: it may be any.
            less_coin, more_coin = less_coin - counted_coin, math.inf
        elif qty < 0:
            less_coin, more_coin = -math.inf, more_coin - counted_coin
    return less_coin, more_coin


def _settle(state: EngineState, settings: UnderlyingSettings, token: str) -> bool:
    """Judge a ratio that is not settled; whether that changed what is in force, or how sure it is."""
    if is_settled(state, settings, token):
        return False
    sums = state.underlyings[settings.underlying].sums
    known, ratio, shown = sums.ratios.get(token), settings.tokens[token], _shown(state, settings, token)
    if _off_problem(settings, token, shown):
        if known != ratio:
            return False
        # It was taken on trust while nothing spoke against it.
        del sums.ratios[token]
        sums.unproven.remove(token)
        return True
    if _size_problem(state, settings, token, shown):
        return False
    trusted = shown is None and (token in sums.unproven or known is None or _is_off(ratio, known))
    if known == ratio and trusted:
        return False
    sums.ratios[token] = ratio
    sums.unproven = [one for one in sums.unproven if one != token] + ([token] if trusted else [])
    return True


def _off_problem(settings: UnderlyingSettings, token: str, shown: Decimal | None) -> str:
    """What the venue's price says against a ratio."""
    ratio, name = settings.tokens[token], settings.underlying
    if shown is None or not _is_off(ratio, shown):
        return ""
    return (
        f"its ratio is {ratio}, by the venue's price one is {float(shown):.4g} {name}: correct tokens of {name} and "
        f"put it in force with `hedgebot config apply`"
    )


def _size_problem(state: EngineState, settings: UnderlyingSettings, token: str, shown: Decimal | None) -> str:
    """What a ratio would change at once that is too much; without a price also what it makes, and how wild it is."""
    sums, ratio, name = state.underlyings[settings.underlying].sums, settings.tokens[token], settings.underlying
    known = sums.ratios.get(token)
    most, jump = _jump_coin_max(settings), abs(_jump_coin(state, settings, token))
    bound = f"token_jump_coin_max is {float(most):g}: raise it with `hedgebot config apply` if that is true"
    if known is None or known == ratio:
        coins = abs(_qty(state, token) * ratio)
        if shown is not None or coins <= most:
            return ""
        return f"the venue gives no price to hold its ratio {ratio} against, it makes {float(coins):g} {name}, {bound}"
    # What no price has spoken for may be corrected downwards: it is judged by the first price all the same.
    corrected = token in sums.unproven and ratio < known
    if shown is None and _is_off(ratio, known) and not corrected and _is_in_scope(state, token):
        # Few coins or none approve nothing: a wild ratio is weighed as if there were one.
        jump = max(jump, abs(ratio - known))
    if jump <= most:
        return ""
    return f"its ratio changed from {known} to {ratio}, {float(jump):g} {name} at once, {bound}"


def _is_off(ratio: Decimal, other: Decimal) -> bool:
    return abs(ratio - other) > _PRICE_OFF_MAX * other


def _awaits(step: Step, settings: UnderlyingSettings, token: str) -> bool:
    """Whether the venue has still to say what a token is worth that just came: nobody is woken meanwhile."""
    state = step.state
    sums = state.underlyings[settings.underlying].sums
    is_taken = token in sums.unproven and sums.ratios[token] == settings.tokens[token]
    if not is_taken or _shown(state, settings, token) is not None:
        return False
    if step.at_ns - state.run_started_ns < FIRST_READING_S * NS_PER_S:
        return True
    mine = [one for one in state.coins.values() if one.coin == token and one.account in state.accounts]
    return any(state.accounts[one.account].wallet_at_ns < one.moved_at_ns for one in mine)


def _shown(state: EngineState, settings: UnderlyingSettings, token: str) -> Decimal | None:
    """Coins of the underlying that one token is by a venue's price; None where no fresh wallet gives one.

    Of several accounts it is the one that is farthest from the configured ratio.
    """
    found = [
        one
        for account in followed(state)
        if counted(state, account.name, token) and (one := _shown_on(state, account, settings, token)) is not None
    ]
    return max(found, key=lambda one: abs(one - settings.tokens[token]), default=None)


def _shown_on(state: EngineState, account: AccountState, settings: UnderlyingSettings, token: str) -> Decimal | None:
    age_ms = (state.at_ns - account.wallet_at_ns) // NS_PER_MS
    if account.wallet is None or age_ms > state.limits.margin_age_ms_max:
        return None
    prices = account.wallet.prices_usd
    # The two of one moment, where the wallet has both.
    coin_usd = prices.get(settings.underlying, 0.0)
    if not _is_price(coin_usd) and market.mark_age_ms(state, settings.hedge_instrument, state.at_ns) <= (
        state.limits.mark_age_ms_max
    ):
        coin_usd = coin_price(state, settings, dict.fromkeys(STABLECOINS, 1.0) | prices)
    token_usd = prices.get(token, 0.0)
    return Decimal(repr(token_usd / coin_usd)) if _is_price(token_usd) and _is_price(coin_usd) else None


def _is_price(value: float) -> bool:
    return math.isfinite(value) and value > 0.0


def _is_in_scope(state: EngineState, token: str) -> bool:
    return any(counted(state, one.name, token) for one in followed(state))


def _qty(state: EngineState, token: str) -> Decimal:
    """Of a token, what counts."""
    mine = [one for one in state.coins.values() if one.coin == token and counted(state, one.account, token)]
    return sum((one.qty for one in mine), ZERO)


def _jump_coin(state: EngineState, settings: UnderlyingSettings, token: str) -> Decimal:
    """What the configured ratio would change the exposure by; nothing while none is in force."""
    known = state.underlyings[settings.underlying].sums.ratios.get(token)
    return ZERO if known is None else _qty(state, token) * (settings.tokens[token] - known)


def _jump_coin_max(settings: UnderlyingSettings) -> Decimal:
    most = settings.band_coin if settings.token_jump_coin_max is None else settings.token_jump_coin_max
    return Decimal(repr(most))
