"""Deribit's portfolio margin of one currency, in its coin: 27 cells, an extended table, roll and delta shock.

Owns that venue's scenarios and aggregation over `scenario.py`; parameters are the API's own, handed in. How well it is
verified (margin reference section 6.1, case DER-1): futures to 14-15 digits; options' volatility law from secondary
sources, the dampener's size and the delta shock's slope unknown. The dampener is left out unless its parameter is given
and the delta shock above its threshold is taken at its cap, so that both err on the side of more margin.
"""

from dataclasses import dataclass

import numpy as np

from hedgebot.margin.scenario import Floats, Legs, Scenarios, VolLaw, evaluate

EXTENDED_MOVES = (-0.66, -0.33, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0)
DIGITS = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class DeribitParameters:
    """What `pme/simulate` answers as its parameters; `pnl_offset` and its cap are of the currency margined."""

    price_range: float
    buckets_per_side: int
    volatility_range_up: float
    volatility_range_down: float
    short_term_vega_power: float
    long_term_vega_power: float
    min_volatility_for_shock_up: float
    extended_table_factor: float
    annualised_move_risk: float
    min_annualised_move: float
    pnl_offset: float
    max_offsetable_pnl: float
    max_delta_shock: float
    delta_total_liq_shock_threshold: float
    mm_factor: float
    extended_dampener: float = 0.0


@dataclass(frozen=True, slots=True)
class DeribitMargin:
    """Margins in coin, and the parts they are made of.

    `standard` and `extended` are profits before offsets and dampener, `counted` both after them. `least` is maintenance
    by the standard cells and without a delta shock: what the unknown dampener and slope can take off ends there.
    """

    initial: float
    maintenance: float
    least: float
    worst_case: float
    roll_shock: float
    delta_shock: float
    risk_matrix: float
    standard: Floats
    extended: Floats
    counted: Floats


def scenarios_of(parameters: DeribitParameters) -> tuple[Scenarios, Scenarios]:
    """The standard cells, ordered by move, then volatility (down, same, up), and the extended ones (up only).

    An extended cell is the book at its own move, weighted back to what the edge of the range would show a future.
    """
    count, edge = parameters.buckets_per_side, parameters.price_range
    moves = tuple(edge * number / count for number in range(-count, count + 1))
    standard = Scenarios.cross(moves, (-parameters.volatility_range_down, 0.0, parameters.volatility_range_up))
    far = np.array(EXTENDED_MOVES)
    weights = parameters.extended_table_factor * edge / np.abs(far) * (1.0 + far) / (1.0 + np.sign(far) * edge)
    return standard, Scenarios(far, np.full_like(far, parameters.volatility_range_up), weights)


def roll_shock(parameters: DeribitParameters, deltas: tuple[tuple[float, float | None], ...]) -> float:
    """Coins by (delta in coin, years to expiry; None for a perpetual): expiries may move apart."""
    least = parameters.min_annualised_move
    return sum(
        abs(delta)
        * (least if years is None else max(least, float(np.exp(parameters.annualised_move_risk * years)) - 1.0))
        for delta, years in deltas
    )


def portfolio_margin(
    parameters: DeribitParameters,
    legs: Legs,
    *,
    index: float,
    deltas: tuple[tuple[float, float | None], ...],
    order_margin: float = 0.0,
    mmp_margin: float = 0.0,
) -> DeribitMargin:
    """Margin in coin of a book; inverse legs are in coin, linear and option profits are divided by the moved price.

    `order_margin` and `mmp_margin` count for initial margin only.
    """
    law = VolLaw(
        power_short=parameters.short_term_vega_power,
        power_long=parameters.long_term_vega_power,
        floor_up=parameters.min_volatility_for_shock_up,
    )
    vectors: list[Floats] = []
    for scenarios in scenarios_of(parameters):
        grid = evaluate(legs, scenarios, law)
        coin_price = index * (1.0 + scenarios.moves)
        vectors.append(grid.inverse.sum(axis=1) + (grid.linear.sum(axis=1) + grid.options.sum(axis=1)) / coin_price)
    standard, extended = vectors
    far = vectors[1] - _damper(parameters, vectors[1], index)
    counted = _offset(parameters, np.concatenate((vectors[0], far)), index)
    worst = -float(counted.min(initial=0.0))
    roll, delta = roll_shock(parameters, deltas), _delta_shock(parameters, deltas, index)
    matrix = round(worst, DIGITS) + roll + delta
    return DeribitMargin(
        initial=round(matrix + mmp_margin + order_margin, DIGITS),
        maintenance=parameters.mm_factor * matrix,
        least=parameters.mm_factor * (round(-float(counted[: len(standard)].min(initial=0.0)), DIGITS) + roll),
        worst_case=worst,
        roll_shock=roll,
        delta_shock=delta,
        risk_matrix=matrix,
        standard=standard,
        extended=extended,
        counted=counted,
    )


@dataclass(frozen=True, slots=True)
class DeribitUsd:
    """Margins in USD of one currency's products in a cross-currency account, and the parts they are made of.

    `least` as in `DeribitMargin`; `offset` is what the gains here may take off another currency's maintenance margin.
    """

    initial: float
    maintenance: float
    least: float
    offset: float
    worst_case: float
    roll_shock: float
    delta_shock: float


def portfolio_margin_usd(
    parameters: DeribitParameters, legs: Legs, *, index: float, deltas: tuple[tuple[float, float | None], ...]
) -> DeribitUsd:
    """The same in USD, with nothing offset between currencies: an upper bound (margin reference section 9).

    An extended cell is weighted to what the edge shows a linear future; gains of one currency offset no other's loss.
    """
    law = VolLaw(
        power_short=parameters.short_term_vega_power,
        power_long=parameters.long_term_vega_power,
        floor_up=parameters.min_volatility_for_shock_up,
    )
    standard, extended = scenarios_of(parameters)
    far = Scenarios(
        extended.moves,
        extended.vol_shocks,
        parameters.extended_table_factor * parameters.price_range / np.abs(extended.moves),
    )
    profits = [evaluate(legs, one, law).total(index) for one in (standard, far)]
    near, worst = (max(-low, 0.0) for low in (float(profits[0].min()), float(min(one.min() for one in profits))))
    roll = roll_shock(parameters, deltas) * index
    delta = _delta_shock(parameters, deltas, index) * index
    matrix, share = worst + roll + delta, parameters.mm_factor
    gain = max(float(max(one.max() for one in profits)), 0.0)
    return DeribitUsd(
        initial=matrix,
        maintenance=share * matrix,
        least=share * (near + roll),
        offset=share * min(parameters.pnl_offset * gain, parameters.max_offsetable_pnl),
        worst_case=worst,
        roll_shock=roll,
        delta_shock=delta,
    )


def _offset(parameters: DeribitParameters, profits: Floats, index: float) -> Floats:
    """Gains count in part, up to a cap in USD; losses whole."""
    gains = np.minimum(profits * parameters.pnl_offset, parameters.max_offsetable_pnl / index)
    return np.where(profits > 0.0, gains, profits)


def _damper(parameters: DeribitParameters, extended: Floats, index: float) -> Floats:
    """What an extended cell is shrunk by towards zero; the farther its move, the more."""
    moves, edge = np.array(EXTENDED_MOVES), parameters.price_range
    excess = np.maximum(np.abs(moves) / edge - 1.0, 0.0)
    most = excess * parameters.extended_dampener / ((1.0 + np.sign(moves) * edge) * index)
    return np.asarray(np.sign(extended) * np.minimum(np.abs(extended), most))


def _delta_shock(parameters: DeribitParameters, deltas: tuple[tuple[float, float | None], ...], index: float) -> float:
    total = abs(sum(delta for delta, _ in deltas))
    over = total * index > parameters.delta_total_liq_shock_threshold
    return parameters.max_delta_shock * total if over else 0.0
