"""What is remembered of one account's margin between looks. Plain values, part of the engine's state; decides nothing.

Cached numbers live here and not in the engine, so that a replay from a snapshot computes with the very same ones.
"""

import msgspec

from hedgebot.domain.instrument import InstrumentId


class OptionGrid(msgspec.Struct, kw_only=True):
    """The options of one underlying on one account at their last revaluation, in USD.

    `profits` is what they gain in each cell of the venue's grid (portfolio margin); `initial` and `maintenance` are
    the sums of the short-option formula (cross margin); `values` is their mark value by the coin they settle in,
    `owned` the part of it that is long.
    """

    profits: list[float] = []
    initial: float = 0.0
    maintenance: float = 0.0
    values: dict[str, float] = {}
    owned: dict[str, float] = {}
    price: float = 0.0
    at_ns: int = 0
    moves: int = -1


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Margins and what stands behind them, in USD. `maintenance_worst`: with the worst of the live orders filled.

    `maintenance_least` is the least that the venue may ask where its formula is known in part; None: it is known.
    """

    initial: float
    maintenance: float
    maintenance_worst: float
    balance: float
    maintenance_least: float | None = None


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How far the market may move until the venue liquidates, by the model: a signed move and the price it ends at.

    `underlying` is empty where all of them move together (`price` is None then, or where the underlying's is unknown).
    """

    underlying: str
    move: float
    price: float | None


class Stress(msgspec.Struct, kw_only=True):
    """What a move of all underlyings by `-ratio` and by `+ratio` changes in equity above maintenance margin, in USD.

    `held` is what it was computed for: contracts by instrument, and moves of the option book.
    """

    down: float
    up: float
    ratio: float
    at_ns: int
    held: dict[str, float] = {}


class StandingStress(msgspec.Struct, frozen=True, kw_only=True):
    """What two standing stresses would leave: a coin of the collateral that loses a part, and rates that are raised.

    `coin` is the one that would hurt most (empty: none could); uses are maintenance margin / equity, infinite where no
    equity is left. `shock_missing_usd` of equity that does not lose its worth would keep the account at its floor
    through the shock; 0 where it stays above.
    """

    coin: str
    shock_loss_usd: float | None
    shock_use: float | None
    shock_missing_usd: float | None
    hike_use: float


class MarginState(msgspec.Struct, kw_only=True):
    """One account's margin by our model. `use` and `distance` are as of `looked_at_ns`; None is unknown or none.

    `base` and `realised_usd` are the model's figures and the booked profit at the venue's newest report, `base_of` says
    which report and parameters they are of. `gap` is the
    largest relative difference from it, `outside` its reports in a row beyond tolerance. `event` is a configured one
    that is on, `standing_stress` what the standing stresses would leave. `close_fee`: the venue's number holds the fee
    to close, which the model's does not.
    """

    grids: dict[str, OptionGrid] = {}
    leverage: dict[InstrumentId, float] = {}
    base: Figures | None = None
    base_of: str = ""
    realised_usd: float = 0.0
    unknown: str = ""
    gap: float | None = None
    outside: int = 0
    differs: str = ""
    recorded_at_ns: int = 0
    looked_at_ns: int = 0
    use: float | None = None
    distance: Distance | None = None
    distance_at_ns: int = 0
    distance_for: dict[str, float] = {}
    stress: Stress | None = None
    high_vol: bool = False
    event: str = ""
    standing_stress: StandingStress | None = None
    close_fee: bool = False

    @property
    def diverged(self) -> bool:
        """Whether the model and the venue differ for good: `differs` says in what."""
        return bool(self.differs)

    @property
    def floor_raised(self) -> bool:
        """Whether the buffer has its higher floor: the market is wild, or a configured event is on."""
        return self.high_vol or bool(self.event)
