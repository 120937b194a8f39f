"""How positions were closed, replayed from executions."""

import time
from decimal import Decimal

import pytest

from hedgebot.domain.instrument import Instrument, InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import Rollback
from hedgebot.exchange.types import Ack, Execution, OrderRequest, OrderType
from hedgebot.exchange.wire.closing import Closing, closings

PERP = InstrumentId("bybit:linear:BTCUSDT")


def trade(exchange: Exchange, side: Side, qty: str, name: InstrumentId = PERP) -> None:
    request = OrderRequest(
        account="book", instrument=name, side=side, type=OrderType.MARKET, qty_contracts=Decimal(qty)
    )
    assert isinstance(exchange.place(request), Ack)


def closed(exchange: Exchange, account: str = "book") -> list[Closing]:
    held = {(one.instrument, one.position_index.value): one.contracts for one in exchange.positions(account)}

    def listed(name: InstrumentId) -> Instrument | None:
        listing = exchange.listing(name)
        return listing.instrument if listing is not None else None

    return closings(exchange.executions(account), listed, held)


def fills(exchange: Exchange) -> list[Execution]:
    return [one for one in exchange.executions("book") if isinstance(one, Execution)]


def test_a_round_trip_costs_both_fees(exchange: Exchange) -> None:
    trade(exchange, Side.BUY, "0.02")
    assert closed(exchange) == []
    trade(exchange, Side.SELL, "0.02")
    (one,) = closed(exchange)
    opened, ended = (
        [row for row in fills(exchange) if row.side is side and row.instrument == PERP]
        for side in (Side.BUY, Side.SELL)
    )
    assert one.side is Side.SELL
    assert one.closed_contracts == Decimal("0.02")
    assert one.entry_value == sum(row.value for row in opened)
    assert one.exit_value == sum(row.value for row in ended)
    assert one.gross_pnl == one.exit_value - one.entry_value == sum(row.realised_pnl for row in ended)
    assert one.open_fee == sum(row.fee for row in opened)
    assert one.close_fee == sum(row.fee for row in ended)
    assert one.net_pnl == one.gross_pnl - one.open_fee - one.close_fee
    assert one.entry_price == one.entry_value / one.closed_contracts
    assert one.is_flat_after
    assert one.opened_at_ns == opened[0].at_ns


def test_what_was_taken_back_never_closed_anything(exchange: Exchange) -> None:
    trade(exchange, Side.BUY, "0.04")
    trade(exchange, Side.SELL, "0.02")
    assert len(closed(exchange)) == 1
    exchange.strike(Rollback(last_s=60))
    assert closed(exchange) == []
    trade(exchange, Side.BUY, "0.02")
    trade(exchange, Side.SELL, "0.02")
    assert [one.closed_contracts for one in closed(exchange)] == [Decimal("0.02")]


def test_a_part_takes_its_part_of_the_opening_fee(exchange: Exchange) -> None:
    trade(exchange, Side.BUY, "0.04")
    trade(exchange, Side.SELL, "0.01")
    trade(exchange, Side.SELL, "0.03")
    first, second = closed(exchange)
    paid = sum(row.fee for row in fills(exchange) if row.side is Side.BUY)
    assert first.open_fee == pytest.approx(paid / 4, abs=Decimal("1e-7"))
    assert first.open_fee + second.open_fee == pytest.approx(paid, abs=Decimal("1e-7"))
    assert (first.is_flat_after, second.is_flat_after) == (False, True)


def test_an_order_that_turns_a_position_closes_only_what_was_open(exchange: Exchange) -> None:
    trade(exchange, Side.BUY, "0.01")
    trade(exchange, Side.SELL, "0.03")
    (one,) = closed(exchange)
    assert one.closed_contracts == Decimal("0.01")
    sold = [row for row in fills(exchange) if row.side is Side.SELL]
    assert one.close_fee == pytest.approx(sum(row.fee for row in sold) / 3, abs=Decimal("1e-7"))
    trade(exchange, Side.BUY, "0.02")
    _, back = closed(exchange)
    assert (back.side, back.closed_contracts, back.is_flat_after) == (Side.BUY, Decimal("0.02"), True)
    assert back.gross_pnl == back.entry_value - back.exit_value


def test_a_position_from_before_the_log_has_no_opening_fee(exchange: Exchange) -> None:
    """The account starts short 0.5 BTCPERP."""
    trade(exchange, Side.BUY, "0.2", InstrumentId("bybit:linear:BTCPERP"))
    (one,) = closed(exchange)
    assert (one.open_fee, one.opened_at_ns, one.is_flat_after) == (Decimal(0), 0, False)
    assert one.closed_contracts == Decimal("0.2")


def test_spot_closes_nothing(exchange: Exchange) -> None:
    assert exchange.now_ns <= time.time_ns()
    trade(exchange, Side.SELL, "0.01", InstrumentId("bybit:spot:BTCUSDT"))
    assert closed(exchange) == []
