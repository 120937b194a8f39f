"""Executions that are taken back: books stand as they did before, to the last decimal, and everybody is told."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import Liquidation, OffBookTrade, Rollback
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    ExecKind,
    Execution,
    LedgerKind,
    OrderChanged,
    OrderRequest,
    OrderType,
    Origin,
    PositionChanged,
    PositionIndex,
    WalletChanged,
)
from tests.unit.exchange.troubles.conftest import BTCUSDT, S, Weak, executed, listen, shock, trades

D = Decimal
SPOT = InstrumentId("bybit:spot:BTCUSDT")
INVERSE = InstrumentId("bybit:inverse:BTCUSD")


def place(exchange: Exchange, instrument: InstrumentId, qty: str, **changes: object) -> str:
    request = OrderRequest(
        account="main", instrument=instrument, side=Side.BUY, type=OrderType.MARKET, qty_contracts=D(qty)
    )
    answer = exchange.place(msgspec.structs.replace(request, **changes))
    assert isinstance(answer, Ack), answer
    return answer.order_id


def option(exchange: Exchange) -> InstrumentId:
    return next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)


def standing(exchange: Exchange, account: str) -> tuple[object, ...]:
    """Coins, and what is held at which cost."""
    coins = {coin.coin: coin.wallet for coin in exchange.wallet(account).coins if coin.wallet}
    held = exchange._accounts[account].positions.items()
    return coins, {key: (one.contracts, one.cost, one.realised_pnl) for key, one in held if one.contracts}


def wait(exchange: Exchange, seconds: int) -> None:
    exchange.advance(exchange.now_ns + seconds * S)


def test_every_product_goes_back_to_the_last_decimal(exchange: Exchange) -> None:
    for instrument, qty in ((BTCUSDT, "0.3"), (SPOT, "0.1"), (INVERSE, "700"), (option(exchange), "0.4")):
        place(exchange, instrument, qty)
    wait(exchange, 10)
    before = standing(exchange, "main")
    wait(exchange, 1)
    for instrument, qty in ((BTCUSDT, "0.1"), (SPOT, "0.05"), (INVERSE, "301"), (option(exchange), "0.1")):
        place(exchange, instrument, qty)
        place(exchange, instrument, str(D(qty) * 7), side=Side.SELL)
        wait(exchange, 2)
    assert standing(exchange, "main") != before
    exchange.strike(Rollback(last_s=10))
    assert standing(exchange, "main") == before
    rows = trades(exchange, "main")
    taken = {row.takes_back for row in rows if row.kind is ExecKind.ROLLBACK}
    assert len(taken) >= 8
    by_id = {row.exec_id: row for row in rows}
    for row in rows:
        if row.takes_back is not None:
            undone = by_id[row.takes_back]
            assert (row.side, row.qty_contracts, row.price) == (
                undone.side.opposite,
                undone.qty_contracts,
                undone.price,
            )
            assert (row.fee, row.fee_coin, row.value) == (-undone.fee, undone.fee_coin, undone.value)
            assert row.realised_pnl == -undone.realised_pnl
            assert (row.order.origin, row.order.client_id) == (Origin.ADMIN, None)


def test_the_ledger_says_what_came_back(exchange: Exchange) -> None:
    place(exchange, BTCUSDT, "0.3")
    place(exchange, BTCUSDT, "0.5", side=Side.SELL)
    exchange.strike(Rollback(last_s=5))
    lines = exchange.ledger("main")
    back = [line for line in lines if line.kind is LedgerKind.ROLLBACK]
    assert len(back) * 2 == len(lines)
    assert sum(line.change for line in lines) == 0
    assert {line.cause for line in back} == {row.exec_id for row in trades(exchange, "main") if row.takes_back}


def test_orders_end_and_everything_is_told(exchange: Exchange) -> None:
    place(exchange, BTCUSDT, "0.3")
    resting = place(exchange, BTCUSDT, "0.2", type=OrderType.LIMIT, limit_price=D(88_000))
    elsewhere = place(exchange, INVERSE, "100", type=OrderType.LIMIT, limit_price=D(88_000))
    told = listen(exchange)
    exchange.strike(Rollback(last_s=5))
    ended = [one.order for one in told if isinstance(one, OrderChanged)]
    assert [(one.order_id, one.end_reason) for one in ended] == [(resting, EndReason.ADMIN)]
    assert exchange.open_orders("main")[0].order_id == elsewhere
    assert {row.kind for row in executed(told)} == {ExecKind.ROLLBACK}
    assert [one.position.contracts for one in told if isinstance(one, PositionChanged)][-1] == 0
    assert any(isinstance(one, WalletChanged) for one in told)


def test_the_other_side_goes_along_and_nobody_else(exchange: Exchange) -> None:
    def block(account: str, counterparty: str | None, instrument: InstrumentId = BTCUSDT) -> None:
        exchange.strike(
            OffBookTrade(
                kind=ExecKind.BLOCK_TRADE,
                account=account,
                instrument=instrument,
                side=Side.BUY,
                contracts=D("0.5"),
                price=D(90_000),
                counterparty=counterparty,
            )
        )

    block("other", None, InstrumentId("bybit:linear:BTCPERP"))
    block("main", None)
    wait(exchange, 5)
    before = standing(exchange, "main"), standing(exchange, "other")
    block("main", "other")
    block("other", None)
    exchange.strike(Rollback(last_s=2, accounts=("main",)))
    # What `other` traded there later rested on what he no longer has.
    assert (standing(exchange, "main"), standing(exchange, "other")) == before
    block("other", None)
    exchange.strike(Rollback(last_s=2, accounts=("main",)))
    assert exchange.positions("other")[-1].contracts == D("0.5"), "main had nothing to take back any more"


def test_instruments_can_be_chosen(exchange: Exchange) -> None:
    place(exchange, BTCUSDT, "0.3")
    place(exchange, INVERSE, "100")
    exchange.strike(Rollback(last_s=5, instruments=(INVERSE,)))
    assert [(one.instrument, one.contracts) for one in exchange.positions("main")] == [(BTCUSDT, D("0.3"))]


def test_taking_back_twice_is_taking_back_once(exchange: Exchange) -> None:
    place(exchange, BTCUSDT, "0.3")
    wait(exchange, 10)
    place(exchange, BTCUSDT, "0.2")
    exchange.strike(Rollback(last_s=5))
    after, rows = standing(exchange, "main"), len(trades(exchange, "main"))
    exchange.strike(Rollback(last_s=5))
    assert (standing(exchange, "main"), len(trades(exchange, "main"))) == (after, rows)
    exchange.strike(Rollback(last_s=60))
    assert exchange.positions("main") == ()
    usdt = next(one for one in exchange.wallet("main").coins if one.coin == "USDT")
    assert usdt.wallet == D(500_000)


def test_hedge_mode_comes_back_with_its_positions(exchange: Exchange) -> None:
    assert exchange.switch_position_mode("main", BTCUSDT, hedged=True) is None
    place(exchange, BTCUSDT, "0.3", position_index=PositionIndex.LONG)
    wait(exchange, 10)
    place(exchange, BTCUSDT, "0.3", side=Side.SELL, position_index=PositionIndex.LONG)
    assert exchange.switch_position_mode("main", BTCUSDT, hedged=False) is None
    place(exchange, BTCUSDT, "0.1")
    exchange.strike(Rollback(last_s=5))
    assert exchange.position_indices("main", BTCUSDT) == (PositionIndex.LONG, PositionIndex.SHORT)
    assert [(one.position_index, one.contracts) for one in exchange.positions("main")] == [
        (PositionIndex.LONG, D("0.3"))
    ]


def test_a_liquidation_is_taken_back_whole(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "3"), main=(("linear:BTCUSDT", "-2"),), insurance={"USDT": D(0)})
    wait(exchange, 5)
    before = standing(exchange, "weak"), standing(exchange, "main")
    shock(exchange, 0.9)
    assert exchange.positions("weak") == ()
    assert {row.kind for row in trades(exchange, "main")} == {ExecKind.ADL}, "he was deleveraged against it"
    exchange.strike(Rollback(last_s=121, accounts=("weak",)))
    assert (standing(exchange, "weak"), standing(exchange, "main")) == before
    assert exchange.troubles.insurance.balance("USDT") == 0


def test_the_insurance_fund_gets_back_what_it_had(weak: Weak) -> None:
    exchange = weak(("inverse:BTCUSD", "200000"), usdt="12000")
    wait(exchange, 5)
    exchange.strike(Liquidation(account="weak"))
    fund = exchange.troubles.insurance
    assert fund.balance("BTC") != 500
    exchange.strike(Rollback(last_s=2))
    assert fund.balance("BTC") == 500


@pytest.mark.parametrize(
    ("trouble", "key"),
    [
        (Rollback(last_s=5, accounts=("nobody",)), "accounts"),
        (Rollback(last_s=5, instruments=(InstrumentId("bybit:linear:NONE"),)), "instruments"),
    ],
)
def test_what_is_not_known_is_named(exchange: Exchange, trouble: Rollback, key: str) -> None:
    place(exchange, BTCUSDT, "0.3")
    with pytest.raises(ValueError, match=key):
        exchange.strike(trouble)
    assert len(exchange.positions("main")) == 1


def test_a_quiet_time_has_nothing_to_take_back(exchange: Exchange) -> None:
    told = listen(exchange)
    exchange.strike(Rollback(last_s=5))
    assert told == []


def test_one_world_one_rollback(scenario: object, start_ns: int) -> None:
    def run() -> list[Execution]:
        exchange = Exchange(scenario, start_ns)  # type: ignore[arg-type]
        for qty in ("0.3", "0.4"):
            place(exchange, BTCUSDT, qty)
            place(exchange, INVERSE, "300", side=Side.SELL)
            wait(exchange, 2)
        exchange.strike(Rollback(last_s=60))
        return trades(exchange, "main")

    assert run() == run()
