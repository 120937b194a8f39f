"""Where a position is worth what it cost its owner to the last: the price at which the venue takes it over.

Owns that price with the fee of closing in it, rounded to the tick in the owner's favour, for every margin mode and
product; and what one more contract closed does for an account's margin. Where the whole account stands behind its
positions, each bears the equity by its share of stand-alone maintenance margin. Pure: it changes nothing.
"""

from decimal import Decimal

from hedgebot.domain.decimals import price_down, price_up
from hedgebot.domain.instrument import Side
from hedgebot.exchange.account import PREMIUM_FEE_MAX, Account
from hedgebot.exchange.fee_tiers import fee_rates
from hedgebot.exchange.health import Health
from hedgebot.exchange.market import Market
from hedgebot.exchange.position import Position
from hedgebot.exchange.requirement import NOTHING
from hedgebot.exchange.risk import Risk
from hedgebot.exchange.types import MarginMode
from hedgebot.margin.liquidation import bankruptcy_price

_SLIP_MAX = Decimal("0.05")


class Bankruptcy:
    """Asks a `Risk` about positions."""

    def __init__(self, risk: Risk) -> None:
        self._risk = risk
        self._health = Health(risk)

    def maintenance_usd(self, account: Account, position: Position) -> float:
        """A position's own maintenance margin, in portfolio margin as if it stood alone."""
        need = self._risk.by_position(account, ()).get(position.key, NOTHING)
        return need.maintenance * self._risk.world.usd_price(position.instrument.settle)

    def marginal(self, account: Account, position: Position) -> tuple[float, float]:
        """Value of one contract in USD, and the maintenance margin that closing it frees, as a share of that value."""
        market = self._risk.world.markets[position.instrument.id]
        each = self._risk.value_each(market)
        usd = each * self._risk.world.usd_price(position.instrument.settle)
        held = float(abs(position.contracts))
        if position.instrument.kind.is_option:
            own = self.maintenance_usd(account, position)
            # Closing a short option costs its premium, which the margin balance of cross margin had not counted.
            return max(usd, 1e-9), own / max(held * usd, 1e-9) - 0.9
        ladder = self._risk.ladder(market)
        return usd, ladder.tiers[ladder.tier_of(held * each)].maintenance_rate

    def price(self, account: Account, position: Position) -> Decimal:
        """Price at which the position is taken over; within what the instrument can be quoted at."""
        market = self._risk.world.markets[position.instrument.id]
        mark = self._risk.world.mark(market)
        if market.instrument.kind.is_option:
            found = self._option(account, position, mark)
        else:
            raw = self._raw(account, position, market)
            # Where no price would use the account up, the taker's collar is the limit.
            slipped = mark * (1 - _SLIP_MAX * Side.of(position.contracts).sign)
            rate = fee_rates(account.fee_tier, market.instrument.kind).taker
            found = _with_fee(position, rate, Decimal(str(raw))) if raw is not None else slipped
        listing, side = market.listing, Side.of(-position.contracts)
        rounded = price_up(found, market.tick_size) if side is Side.SELL else price_down(found, market.tick_size)
        return min(max(rounded, listing.price_min), listing.price_max)

    def _option(self, account: Account, position: Position, mark: Decimal) -> Decimal:
        """A long option is sold at its mark; a short one costs its margin, or what its owner has where that is less."""
        if position.contracts > 0:
            return mark
        world, held = self._risk.world, float(abs(position.contracts))
        each_usd = held * world.usd_price(position.instrument.settle)
        margin = max(self.maintenance_usd(account, position) / each_usd, float(mark))
        behind = self._behind_usd(account, position) / each_usd
        if account.margin.mode is MarginMode.PORTFOLIO:
            behind += float(mark)  # its balance has what the option is worth taken off already
        market = world.markets[position.instrument.id]
        fee = float(fee_rates(account.fee_tier, market.instrument.kind).taker) * float(world.index(market))
        return Decimal(str(min(margin, max(behind - fee, behind / (1.0 + float(PREMIUM_FEE_MAX))))))

    def _raw(self, account: Account, position: Position, market: Market) -> float | None:
        """Where what stands behind a position is used up: its own margin, or its share of the account's equity."""
        if account.margin.mode is MarginMode.ISOLATED:
            health = self._health.of_position(account, position)
            return health.bankruptcy_price if health is not None else None
        world = self._risk.world
        return bankruptcy_price(
            qty=float(position.contracts * position.instrument.contract_size),
            entry=float(world.mark(market)),
            margin=self._behind_usd(account, position) / world.usd_price(position.instrument.settle),
            is_inverse=position.instrument.kind.is_inverse,
        )

    def _behind_usd(self, account: Account, position: Position) -> float:
        """A position's share of what the whole account has, by maintenance margin; below zero where that is."""
        world = self._risk.world
        shares = {
            key: one.maintenance * world.usd_price(world.markets[key[0]].instrument.settle)
            for key, one in self._risk.by_position(account, ()).items()
        }
        whole, own = sum(shares.values()), shares.get(position.key, 0.0)
        return self._risk.margin_balance(account) * own / whole if whole else 0.0


def _with_fee(position: Position, rate: Decimal, price: Decimal) -> Decimal:
    """The same with the taker's fee of closing paid out of what is left."""
    if position.instrument.kind.is_inverse:
        return price * (1 + rate) if position.contracts > 0 else price * (1 - rate)
    return price / (1 - rate) if position.contracts > 0 else price / (1 + rate)
