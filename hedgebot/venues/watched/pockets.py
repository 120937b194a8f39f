"""What was read of an account, as one report: the worst pocket of margin, what all pockets hold, the positions in it.

Owns the choice and the sums; knows no venue. A pocket is what shares margin: the whole account, one coin of it, or one
isolated position. Unknown stays unknown: a pocket whose use is not known counts as the worst.
"""

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

import ccxt
import msgspec

from hedgebot.domain.health import AccountHealth
from hedgebot.domain.reports import WalletReport, WatchedMargin, WatchedPosition
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.replies import bare_sentence


class Pocket(NamedTuple):
    """Margin that stands by itself. `settles`: the coin of its positions; empty: of all that are not isolated.

    `alone`: why no positions are told with it; empty where they are.
    """

    health: AccountHealth
    settles: str = ""
    alone: str = ""


class Reading(NamedTuple):
    """Everything that one round of questions told. `positions` None: `problem` says why.

    `prices` are USD per coin, `coins` what is owned of each, open profit included (None: not known); `at_ns` is before
    all questions. `margin_mode` is how the account nets by the venue's word ("cross", "portfolio", or not told),
    `parameters` those it margins with now, by the unit of a pocket and the coin.
    """

    pockets: tuple[Pocket, ...]
    positions: tuple[WatchedPosition, ...] | None
    problem: str
    prices: Mapping[str, float]
    coins: Mapping[str, float] | None
    at_ns: int
    margin_mode: str = ""
    parameters: Mapping[str, Mapping[str, Mapping[str, float]]] = MappingProxyType({})


def report_of(account: str, read: Reading) -> WalletReport:
    """The report that the engine takes."""
    pockets = [_believed(one, read.positions) for one in read.pockets]
    used = [one for one in pockets if not _is_unused(one.health)] or pockets[:1]
    if not used:
        return _unknown(account, read, "the venue names no margin of the account")
    # Of pockets that need nothing one with a price is told: what nobody prices is unknown only where it needs margin.
    worst = max(used, key=lambda one: (_badness(one), _price(read.prices, one.health.unit) is not None))
    price = _price(read.prices, worst.health.unit)
    positions = None if read.positions is None or worst.alone else _within(worst, read.positions)
    coins = _coins(worst, positions or (), read.coins)
    return WalletReport(
        account=account,
        balances={coin: _exact(qty) for coin, qty in (coins or {}).items() if qty},
        equity_usd=_usd(worst.health.equity, price),
        initial_margin_usd=_usd(worst.health.initial, price),
        maintenance_margin_usd=_usd(worst.health.maintenance, price),
        venue_at_ns=read.at_ns,
        prices_usd=dict(read.prices),
        watched=WatchedMargin(
            pocket=f"{worst.health.account} {worst.health.unit}",
            pockets=len(used),
            equity_usd=_all_of_it(used, read.prices),
            stated_use=worst.health.stated_use,
            positions=positions,
            problem=worst.alone or read.problem,
            coins_known=coins is not None,
            unit=worst.health.unit,
            margin_mode=read.margin_mode,
            parameters={coin: dict(one) for coin, one in read.parameters.get(worst.health.unit, {}).items()},
        ),
    )


def _unknown(account: str, read: Reading, problem: str) -> WalletReport:
    watched = WatchedMargin(pocket="", pockets=0, equity_usd=None, positions=None, problem=problem, coins_known=False)
    return WalletReport(
        account=account,
        balances={},
        equity_usd=None,
        initial_margin_usd=None,
        maintenance_margin_usd=None,
        venue_at_ns=read.at_ns,
        watched=watched,
    )


def _is_unused(one: AccountHealth) -> bool:
    """Nothing is owned there and nothing needs margin: known zeros, all of them."""
    return (one.equity, one.initial, one.maintenance) == (0.0, 0.0, 0.0)


def _believed(one: Pocket, positions: tuple[WatchedPosition, ...] | None) -> Pocket:
    """No maintenance margin cannot be where something is held that needs some: it is unknown, not nothing."""
    if one.alone or one.health.maintenance or positions is None:
        return one
    if not any(held.needs_margin for held in _within(one, positions)):
        return one
    return one._replace(health=msgspec.structs.replace(one.health, maintenance=None))


def _badness(one: Pocket) -> float:
    use = one.health.use
    return math.inf if use is None else use


def _price(prices: Mapping[str, float], unit: str) -> float | None:
    return 1.0 if unit == "USD" else prices.get(unit)


def _usd(amount: float | None, price: float | None) -> Decimal | None:
    return None if amount is None or price is None else _exact(amount * price)


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))


def _all_of_it(pockets: Iterable[Pocket], prices: Mapping[str, float]) -> Decimal | None:
    each = [_usd(one.health.equity, _price(prices, one.health.unit)) for one in pockets]
    known = [one for one in each if one is not None]
    return sum(known, Decimal(0)) if len(known) == len(each) else None


def _within(pocket: Pocket, positions: Iterable[WatchedPosition]) -> tuple[WatchedPosition, ...]:
    return tuple(one for one in positions if not pocket.settles or one.rules.settle == pocket.settles)


def _coins(
    pocket: Pocket, positions: Iterable[WatchedPosition], owned: Mapping[str, float] | None
) -> dict[str, float] | None:
    """Coins without the open profit of the positions, which the model adds anew at every price that it looks at.

    An isolated position's are its own margin, which no model is asked about. None: not known.
    """
    if pocket.alone:
        equity = pocket.health.equity
        return None if equity is None else {pocket.health.unit: equity}
    if owned is None:
        return None
    coins = {pocket.settles: owned.get(pocket.settles, 0.0)} if pocket.settles else dict(owned)
    for one in positions:
        coins[one.rules.settle] = coins.get(one.rules.settle, 0.0) - one.profit_settle
    return coins


async def known_price(ask: Callable[[], Awaitable[float]]) -> float | None:
    """USD per coin, or None where the venue has no such price. What keeps it from answering at all is raised."""
    try:
        return await ask()
    except (ccxt.NetworkError, OSError):
        raise
    except FAULTS:
        return None


async def known_or_why(
    ask: Callable[[], Awaitable[tuple[WatchedPosition, ...]]],
) -> tuple[tuple[WatchedPosition, ...] | None, str]:
    """Positions, or why they are not known: an account's margins are worth reading without them.

    What keeps the whole venue from answering is raised all the same.
    """
    try:
        return await ask(), ""
    except (ccxt.NetworkError, OSError):
        raise
    except FAULTS as error:
        return None, bare_sentence(error)


def profit_settle(contracts: float, size: float, entry: float | None, mark: float, *, is_inverse: bool) -> float:
    """Open profit in the settlement coin; none is claimed where the entry price is unknown."""
    if not entry or entry <= 0.0:
        return 0.0
    nominal = contracts * size
    return nominal * (1.0 / entry - 1.0 / mark) if is_inverse else nominal * (mark - entry)
