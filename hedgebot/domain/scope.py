"""Which exposure of an underlying is hedged: that of every account and position, or of those that a strategy names.

Owns the rule; pure. What a scope leaves out counts for no delta, gamma or band; margin and reconciliation are of whole
accounts and know no scope. The hedge itself always counts: what stands in a hedge instrument on the hedge account, and
the coins there where the hedge is made of coins or settled in them.
"""

import msgspec

from hedgebot.domain.instrument import InstrumentId, category_of
from hedgebot.domain.settings import EngineSettings, UnderlyingSettings

_IN_COINS = ("spot", "inverse")


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What counts for an underlying. Empty `accounts`: all of them and all holdings; empty `instruments`: all."""

    accounts: tuple[str, ...] = ()
    instruments: tuple[InstrumentId, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not self.accounts and not self.instruments

    @property
    def words(self) -> str:
        """For the screen; empty when nothing is left out."""
        parts = [
            f"{what} {', '.join(one.rsplit(':', 1)[-1] for one in names)}"
            for what, names in (("accounts", self.accounts), ("positions", self.instruments))
            if names
        ]
        return " and ".join(parts)


def scope_of(settings: EngineSettings, underlying: str) -> Scope:
    """The scope that the strategies of an underlying name; they agree, the configuration sees to that."""
    for one in settings.strategies:
        if underlying in one.underlyings and (one.accounts or one.instruments):
            return Scope(accounts=one.accounts, instruments=one.instruments)
    return _WHOLE


def counts_position(settings: EngineSettings, underlying: str, account: str, instrument: InstrumentId) -> bool:
    """Whether a position is part of its underlying's exposure."""
    scope = scope_of(settings, underlying)
    if scope.is_whole:
        return True
    hedge = _hedge(settings, underlying)
    if hedge is not None and account == hedge.hedge_account and instrument in hedge.hedge_instruments:
        return True
    in_account = not scope.accounts or account in scope.accounts
    return in_account and (not scope.instruments or instrument in scope.instruments)


def counts_coins(settings: EngineSettings, coin: str, account: str) -> bool:
    """Whether an account's balance of an underlying is part of its exposure."""
    scope = scope_of(settings, coin)
    if scope.is_whole:
        return True
    hedge = _hedge(settings, coin)
    if hedge is not None and account == hedge.hedge_account:
        categories = {category_of(one) for one in hedge.hedge_instruments}
        if categories.intersection(_IN_COINS):
            return True
    in_account = not scope.accounts or account in scope.accounts
    spot = any(category_of(one) == "spot" for one in scope.instruments)
    return in_account and (spot or not scope.instruments)


def counts_token(settings: EngineSettings, underlying: str, account: str) -> bool:
    """Whether a token in an account's wallet is part of its underlying's: coins alone, and never the hedge itself."""
    scope = scope_of(settings, underlying)
    return scope.is_whole or (not scope.instruments and account in scope.accounts)


def counts_holding(settings: EngineSettings, underlying: str, name: str) -> bool:
    """Whether a holding outside the exchanges is: like an account of its name, with coins alone."""
    return counts_token(settings, underlying, name)


def _hedge(settings: EngineSettings, underlying: str) -> UnderlyingSettings | None:
    return next((one for one in settings.underlyings if one.underlying == underlying), None)


_WHOLE = Scope()
