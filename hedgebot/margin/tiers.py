"""Tiered margin of derivatives, and the short-option formula, as Bybit's cross margin states them.

Owns the arithmetic; the figures come from a dated parameter file (`parameters.py`). Must not know accounts,
positions or the wire. Values and margins are in the settlement currency of what is margined (a stablecoin for linear
contracts, the coin for inverse ones), float; rates are fractions.
Sources: the margin reference section 6.3 (slab rule, verified example BYB-5; short option, verified example BYB-3).
"""

import msgspec


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One slab of a risk-limit ladder: position value up to `value_max_settle` and its marginal rates."""

    value_max_settle: float
    initial_rate: float
    maintenance_rate: float


class Ladder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tiers of one instrument, lowest first; `status` says where they come from and how well they are verified."""

    tiers: tuple[Tier, ...]
    status: str = ""

    def __post_init__(self) -> None:
        """Refuse a ladder that is empty, unsorted or gets cheaper with size."""
        if not self.tiers:
            msg = "a risk-limit ladder needs at least one tier"
            raise ValueError(msg)
        for low, high in zip(self.tiers, self.tiers[1:], strict=False):
            rising = (
                high.value_max_settle > low.value_max_settle
                and high.maintenance_rate >= low.maintenance_rate
                and high.initial_rate >= low.initial_rate
            )
            if not rising:
                msg = f"risk-limit tiers must rise: {high} stands after {low}"
                raise ValueError(msg)

    def deduction(self, number: int) -> float:
        """Maintenance deduction of tier `number`: makes margin continuous where the rate steps up."""
        return sum(
            low.value_max_settle * (high.maintenance_rate - low.maintenance_rate)
            for low, high in zip(self.tiers[:number], self.tiers[1 : number + 1], strict=True)
        )

    def tier_of(self, value_settle: float) -> int:
        """Number (from 0) of the tier that a position value falls in; the last one beyond the table's end."""
        for number, tier in enumerate(self.tiers):
            if value_settle <= tier.value_max_settle:
                return number
        return len(self.tiers) - 1

    def maintenance(self, value_settle: float) -> float:
        """Maintenance margin of a position value (>= 0), slab by slab."""
        number = self.tier_of(value_settle)
        return value_settle * self.tiers[number].maintenance_rate - self.deduction(number)

    def initial(self, value_settle: float, leverage: float) -> float:
        """Initial margin of a position value (>= 0) at the chosen leverage; the tier's own rate is the floor."""
        rate = max(self.tiers[self.tier_of(value_settle)].initial_rate, 1.0 / leverage)
        return value_settle * rate


class ShortOptionRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of the short-option formula, fractions of the index (and of the mark, for `maintenance`)."""

    initial: float
    initial_floor: float
    maintenance: float
    liquidation_fee: float


def short_option_maintenance(rates: ShortOptionRates, index: float, mark: float) -> float:
    """Maintenance margin per coin of a short option, in quote currency; `mark` is its premium."""
    return max(rates.maintenance * index, rates.maintenance * mark) + mark + rates.liquidation_fee * index


def short_option_initial(  # one value for each term of the formula
    rates: ShortOptionRates, *, index: float, mark: float, strike: float, is_call: bool, order_price: float = 0.0
) -> float:
    """Initial margin per coin of a short option, in quote currency; `order_price` only while it is an order."""
    out_of_the_money = max(strike - index, 0.0) if is_call else max(index - strike, 0.0)
    initial = max(rates.initial * index - out_of_the_money, rates.initial_floor * index) + max(order_price, mark)
    return max(initial, short_option_maintenance(rates, index, mark))
