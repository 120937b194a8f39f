import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.domain.events import ExecutionKind, FillReceived, FundingPaid, Source
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import FORCED_REASON, OrderStatus
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.normalise import Scope
from hedgebot.venues.normalise_account import execution, fee_coin, order, position, wallet
from hedgebot.venues.normalise_instruments import instruments_of
from hedgebot.venues.reading import FrameProblem
from tests.unit.venues.double import BTC, SPOT, golden

_ROWS = [(category, row) for category, rows in golden("instruments").items() for row in rows]
SCOPE = Scope(
    account="main", profile=BYBIT, instruments={found.id: found for found in instruments_of("bybit", _ROWS)[0]}
)


def pushed(name: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = golden(name)["data"][0]
    return {**row, **changes}


def executed(**changes: Any) -> FillReceived:
    row = pushed("execution_frame", **changes)
    fact = execution(SCOPE, row["category"], row, Source.STREAM)
    assert isinstance(fact, FillReceived)
    return fact


def test_a_fill() -> None:
    assert executed() == FillReceived(
        account="main",
        instrument=BTC,
        trade_id="e-1",
        order_id="order-1",
        client_id="4b00000001000001010000000100beef",
        side=Side.BUY,
        qty_contracts=Decimal("0.010"),
        price=Decimal("90000.1"),
        fee=Decimal("0.495"),
        fee_coin="USDT",
        kind=ExecutionKind.TRADE,
        source=Source.STREAM,
        venue_at_ns=1_795_000_000_353_000_000,
    )


def test_an_order_without_a_client_id_is_someone_elses() -> None:
    assert executed(orderLinkId="").client_id is None


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("Trade", ExecutionKind.TRADE),
        ("AdlTrade", ExecutionKind.ADL),
        ("BustTrade", ExecutionKind.LIQUIDATION),
        ("Delivery", ExecutionKind.DELIVERY),
        ("Settle", ExecutionKind.DELIVERY),
        ("BlockTrade", ExecutionKind.OTHER),
        ("MovePosition", ExecutionKind.OTHER),
        ("FutureSpread", ExecutionKind.OTHER),
        ("CorporateAction", ExecutionKind.OTHER),
    ],
)
def test_every_execution_type_that_moves_a_position_is_a_fill(word: str, kind: ExecutionKind) -> None:
    assert executed(execType=word).kind is kind


@pytest.mark.parametrize("word", ["Trade", "AdlTrade", "BustTrade", "Settle", "UNKNOWN"])
@pytest.mark.parametrize(
    ("creator", "kind"),
    [
        ("CreateByLiq", ExecutionKind.LIQUIDATION),
        ("CreateByTakeOver_PassThrough", ExecutionKind.LIQUIDATION),
        ("CreateByAdl_PassThrough", ExecutionKind.ADL),
        ("CreateByAdminClosing", ExecutionKind.ROLLBACK),
    ],
)
def test_what_made_the_order_goes_before_the_execution_type(word: str, creator: str, kind: ExecutionKind) -> None:
    assert executed(execType=word, createType=creator, orderLinkId="").kind is kind


@pytest.mark.parametrize("creator", ["CreateByUser", "CreateByClosing", "Novelty", "", None])
def test_any_other_creator_leaves_the_execution_type_its_say(creator: str | None) -> None:
    assert executed(createType=creator).kind is ExecutionKind.TRADE
    assert executed(execType="BustTrade", createType=creator).kind is ExecutionKind.LIQUIDATION
    with pytest.raises(FrameProblem, match="execType"):
        executed(execType="Novelty", createType=creator)


def test_funding_is_funding_whoever_made_its_order() -> None:
    row = pushed("execution_frame", execType="Funding", createType="CreateByLiq")
    assert isinstance(execution(SCOPE, "linear", row, Source.STREAM), FundingPaid)


@pytest.mark.parametrize("word", ["UNKNOWN", "Novelty", ""])
def test_an_unknown_execution_type_is_never_guessed(word: str) -> None:
    with pytest.raises(FrameProblem, match="execType"):
        executed(execType=word)


@pytest.mark.parametrize(
    "changes", [{"execQty": ""}, {"execPrice": None}, {"side": ""}, {"execId": ""}, {"execTime": "0"}]
)
def test_a_fill_that_cannot_be_read_is_a_problem(changes: dict[str, Any]) -> None:
    with pytest.raises(FrameProblem):
        executed(**changes)


def test_funding_is_money_and_never_quantity() -> None:
    rows = golden("executions")
    facts = [execution(SCOPE, "linear", row, Source.QUERY) for row in rows]
    assert [type(fact) for fact in facts] == [FillReceived, FillReceived, FundingPaid]
    paid = facts[2]
    assert isinstance(paid, FundingPaid)
    # A short receives when the rate is positive.
    assert (paid.cost, paid.coin, paid.rate, paid.trade_id) == (Decimal("-0.06101433"), "USDT", 0.0001, "fund-1")


@pytest.mark.parametrize(
    ("category", "changes", "coin"),
    [
        ("spot", {"side": "Buy"}, "BTC"),
        ("spot", {"side": "Sell"}, "USDT"),
        ("spot", {"side": "Buy", "isMaker": True, "feeRate": "-0.0001"}, "USDT"),
        ("spot", {"side": "Sell", "isMaker": True, "feeRate": "-0.0001"}, "BTC"),
        ("spot", {"side": "Buy", "isMaker": True, "feeRate": "0.0001"}, "BTC"),
        ("linear", {"side": "Buy"}, "USDT"),
        ("inverse", {"side": "Buy", "symbol": "BTCUSD"}, "BTC"),
        ("option", {"side": "Sell", "symbol": "BTC-27NOV26-90000-C-USDT"}, "USDT"),
        ("option", {"side": "Sell", "symbol": "BTC-1NOV26-90000-C"}, "USDC"),
    ],
)
def test_the_fees_coin_when_the_row_names_none(category: str, changes: dict[str, Any], coin: str) -> None:
    assert fee_coin(SCOPE, category, pushed("execution_frame", feeCurrency="", **changes)) == coin


def test_the_fees_coin_is_the_rows_own_word() -> None:
    assert fee_coin(SCOPE, "spot", pushed("execution_frame", feeCurrency="MNT")) == "MNT"
    with pytest.raises(FrameProblem):
        fee_coin(SCOPE, "spot", pushed("execution_frame", feeCurrency="", symbol="GONEUSDT"))


def test_an_order() -> None:
    report = order(SCOPE, "linear", pushed("order_frame"))
    assert (report.instrument, report.status, report.reason) == (BTC, OrderStatus.FILLED, "")
    assert (report.qty_contracts, report.filled_contracts, report.limit_price) == (
        Decimal("0.010"),
        Decimal("0.010"),
        Decimal(90010),
    )
    assert report.venue_at_ns == 1_795_000_000_357_000_000


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("New", OrderStatus.OPEN),
        ("PartiallyFilled", OrderStatus.PARTIAL),
        ("Rejected", OrderStatus.REJECTED),
        ("PartiallyFilledCanceled", OrderStatus.CANCELLED),
        ("Cancelled", OrderStatus.CANCELLED),
        ("Deactivated", OrderStatus.CANCELLED),
        ("Untriggered", OrderStatus.OPEN),
    ],
)
def test_order_statuses(word: str, status: OrderStatus) -> None:
    changes = {"orderStatus": word, "rejectReason": "EC_NoImmediateQtyToFill", "cancelType": "CancelByUser"}
    report = order(SCOPE, "linear", pushed("order_frame", **changes))
    assert (report.status, report.reason) == (status, "EC_NoImmediateQtyToFill CancelByUser")


@pytest.mark.parametrize(
    "word", ["CancelByPrepareAdl", "CancelAllBeforeAdl", "CancelByPrepareLiq", "CancelAllBeforeLiq"]
)
def test_an_order_that_makes_way_for_a_forced_close_says_so(word: str) -> None:
    frame = pushed("order_frame", orderStatus="Cancelled", rejectReason="EC_PerCancelRequest", cancelType=word)
    assert order(SCOPE, "linear", frame).reason == FORCED_REASON


def test_an_unknown_order_status_is_a_problem_and_empty_amounts_are_none_filled() -> None:
    with pytest.raises(FrameProblem, match="orderStatus"):
        order(SCOPE, "linear", pushed("order_frame", orderStatus="Created?"))
    report = order(SCOPE, "spot", pushed("order_frame", price="0", cumExecQty="", updatedTime=""))
    assert (report.limit_price, report.filled_contracts, report.instrument) == (None, Decimal(0), SPOT)


def test_a_position_is_signed() -> None:
    report = position(SCOPE, "linear", pushed("position_frame"))
    assert (report.contracts, report.entry_price) == (Decimal("-0.250"), Decimal("90000.1"))


@pytest.mark.parametrize("side", ["", "None"])
def test_an_empty_position_has_no_side(side: str) -> None:
    report = position(SCOPE, "linear", pushed("position_frame", side=side, size="0", entryPrice="0"))
    assert (report.contracts, report.entry_price) == (Decimal(0), None)


def test_hedge_mode_is_refused() -> None:
    with pytest.raises(FrameProblem, match="hedge mode"):
        position(SCOPE, "linear", pushed("position_frame", positionIdx=2))


def test_a_wallet_counts_debts_and_takes_the_stricter_equity() -> None:
    report = wallet(SCOPE, golden("wallet_balance")["list"][0], 5)
    assert report.balances == {"USDT": Decimal(160_000), "BTC": Decimal("0.9")}
    assert (report.equity_usd, report.maintenance_margin_usd) == (Decimal("250050.5"), Decimal("1525.3"))
    assert (report.initial_margin_usd, report.venue_at_ns) == (Decimal("3000.6"), 5)


def test_what_a_coin_owes_is_its_negative_equity_or_what_was_borrowed() -> None:
    assert wallet(SCOPE, golden("wallet_balance")["list"][0], 5).debts == {"BTC": Decimal("0.1")}
    coins = [
        {"coin": "USDT", "walletBalance": "-500", "equity": "-120500", "borrowAmount": "120000"},
        {"coin": "USDC", "walletBalance": "900000", "equity": "900000", "borrowAmount": ""},
        {"coin": "ETH", "walletBalance": "5", "equity": "", "borrowAmount": "2"},
    ]
    assert wallet(SCOPE, pushed("wallet_frame", coin=coins), 5).debts == {"USDT": Decimal(120_500), "ETH": Decimal(2)}


def test_an_empty_margin_is_unknown_and_never_zero() -> None:
    report = wallet(SCOPE, pushed("wallet_frame"), 5)
    assert (report.initial_margin_usd, report.maintenance_margin_usd) == (None, None)
    assert report.equity_usd == Decimal(1000)
    assert wallet(SCOPE, pushed("wallet_frame", totalEquity=""), 5).equity_usd is None
    with pytest.raises(FrameProblem):
        wallet(SCOPE, pushed("wallet_frame", coin=None), 5)


@pytest.mark.needs_data
def test_recorded_rows_are_understood(shared_data: Path) -> None:
    def rows(name: str) -> list[dict[str, Any]]:
        found = json.loads((shared_data / name).read_text("utf-8"))
        listed: list[dict[str, Any]] = found["data"] if "data" in found else found["result"]["list"]
        return listed

    m24, m01 = "m24_private_frames_roq_gct/bybit", "m01_venue_fixtures_nautilus/bybit"
    fills = [*rows(f"{m24}/execution_2__parser_17.json"), *rows(f"{m01}/ws_account_execution_adl.json")]
    facts = [execution(SCOPE, "linear", row, Source.STREAM) for row in fills]
    assert [getattr(fact, "kind", None) for fact in facts] == [ExecutionKind.TRADE, ExecutionKind.ADL]
    pulled = rows(f"{m24}/executions_ack__simple_18.json")
    assert {type(execution(SCOPE, "linear", row, Source.QUERY)) for row in pulled} == {FundingPaid}
    for name, category in (("order__linear_23", "linear"), ("order__spot_22", "spot"), ("orders_ack__spot_28", "spot")):
        assert all(order(SCOPE, category, row).status is OrderStatus.OPEN for row in rows(f"{m24}/{name}.json"))
    assert position(SCOPE, "linear", rows(f"{m24}/position__linear_34.json")[0]).contracts == Decimal("0.002")
    assert position(SCOPE, "linear", rows(f"{m24}/position__none_35.json")[0]).contracts == 0
    assert position(SCOPE, "linear", rows(f"{m24}/positions_ack__simple_36.json")[0]).entry_price == Decimal("32685.25")
    assert wallet(SCOPE, rows(f"{m24}/wallet_balance_ack__simple_49.json")[0], 1).balances["BTC"] == Decimal(
        "1.22000909"
    )
