"""Portfolio margin of venues whose models are known in part: OKX, Paradex, Delta Exchange, Dederi, SPAN's 16 cells.

Owns what the margin reference sections 6.4, 6.7, 6.8 and 6.11 know, and nothing else: OKX without its option terms
(MR2, MR3, MR5, MR9 have no known formulas), Paradex's least charge, Delta's identities. Parameters are handed in.
Verified against OKX-1, OKX-3, PDX-1, PDX-3, DEL-1, DED-1; SPAN is a definition. Money in USD.
"""

from dataclasses import dataclass

import numpy as np

from hedgebot.margin.scenario import Scenarios


@dataclass(frozen=True, slots=True, kw_only=True)
class OkxParameters:
    """Of one group of underlyings: MR1's moves (0 to the largest), MR6's move, MR4's and MR7's rates, IMR / MMR."""

    moves: tuple[float, ...]
    extreme_move: float
    basis_rate: float
    slippage_rate: float
    initial_factor: float


@dataclass(frozen=True, slots=True)
class OkxMargin:
    """IMR and MMR of one risk unit with the parts known for futures. `uncovered` names those without a formula."""

    initial: float
    maintenance: float
    spot_shock: float
    basis: float
    extreme: float
    slippage: float
    uncovered: tuple[str, ...] = ("MR2", "MR3", "MR5", "MR9")


def okx_futures(
    parameters: OkxParameters, *, coins: float, gross_coins: float, index: float, mark: float, stable: float
) -> OkxMargin:
    """Margin of futures on one underlying, net `coins` of `gross_coins`; spot shocks use the index, charges the mark.

    `index` and `mark` are in stablecoin, `stable` is its USD price.
    """
    at_index, at_mark = abs(coins) * index * stable, gross_coins * mark * stable
    shock = at_index * max(parameters.moves)
    extreme = at_index * parameters.extreme_move / 2.0
    basis, slippage = at_mark * parameters.basis_rate, at_mark * parameters.slippage_rate
    maintenance = max(shock + basis, extreme, slippage)
    return OkxMargin(parameters.initial_factor * maintenance, maintenance, shock, basis, extreme, slippage)


def okx_ratio(adjusted_equity: float, maintenance: float, notional: float, fee_rate: float) -> float:
    """Margin ratio: equity over maintenance margin and closing fee; down is bad, infinite without positions."""
    need = maintenance + notional * fee_rate
    return adjusted_equity / need if need > 0.0 else float("inf")


def paradex_least_charge(deltas: tuple[float, ...], spot: float, *, unhedged_rate: float, hedged_rate: float) -> float:
    """MinDelta: a charge on net delta and a smaller one on what is hedged, by signed deltas in coin."""
    net, gross = abs(sum(deltas)), sum(abs(one) for one in deltas)
    return (unhedged_rate * net + hedged_rate * (gross - net) / 2.0) * spot


@dataclass(frozen=True, slots=True)
class PartialLiquidation:
    """What a venue closes to bring an account back: share of its requirement, penalty in USD, ratio afterwards."""

    share: float
    penalty: float
    ratio: float


def paradex_partial_liquidation(
    account_value: float, maintenance: float, *, target: float, step: float, fee_rate: float
) -> PartialLiquidation:
    """Least share, in steps, after which requirement over account value is below `target`; the whole if none is.

    The venue's page says a fee of 70 %, its table is made with 50 % (PDX-3): the fee is the caller's to choose.
    """
    count = round(1.0 / step)
    found = _liquidated(account_value, maintenance, 1.0 / count, fee_rate)
    for number in range(2, count + 1):
        if found.ratio < target:
            break
        found = _liquidated(account_value, maintenance, number / count, fee_rate)
    return found


def _liquidated(account_value: float, maintenance: float, share: float, fee_rate: float) -> PartialLiquidation:
    penalty = share * fee_rate * maintenance
    left = account_value - penalty
    ratio = (1.0 - share) * maintenance / left if left > 0.0 else float("inf")
    return PartialLiquidation(share, penalty, ratio)


def dederi_contingency(coins: float, index: float, rate: float) -> float:
    """Charge in USD on a futures position, on top of its worst cell (section 2)."""
    return rate * abs(coins) * index


def delta_margins(risk_margin: float, floors: tuple[float, ...], closing_cash: float) -> tuple[float, float]:
    """Initial and maintenance margin; `closing_cash` (UCF) is what closing everything at mark would bring."""
    larger = max(risk_margin, sum(floors))
    return larger - closing_cash, 0.8 * larger - closing_cash


def span_scenarios(scan_range: float, vol_range: float, *, tail: float = 2.0, tail_weight: float = 0.35) -> Scenarios:
    """SPAN's 16 cells: seven moves with volatility up and down, and two tails at a part of their loss."""
    fractions = (0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0)
    body = Scenarios.cross(tuple(scan_range * one for one in fractions), (vol_range, -vol_range))
    tails = np.array([tail, -tail]) * scan_range
    return body.joined(Scenarios(tails, np.zeros(2), np.full(2, tail_weight)))
