"""What accounts really hold and how much delta that is, by the exchange's own side: for who judges or measures a run.

Owns the one reading of it. Deltas in coin, long positive: inverse contracts with their unrealised coins, options by
the exchange's greeks, and what is being delivered by the share of its price that is still to come. Must not know the
engine: what that believes is on trial.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType

import msgspec

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Instrument
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import PositionIndex
from hedgebot.exchange.wallet import Held


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One position: its size in coins (inverse: in quote units), its mark, and an option's greeks a coin.

    `share` is what of a dated future's delivery price is still to come: what was averaged moves no more. `leg` tells
    the two positions of an instrument apart that an account in hedge mode may have.
    """

    instrument: Instrument
    size: float
    mark: float
    vol: float = 0.0
    delta: float = 1.0
    gamma: float = 0.0
    vega: float = 0.0
    theta: float = 0.0
    profit_coin: float = 0.0
    share: float = 1.0
    leg: PositionIndex = PositionIndex.ONE_WAY

    @property
    def delta_coin(self) -> float:
        """Delta in coin."""
        if self.instrument.kind.is_inverse:
            return self.share * self.size / self.mark + self.profit_coin
        return self.share * self.size * self.delta


def holdings(exchange: Exchange, holder: str) -> Iterator[Holding]:
    """The derivatives of an account; its coins are `coins`."""
    for one in exchange.held(holder):
        # What is listed now, which may have changed since the position was opened.
        listing = exchange.listing(one.instrument.id)
        if listing is not None:
            yield _held(exchange, listing.instrument, one)


def coins(exchange: Exchange, holder: str, coin: str) -> float:
    """Coins of one kind in an account's wallet."""
    return float(exchange.coins_of(holder, coin))


def delta_coin(
    exchange: Exchange, holder: str, underlying: str, tokens: Mapping[str, Decimal] = MappingProxyType({})
) -> float:
    """The true net delta of an account in one underlying; `tokens` are what stands for it, with its ratio."""
    held = (one for one in holdings(exchange, holder) if one.instrument.underlying == underlying)
    owned = sum(coins(exchange, holder, token) * float(ratio) for token, ratio in tokens.items())
    return sum(one.delta_coin for one in held) + coins(exchange, holder, underlying) + owned


def _held(exchange: Exchange, rules: Instrument, position: Held) -> Holding:
    size, mark = float(position.contracts * rules.contract_size), float(position.mark_price)
    leg = position.position_index
    if not rules.kind.is_option:
        profit = float(position.unrealised_pnl) if rules.kind.is_inverse else 0.0
        share = _share_left(exchange, rules)
        return Holding(instrument=rules, size=size, mark=mark, profit_coin=profit, share=share, leg=leg)
    # An option's greeks at the exchange know of the averaging already.
    quote = exchange.option_ticker(rules.id)
    return Holding(
        instrument=rules,
        size=size,
        mark=mark,
        vol=quote.mark_iv,
        delta=quote.delta,
        gamma=quote.gamma,
        vega=quote.vega,
        theta=quote.theta,
        leg=leg,
    )


def _share_left(exchange: Exchange, rules: Instrument) -> float:
    if rules.expiry_ns is None:
        return 1.0
    window_ns = exchange.scenario.delivery_window_s * NS_PER_S
    return min(max((rules.expiry_ns - exchange.now_ns) / window_ns, 0.0), 1.0)
