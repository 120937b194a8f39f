"""Every position and coin balance with its share of the exposure, each delta under the name of its convention.

A pure function of state and time, for people; the net delta that is hedged is `exposure.py`'s. Rows are valued at the
moment they are asked for, so that they add up to the net delta but for what a re-mark would change.
"""

from collections.abc import Iterable

import msgspec

from hedgebot.core import holdings, market, tokens
from hedgebot.core.exposure import exposure_problem
from hedgebot.core.state import EngineState, Position, UnderlyingState
from hedgebot.core.valuation import Values, columns_of, share_left, value_options, window_ns
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.scope import counts_position
from hedgebot.domain.settings import DeltaConvention, UnderlyingSettings


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """One position or coin balance. None: not known, or not a thing of its kind.

    `delta_coin` is what it adds to the net delta by the underlying's convention; `equity_coin` the coins that it is
    worth itself (a balance, unrealised coins, a coin-settled option's value), which count where equity does.
    `black_scholes_coin` and `premium_adjusted_coin` are the delta of an option by either name. Vega is per point of
    volatility (0.01), theta per day. `in_scope` false: the strategies' scope leaves it out, it is not hedged. `ratio`
    are the coins that one unit of a token or holding stands for.
    """

    account: str
    instrument: str
    kind: str
    contracts: str
    entry_price: str | None
    mark: str | None
    age_ms: int | None
    venue: str = ""
    in_scope: bool = True
    delta_coin: float | None = None
    delta_usd: float | None = None
    equity_coin: float | None = None
    black_scholes_coin: float | None = None
    premium_adjusted_coin: float | None = None
    gamma_coin_per_usd: float | None = None
    vega_usd_per_vol_point: float | None = None
    theta_usd_per_day: float | None = None
    ratio: float | None = None


def total_delta(rows: Iterable[PositionView]) -> float | None:
    """The delta of several rows together; None while that of one is unknown."""
    parts = [one.delta_coin for one in rows]
    known = [one for one in parts if one is not None]
    return sum(known, 0.0) if len(known) == len(parts) else None


def positions(
    state: EngineState, underlying: UnderlyingState, settings: UnderlyingSettings, at_ns: int
) -> tuple[PositionView, ...]:
    """The rows of one underlying: coins first, then positions in the order in which they were first held."""
    counts_equity = settings.delta_convention is not DeltaConvention.COIN_NEUTRAL
    price = underlying.price
    venues = {one.name: one.venue for one in state.accounts.values()}
    rows = [
        PositionView(
            account=coin.account,
            venue=venues.get(coin.account, ""),
            instrument=coin.coin,
            kind="coins" if coin.coin == underlying.name else "token",
            contracts=str(coin.qty),
            entry_price=None,
            mark=None,
            age_ms=None,
            in_scope=tokens.counted(state, coin.account, coin.coin) is not None,
            delta_coin=float(owned) if counts_equity else 0.0,
            delta_usd=_usd(float(owned) if counts_equity else 0.0, price),
            equity_coin=float(owned),
            ratio=None if coin.coin == underlying.name else float(owned / coin.qty),
        )
        for coin in state.coins.values()
        if tokens.is_held(state, coin, underlying.name)
        for owned in [tokens.stands_for(state, coin, underlying.name)]
    ]
    rows += _held(state, underlying, settings, at_ns)
    options = _options(state, underlying, settings, at_ns)
    for key, position in state.positions.items():
        rules = state.instruments[position.instrument]
        if rules.underlying == underlying.name and position.contracts:
            numbers = options.get(key, {}) if rules.kind.is_option else _linear(position, rules, settings, price, at_ns)
            rows.append(_row(state, position, rules, venues.get(position.account, ""), numbers, at_ns))
    return tuple(rows)


def _held(
    state: EngineState, underlying: UnderlyingState, settings: UnderlyingSettings, at_ns: int
) -> list[PositionView]:
    """Holdings outside the exchanges: they are coins that are owned."""
    rows = []
    for one in state.settings.holdings:
        held = underlying.sums.holdings.get(one.name)
        if one.underlying != underlying.name or held is None:
            continue
        owned = float(holdings.coins(one, held)) if held.qty is not None else None
        counted = owned if settings.delta_convention is not DeltaConvention.COIN_NEUTRAL or owned is None else 0.0
        rows.append(
            PositionView(
                account=one.name,
                venue="outside",
                instrument=one.underlying,
                kind="holding",
                contracts=str(held.qty) if held.qty is not None else "",
                entry_price=None,
                mark=None,
                age_ms=max(at_ns - held.as_of_ns, 0) // 1_000_000 if held.qty is not None else None,
                delta_coin=counted,
                delta_usd=None if counted is None else _usd(counted, underlying.price),
                equity_coin=owned,
                ratio=one.ratio,
            )
        )
    return rows


def _row(
    state: EngineState, position: Position, rules: Instrument, venue: str, numbers: dict[str, float | None], at_ns: int
) -> PositionView:
    aged = market.option_age_ms if rules.kind.is_option else market.mark_age_ms
    age_ms = aged(state, rules.id, at_ns)
    quote = state.quotes.get(rules.id)
    return PositionView(
        account=position.account,
        venue=venue,
        in_scope=counts_position(state.settings, rules.underlying, position.account, rules.id),
        instrument=rules.id,
        kind=rules.kind.value,
        contracts=str(position.contracts),
        entry_price=f"{position.entry_price:.8g}" if position.entry_price else None,
        mark=str(quote.mark) if quote and quote.mark is not None else None,
        age_ms=market.known_age_ms(age_ms),
        **numbers,
    )


def _linear(
    position: Position, rules: Instrument, settings: UnderlyingSettings, price: float, at_ns: int
) -> dict[str, float | None]:
    """A perpetual, a future or spot: its delta, what is left of it while it is delivered, and unrealised coins."""
    if price <= 0.0:
        return {}
    delta = rules.delta_coin(float(position.contracts), price)
    equity = 0.0
    if rules.kind.is_inverse and position.entry_price > ZERO and rules.settle == rules.underlying:
        equity = float(position.contracts * rules.contract_size / position.entry_price) - delta
    delta *= share_left(rules, at_ns, window_ns(settings))
    counted = delta + (equity if settings.delta_convention is not DeltaConvention.COIN_NEUTRAL else 0.0)
    return {"delta_coin": counted, "delta_usd": _usd(counted, price), "equity_coin": equity}


def _options(
    state: EngineState, underlying: UnderlyingState, settings: UnderlyingSettings, at_ns: int
) -> dict[str, dict[str, float | None]]:
    """Numbers of each held option by its position; nothing while one of them was never quoted."""
    held_options = underlying.option_keys | underlying.sums.options_outside
    if not held_options or exposure_problem(underlying):
        return {}
    columns = columns_of(state, underlying, held_options)
    if any(one not in state.options for one in columns.ids):
        return {}
    found: Values = value_options(state, columns, underlying.price, settings, at_ns)
    rows: dict[str, dict[str, float | None]] = {}
    for number, key in enumerate(columns.keys):
        held, in_coin = float(columns.held[number]), bool(columns.in_coin[number])
        plain = held * float(found.delta[number])
        value = held * float(found.mark_coin[number])
        adjusted = plain - value if in_coin else None
        counted = plain
        if adjusted is not None and settings.delta_convention is DeltaConvention.COIN_NEUTRAL:
            counted = adjusted
        rows[key] = {
            "delta_coin": counted,
            "delta_usd": _usd(counted, underlying.price),
            "equity_coin": value if in_coin else 0.0,
            "black_scholes_coin": plain,
            "premium_adjusted_coin": adjusted,
            "gamma_coin_per_usd": held * float(found.gamma[number]),
            "vega_usd_per_vol_point": held * float(found.vega[number]) / 100.0,
            "theta_usd_per_day": held * float(found.theta[number]),
        }
    return rows


def _usd(coin: float, price: float) -> float | None:
    return coin * price if price > 0.0 else None
