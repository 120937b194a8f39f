"""What an order would do to the running book's margin: the margin gate's own answer, on a copy of what it remembers.

Owns finding the instrument and shaping the order that is asked about. The gate caches option grids and stresses in the
state, and a look must leave no trace in it: a replay would otherwise differ from the run. Sends and changes nothing.
"""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgebot.core import margin_distance, margin_gate, margin_legs, margin_model
from hedgebot.core.candidate import Candidate
from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.margin_gate import MarginEffect
from hedgebot.core.margin_model import Model, Standing
from hedgebot.core.margin_state import Distance
from hedgebot.core.shaping import Clip, Mandate, collared_price, ioc_order
from hedgebot.core.state import AccountState, EngineState
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.health import use_of
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import UnderlyingSettings
from hedgebot.domain.whatif import Numbers, OrderKind, Verdict, WantedOrder, WhatIf

STRATEGY = "what-if"
_KINDS = {
    OrderKind.PERP: (InstrumentKind.LINEAR_PERP, InstrumentKind.INVERSE_PERP),
    OrderKind.FUTURE: (InstrumentKind.LINEAR_FUTURE, InstrumentKind.INVERSE_FUTURE),
}


class Asked(NamedTuple):
    """The order as the gate would get it, and what it answered. `intent` None: the answer's `problem` says why."""

    answer: WhatIf
    intent: OrderIntent | None = None


def ask(state: EngineState, order: WantedOrder, at_ns: int) -> Asked:
    """Judge an order by the margin gate alone; the other rules of the gate are not asked."""
    settings = next((one for one in state.settings.underlyings if one.underlying == order.underlying), None)
    blank = WhatIf(venue=order.venue, mode="", source="daemon", account="", order=order.words)
    if settings is None:
        return Asked(_no(blank, f"{order.underlying} is not among the underlyings of the book"))
    account = _account(state, settings, order.venue)
    if account is None:
        return Asked(_no(blank, f"the book has no account at {order.venue}"))
    mode = margin_legs.mode_of(state, account.name)
    blank = msgspec.structs.replace(blank, account=account.name, mode=mode.value if mode else "")
    intent = _intent(state, settings, account, order, at_ns)
    if isinstance(intent, str):
        return Asked(_no(blank, intent))
    return Asked(_judged(state, settings, account, intent, blank, at_ns), intent)


def _no(blank: WhatIf, problem: str) -> WhatIf:
    return msgspec.structs.replace(blank, problem=problem)


def _account(state: EngineState, settings: UnderlyingSettings, venue: str) -> AccountState | None:
    """The hedge account where it is at that venue, else another one there; with its own copy of what is remembered."""
    names = [settings.hedge_account, *state.accounts]
    found = next((one for one in map(state.accounts.__getitem__, names) if one.venue == venue), None)
    if found is None:
        return None
    return to_look_at(found)


def to_look_at(account: AccountState) -> AccountState:
    """A copy with its own memory of margin grids, so that a look leaves no trace."""
    margin = msgspec.structs.replace(account.margin, grids=dict(account.margin.grids))
    return msgspec.structs.replace(account, margin=margin)


def _intent(
    state: EngineState, settings: UnderlyingSettings, account: AccountState, order: WantedOrder, at_ns: int
) -> OrderIntent | str:
    """The order around the middle of its book, as a hedge would be shaped; a sentence where it cannot be."""
    rules = _instrument(state, settings, order)
    if isinstance(rules, str):
        return rules
    quote = state.quotes[rules.id]
    middle = quote.mid or quote.mark
    if middle is None or middle <= 0:
        return f"there is no price of {rules.id}"
    coins = order.qty / middle if order.in_usd else order.qty
    contracts = rules.floor_qty(rules.contracts(coins, middle))
    if not contracts:
        return f"{order.qty:f} is less than one lot of {rules.id} ({rules.lot_size} contracts)"
    price = collared_price(rules, middle, order.side, settings.collar_bps)
    mandate = Mandate(account.name, order.underlying, STRATEGY, "asked by an operator")
    return ioc_order(state, mandate, Clip(rules, order.side, contracts, middle, price), at_ns)


def _instrument(state: EngineState, settings: UnderlyingSettings, order: WantedOrder) -> Instrument | str:
    """The watched instrument that the words mean: the hedge's own first, then linear before inverse."""
    kinds = _KINDS.get(order.kind)
    if kinds is None:
        return f"the daemon's gate judges perpetuals and futures; a {order.kind} is answered by the model"
    fitting = [
        one
        for one in state.instruments.values()
        if (one.venue, one.underlying) == (order.venue, order.underlying) and one.kind in kinds and _is_day(one, order)
    ]
    marked = [one for one in fitting if _mark(state, one.id) is not None]
    if not marked:
        seen = f"none of its {len(fitting)} is watched by this book" if fitting else "it lists none"
        return f"no {order.underlying} {order.kind} at {order.venue} has a mark price: {seen}"
    return min(marked, key=lambda one: (one.id != settings.hedge_instrument, one.kind.is_inverse, one.id))


def _is_day(rules: Instrument, order: WantedOrder) -> bool:
    """Whether a future expires on the day that was said; any does where none was."""
    if order.expiry_ns is None or rules.expiry_ns is None:
        return True
    return order.expiry_ns // NS_PER_DAY == rules.expiry_ns // NS_PER_DAY


def _mark(state: EngineState, name: InstrumentId) -> Decimal | None:
    quote = state.quotes.get(name)
    return None if quote is None else quote.mark


def _judged(
    state: EngineState,
    settings: UnderlyingSettings,
    account: AccountState,
    intent: OrderIntent,
    blank: WhatIf,
    at_ns: int,
) -> WhatIf:
    rules = state.instruments[intent.instrument]
    model = margin_gate.model_now(state, account, at_ns)
    if isinstance(model, str):
        return _no(blank, f"the margin is unknown: {model}")
    effect = margin_gate.effect(state, account, rules, intent, settings.cost_bps, at_ns)
    if effect is None:
        return _no(blank, f"the margin is unknown: the venue's last number of {account.name} is too old, or has gaps")
    candidate = Candidate.of(
        state,
        settings,
        intent,
        at_ns,
        delta_coin=net_delta_coin(state.underlyings[settings.underlying]),
        effect=effect,
    )
    hedges = candidate.reduces_delta
    verdict, words, fits = _verdict(state, settings, account, intent, effect, hedges=hedges, at_ns=at_ns)
    after = _after(state, account, model, rules, intent, at_ns)
    return msgspec.structs.replace(
        blank,
        model=model.parameters.id,
        before=numbers_of(effect.before, margin_distance.nearest(state, account, model, effect.before, at_ns)),
        after=numbers_of(effect.after, after),
        hedges=hedges,
        verdict=verdict,
        explanation=words,
        fits=f"{fits} contracts of {rules.symbol}",
    )


def _verdict(
    state: EngineState,
    settings: UnderlyingSettings,
    account: AccountState,
    intent: OrderIntent,
    effect: MarginEffect,
    *,
    hedges: bool,
    at_ns: int,
) -> tuple[Verdict, str, Decimal]:
    """What the gate's rule says, and what of a hedge is sent after it was made to fit."""
    *_, problem = margin_gate.verdict(effect, account.name, hedges=hedges)
    if not hedges:
        return (Verdict.REFUSE, problem, Decimal(0)) if problem else (Verdict.PASS, "", intent.qty_contracts)
    rules = state.instruments[intent.instrument]
    fits, _ = margin_gate.clip(state, account, rules, intent, settings, at_ns)
    if fits >= intent.qty_contracts and not problem:
        return Verdict.PASS, "", fits
    words = problem or f"{account.name} has not its initial margin: a top-up of {effect.top_up_usd:.0f} USD would do"
    return (Verdict.CUT if fits else Verdict.REFUSE), words, fits


def numbers_of(one: Standing, distance: Distance | None) -> Numbers:
    """A standing as the answer shows it."""
    return Numbers(
        initial=one.initial,
        maintenance=one.worst,
        equity=one.equity,
        use=use_of(one.worst, one.equity),
        distance_move=None if distance is None else distance.move,
        distance_price=distance.price if distance is not None and distance.underlying else None,
        distance_underlying="" if distance is None else distance.underlying,
    )


def _after(
    state: EngineState, account: AccountState, model: Model, rules: Instrument, intent: OrderIntent, at_ns: int
) -> Distance | None:
    """How far the book is from liquidation once the order is filled at the mark."""
    one = model.book.contracts.get(rules.id) or margin_legs.flat_contract(state, account, rules, model.book.prices)
    if isinstance(one, str):
        return None
    size = float(intent.qty_contracts) * intent.side.sign
    contracts = model.book.contracts | {rules.id: one._replace(contracts=one.contracts + size)}
    book = model.book._replace(contracts=contracts)
    figures = margin_model.figures(model.parameters, model.mode, book)
    filled = model._replace(book=book, now=figures)
    now = margin_gate.standing(state, account, filled, figures, at_ns)
    return None if now is None else margin_distance.nearest(state, account, filled, now, at_ns)
