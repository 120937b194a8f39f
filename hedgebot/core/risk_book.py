"""The engine's state as a book for risk numbers: legs with what prices them, a moment's copy. Computes no risk."""

import msgspec

from hedgebot.core import limits, margin_gate, tokens
from hedgebot.core.exposure import exposure_problem
from hedgebot.core.margin_legs import coin_prices, mode_of
from hedgebot.core.state import EngineState, Position, UnderlyingState
from hedgebot.domain.decimals import ZERO, float_or_none
from hedgebot.domain.instrument import Instrument, OptionType
from hedgebot.domain.riskbook import AccountPoint, LegKind, LinearLeg, OptionLeg, RiskBook, UnderlyingPoint


def risk_book(state: EngineState, at_ns: int) -> RiskBook:
    """Everything held on underlyings with a price. What is not known stands in `unknown`."""
    unknown = [
        problem
        for one in state.settings.underlyings
        if (problem := exposure_problem(state.underlyings[one.underlying])) and _holds(state, one.underlying)
    ]
    priced = {name: one for name, one in state.underlyings.items() if one.price > 0.0}
    options, linear = [], _coins(state, priced)
    for position in state.positions.values():
        rules = state.instruments.get(position.instrument)
        if rules is None or not position.contracts:
            continue
        underlying = priced.get(rules.underlying)
        if underlying is None:
            if rules.underlying not in state.underlyings:
                unknown.append(f"{rules.id} is held and its underlying is not configured")
        elif rules.kind.is_option:
            options += _option(state, underlying, position, rules)
        else:
            linear.append(_linear(state, underlying, position, rules))
    costs = {one.underlying: one.cost_bps for one in state.settings.underlyings}
    return RiskBook(
        at_ns=at_ns,
        underlyings=tuple(_point(state, one, costs[name], at_ns) for name, one in priced.items() if name in costs),
        linear=tuple(linear),
        options=tuple(options),
        accounts=tuple(_account(state, name, at_ns) for name in state.accounts),
        unknown=tuple(dict.fromkeys(unknown)),
        margin_use_alert=state.limits.margin_use_alert,
        margin_use_reduce=state.limits.margin_use_reduce,
        margin_use_no_risk=state.limits.margin_use_no_risk,
        margin_use_high_vol=state.limits.margin_use_high_vol,
    )


def _holds(state: EngineState, underlying: str) -> bool:
    """Whether anything is held on an underlying whose exposure is not known."""
    positions = any(
        one.contracts
        and one.instrument in state.instruments
        and state.instruments[one.instrument].underlying == underlying
        for one in state.positions.values()
    )
    return positions or any(tokens.is_held(state, one, underlying) for one in state.coins.values())


def _coins(state: EngineState, priced: dict[str, UnderlyingState]) -> list[LinearLeg]:
    return [
        LinearLeg(
            account=one.account,
            underlying=found.underlying,
            instrument=one.coin,
            kind=LegKind.COINS,
            coins=float(one.qty * found.ratio),
        )
        for one in state.coins.values()
        if one.qty != ZERO and (found := tokens.worth(state, one.coin)) and found.underlying in priced
    ]


def _linear(state: EngineState, underlying: UnderlyingState, position: Position, rules: Instrument) -> LinearLeg:
    nominal = float(position.contracts * rules.contract_size)
    size = nominal / underlying.price if rules.kind.is_inverse else nominal
    delta = size
    if rules.kind.is_inverse and position.entry_price > ZERO and rules.settle == rules.underlying:
        # With its unrealised coins: the delta that the ledger counts (hedging reference section 3.2).
        delta = nominal / float(position.entry_price)
    return LinearLeg(
        account=position.account,
        underlying=underlying.name,
        instrument=rules.id,
        kind=LegKind.PERP if rules.kind.is_perp else LegKind.FUTURE,
        coins=delta,
        nominal_coins=size,
        is_hedge=position.instrument in state.settings.hedges_on(position.account),
        is_inverse=rules.kind.is_inverse,
        price_usd=_mark_usd(state, position, rules),
        expiry_ns=rules.expiry_ns,
        leverage=state.accounts[position.account].margin.leverage.get(rules.id),
    )


def _mark_usd(state: EngineState, position: Position, rules: Instrument) -> float | None:
    """The instrument's own mark in USD; None without one, or where nobody says what its quote currency is worth."""
    quote = state.quotes.get(rules.id)
    if quote is None or quote.mark is None:
        return None
    worth = coin_prices(state, state.accounts[position.account]).get(rules.quote, 0.0)
    return float(quote.mark) * worth if worth > 0.0 else None


def _option(state: EngineState, underlying: UnderlyingState, position: Position, rules: Instrument) -> list[OptionLeg]:
    mark = state.options.get(rules.id)
    if mark is None or rules.strike is None or rules.expiry_ns is None or mark.iv <= 0.0:
        return []
    carried = underlying.price / mark.underlying_price if mark.underlying_price else 1.0
    return [
        OptionLeg(
            account=position.account,
            underlying=underlying.name,
            instrument=rules.id,
            coins=float(position.contracts * rules.contract_size),
            forward=mark.forward * carried,
            strike=float(rules.strike),
            expiry_ns=rules.expiry_ns,
            vol=mark.iv,
            is_call=rules.option_type is OptionType.CALL,
        )
    ]


def _point(state: EngineState, one: UnderlyingState, cost_bps: float, at_ns: int) -> UnderlyingPoint:
    closes = state.risk.closes.get(one.name)
    return UnderlyingPoint(
        underlying=one.name,
        price_usd=one.price,
        cost_bps=cost_bps,
        funding_ratio_day=_funding_day(state, one.name, at_ns),
        vol_day=closes.vol_day if closes else None,
        vol_weight=closes.weight if closes else 0.0,
        closes=tuple((one.day, one.price) for one in closes.days) if closes else (),
    )


def _funding_day(state: EngineState, underlying: str, at_ns: int) -> float | None:
    """The hedge instrument's funding as a ratio of notional a day; positive is paid by longs."""
    for settings in state.settings.underlyings:
        if settings.underlying == underlying:
            return limits.funding_ratio_day(state, settings.hedge_instrument, at_ns)
    return None


def _account(state: EngineState, name: str, at_ns: int) -> AccountPoint:
    account = state.accounts[name]
    mode = mode_of(state, name)
    known = AccountPoint(
        account=name,
        equity_usd=None,
        maintenance_margin_usd=None,
        venue=account.venue,
        margin_mode=mode.value if mode is not None else "",
        floor_raised=account.margin.floor_raised,
        floor_shock_usd=margin_gate.floor_shock_usd(state, account),
        watched=not account.role.is_followed,
    )
    wallet = account.wallet
    if wallet is None or at_ns - account.wallet_at_ns > state.limits.margin_age_ms_max * 1_000_000:
        return known
    return msgspec.structs.replace(
        known,
        equity_usd=float_or_none(wallet.equity_usd),
        maintenance_margin_usd=float_or_none(wallet.maintenance_margin_usd),
        initial_margin_usd=float_or_none(wallet.initial_margin_usd),
    )
