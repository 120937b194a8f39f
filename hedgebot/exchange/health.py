"""How far accounts and positions are from liquidation: what the liquidation engine and the wallet both read.

Owns equity, maintenance margin, their rate, liquidation and bankruptcy price, per account (cross and portfolio margin)
and per isolated position. Decides nothing. Rates go up when it gets worse: liquidation begins at 1.
Source: the margin reference section 3; `hedgebot.margin.liquidation` for the prices.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hedgebot.exchange.account import Account
from hedgebot.exchange.position import Position, PositionKey
from hedgebot.exchange.risk import Risk, Standing
from hedgebot.exchange.types import MarginMode, SimOrder
from hedgebot.margin.liquidation import bankruptcy_price, cross_price, isolated_price


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountHealth:
    """A cross or portfolio margin account, in USD. `rate` is maintenance over equity: infinite when nothing is left."""

    account: str
    mode: MarginMode
    equity_usd: float
    initial_margin_usd: float
    maintenance_margin_usd: float

    @property
    def rate(self) -> float:
        """Maintenance margin over equity; 0 where nothing needs margin."""
        return _rate(self.equity_usd, self.maintenance_margin_usd)

    @property
    def is_liquidatable(self) -> bool:
        """Whether its equity no longer covers its maintenance margin."""
        return self.rate >= 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionHealth:
    """One contract position in its settlement coin; prices in quote currency, None where no price above zero does it.

    `equity` is what stands behind it alone: its own margin and profit when `is_isolated`, otherwise what the whole
    account has left for it (and `bankruptcy_price` is where that is used up by this position alone).
    """

    account: str
    key: PositionKey
    is_isolated: bool
    equity: float
    maintenance_margin: float
    liquidation_price: float | None
    bankruptcy_price: float | None

    @property
    def rate(self) -> float:
        """Maintenance margin over equity; 0 where nothing needs margin."""
        return _rate(self.equity, self.maintenance_margin)

    @property
    def is_liquidatable(self) -> bool:
        """Whether its equity no longer covers its maintenance margin."""
        return self.rate >= 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """Asks a `Risk` how accounts stand."""

    risk: Risk

    def of_account(self, account: Account, open_orders: Iterable[SimOrder]) -> AccountHealth | None:
        """The whole account; None in isolated margin, where only positions are liquidated."""
        if account.margin.mode is MarginMode.ISOLATED:
            return None
        standing = self.risk.standing(account, open_orders)
        return AccountHealth(
            account=account.name,
            mode=account.margin.mode,
            equity_usd=standing.balance,
            initial_margin_usd=standing.need.initial,
            maintenance_margin_usd=standing.need.maintenance,
        )

    def isolated_positions(self, account: Account) -> tuple[PositionHealth, ...]:
        """Every isolated position that is not flat, in the order of their first opening; none in other modes."""
        if account.margin.mode is not MarginMode.ISOLATED:
            return ()
        found = (self._isolated(account, one) for one in account.positions.values() if one.contracts)
        return tuple(one for one in found if one is not None)

    def of_position(
        self, account: Account, position: Position, standing: Standing | None = None
    ) -> PositionHealth | None:
        """One contract position; None for options, flat ones, and in portfolio margin (no single price decides).

        `standing` is the account's, where the caller has it already.
        """
        if not position.contracts or position.instrument.kind.is_option:
            return None
        match account.margin.mode:
            case MarginMode.ISOLATED:
                return self._isolated(account, position)
            case MarginMode.CROSS:
                return self._cross(account, position, standing or self.risk.standing(account, ()))
            case MarginMode.PORTFOLIO:
                return None

    def _isolated(self, account: Account, position: Position) -> PositionHealth | None:
        entry = position.entry_price
        if entry is None or position.instrument.kind.is_option:
            return None
        market, instrument = self.risk.world.markets[position.instrument.id], position.instrument
        size = float(position.contracts * instrument.contract_size)
        margin = self.risk.margin_behind(account, position)
        ladder, is_inverse = self.risk.ladder(market), instrument.kind.is_inverse
        return PositionHealth(
            account=account.name,
            key=position.key,
            is_isolated=True,
            equity=margin + float(self.risk.valuation.unrealised(position)),
            maintenance_margin=ladder.maintenance(abs(float(position.contracts)) * self.risk.value_each(market))
            * self.risk.world.margin_ratio,
            liquidation_price=isolated_price(
                ladder, qty=size, entry=float(entry), margin=margin, is_inverse=is_inverse
            ),
            bankruptcy_price=bankruptcy_price(qty=size, entry=float(entry), margin=margin, is_inverse=is_inverse),
        )

    def _cross(self, account: Account, position: Position, standing: Standing) -> PositionHealth:
        market, instrument = self.risk.world.markets[position.instrument.id], position.instrument
        usd, mark = self.risk.world.usd_price(instrument.settle), float(self.risk.world.mark(market))
        ladder, size = self.risk.ladder(market), float(position.contracts * instrument.contract_size)
        own = ladder.maintenance(abs(float(position.contracts)) * self.risk.value_each(market))
        own *= self.risk.world.margin_ratio
        balance, maintenance = standing.balance / usd, standing.need.maintenance / usd
        is_inverse = instrument.kind.is_inverse
        # What is left for this position once the others have theirs.
        behind = balance - maintenance + own
        return PositionHealth(
            account=account.name,
            key=position.key,
            is_isolated=False,
            equity=behind,
            maintenance_margin=own,
            liquidation_price=cross_price(
                ladder, qty=size, mark=mark, balance=balance, maintenance=maintenance, is_inverse=is_inverse
            ),
            bankruptcy_price=bankruptcy_price(qty=size, entry=mark, margin=behind, is_inverse=is_inverse),
        )


def _rate(equity: float, maintenance: float) -> float:
    """Zero where no margin is needed, infinite where nothing stands behind what is."""
    if maintenance <= 0.0:
        return 0.0
    return maintenance / equity if equity > 0.0 else float("inf")
