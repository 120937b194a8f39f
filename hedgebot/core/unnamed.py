"""Coins of a wallet that nobody said anything of: told, for they may be exposure that is not hedged. Blocks nothing.

Owns which coins those are: neither exposure, nor what something here settles or is quoted in, nor accepted for the
account, and worth more than dust. Also for the doctor, who has a wallet and no state.
"""

from collections.abc import Container, Mapping
from decimal import Decimal

from hedgebot.core import ledger, tokens
from hedgebot.core.margin_legs import coin_prices
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.instrument import STABLECOINS

DUST_USD = 10.0
"""Less than this is what trading leaves behind. A coin that nobody prices may be worth anything."""


def describe(state: EngineState, account: AccountState) -> tuple[str, ...]:
    """Those of an account by its newest wallet, each as a sentence."""
    if account.wallet is None:
        return ()
    hedges = [hedge for one in state.settings.underlyings for hedge in one.hedge_instruments]
    rules = [state.instruments.get(one) for one in (*hedges, *ledger.held_on(state, account.name))]
    cash = {coin for one in rules if one is not None for coin in (one.settle, one.quote)}
    prices = coin_prices(state, account)
    accepted = next((one.no_exposure for one in state.settings.accounts if one.name == account.name), ())
    named = {*tokens.names(state.settings), *accepted, *cash}
    return sentences(account.name, account.wallet.balances, prices, named)


def sentences(
    account: str, balances: Mapping[str, Decimal], prices_usd: Mapping[str, float], named: Container[str]
) -> tuple[str, ...]:
    """Those among the balances of an account; `named` are the coins that the operator or an instrument speaks of."""
    return tuple(
        f"{coin} on {account}: {qty:f} are no exposure; name it in `tokens` of the underlying that it stands for, "
        f"or accept it in `no_exposure` of the account"
        for coin, qty in balances.items()
        if coin not in named and coin not in STABLECOINS
        if qty and not _is_dust(qty, prices_usd.get(coin, 0.0))
    )


def _is_dust(qty: Decimal, price_usd: float) -> bool:
    return price_usd > 0.0 and abs(float(qty)) * price_usd < DUST_USD
