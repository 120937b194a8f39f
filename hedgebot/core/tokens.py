"""Coins of a wallet that are exposure: underlyings themselves, and tokens that stand for one (stETH for ETH).

Owns what a coin is worth in which underlying, and when a changed ratio is believed. A token is a coin of its own in
the ledger and at the venue; only what it counts for is its underlying's. A ratio that would change the exposure by more
than `token_jump_coin_max` stays the old one until an operator raises that; meanwhile only what lowers the delta with
either is sent (safety reference section 2). Ratios have no age: they are the operator's figures.
"""

from decimal import Decimal
from typing import NamedTuple

from hedgebot.core.state import Coin, EngineState
from hedgebot.core.step import Step
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import DecisionCause
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.scope import counts_coins, counts_token
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings

_ONE = Decimal(1)


class Worth(NamedTuple):
    """What one coin counts for: `ratio` coins of the underlying."""

    underlying: str
    ratio: Decimal


def worth(state: EngineState, coin: str) -> Worth | None:
    """What a coin counts for; None where it is no exposure."""
    if coin in state.underlyings:
        return Worth(coin, _ONE)
    for settings in state.settings.underlyings:
        if coin in settings.tokens:
            # Until the sums were made with it, a ratio is as the settings have it.
            known = state.underlyings[settings.underlying].sums.ratios
            return Worth(settings.underlying, known.get(coin, settings.tokens[coin]))
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


def names(settings: EngineSettings) -> tuple[str, ...]:
    """Every coin of a wallet that is compared with the venue: the underlyings, then their tokens."""
    found = tuple(one.underlying for one in settings.underlyings)
    return found + tuple(token for one in settings.underlyings for token in one.tokens)


def take_ratios(state: EngineState) -> None:
    """Put the configured ratios in force where they do not change the exposure by too much (`ledger.rebuild`)."""
    for settings in state.settings.underlyings:
        ratios = state.underlyings[settings.underlying].sums.ratios
        for gone in [one for one in ratios if one not in settings.tokens]:
            del ratios[gone]
        for token, ratio in settings.tokens.items():
            # Its first one is no change: the coins themselves are the venue's word.
            if _is_believed(state, settings, token):
                ratios[token] = ratio


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


def watch(step: Step) -> None:
    """Hold an alert up for each ratio that is not believed; one whose coins have become few enough by now is."""
    for settings in step.state.settings.underlyings:
        sums = step.state.underlyings[settings.underlying].sums
        for token, ratio in settings.tokens.items():
            if sums.ratios.get(token) != ratio and _is_believed(step.state, settings, token):
                jump = _jump_coin(step.state, settings, token)
                sums.ratios[token] = ratio
                sums.balance_coin += jump
                step.state.underlyings[settings.underlying].linear_coin += jump
                step.touch(settings.underlying, DecisionCause.FILL)
            step.check(AlertKind.HOLDING_UNTRUSTED, token, problem(step.state, settings, token))


def problem(state: EngineState, settings: UnderlyingSettings, token: str) -> str:
    """Why a token's configured ratio is not in force, in a sentence; empty when it is."""
    jump, most = abs(_jump_coin(state, settings, token)), _jump_coin_max(settings)
    known = state.underlyings[settings.underlying].sums.ratios.get(token)
    if known is None or known == settings.tokens[token]:
        return ""
    return (
        f"token {token}: its ratio changed from {known} to {settings.tokens[token]}, {float(jump):g} "
        f"{settings.underlying} at once, token_jump_coin_max is {float(most):g}: raise it with `hedgebot config apply` "
        f"if that is true; it counts with {known}, and only what is proven to lower risk is sent"
    )


def doubt_coin(state: EngineState, settings: UnderlyingSettings) -> tuple[float, float]:
    """What ratios that are not in force would take from the delta at most, and what they would add."""
    jumps = [_jump_coin(state, settings, one) for one in settings.tokens if problem(state, settings, one)]
    return float(sum(min(one, ZERO) for one in jumps)), float(sum(max(one, ZERO) for one in jumps))


def _is_believed(state: EngineState, settings: UnderlyingSettings, token: str) -> bool:
    return abs(_jump_coin(state, settings, token)) <= _jump_coin_max(settings)


def _jump_coin(state: EngineState, settings: UnderlyingSettings, token: str) -> Decimal:
    """What the configured ratio would change the exposure by; nothing while none is in force."""
    known = state.underlyings[settings.underlying].sums.ratios.get(token)
    if known is None:
        return ZERO
    mine = [one for one in state.coins.values() if one.coin == token and counted(state, one.account, token)]
    return sum((one.qty for one in mine), ZERO) * (settings.tokens[token] - known)


def _jump_coin_max(settings: UnderlyingSettings) -> Decimal:
    most = settings.band_coin if settings.token_jump_coin_max is None else settings.token_jump_coin_max
    return Decimal(repr(most))
