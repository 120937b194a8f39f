"""What a venue says of an account's margin, in one language: use = maintenance margin / equity, bad direction up.

Owns the values and the edges of the ratio (margin reference section 3); how each venue writes it is `hedgebot.venues`'.
None is unknown, never zero. Amounts are floats in `unit`, which is USD or the coin that the venue margins in.
"""

import msgspec


def use_of(maintenance: float, equity: float) -> float:
    """Maintenance margin / equity: 0 where nothing is due, infinite where something is and no equity is left."""
    if maintenance <= 0.0:
        return 0.0
    return maintenance / equity if equity > 0.0 else float("inf")


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """Two numbers of one frame that must agree before any model is asked; `off` is how far apart they may be."""

    name: str
    stated: float
    other: float
    off: float

    @property
    def holds(self) -> bool:
        """Whether they agree; what is no number never does."""
        return abs(self.stated - self.other) <= self.off


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """One position as its venue states it.

    `contracts` is signed; `value` is its notional at the mark, >= 0. `printed` is one unit of the last digit that the
    venue prints of margins. `relations` are the position's own.
    """

    instrument: str
    contracts: float
    value: float | None = None
    mark: float | None = None
    entry: float | None = None
    leverage: float | None = None
    leverage_max: float | None = None
    initial: float | None = None
    maintenance: float | None = None
    profit: float | None = None
    isolated: bool = False
    printed: float = 0.0
    relations: tuple[Relation, ...] = ()
    missing: tuple[str, ...] = ()


class AccountHealth(msgspec.Struct, frozen=True, kw_only=True):
    """An account's margin by one frame.

    `stated_use` is the venue's own ratio, turned to maintenance / equity; `cash` is what is owned without open profit,
    where only that is told. `complete`: `holdings` are all there are.
    """

    venue: str
    account: str
    unit: str
    equity: float | None = None
    initial: float | None = None
    maintenance: float | None = None
    stated_use: float | None = None
    cash: float | None = None
    printed: float = 0.0
    at_ns: int = 0
    relations: tuple[Relation, ...] = ()
    holdings: tuple[Holding, ...] = ()
    complete: bool = False
    missing: tuple[str, ...] = ()

    @property
    def use(self) -> float | None:
        """Maintenance margin / equity: the larger of the venue's ratio and its amounts; None where neither is known.

        A ratio may hold more than the amounts do (OKX counts a liquidation fee as margin).
        """
        known = [] if self.stated_use is None else [self.stated_use]
        if self.maintenance is not None and self.equity is not None:
            known.append(use_of(self.maintenance, self.equity))
        return max(known, default=None)

    @property
    def initial_use(self) -> float | None:
        """Initial margin / equity: how much of what can be traded is taken."""
        if self.initial is None or self.equity is None:
            return None
        return use_of(self.initial, self.equity)
