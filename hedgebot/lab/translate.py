"""The exchange's values as the domain's events: what a venue adapter makes of frames, without frames. Pure.

Owns no decision. Both sides share the domain's instruments, so that nothing is looked up.
"""

import math
from decimal import Decimal

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_HOUR
from hedgebot.domain.events import ExecutionKind, Source
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import FORCED_REASON
from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from hedgebot.exchange.faults import Altered
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import (
    EndReason,
    ExecKind,
    Executed,
    Execution,
    FundingSettled,
    FundingSettlement,
    MarginMode,
    Notice,
    OrderChanged,
    Origin,
    PositionChanged,
    SimOrder,
    SimPosition,
    WalletChanged,
    WalletState,
)

MarketFact = ev.BookTop | ev.Ticker | ev.OptionQuote

# As the venue's profile has it: whatever is no trade, delivery, ADL or liquidation still moves the position.
_KINDS = {
    ExecKind.TRADE: ExecutionKind.TRADE,
    ExecKind.ADL: ExecutionKind.ADL,
    ExecKind.BUST: ExecutionKind.LIQUIDATION,
    ExecKind.DELIVERY: ExecutionKind.DELIVERY,
    ExecKind.SETTLE: ExecutionKind.DELIVERY,
}
_MAKES_WAY = frozenset({
    EndReason.PREPARE_ADL,
    EndReason.BEFORE_ADL,
    EndReason.PREPARE_LIQUIDATION,
    EndReason.BEFORE_LIQUIDATION,
})  # fmt: skip
# What made the order goes before the execution's own type there, too.
_ORIGINS = {Origin.LIQUIDATION: ExecutionKind.LIQUIDATION, Origin.ADMIN: ExecutionKind.ROLLBACK}


def market_facts(exchange: Exchange, instrument: InstrumentId) -> tuple[MarketFact, ...]:
    """What the public streams say of an instrument now. KeyError for an unknown one."""
    listing = exchange.listing(instrument)
    if listing is None:
        raise KeyError(instrument)
    kind = listing.instrument.kind
    if kind.is_option:
        return (_option_quote(exchange, instrument),)
    ticker = exchange.ticker(instrument)
    top = ev.BookTop(
        instrument=instrument,
        bid=ticker.bid,
        bid_qty=ticker.bid_qty,
        ask=ticker.ask,
        ask_qty=ticker.ask_qty,
        venue_at_ns=ticker.at_ns,
    )
    if ticker.mark is None:
        return (top,)
    interval_ns = ticker.funding_interval_ns
    return (
        top,
        ev.Ticker(
            instrument=instrument,
            mark=ticker.mark,
            index=ticker.index,
            last=ticker.last,
            funding_rate=ticker.funding_rate,
            funding_interval_hours=interval_ns / NS_PER_HOUR if interval_ns else None,
            next_funding_at_ns=ticker.next_funding_at_ns,
            venue_at_ns=ticker.at_ns,
        ),
    )


def _option_quote(exchange: Exchange, instrument: InstrumentId) -> ev.OptionQuote:
    one = exchange.option_ticker(instrument)
    return ev.OptionQuote(
        instrument=instrument,
        bid=one.bid,
        ask=one.ask,
        mark=one.mark,
        index=one.index,
        forward=one.forward,
        iv=one.mark_iv,
        delta=one.delta,
        gamma=one.gamma,
        vega=one.vega,
        theta=one.theta,
        venue_at_ns=one.at_ns,
    )


def _kind(row: Execution) -> ExecutionKind:
    """Why a position changed; a step down a liquidation's ladder is a trade in the market, and a liquidation."""
    return _ORIGINS.get(row.order.origin) or _KINDS.get(row.kind, ExecutionKind.OTHER)


def execution_fact(
    row: Execution | FundingSettlement, account: str, source: Source
) -> ev.FillReceived | ev.FundingPaid:
    """An execution, or a funding payment, of an account by its name in the book."""
    if isinstance(row, FundingSettlement):
        return ev.FundingPaid(
            account=account,
            instrument=row.instrument,
            trade_id=row.exec_id,
            cost=row.cost,
            coin=row.coin,
            rate=row.rate,
            source=source,
            venue_at_ns=row.at_ns,
        )
    return ev.FillReceived(
        account=account,
        instrument=row.instrument,
        trade_id=row.exec_id,
        order_id=row.order.order_id,
        client_id=row.order.client_id,
        side=row.side,
        qty_contracts=row.qty_contracts,
        price=row.price,
        fee=row.fee,
        fee_coin=row.fee_coin,
        kind=_kind(row),
        source=source,
        venue_at_ns=row.at_ns,
    )


def order_report(order: SimOrder, account: str) -> OrderReport:
    """What the venue says of an order."""
    return OrderReport(
        account=account,
        instrument=order.instrument,
        order_id=order.order_id,
        client_id=order.client_id,
        status=order.status,
        side=order.side,
        qty_contracts=order.qty_contracts,
        filled_contracts=order.filled_contracts,
        limit_price=order.limit_price,
        reason=_reason(order.end_reason),
        venue_at_ns=order.updated_at_ns,
    )


def _reason(ended: EndReason | None) -> str:
    if ended in _MAKES_WAY:
        return FORCED_REASON
    return ended.value if ended is not None else ""


def position_report(position: SimPosition, account: str) -> PositionReport:
    """What the venue says of a position."""
    return PositionReport(
        account=account,
        instrument=position.instrument,
        contracts=position.contracts,
        entry_price=position.entry_price,
        venue_at_ns=position.updated_at_ns,
        leverage=None if position.margin_mode is MarginMode.PORTFOLIO else float(position.leverage),
    )


def wallet_report(wallet: WalletState, account: str) -> WalletReport:
    """Balances (a debt counts against its coin) and margin, as the venue reports them."""
    return WalletReport(
        account=account,
        balances={one.coin: one.wallet for one in wallet.coins},
        equity_usd=_usd(min(wallet.equity_usd, wallet.margin_balance_usd)),
        initial_margin_usd=_usd(wallet.initial_margin_usd),
        maintenance_margin_usd=_usd(wallet.maintenance_margin_usd),
        venue_at_ns=wallet.at_ns,
        prices_usd={one.coin: one.usd_price for one in wallet.coins if one.usd_price > 0.0},
        debts={one.coin: owed for one in wallet.coins if (owed := max(-one.equity, one.borrowed)) > 0},
    )


def _usd(value: float) -> Decimal:
    return Decimal(repr(value)) if value else ZERO


def private_fact(exchange: Exchange, notice: Notice, holder: str, account: str) -> ev.Event | None:
    """The private news of `holder` in a notice, under the book's name for it; None for what concerns others."""
    match notice:
        case Executed(execution=row) if row.account == holder:
            return execution_fact(row, account, Source.STREAM)
        case FundingSettled(settlement=row) if row.account == holder:
            return execution_fact(row, account, Source.STREAM)
        case OrderChanged(order=order) if order.account == holder:
            return ev.OrderUpdated(report=order_report(order, account))
        case PositionChanged(position=position) if position.account == holder:
            return ev.PositionUpdated(report=position_report(position, account))
        case WalletChanged(account=name) if name == holder:
            return ev.WalletUpdated(report=wallet_report(exchange.wallet(holder), account), source=Source.STREAM)
        case _:
            return None


def spoilt(fact: MarketFact, how: Altered) -> MarketFact:
    """The same fact with wrong figures: those of its fields that the fault names."""
    changes = {name: _wrong(getattr(fact, name), how) for name in how.fields if hasattr(fact, name)}
    return msgspec.structs.replace(fact, **changes)


def _wrong(value: Decimal | float | None, how: Altered) -> Decimal | float | None:
    if how.missing or value is None:
        return None
    if isinstance(value, Decimal):
        return Decimal("NaN") if how.nan else value * Decimal(repr(how.factor))
    return math.nan if how.nan else value * how.factor
