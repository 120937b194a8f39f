"""The ledger: positions and coins, driven by executions and nothing else. Owns dedupe.

A fill is its venue trade id: seeing it twice changes nothing, in whatever order and from whatever source it comes.
"""

from decimal import Decimal

from hedgebot.core import holdings, tokens
from hedgebot.core.state import Coin, EngineState, Position
from hedgebot.core.sums import Sums
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.events import FillReceived, FundingPaid
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, Side, category_of, venue_of
from hedgebot.domain.scope import counts_position


def position_key(account: str, instrument: InstrumentId) -> str:
    """Key of a position in the state."""
    return f"{account}|{instrument}"


def coin_key(account: str, coin: str) -> str:
    """Key of a coin balance in the state."""
    return f"{account}|{coin}"


def execution_key(execution: FillReceived | FundingPaid) -> str:
    """The identity of an execution: trade ids are unique per venue category."""
    venue, category = venue_of(execution.instrument), category_of(execution.instrument)
    return f"{execution.account}|{venue}:{category}|{execution.trade_id}"


def is_new_execution(state: EngineState, fill: FillReceived | FundingPaid, at_ns: int) -> bool:
    """Remember an execution; False when it was seen before.

    The later of the venue's moment and ours is kept: whichever clock is wrong, `forgetting` never drops what a snapshot
    can bring again.
    """
    key = execution_key(fill)
    if key in state.executions:
        return False
    state.executions[key] = max(fill.venue_at_ns, at_ns)
    return True


def instrument_of(state: EngineState, instrument: InstrumentId) -> Instrument:
    """Trading rules of an instrument; raises ProgrammingError when they were never loaded."""
    found = state.instruments.get(instrument)
    if found is None:
        msg = f"an execution names {instrument}, whose trading rules were never loaded"
        raise ProgrammingError(msg)
    return found


def book_fill(state: EngineState, fill: FillReceived, at_ns: int) -> set[str]:
    """Book a new execution; returns the underlyings whose exposure moved (the traded one, and coins taken as fee)."""
    instrument = instrument_of(state, fill.instrument)
    signed = fill.qty_contracts * fill.side.sign
    state.totals.fills += 1
    moved = {instrument.underlying}
    if instrument.kind is InstrumentKind.SPOT:
        moved |= move_coin(state, fill.account, instrument.underlying, signed * instrument.contract_size, at_ns)
        # A spot pair can also be paid in an underlying (ETH/BTC): what is spent leaves that exposure.
        moved |= move_coin(state, fill.account, instrument.quote, -instrument.notional_quote(signed, fill.price), at_ns)
    else:
        _move_position(state, fill, instrument, signed, at_ns)
    if fill.fee:
        fees = state.totals.fees
        fees[fill.fee_coin] = fees.get(fill.fee_coin, ZERO) + fill.fee
        moved |= move_coin(state, fill.account, fill.fee_coin, -fill.fee, at_ns)
    return moved


def book_funding(state: EngineState, payment: FundingPaid, at_ns: int) -> set[str]:
    """Book a new funding payment; returns underlyings whose coins paid it (inverse contracts)."""
    funding = state.totals.funding
    funding[payment.coin] = funding.get(payment.coin, ZERO) + payment.cost
    return move_coin(state, payment.account, payment.coin, -payment.cost, at_ns)


def move_coin(state: EngineState, account: str, coin: str, change: Decimal, at_ns: int) -> set[str]:
    """Add to (or take from) coins that are exposure; others are not tracked here. Returns the underlying, if any."""
    found = tokens.worth(state, coin)
    if found is None:
        return set()
    balance = state.coins.setdefault(coin_key(account, coin), Coin(account=account, coin=coin, compared=False))
    balance.qty += change
    balance.moved_at_ns = at_ns
    if tokens.counted(state, account, coin) is not None:
        state.underlyings[found.underlying].linear_coin += change * found.ratio
        state.underlyings[found.underlying].sums.balance_coin += change * found.ratio
    return {found.underlying}


def set_coin(state: EngineState, account: str, coin: str, qty: Decimal, at_ns: int) -> None:
    """Move a coin balance to a stated quantity (an adjustment)."""
    known = state.coins.get(coin_key(account, coin))
    move_coin(state, account, coin, qty - (known.qty if known else ZERO), at_ns)
    know_coin(state, account, coin)


def set_position(
    state: EngineState, account: str, instrument: InstrumentId, contracts: Decimal, price: Decimal, at_ns: int
) -> None:
    """Move a position to a stated quantity (an adjustment).

    `price` (zero = unknown) is its entry if it was flat or on the other side.
    """
    rules = instrument_of(state, instrument)
    key = position_key(account, instrument)
    position = state.positions.setdefault(key, Position(account=account, instrument=instrument))
    before = _exposure(rules, position)
    if position.contracts * contracts <= ZERO:
        position.entry_price = price
    position.contracts = contracts
    position.moved_at_ns = at_ns
    _move_exposure(state, rules, position, before)


def position_contracts(state: EngineState, account: str, instrument: InstrumentId) -> Decimal:
    """Signed contracts held, by our ledger."""
    position = state.positions.get(position_key(account, instrument))
    return position.contracts if position else ZERO


def held_on(state: EngineState, account: str) -> list[InstrumentId]:
    """What an account holds, by our ledger."""
    return [one.instrument for one in state.positions.values() if one.account == account and one.contracts]


def _move_position(state: EngineState, fill: FillReceived, instrument: Instrument, signed: Decimal, at_ns: int) -> None:
    key = position_key(fill.account, fill.instrument)
    position = state.positions.setdefault(key, Position(account=fill.account, instrument=fill.instrument))
    exposure = _exposure(instrument, position)
    before = position.contracts
    after = before + signed
    coin_option = instrument.kind is InstrumentKind.COIN_OPTION
    if coin_option:
        # Its premium is paid in coins when it is traded; what it is worth since then is equity, not a balance.
        move_coin(state, fill.account, instrument.settle, -instrument.value_settle(signed, fill.price), at_ns)
    if before and (before > 0) != (signed > 0):
        closed = min(abs(signed), abs(before)) * (1 if before > 0 else -1)
        if position.entry_price > ZERO:
            profit = instrument.pnl_settle(closed, position.entry_price, fill.price)
            position.realised_settle += profit
            # An inverse contract pays its profit in coins, and coins are exposure.
            move_coin(state, fill.account, instrument.settle, ZERO if coin_option else profit, at_ns)
        if (after > 0) != (before > 0) and after:
            position.entry_price = fill.price
    else:
        position.entry_price = _average_entry(instrument, position, signed, fill.price)
    position.contracts = after
    position.moved_at_ns = at_ns
    _move_exposure(state, instrument, position, exposure)


def _average_entry(instrument: Instrument, position: Position, added: Decimal, price: Decimal) -> Decimal:
    """Entry price after adding to a position: weighted by contracts, harmonically for inverse contracts.

    An entry that is not known stays so until the position is flat.
    """
    before = position.contracts
    if not before:
        return price
    if position.entry_price == ZERO:
        return ZERO
    if instrument.kind.is_inverse:
        return (before + added) / (before / position.entry_price + added / price)
    return (before * position.entry_price + added * price) / (before + added)


def _exposure(instrument: Instrument, position: Position) -> tuple[Decimal, Decimal, Decimal]:
    """What a position adds to its underlying's sums: coins, quote nominal at the live price, nominal in the coins.

    An inverse contract is N/S coins of delta, and its coins of unrealised profit are N/entry - N/S more: together
    N/entry at any price, so coins sold one to one do not drift (hedging reference section 3.2).
    """
    nominal = position.contracts * instrument.contract_size
    if instrument.kind.is_option:
        return ZERO, ZERO, ZERO
    if not instrument.kind.is_inverse:
        return nominal, ZERO, ZERO
    if position.entry_price > ZERO and instrument.settle == instrument.underlying:
        return nominal / position.entry_price, ZERO, nominal
    return ZERO, nominal, ZERO


def _move_exposure(
    state: EngineState, instrument: Instrument, position: Position, before: tuple[Decimal, Decimal, Decimal]
) -> None:
    """Keep the underlying's sums in step with a position that moved: O(1), whatever the size of the book."""
    underlying = state.underlyings.get(instrument.underlying)
    if underlying is None:
        return
    if not counts_position(state.settings, underlying.name, position.account, instrument.id):
        if instrument.kind.is_option:
            underlying.option_moves += 1
            _track(underlying.sums.options_outside, position)
        return
    if instrument.settle == instrument.underlying:
        _track(underlying.sums.coin_margined, position)
    if instrument.kind.is_option:
        underlying.option_moves += 1
        underlying.remark_due = True
        _track(underlying.option_keys, position)
        return
    if instrument.kind.is_future:
        _track(underlying.sums.dated, position)
        underlying.remark_due = True
    coin, quote, at_entry = _exposure(instrument, position)
    underlying.linear_coin += coin - before[0]
    underlying.inverse_quote += quote - before[1]
    if instrument.kind.is_inverse:
        underlying.sums.entry_coin += coin - before[0]
        underlying.sums.entry_quote += at_entry - before[2]


def _track(held: dict[str, InstrumentId], position: Position) -> None:
    """Keep the list of held options or dated futures, so that nobody has to search a whole book for them."""
    key = position_key(position.account, position.instrument)
    if position.contracts:
        held[key] = position.instrument
    else:
        held.pop(key, None)


def forget_flat(state: EngineState, account: str, before_ns: int) -> None:
    """Drop flat options and dated futures that last moved before a moment; perpetuals keep their profit.

    Not at once: a snapshot asked for before the last fill must still find that the position moved since.
    """
    for key, position in list(state.positions.items()):
        expires = state.instruments[position.instrument].expiry_ns is not None
        if position.account == account and expires and not position.contracts and position.moved_at_ns < before_ns:
            del state.positions[key]


def only_shrinks(state: EngineState, account: str, instrument: InstrumentId, side: Side, contracts: Decimal) -> bool:
    """Whether an order of so many contracts (> 0) takes from a position, and never beyond zero."""
    held = position_contracts(state, account, instrument)
    return held * side.sign < 0 and contracts <= abs(held)


def rebuild(state: EngineState) -> None:
    """Derive each underlying's sums anew from positions, coins and holdings: for what came, went or changed."""
    for underlying in state.underlyings.values():
        underlying.linear_coin, underlying.inverse_quote = ZERO, ZERO
        underlying.option_keys = {}
        sums = underlying.sums
        underlying.sums = Sums(
            convention=sums.convention, holdings=sums.holdings, ratios=sums.ratios, unproven=sums.unproven
        )
        underlying.option_moves += 1
        underlying.remark_due = True
    tokens.take_ratios(state)
    for coin in state.coins.values():
        if found := tokens.counted(state, coin.account, coin.coin):
            state.underlyings[found.underlying].linear_coin += coin.qty * found.ratio
            state.underlyings[found.underlying].sums.balance_coin += coin.qty * found.ratio
    for position in state.positions.values():
        _move_exposure(state, state.instruments[position.instrument], position, (ZERO, ZERO, ZERO))
    holdings.adopt(state)


def know_coin(state: EngineState, account: str, coin: str) -> None:
    """Note that the venue was asked for a coin: from now on a difference needs an explanation."""
    state.coins.setdefault(coin_key(account, coin), Coin(account=account, coin=coin)).compared = True
