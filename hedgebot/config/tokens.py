"""What a token cannot be: two underlyings, one itself, cash, or a coin that is moved. Pure; works on the raw tables."""

from collections.abc import Iterator, Mapping
from typing import Any

from hedgebot.config.problems import Problem
from hedgebot.domain.instrument import STABLECOINS

Table = Mapping[str, Any]


def check(
    underlyings: Mapping[str, Table], accounts: Mapping[str, Table], treasury: Mapping[str, Table], file: str
) -> list[Problem]:
    """Every token of every underlying that cannot be meant."""
    found = [*_tokens(underlyings), *_elsewhere(underlyings, accounts, treasury)]
    return [Problem(key=key, sentence=f"{file}: {key} {words}") for key, words in found]


def _tokens(underlyings: Mapping[str, Table]) -> Iterator[tuple[str, str]]:
    seen: dict[str, str] = {}
    for name, underlying in underlyings.items():
        for token in _of(underlying):
            key = f"underlyings.{name}.tokens.{token}"
            if token in underlyings:
                yield key, "is one of the [underlyings] itself: it counts as that one's coins; leave it out"
            elif token in STABLECOINS or _settles(token, underlyings):
                yield key, "settles what is traded: it is cash and stands for no other coin; leave it out"
            elif token in seen:
                yield key, f"stands for {seen[token]} already; a token stands for one underlying"
            seen.setdefault(token, name)
        if "token_jump_coin_max" in underlying and not _of(underlying):
            yield f"underlyings.{name}.token_jump_coin_max", "does nothing without tokens; leave it out"


def _elsewhere(
    underlyings: Mapping[str, Table], accounts: Mapping[str, Table], treasury: Mapping[str, Table]
) -> Iterator[tuple[str, str]]:
    counted = {*underlyings, *(token for one in underlyings.values() for token in _of(one))}
    for name, account in accounts.items():
        accepted = account.get("no_exposure", ())
        for coin in accepted if isinstance(accepted, list | tuple) else ():
            if coin in counted:
                yield f"accounts.{name}.no_exposure", f"names {coin}, which is exposure; take it out of one of the two"
    tokens = counted - set(underlyings)
    for name, moved in treasury.items():
        if moved.get("coin") in tokens:
            yield f"treasury.{name}.coin", "is one of the tokens of an underlying: moving it would change the delta"


def _of(underlying: Table) -> tuple[str, ...]:
    tokens = underlying.get("tokens")
    return tuple(tokens) if isinstance(tokens, Mapping) else ()


def _settles(token: str, underlyings: Mapping[str, Table]) -> bool:
    """Whether a hedge instrument is quoted in the coin, by its symbol (BTCUSDE is quoted in USDE)."""
    for name, one in underlyings.items():
        for hedge in (one.get("hedge_instrument"), one.get("hedge_instrument_buy"), one.get("hedge_instrument_sell")):
            symbol = hedge.rsplit(":", 1)[-1].partition("-")[0] if isinstance(hedge, str) else ""
            if symbol == f"{name}{token}":
                return True
    return False
