"""How positions were closed, from an account's executions: profit by closing order, and options from first to last.

Pure: it replays executions in order and knows no wire. Fees of opening are shared out by the quantity closed; profit is
after both fees, as the venue counts closed profit, and without funding. What was open before the remembered executions
(the log is bounded, and an account may start with positions) opened without a fee and at an unknown time.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.exchange.types import ExecKind, Execution, FundingSettlement

Key = tuple[InstrumentId, int]
"""An instrument and which of its positions."""
_FEE = Decimal("1e-8")


@dataclass(slots=True)
class Closing:
    """What one order closed of one position. Values are in the settlement coin, prices in quote currency."""

    instrument: Instrument
    first: Execution
    last: Execution
    closed_contracts: Decimal = ZERO
    entry_value: Decimal = ZERO
    exit_value: Decimal = ZERO
    gross_pnl: Decimal = ZERO
    open_fee: Decimal = ZERO
    close_fee: Decimal = ZERO
    fills: int = 0
    # The position before it, and when that was opened (0: before what is remembered).
    opened_at_ns: int = 0
    is_flat_after: bool = False

    @property
    def net_pnl(self) -> Decimal:
        """Profit after the fees of opening and closing."""
        return self.gross_pnl - self.open_fee - self.close_fee

    @property
    def side(self) -> Side:
        """Side of the order that closed."""
        return self.last.side

    @property
    def entry_price(self) -> Decimal:
        """Average price at which the closed part was opened."""
        return self.instrument.average_price(self.closed_contracts, self.entry_value) if self.entry_value else ZERO

    @property
    def exit_price(self) -> Decimal:
        """Average price at which it was closed."""
        return self.instrument.average_price(self.closed_contracts, self.exit_value) if self.exit_value else ZERO


@dataclass(slots=True)
class _Open:
    """What is open of one position while executions are replayed."""

    contracts: Decimal = ZERO
    fee: Decimal = ZERO
    opened_at_ns: int = 0


def closings(
    rows: Iterable[Execution | FundingSettlement],
    instrument_of: Callable[[InstrumentId], Instrument | None],
    held_now: Mapping[Key, Decimal],
) -> list[Closing]:
    """Every order that closed something, oldest first, of one account.

    `rows` are all its executions that are remembered, oldest first; `held_now` its positions after the last.
    """
    every = [row for row in rows if isinstance(row, Execution)]
    # What was taken back never closed anything.
    undone = {row.takes_back for row in every if row.takes_back is not None}
    trades = [row for row in every if row.takes_back is None and row.exec_id not in undone]
    open_now = {key: _Open(contracts) for key, contracts in _before(trades, held_now).items()}
    found: dict[tuple[str, int], Closing] = {}
    for row in trades:
        one = instrument_of(row.instrument)
        if one is None or one.category == "spot":
            continue
        key = (row.instrument, row.order.position_index.value)
        held = open_now[key]
        if not row.closed_contracts:
            _carry(held, row)
            continue
        name = (row.order.order_id, key[1])
        closing = found.setdefault(name, Closing(one, row, row, opened_at_ns=held.opened_at_ns))
        _close(closing, held, row)
        _carry(held, row)
        closing.is_flat_after = held.contracts == ZERO
    return list(found.values())


def _before(trades: list[Execution], held_now: Mapping[Key, Decimal]) -> dict[Key, Decimal]:
    """What was held before the first of these executions."""
    held = dict(held_now)
    for row in trades:
        key = (row.instrument, row.order.position_index.value)
        held[key] = held.get(key, ZERO) - row.side.sign * row.qty_contracts
    return held


def _close(closing: Closing, held: _Open, row: Execution) -> None:
    """Add one execution to what its order closed."""
    one, share = closing.instrument, row.closed_contracts / row.qty_contracts
    exit_value = row.value if share == 1 else one.value_settle(row.closed_contracts, row.price)
    # A long gains what it sells for beyond its cost; in coin it is the other way round.
    sign = (1 if row.side is Side.SELL else -1) * (-1 if one.kind.is_inverse else 1)
    open_fee = ZERO
    if held.contracts:
        open_fee = (held.fee * min(row.closed_contracts / abs(held.contracts), Decimal(1))).quantize(_FEE)
    held.fee -= open_fee
    closing.last = row
    closing.closed_contracts += row.closed_contracts
    closing.exit_value += exit_value
    closing.entry_value += exit_value - sign * row.realised_pnl
    closing.gross_pnl += row.realised_pnl
    closing.open_fee += open_fee
    closing.close_fee += (row.fee * share).quantize(_FEE)
    closing.fills += 1


def _carry(held: _Open, row: Execution) -> None:
    """Move the open position past one execution."""
    opened = row.qty_contracts - row.closed_contracts
    before = held.contracts
    held.contracts += row.side.sign * row.qty_contracts
    if not held.contracts:
        held.fee, held.opened_at_ns = ZERO, 0
    elif opened:
        held.fee += (row.fee * opened / row.qty_contracts).quantize(_FEE)
        if not before or (before > 0) != (held.contracts > 0):
            held.opened_at_ns = row.at_ns


def is_delivery(closing: Closing) -> bool:
    """Whether a position ended by its delivery; an inverse future's is called its settlement."""
    return closing.last.kind in {ExecKind.DELIVERY, ExecKind.SETTLE}
