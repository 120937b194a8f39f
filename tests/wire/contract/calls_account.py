"""Contract tests of the account: balances, positions, leverage and modes, ledger, funding, fees."""

from decimal import Decimal

import ccxt
import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.trouble import OffBookTrade
from hedgebot.exchange.types import ExecKind, Execution
from tests.wire.contract.stage import Stage
from tests.wire.contract.table import contract


@contract("fetchBalance")
async def balance(stage: Stage) -> None:
    found = await stage.client.fetch_balance()
    assert stage.venue.seen("wallet-balance")[-1]["accountType"] == "UNIFIED"
    wallet = stage.exchange.wallet("book")
    for coin in wallet.coins:
        assert Decimal(str(found[coin.coin]["total"])) == coin.wallet, coin.coin
    account = found["info"]["result"]["list"][0]
    assert float(account["totalEquity"]) == pytest.approx(wallet.equity_usd, rel=0.01)


@contract("fetchPosition")
async def position(stage: Stage) -> None:
    await stage.buy()
    found = await stage.client.fetch_position(stage.symbol)
    stage.asked("position/list", symbol=stage.instrument.symbol)
    held = stage.held()
    assert (found["symbol"], found["side"]) == (stage.symbol, "long" if held > 0 else "short")
    assert Decimal(str(found["contracts"])) == abs(held)
    assert found["entryPrice"] == pytest.approx(float(stage.book.asks[0][0]), rel=0.2)
    assert found["markPrice"] > 0


@contract("fetchPositions")
async def positions(stage: Stage) -> None:
    await stage.buy()
    if stage.product.category == "option":
        rows = await stage.client.fetch_positions(None, {"type": "option"})
    elif stage.product.category == "inverse":
        rows = await stage.client.fetch_positions(None, {"type": "swap", "subType": "inverse"})
    else:
        rows = await stage.client.fetch_positions(None, {"settleCoin": stage.product.settle})
    stage.asked("position/list")
    truth = {
        one.instrument.split(":")[2]: abs(one.contracts)
        for one in stage.exchange.positions("book")
        if one.contracts and _of_the_answer(stage, one.instrument)
    }
    assert {row["info"]["symbol"]: Decimal(row["info"]["size"]) for row in rows} == truth
    (row,) = [row for row in rows if row["symbol"] == stage.symbol]
    assert (row["side"], row["hedged"]) == ("long" if stage.held() > 0 else "short", False)


def _of_the_answer(stage: Stage, name: str) -> bool:
    listing = next(one for one in stage.exchange.listings() if one.instrument.id == name)
    one = listing.instrument
    if one.category != stage.product.category:
        return False
    return stage.product.category != "linear" or one.settle == stage.product.settle


@contract("fetchPositionADLRank")
async def adl_rank(stage: Stage) -> None:
    await stage.buy()
    found = await stage.client.fetch_position_adl_rank(stage.symbol)
    stage.asked("position/list", symbol=stage.instrument.symbol)
    assert found["symbol"] == stage.symbol
    assert 0 <= found["rank"] <= 5


@contract("fetchPositionsADLRank")
async def adl_ranks(stage: Stage) -> None:
    await stage.buy()
    found = await stage.client.fetch_positions_adl_rank([stage.symbol])
    stage.asked("position/list", symbol=stage.instrument.symbol)
    assert [one["symbol"] for one in found] == [stage.symbol]


@contract("fetchLeverage")
async def leverage(stage: Stage) -> None:
    found = await stage.client.fetch_leverage(stage.symbol)
    stage.asked("position/list", symbol=stage.instrument.symbol)
    truth = float(stage.exchange.leverage("book", stage.id))
    assert (found["longLeverage"], found["shortLeverage"]) == (truth, truth)


@contract("setLeverage")
async def set_leverage(stage: Stage) -> None:
    await stage.client.set_leverage(20, stage.symbol)
    assert stage.asked("set-leverage", symbol=stage.instrument.symbol)["buyLeverage"] == "20"
    assert float(stage.exchange.leverage("book", stage.id)) == 20
    with pytest.raises(ccxt.BaseError, match="110043"):
        await stage.client.set_leverage(20, stage.symbol)


@contract("setMarginMode")
async def set_margin_mode(stage: Stage) -> None:
    await stage.client.set_margin_mode("cross")
    assert stage.venue.seen("set-margin-mode")[-1] == {"setMarginMode": "REGULAR_MARGIN"}
    info = (await stage.client.privateGetV5AccountInfo())["result"]
    assert info["marginMode"] == "REGULAR_MARGIN"


@contract("fetchMarginMode")
async def margin_mode(stage: Stage) -> None:
    found = await stage.client.fetch_margin_mode(stage.symbol)
    assert stage.venue.seen("account/info")
    assert found["marginMode"] == "cross"


@contract("setPositionMode")
async def set_position_mode(stage: Stage) -> None:
    # The account is in one-way mode already; the venue says so with a code of its own.
    with pytest.raises(ccxt.BaseError, match="110025"):
        await stage.client.set_position_mode(False, stage.symbol)
    assert stage.asked("switch-mode", symbol=stage.instrument.symbol)["mode"] == 0


@contract("fetchFundingHistory", world="funded")
async def funding_history(stage: Stage) -> None:
    rows = await stage.client.fetch_funding_history(stage.symbol)
    stage.asked("execution/list", execType="Funding", symbol=stage.instrument.symbol)
    truth = {
        one.exec_id: one.cost
        for one in stage.exchange.executions("book")
        if not isinstance(one, Execution) and one.instrument == stage.id
    }
    assert truth
    assert {row["info"]["execId"]: Decimal(row["info"]["execFee"]) for row in rows} == truth


@contract("fetchLedger")
async def ledger(stage: Stage) -> None:
    await stage.buy()
    # A purchase of coins is booked in both; of contracts in the coin that settles them.
    coin = "BTC" if stage.is_spot else stage.product.settle
    rows = await stage.client.fetch_ledger(coin)
    assert stage.venue.seen("transaction-log")[-1]["currency"] == coin
    truth = [one for one in stage.exchange.ledger("book") if one.coin == coin and one.instrument == stage.id]
    assert truth
    told = [row for row in rows if row["info"]["symbol"] == stage.instrument.symbol]
    assert sum(Decimal(row["info"]["change"]) for row in told) == sum(one.change for one in truth)
    assert {row["currency"] for row in rows} == {coin}


@contract("fetchTradingFee")
async def trading_fee(stage: Stage) -> None:
    found = await stage.client.fetch_trading_fee(stage.symbol)
    stage.asked("fee-rate", symbol=stage.instrument.symbol)
    truth = stage.exchange.fee_rates("book", stage.id)
    assert (Decimal(str(found["taker"])), Decimal(str(found["maker"]))) == (truth.taker, truth.maker)


async def _close(stage: Stage) -> Decimal:
    """Sell what was bought; what it realised, by the venue's own executions."""
    await stage.buy()
    side = "sell" if stage.held() > 0 else "buy"
    await stage.client.create_order(stage.symbol, "market", side, stage.product.amount, None, {"reduceOnly": True})
    return sum((one.realised_pnl for one in _executions(stage) if one.closed_contracts), Decimal(0))


def _executions(stage: Stage) -> list[Execution]:
    found = stage.exchange.executions("book")
    return [one for one in found if isinstance(one, Execution) and one.instrument == stage.id]


@contract("fetchPositionHistory")
async def position_history(stage: Stage) -> None:
    await _close(stage)
    rows = await stage.client.fetch_position_history(stage.symbol)
    stage.asked("position/closed-pnl", symbol=stage.instrument.symbol)
    assert rows
    assert {row["symbol"] for row in rows} == {stage.symbol}


@contract("fetchPositionsHistory")
async def positions_history(stage: Stage) -> None:
    realised = await _close(stage)
    rows = await stage.client.fetch_positions_history([stage.symbol])
    stage.asked("position/closed-pnl", symbol=stage.instrument.symbol)
    told = sum(Decimal(row["info"]["closedPnl"]) for row in rows)
    fees = sum(Decimal(row["info"]["openFee"]) + Decimal(row["info"]["closeFee"]) for row in rows)
    # The venue's closed profit is after the fees of both ways (docs/v5/position/close-pnl.mdx).
    assert float(told + fees) == pytest.approx(float(realised), abs=0.02)


@contract("fetchMySettlementHistory", world="expiring")
async def my_settlement_history(stage: Stage) -> None:
    await stage.buy()
    held = stage.held()
    await stage.leap(40)
    assert stage.held() == 0
    rows = await stage.client.fetch_my_settlement_history(stage.symbol)
    stage.asked("asset/delivery-record", symbol=stage.instrument.symbol)
    (row,) = rows
    assert (row["symbol"], Decimal(row["info"]["position"])) == (stage.symbol, held)
    assert 0 <= row["timestamp"] - (stage.instrument.expiry_ns or 0) // 1_000_000 < 1_000


@contract("fetchMyLiquidations")
async def my_liquidations(stage: Stage) -> None:
    await stage.buy()
    qty = Decimal(str(stage.product.amount))
    bust = OffBookTrade(kind=ExecKind.BUST, account="book", instrument=stage.id, side=Side.SELL, contracts=qty)
    stage.exchange.strike(bust)
    rows = await stage.client.fetch_my_liquidations(stage.symbol)
    stage.asked("execution/list", execType="BustTrade", symbol=stage.instrument.symbol)
    (row,) = rows
    assert (row["symbol"], Decimal(str(row["contracts"]))) == (stage.symbol, qty)


@contract("fetchBorrowRateHistory")
async def borrow_rate_history(stage: Stage) -> None:
    rows = await stage.client.fetch_borrow_rate_history("USDT")
    assert stage.venue.seen("interest-rate-history")[-1]["currency"] == "USDT"
    assert rows
    assert all(row["rate"] >= 0 and row["currency"] == "USDT" for row in rows)


@contract("fetchDeposits")
async def deposits(stage: Stage) -> None:
    assert await stage.client.fetch_deposits() == []
    assert stage.venue.seen("deposit/query-record")


@contract("fetchWithdrawals")
async def withdrawals(stage: Stage) -> None:
    assert await stage.client.fetch_withdrawals() == []
    assert stage.venue.seen("withdraw/query-record")


@contract("fetchTransfers")
async def transfers(stage: Stage) -> None:
    assert await stage.client.fetch_transfers() == []
    assert stage.venue.seen("query-inter-transfer-list")


@contract("transfer")
async def transfer(stage: Stage) -> None:
    ways = ("funding", "unified", {"transferId": "42c0cfb0-6bca-c242-bc76-4e6df6cbcb16"})
    with pytest.raises(ccxt.PermissionDenied, match="10005"):
        await stage.client.transfer("USDT", 250.5, *ways)
    await stage.venue.admin("POST", "key", {"account": "book", "state": "may_transfer"})
    with pytest.raises(ccxt.InsufficientFunds, match="131212"):
        await stage.client.transfer("USDT", 250.5, *ways)
    out = await stage.client.transfer("USDT", 1_000, "unified", "funding")
    assert out["status"] == "ok"
    before = stage.exchange.wallet("book").coins
    await stage.client.transfer("USDT", 250.5, *ways)
    with pytest.raises(ccxt.BadRequest, match="131214"):
        await stage.client.transfer("USDT", 250.5, *ways)
    held = {one.coin: one.wallet for one in stage.exchange.wallet("book").coins}
    assert held["USDT"] - {one.coin: one.wallet for one in before}["USDT"] == Decimal("250.5")
    newest, oldest = (await stage.client.fetch_transfers())[::-1]
    assert {one["amount"] for one in (newest, oldest)} == {250.5, 1_000.0}
    fund = await stage.client.fetch_balance({"type": "funding"})
    assert fund["USDT"]["total"] == 749.5
