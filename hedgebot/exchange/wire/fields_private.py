"""Orders and executions in the venue's words. Pure functions of values; positions and wallets are `fields_account.py`.

Source: docs/v5/order/{open-order, order-list, execution}.mdx and docs/v5/websocket/private/{order, execution,
fast-execution}.mdx. ccxt takes an order without `tpslMode`, or a trade without `category` and
`createType`, for spot: those keys are present exactly where the venue has them.
"""

from decimal import Decimal

from hedgebot.domain.instrument import Instrument, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.position import booked_value
from hedgebot.exchange.types import (
    EndReason,
    ExecKind,
    Execution,
    FundingSettlement,
    OrderType,
    Origin,
    SimOrder,
)
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.words import SIDE, SMP_TYPE, dec, flt, ms_text

TIME_IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.POST_ONLY: "PostOnly",
}
ORDER_TYPE = {OrderType.MARKET: "Market", OrderType.LIMIT: "Limit"}
EXEC_TYPE = {
    ExecKind.TRADE: "Trade",
    ExecKind.ADL: "AdlTrade",
    ExecKind.BUST: "BustTrade",
    ExecKind.DELIVERY: "Delivery",
    ExecKind.SETTLE: "Settle",
    ExecKind.BLOCK_TRADE: "BlockTrade",
    ExecKind.MOVE_POSITION: "MovePosition",
    ExecKind.FUTURE_SPREAD: "FutureSpread",
    ExecKind.CORPORATE_ACTION: "CorporateAction",
    # The venue has no word of its own for it: createType says that no client sent the order.
    ExecKind.ROLLBACK: "Trade",
}
# docs/v5/enum.mdx, createType.
CREATE_TYPE = {
    Origin.API: "CreateByUser",
    Origin.CLIENT_FLOW: "CreateByUser",
    Origin.VENUE: "CreateBySettle",
    Origin.LIQUIDATION: "CreateByLiq",
    Origin.TAKEOVER: "CreateByTakeOver_PassThrough",
    Origin.ADL: "CreateByAdl_PassThrough",
    Origin.BLOCK_TRADE: "CreateByBlock_PassThrough",
    Origin.MOVE_POSITION: "CreateByBlockTradeMovePosition_PassThrough",
    Origin.SPREAD: "CreateByFutureSpread",
    Origin.ADMIN: "CreateByAdminClosing",
}

_REJECT_REASON = {
    None: "EC_NoError",
    EndReason.BY_USER: "EC_PerCancelRequest",
    EndReason.IOC_REMAINDER: "EC_NoImmediateQtyToFill",
    EndReason.FOK_NOT_FILLABLE: "EC_CancelForNoFullFill",
    EndReason.POST_ONLY_WOULD_CROSS: "EC_PostOnlyWillTakeLiquidity",
    EndReason.MARKET_REMAINDER: "EC_NoImmediateQtyToFill",
    EndReason.REDUCE_ONLY: "EC_NoError",
    EndReason.SETTLED: "EC_NoError",
    EndReason.DEAD_MAN: "EC_NoError",
    EndReason.REJECTED: "EC_SecurityStatusFail",
    EndReason.BY_VENUE: "EC_NoError",
    EndReason.PREPARE_LIQUIDATION: "EC_PerCancelRequest",
    EndReason.BEFORE_LIQUIDATION: "EC_PerCancelRequest",
    EndReason.PREPARE_ADL: "EC_PerCancelRequest",
    EndReason.BEFORE_ADL: "EC_PerCancelRequest",
    EndReason.SELF_MATCH: "EC_BySelfMatch",
    EndReason.ADMIN: "EC_PerCancelRequest",
}
_CANCEL_TYPE = {
    EndReason.BY_USER: "CancelByUser",
    EndReason.REDUCE_ONLY: "CancelByReduceOnly",
    EndReason.SETTLED: "CancelByDelivery",
    EndReason.DEAD_MAN: "CancelByDCP",
    EndReason.BY_VENUE: "CancelByAdmin",
    EndReason.PREPARE_LIQUIDATION: "CancelByPrepareLiq",
    EndReason.BEFORE_LIQUIDATION: "CancelAllBeforeLiq",
    EndReason.PREPARE_ADL: "CancelByPrepareAdl",
    EndReason.BEFORE_ADL: "CancelAllBeforeAdl",
    EndReason.SELF_MATCH: "CancelBySmp",
    EndReason.ADMIN: "CancelByAdmin",
}


def order_status(order: SimOrder, category: str) -> str:
    """The venue's word for an order's status. Only spot tells a cancelled order that was filled in part."""
    match order.status:
        case OrderStatus.FILLED:
            return "Filled"
        case OrderStatus.PARTIAL:
            return "PartiallyFilled"
        case OrderStatus.CANCELLED | OrderStatus.EXPIRED:
            return "PartiallyFilledCanceled" if category == "spot" and order.filled_contracts else "Cancelled"
        case OrderStatus.REJECTED:
            return "Rejected"
        case _:
            return "New"


def order_fields(order: SimOrder, one: Instrument) -> Fields:
    """An order over HTTP (`order/realtime`, `order/history`)."""
    category = one.category
    average, leaves = order.average_price, order.leaves_contracts
    fields: Fields = {
        "orderId": order.order_id,
        "orderLinkId": order.client_id or "",
        "blockTradeId": "",
        "symbol": one.symbol,
        "price": dec(order.limit_price, "0"),
        "qty": dec(order.qty_contracts),
        "side": SIDE[order.side],
        "isLeverage": str(int(order.on_margin)) if category == "spot" else "",
        "positionIdx": order.position_index.value,
        "orderStatus": order_status(order, category),
        "cancelType": _CANCEL_TYPE.get(order.end_reason, "UNKNOWN") if order.end_reason else "UNKNOWN",
        "rejectReason": _REJECT_REASON[order.end_reason],
        "avgPrice": "" if average is None else dec(average.quantize(Decimal("1e-8"))),
        "leavesQty": dec(leaves),
        "leavesValue": dec(leaves * order.limit_price) if order.limit_price is not None else "0",
        "cumExecQty": dec(order.filled_contracts),
        "cumExecValue": dec(order.filled_value),
        "cumExecFee": dec(order.fee),
        "timeInForce": TIME_IN_FORCE[order.time_in_force],
        "orderType": ORDER_TYPE[order.type],
        "stopOrderType": "",
        "orderIv": "",
        "marketUnit": "baseCoin" if category == "spot" and order.type is OrderType.MARKET else "",
        "triggerPrice": "",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "tpLimitPrice": "",
        "slLimitPrice": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": "",
        "reduceOnly": order.reduce_only,
        "closeOnTrigger": False,
        "placeType": "price" if category == "option" else "",
        "smpType": SMP_TYPE[order.self_trade],
        "smpGroup": order.self_trade_group,
        "smpOrderId": order.self_trade_order_id or "",
        "createdTime": ms_text(order.created_at_ns),
        "updatedTime": ms_text(order.updated_at_ns),
        "cumFeeDetail": {order.fee_coin: dec(order.fee)} if order.fee else {},
    }
    if category != "spot":
        fields["tpslMode"] = "" if category == "option" else "UNKNOWN"
        fields["createType"] = CREATE_TYPE[order.origin]
    return fields


def order_history_fields(order: SimOrder, one: Instrument) -> Fields:
    """An order of `order/history`: what ended carries a few keys more."""
    return {
        **order_fields(order, one),
        "parentOrderLinkId": "",
        "slippageToleranceType": "UNKNOWN",
        "slippageTolerance": "0",
        "extraFees": "",
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def order_stream_fields(order: SimOrder, one: Instrument) -> Fields:
    """An order on the private socket: as over HTTP, with its category and fee coin."""
    return {
        "category": one.category,
        **order_fields(order, one),
        "closedPnl": "0",
        "feeCurrency": order.fee_coin,
        "rpiTakerAccess": False,
        "rpiMatchedQty": "0",
    }


def execution_fields(execution: Execution, one: Instrument) -> Fields:
    """One execution over HTTP (`execution/list`). A fee above zero was paid."""
    order, category = execution.order, one.category
    is_option = category == "option"
    fields: Fields = {
        "symbol": one.symbol,
        "orderId": order.order_id,
        "orderLinkId": order.client_id or "",
        "side": SIDE[execution.side],
        "orderPrice": dec(order.limit_price, "0"),
        "orderQty": dec(order.qty_contracts),
        "leavesQty": dec(order.leaves_contracts),
        "orderType": ORDER_TYPE[order.type],
        "stopOrderType": "UNKNOWN",
        "execFee": dec(execution.fee),
        "execFeeV2": "",
        "execId": execution.exec_id,
        "execPrice": dec(execution.price),
        "execQty": dec(execution.qty_contracts),
        "execType": EXEC_TYPE[execution.kind],
        "execValue": dec(execution.value),
        "execTime": ms_text(execution.at_ns),
        "feeCurrency": execution.fee_coin,
        "isMaker": execution.is_maker,
        "feeRate": dec(execution.fee_rate),
        "tradeIv": "",
        "markIv": flt(execution.mark_iv, 6) if is_option else "",
        "markPrice": dec(execution.mark_price),
        "indexPrice": dec(execution.index_price) if is_option else "",
        "underlyingPrice": dec(execution.index_price) if is_option else "",
        "blockTradeId": "",
        "closedSize": dec(execution.closed_contracts),
        "seq": execution.seq,
        "extraFees": "",
    }
    if category != "spot":
        fields["createType"] = CREATE_TYPE[order.origin]
    return fields


def execution_stream_fields(execution: Execution, one: Instrument) -> Fields:
    """One execution on the private socket: extra fees are a list there, and the spot leg's fee is not told."""
    fields = execution_fields(execution, one)
    del fields["execFeeV2"]
    return {
        "category": one.category,
        **fields,
        "extraFees": [],
        "isLeverage": str(int(execution.order.on_margin)),
        "marketUnit": "",
        "execPnl": dec(execution.realised_pnl),
    }


def fast_execution_fields(execution: Execution, one: Instrument) -> Fields:
    """One execution on topic `execution.fast`: the few fields that the venue has early."""
    return {
        "category": one.category,
        "symbol": one.symbol,
        "execId": execution.exec_id,
        "execPrice": dec(execution.price),
        "execQty": dec(execution.qty_contracts),
        "orderId": execution.order.order_id,
        "isMaker": execution.is_maker,
        "orderLinkId": execution.order.client_id or "",
        "side": SIDE[execution.side],
        "execTime": ms_text(execution.at_ns),
        "seq": execution.seq,
    }


def funding_fields(funding: FundingSettlement, one: Instrument) -> Fields:
    """A funding payment as an execution of type Funding: `execFee` above zero was paid."""
    side = SIDE[Side.of(funding.contracts)]
    size = abs(funding.contracts)
    return {
        "symbol": one.symbol,
        "orderId": f"{funding.at_ns // 1_000_000_000}-{one.symbol}-{funding.account}-{side}",
        "orderLinkId": "",
        "side": side,
        "orderPrice": "0",
        "orderQty": "0",
        "leavesQty": "0",
        "createType": "",
        "orderType": "UNKNOWN",
        "stopOrderType": "UNKNOWN",
        "execFee": dec(funding.cost),
        "execFeeV2": "",
        "execId": funding.exec_id,
        "execPrice": dec(funding.mark_price),
        "execQty": dec(size),
        "execType": "Funding",
        "execValue": dec(abs(booked_value(one, size, funding.mark_price))),
        "execTime": ms_text(funding.at_ns),
        "feeCurrency": funding.coin,
        "isMaker": False,
        "feeRate": flt(funding.rate),
        "tradeIv": "",
        "markIv": "",
        "markPrice": dec(funding.mark_price),
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "0",
        "seq": funding.seq,
        "extraFees": "",
    }


def funding_stream_fields(funding: FundingSettlement, one: Instrument) -> Fields:
    """A funding payment on the private socket: with the keys that an execution has there."""
    fields = funding_fields(funding, one)
    del fields["execFeeV2"]
    return {"category": one.category, **fields, "extraFees": [], "isLeverage": "0", "marketUnit": "", "execPnl": "0"}
