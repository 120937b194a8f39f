"""Which parameter a difference between the venue's margin and ours most likely lies in, in words.

Owns the guess. Where the venue says what each position needs by itself (margins that are summed over positions) the one
that is farthest off is named with the rate that its number implies. Must not know when a difference is told.
"""

import math

from hedgebot.core import margin_model, margin_venue
from hedgebot.core.margin_legs import MarginBook, Parameters
from hedgebot.core.margin_model import Model
from hedgebot.core.state import AccountState
from hedgebot.domain.instrument import STABLECOINS
from hedgebot.domain.reports import WatchedPosition
from hedgebot.domain.settings import MarginMode
from hedgebot.margin.parameters import ParameterSet
from hedgebot.margin.venue_models import VenueModel

SAME_RATIO = 1e-3
SAME_PARAMETER = 1e-9


def moved_parameters(account: AccountState, parameters: Parameters) -> str:
    """Which parameters the venue margins with now are others than our record's, with both numbers; empty: none."""
    watched = account.wallet.watched if account.wallet else None
    if watched is None or not isinstance(parameters, VenueModel):
        return ""
    in_coin = watched.unit not in STABLECOINS
    moved = [
        f"{name} of {coin} {theirs:g} (ours {ours[name]:g})"
        for coin, told in watched.parameters.items()
        for ours in [parameters.figures(coin, in_coin)]
        for name, theirs in told.items()
        if name in ours and not math.isclose(theirs, ours[name], rel_tol=SAME_PARAMETER)
    ]
    return ", ".join(moved)


def likeliest(account: AccountState, model: Model, name: str, number: float) -> str:
    """The parameter behind a difference in `name` margin ("maintenance" or "initial"); `number` is the venue's."""
    if moved := moved_parameters(account, model.parameters):
        return f"the venue margins with {moved}"
    if name == "maintenance" and model.mode is MarginMode.CROSS and (found := _position(account, model)):
        return found
    contracts = list(model.book.contracts.values())
    alone = len(contracts) == 1 and not model.book.grids and not model.book.options
    if name == "maintenance" and model.mode is MarginMode.CROSS and alone:
        (one,) = contracts
        value = abs(one.contracts) * margin_model.value_each(one) * model.book.prices[one.rules.settle]
        implied = number / value if value else math.nan
        ours = model.now.maintenance / value if value else math.nan
        return f"the tiers of {one.rules.id}: the venue's comes to {implied:.4%} of its value, ours to {ours:.4%}"
    if name == "initial" and model.mode is MarginMode.CROSS:
        return "the leverage of a position, or margin of open orders that are not ours"
    if isinstance(model.parameters, ParameterSet) and model.mode is MarginMode.PORTFOLIO and name == "initial":
        return f"the factor of initial to maintenance margin, {model.parameters.portfolio.initial_factor:g} in ours"
    if model.mode is MarginMode.PORTFOLIO and number > model.now.maintenance:
        return f"the parts without a known formula: {', '.join(model.uncovered)}"
    return "the margin mode of the account, a tier or a rate of borrowing"


def _position(account: AccountState, model: Model) -> str:
    """The watched position whose own margin is farthest from ours, with what both come to; empty where none is told."""
    watched = account.wallet.watched if account.wallet else None
    if watched is None or not watched.positions or not isinstance(model.parameters, VenueModel):
        return ""
    gaps = [found for one in watched.positions if (found := _gap(model, model.parameters, one)) is not None]
    if not gaps:
        return ""
    off, theirs, ours, one = max(gaps, key=lambda gap: abs(gap[0]))
    if abs(off) <= SAME_RATIO * max(theirs, ours):
        return f"none of its {len(gaps)} positions, of which each needs what ours says: orders, debts or another pocket"
    if one.rules.kind.is_option:
        premium, index = _premium_usd(model.book, one), _index_usd(model.book, one)
        rates = [(each - premium) / index if index else math.nan for each in (theirs, ours)]
        what = "of the index beside its mark"
    else:
        value = abs(one.contracts) * _value_each_usd(model.book, one)
        rates, what = [each / value if value else math.nan for each in (theirs, ours)], "of its value"
    return f"the rate of {one.rules.id}: the venue's comes to {rates[0]:.4%} {what}, ours to {rates[1]:.4%}"


def _gap(
    model: Model, parameters: VenueModel, one: WatchedPosition
) -> tuple[float, float, float, WatchedPosition] | None:
    """How much more the venue asks for a position by itself than we do, both numbers in USD, and the position."""
    price = model.book.prices.get(one.rules.settle)
    if one.maintenance_settle is None or price is None:
        return None
    theirs, ours = one.maintenance_settle * price, margin_venue.maintenance_alone(parameters, model.book, one.rules.id)
    return theirs - ours, theirs, ours, one


def _premium_usd(book: MarginBook, one: WatchedPosition) -> float:
    return abs(one.contracts) * float(one.rules.contract_size) * one.mark * book.prices.get(one.rules.settle, 0.0)


def _index_usd(book: MarginBook, one: WatchedPosition) -> float:
    return abs(one.contracts) * float(one.rules.contract_size) * book.prices.get(one.rules.underlying, 0.0)


def _value_each_usd(book: MarginBook, one: WatchedPosition) -> float:
    contract = book.contracts.get(one.rules.id)
    return 0.0 if contract is None else margin_model.value_each(contract) * book.prices[one.rules.settle]
