"""The engine's state as what a margin model reads: contracts with their marks, live orders, option grids, coin prices.

Owns the translation, and says in a sentence what is missing: an unknown part makes the whole unknown, never zero. All
values are float. Must not know venues' formulas (`margin_model.py`) or limits.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hedgebot.core.coin_price import coin_price
from hedgebot.core.margin_options import CoinOptions
from hedgebot.core.margin_state import OptionGrid
from hedgebot.core.order_table import live_orders
from hedgebot.core.quotes import OptionMark
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import STABLECOINS, Instrument, InstrumentId, InstrumentKind, OptionType
from hedgebot.domain.settings import MarginMode, MarginParameters
from hedgebot.margin.bybit_portfolio import days_counted, law_of, scenarios_of
from hedgebot.margin.collateral import collateral_qty
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from hedgebot.margin.registry import BYBIT, registry
from hedgebot.margin.scenario import Floats, Legs, OptionLegs, evaluate
from hedgebot.margin.tiers import short_option_initial, short_option_maintenance
from hedgebot.margin.venue_models import VenueModel
from hedgebot.pricing import black76
from hedgebot.pricing.black76 import years_to

REVALUE_MOVE_RATIO = 0.001
REVALUE_NS = 1_000_000_000


class Contract(NamedTuple):
    """A position that is no option: signed contracts, its mark, unrealised profit in its settlement coin, leverage."""

    rules: Instrument
    contracts: float
    mark: float
    profit: float
    leverage: float | None


class MarginBook(NamedTuple):
    """What one account holds. `buys` and `sells` are contracts of live orders (>= 0) that need margin.

    `prices` are USD per coin, `realised_usd` is profit that was booked since the journal began. `options` are those of
    a watched account; `in_coin` is the coin that its margin is counted in, empty where that is USD. `tokens` are coins
    whose price moves with an underlying's.
    """

    contracts: dict[InstrumentId, Contract]
    buys: dict[InstrumentId, float]
    sells: dict[InstrumentId, float]
    grids: dict[str, OptionGrid]
    coins: dict[str, float]
    prices: dict[str, float]
    realised_usd: float
    at_ns: int = 0
    options: tuple[CoinOptions, ...] = ()
    in_coin: str = ""
    tokens: Mapping[str, str] = MappingProxyType({})


Parameters = ParameterSet | VenueModel
"""What an account is judged by: Bybit's unified account, or the registry's model of another venue and mode."""


@lru_cache(maxsize=16)
def parsed(parameters: MarginParameters, mode: MarginMode) -> Parameters | str:
    """The model of a file's content in a mode, or why there is none."""
    content = parameters.content.encode()
    try:
        if parameters.venue == BYBIT:
            return parse_parameters(content, parameters.hash)
        return registry({parameters.venue: (content, parameters.hash)}).of(parameters.venue, mode)
    except DataError as error:
        return str(error)


def mode_of(state: EngineState, account: str) -> MarginMode | None:
    """How an account nets what it holds, as its operator says; None where nobody does."""
    for one in state.settings.accounts:
        if one.name == account:
            return one.margin_mode
    return None


def model_of(state: EngineState, account: AccountState) -> tuple[Parameters, MarginMode] | str:
    """Parameters and mode of an account's margin model, or why there is none."""
    mode = mode_of(state, account.name)
    if mode is None:
        return f"no margin_mode is set for {account.name}"
    if mode is MarginMode.ISOLATED:
        return f"{account.name} is in isolated mode, in which positions have no margin in common"
    given = next((one for one in state.settings.margin_parameters if one.venue == account.venue), None)
    if given is None:
        return f"there are no margin parameters of {account.venue}"
    found = parsed(given, mode)
    return found if isinstance(found, str) else (found, mode)


def counted(state: EngineState, account: AccountState, coin: str, qty: float) -> float:
    """Coins that a holding counts for as collateral; all of it where no record of its venue says less."""
    found = model_of(state, account)
    if isinstance(found, str) or not isinstance(found[0], ParameterSet):
        return qty
    return collateral_qty(found[0].collateral_of(coin), qty)


def read_book(
    state: EngineState, account: AccountState, parameters: Parameters, mode: MarginMode, at_ns: int
) -> MarginBook | str:
    """What an account holds now, or what of it is unknown."""
    prices = coin_prices(state, account)
    grids: dict[str, OptionGrid] = {}
    for name, underlying in state.underlyings.items():
        if underlying.option_keys or underlying.sums.options_outside:
            grid = _grid(state, account, parameters, mode, name, prices, at_ns)
            if isinstance(grid, str):
                return grid
            grids[name] = grid
    contracts = _contracts(state, account, prices)
    if isinstance(contracts, str):
        return contracts
    held, realised_usd = contracts
    buys, sells = _pending(state, account)
    for name in (*buys, *sells):
        if name not in held:
            added = flat_contract(state, account, state.instruments[name], prices)
            if isinstance(added, str):
                return added
            held[name] = added
    balances = account.wallet.balances if account.wallet else {}
    return MarginBook(
        contracts=held,
        buys=buys,
        sells=sells,
        grids=grids,
        coins={coin: float(qty) for coin, qty in balances.items()},
        prices=prices,
        realised_usd=realised_usd,
        at_ns=at_ns,
        tokens={token: one.underlying for one in state.settings.underlyings for token in one.tokens},
    )


def coin_prices(state: EngineState, account: AccountState) -> dict[str, float]:
    """USD per coin: underlyings at their live index (or middle), others at what the venue last counted them at."""
    prices = reported_prices(account)
    for one in state.settings.underlyings:
        price = coin_price(state, one, prices)
        if price > 0.0:
            prices[one.underlying] = price
    return prices


def reported_prices(account: AccountState) -> dict[str, float]:
    """USD per coin as the venue counted them last; enough for coins that are no underlyings."""
    reported = account.wallet.prices_usd if account.wallet else {}
    # 1 USD until the venue says what it counts them at.
    return dict.fromkeys(STABLECOINS, 1.0) | reported


def _contracts(
    state: EngineState, account: AccountState, prices: dict[str, float]
) -> tuple[dict[InstrumentId, Contract], float] | str:
    held: dict[InstrumentId, Contract] = {}
    realised_usd, name = 0.0, account.name
    for position in state.positions.values():
        if position.account != name:
            continue
        rules = state.instruments[position.instrument]
        if position.realised_settle:
            realised_usd += float(position.realised_settle) * prices.get(rules.settle, 0.0)
        if not position.contracts:
            continue
        if rules.kind.is_option:
            if rules.underlying not in state.underlyings:
                return f"{rules.id} is an option on {rules.underlying}, which is not configured"
            continue
        found = _contract(state, account, rules, float(position.contracts), float(position.entry_price), prices)
        if isinstance(found, str):
            return found
        held[rules.id] = found
    return held, realised_usd


def flat_contract(
    state: EngineState, account: AccountState, rules: Instrument, prices: dict[str, float]
) -> Contract | str:
    """An instrument of which nothing is held yet."""
    return _contract(state, account, rules, 0.0, 0.0, prices)


def unpriced(rules: Instrument, prices: dict[str, float]) -> str:
    """What of an instrument nothing is known to be worth, in a sentence; empty where all of it is."""
    unknown = {rules.settle, rules.quote} - prices.keys()
    return f"the price of {min(unknown)} is unknown" if unknown else ""


def _contract(
    state: EngineState,
    account: AccountState,
    rules: Instrument,
    contracts: float,
    entry: float,
    prices: dict[str, float],
) -> Contract | str:
    if problem := unpriced(rules, prices):
        return problem
    quote = state.quotes.get(rules.id)
    if quote is None or quote.mark is None:
        return f"there is no mark price of {rules.id}"
    if contracts and entry <= 0.0:
        return f"the entry price of {rules.id} is unknown"
    mark, size = float(quote.mark), float(rules.contract_size)
    if not contracts:
        profit = 0.0
    elif rules.kind.is_inverse:
        profit = contracts * size * (1.0 / entry - 1.0 / mark)
    else:
        profit = contracts * size * (mark - entry)
    return Contract(rules, contracts, mark, profit, account.margin.leverage.get(rules.id))


def _pending(state: EngineState, account: AccountState) -> tuple[dict[InstrumentId, float], dict[InstrumentId, float]]:
    """Contracts of live orders that may open something, by side; spot orders need no derivative margin."""
    buys: dict[InstrumentId, float] = {}
    sells: dict[InstrumentId, float] = {}
    for order in live_orders(state):
        intent = order.intent
        if intent.account != account.name or intent.reduce_only:
            continue
        if state.instruments[intent.instrument].kind is InstrumentKind.SPOT:
            continue
        side = buys if intent.side.sign > 0 else sells
        left = float(intent.qty_contracts - order.filled_contracts)
        side[intent.instrument] = side.get(intent.instrument, 0.0) + max(left, 0.0)
    return buys, sells


# --- options ----------------------------------------------------------------------------------------------------------


def _grid(
    state: EngineState,
    account: AccountState,
    parameters: Parameters,
    mode: MarginMode,
    name: str,
    prices: dict[str, float],
    at_ns: int,
) -> OptionGrid | str:
    """The options of one underlying; revalued when one was traded, the price moved, or a second has passed."""
    underlying, known = state.underlyings[name], account.margin.grids.get(name)
    if known is not None and known.moves == underlying.option_moves and known.price > 0.0:
        still = abs(underlying.price / known.price - 1.0) <= REVALUE_MOVE_RATIO
        if still and at_ns - known.at_ns <= REVALUE_NS:
            return known
    columns = option_columns(state, account, name, prices, at_ns)
    if isinstance(columns, str):
        return columns
    grid = OptionGrid(price=underlying.price, at_ns=at_ns, moves=underlying.option_moves)
    if len(columns.legs.qty):
        if isinstance(parameters, VenueModel):
            return f"options on {name} are held: the daemon does not judge them by {parameters.id}"
        fill(grid, columns, parameters, mode)
    account.margin.grids[name] = grid
    return grid


class OptionColumns(NamedTuple):
    """The options of one account on one underlying. `legs.qty` carries the USD price of what they settle in."""

    legs: OptionLegs
    spot: float
    settles: tuple[str, ...]


def option_columns(
    state: EngineState, account: AccountState, name: str, prices: dict[str, float], at_ns: int
) -> OptionColumns | str:
    """Arrays of what is held now, or what of it is unknown."""
    underlying = state.underlyings[name]
    # Margin is of the whole account: it knows no scope.
    options = underlying.option_keys | underlying.sums.options_outside
    held = [
        (state.positions[key], state.instruments[instrument])
        for key, instrument in options.items()
        if state.positions[key].account == account.name
    ]
    marks: list[OptionMark] = []
    for _, rules in held:
        if problem := unpriced(rules, prices):
            return problem
        mark = state.options.get(rules.id)
        if mark is None:
            return f"no implied volatility yet for {rules.id}"
        if rules.kind is InstrumentKind.COIN_OPTION:
            return f"{rules.id} settles in coin: the margin model does not cover it"
        marks.append(mark)
    if held and underlying.price <= 0.0:
        return f"no price of {name} yet"
    price = underlying.price
    years = np.array([years_to(rules.expiry_ns or 0, at_ns) for _, rules in held])
    forward = np.array([one.forward * _carried(price, one.underlying_price) for one in marks])
    strike = np.array([float(rules.strike or 0) for _, rules in held])
    vol = np.array([one.iv for one in marks])
    is_call = np.array([rules.option_type is OptionType.CALL for _, rules in held], dtype=np.bool_)
    legs = OptionLegs(
        qty=np.array([float(one.contracts * rules.contract_size) * prices[rules.settle] for one, rules in held]),
        forward=forward,
        strike=strike,
        years=years,
        days=np.array([days_counted(one) for one in years]),
        vol=vol,
        is_call=is_call,
        base=black76.price(forward, strike, years, vol, is_call) if held else np.zeros(0),
    )
    return OptionColumns(legs, prices.get(name, price), tuple(rules.settle for _, rules in held))


def _carried(price: float, at_quote: float) -> float:
    """The forward moves with the underlying since its quote came, as for the delta."""
    return price / at_quote if at_quote > 0.0 and price > 0.0 else 1.0


def fill(grid: OptionGrid, columns: OptionColumns, parameters: ParameterSet, mode: MarginMode) -> None:
    """Value the options of some columns in a grid: by cell in portfolio margin, by formula in cross margin."""
    legs = columns.legs
    for settle, worth in zip(columns.settles, (legs.qty * legs.base).tolist(), strict=True):
        grid.values[settle] = grid.values.get(settle, 0.0) + worth
        grid.owned[settle] = grid.owned.get(settle, 0.0) + max(worth, 0.0)
    if mode is MarginMode.PORTFOLIO:
        grid.profits = option_profits(columns, parameters).tolist()
        return
    grid.initial, grid.maintenance = short_margins(columns, parameters)


def option_profits(columns: OptionColumns, parameters: ParameterSet) -> Floats:
    """What the options gain in each cell of the venue's grid, in USD, shape (cells,)."""
    scenarios, law = scenarios_of(parameters.portfolio), law_of(parameters.portfolio)
    return np.asarray(evaluate(Legs(options=columns.legs), scenarios, law).options.sum(axis=1))


def short_margins(columns: OptionColumns, parameters: ParameterSet) -> tuple[float, float]:
    """Initial and maintenance margin of what is sold, by the short-option formula, in USD."""
    legs, rates, index = columns.legs, parameters.short_option, columns.spot
    initial = maintenance = 0.0
    for number in np.flatnonzero(legs.qty < 0.0).tolist():
        mark, size = float(legs.base[number]), -float(legs.qty[number])
        maintenance += size * short_option_maintenance(rates, index, mark)
        initial += size * short_option_initial(
            rates, index=index, mark=mark, strike=float(legs.strike[number]), is_call=bool(legs.is_call[number])
        )
    return initial, maintenance
