"""What an account has chosen about its margin, and what it has set aside by hand. Plain state, no arithmetic on money.

Owns the margin mode, collateral switched off, margin added to isolated positions and who adds by himself. Must not know
markets, prices or parameters. Source: bybit-exchange/docs docs/v5/account/set-margin-mode.mdx and set-collateral.mdx,
docs/v5/position/manual-add-margin.mdx and auto-add-margin.mdx.
"""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.exchange.position import MONEY_STEP, PositionKey
from hedgebot.exchange.requests import MarginMode


@dataclass(slots=True)
class MarginState:
    """One account's margin settings. `added` is in settlement coins and only counts in isolated mode."""

    mode: MarginMode = MarginMode.CROSS
    not_collateral: set[str] = field(default_factory=set)
    added: dict[PositionKey, Decimal] = field(default_factory=dict)
    auto_add: set[PositionKey] = field(default_factory=set)
    # Whether spot orders may borrow what they lack (those that ask for it).
    spot_margin: bool = False

    def copied(self) -> "MarginState":
        """The same state, apart."""
        return MarginState(self.mode, set(self.not_collateral), dict(self.added), set(self.auto_add), self.spot_margin)

    def closed(self, key: PositionKey, share: Decimal) -> None:
        """A share (0 to 1) of a position was closed: as much of the margin added to it is free again."""
        kept = (self.added.get(key, ZERO) * (1 - share)).quantize(MONEY_STEP, rounding=ROUND_DOWN)
        if kept:
            self.added[key] = kept
        else:
            self.added.pop(key, None)
