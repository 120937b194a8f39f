"""Private rows, pushed or pulled -> FillReceived, FundingPaid, OrderReport, PositionReport, WalletReport. Pure.

Sources: [D] websocket/private/{execution, order, position, wallet}, order/{execution, open-order, order-list},
position/position, account/wallet-balance. The pulled rows name no category: the answer around them does.
"""

from decimal import Decimal

from hedgebot.domain.deadman import DEAD_MAN_REASON
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.events import FillReceived, FundingPaid, Source
from hedgebot.domain.orders import FORCED_REASON
from hedgebot.domain.reports import OrderReport, PositionReport, WalletReport
from hedgebot.venues.normalise import Scope, settle_coin, side_of
from hedgebot.venues.reading import (
    FrameProblem,
    Raw,
    as_rows,
    float_or_none,
    ns_from_ms,
    number,
    number_or_none,
    price_or_none,
    text,
    text_or_none,
)

# Words by which the venue says "nothing to say".
_SILENT = frozenset({"", "EC_NoError", "UNKNOWN"})


def execution(scope: Scope, category: str, row: Raw, source: Source) -> FillReceived | FundingPaid | None:
    """What one execution did. Funding is money and never quantity; None for a row that moved nothing.

    What made its order goes before its own type: liquidations and deleveraging are never taken for trades. Raises
    FrameProblem for an execution type that is not known: its quantity may or may not be a position's.
    """
    kind_word = text(row, "execType")
    if kind_word in scope.profile.funding_kinds:
        return _funding(scope, category, row, source)
    creator = text_or_none(row, "createType") or ""
    kind = scope.profile.creator_kinds.get(creator) or scope.profile.execution_kinds.get(kind_word)
    if kind is None:
        msg = f"execType {kind_word!r} is unknown"
        raise FrameProblem(msg)
    qty = number(row, "execQty")
    if qty == 0:
        return None
    instrument = scope.instrument(category, row)
    return FillReceived(
        account=scope.account,
        instrument=instrument,
        trade_id=text(row, "execId"),
        order_id=text_or_none(row, "orderId") or "",
        client_id=text_or_none(row, "orderLinkId"),
        side=side_of(row),
        qty_contracts=qty,
        price=number(row, "execPrice"),
        fee=number_or_none(row, "execFee") or ZERO,
        fee_coin=fee_coin(scope, category, row),
        kind=kind,
        source=source,
        venue_at_ns=ns_from_ms(row, "execTime"),
    )


def _funding(scope: Scope, category: str, row: Raw, source: Source) -> FundingPaid:
    symbol = text(row, "symbol")
    instrument = scope.instrument(category, row)
    coin = text_or_none(row, "feeCurrency") or settle_coin(category, symbol, scope.instruments.get(instrument))
    return FundingPaid(
        account=scope.account,
        instrument=instrument,
        trade_id=text(row, "execId"),
        cost=number(row, "execFee"),
        coin=coin,
        rate=float_or_none(row, "feeRate"),
        source=source,
        venue_at_ns=ns_from_ms(row, "execTime"),
    )


def fee_coin(scope: Scope, category: str, row: Raw) -> str:
    """The coin in which a fee was taken: the row's own word, else the venue's rule.

    Derivatives pay in the settlement coin. Spot buys pay in the base coin and sells in the quote coin; a maker with a
    rebate the other way round ([D] enum, "Spot Fee Currency Instruction").
    """
    named = text_or_none(row, "feeCurrency")
    if named is not None:
        return named
    instrument = scope.instruments.get(scope.instrument(category, row))
    if category != "spot":
        return settle_coin(category, text(row, "symbol"), instrument)
    if instrument is None:
        msg = f"the fee's coin of {row.get('symbol')} is unknown"
        raise FrameProblem(msg)
    rebate = row.get("isMaker") is True and (number_or_none(row, "feeRate") or ZERO) < 0
    in_base = (side_of(row).sign > 0) is not rebate
    return instrument.underlying if in_base else instrument.quote


def order(scope: Scope, category: str, row: Raw) -> OrderReport:
    """What the venue says about one order."""
    word = text(row, "orderStatus")
    status = scope.profile.order_statuses.get(word)
    if status is None:
        msg = f"orderStatus {word!r} is unknown"
        raise FrameProblem(msg)
    words = (text_or_none(row, "rejectReason") or "", text_or_none(row, "cancelType") or "")
    moment = "updatedTime" if text_or_none(row, "updatedTime") else "createdTime"
    return OrderReport(
        account=scope.account,
        instrument=scope.instrument(category, row),
        order_id=text(row, "orderId"),
        client_id=text_or_none(row, "orderLinkId"),
        status=status,
        side=side_of(row),
        qty_contracts=number(row, "qty"),
        filled_contracts=number_or_none(row, "cumExecQty") or ZERO,
        limit_price=price_or_none(row, "price"),
        reason=_reason(scope, words),
        venue_at_ns=ns_from_ms(row, moment),
    )


def _reason(scope: Scope, words: tuple[str, ...]) -> str:
    if not scope.profile.dead_man_reasons.isdisjoint(words):
        return DEAD_MAN_REASON
    if not scope.profile.forced_reasons.isdisjoint(words):
        return FORCED_REASON
    return " ".join(part for part in words if part not in _SILENT)


def position(scope: Scope, category: str, row: Raw) -> PositionReport:
    """A position, signed. Raises FrameProblem in hedge mode, where one instrument has two rows: it is not supported."""
    if row.get("positionIdx") not in {0, None}:
        msg = f"{row.get('symbol')} is in hedge mode (positionIdx {row.get('positionIdx')}): switch it to one-way mode"
        raise FrameProblem(msg)
    size = number(row, "size")
    contracts = ZERO if size == 0 else size * side_of(row).sign
    entry_field = "entryPrice" if "entryPrice" in row else "avgPrice"
    return PositionReport(
        account=scope.account,
        instrument=scope.instrument(category, row),
        contracts=contracts,
        entry_price=price_or_none(row, entry_field),
        venue_at_ns=ns_from_ms(row, "updatedTime"),
        # Empty in portfolio margin, where margin is not set aside by leverage ([D] position/position).
        leverage=float_or_none(row, "leverage") or None,
    )


def wallet(scope: Scope, row: Raw, at_ns: int) -> WalletReport:
    """Balances and margin of a unified account. Empty fields are unknown; a spot debt counts against its coin.

    The venue holds the maintenance margin against the margin balance in cross margin and against the equity in
    portfolio margin; the smaller of the two never shows less use than the venue does.
    """
    equities = [
        value
        for value in (number_or_none(row, "totalEquity"), number_or_none(row, "totalMarginBalance"))
        if value is not None
    ]
    balances: dict[str, Decimal] = {}
    prices: dict[str, float] = {}
    debts: dict[str, Decimal] = {}
    for coin in as_rows(row.get("coin"), "coin"):
        held = number_or_none(coin, "walletBalance")
        if held is None:
            continue
        name = text(coin, "coin")
        balances[name] = held - (number_or_none(coin, "spotBorrow") or ZERO)
        equity, value = number_or_none(coin, "equity"), number_or_none(coin, "usdValue")
        if equity and value and value / equity > 0:
            prices[name] = float(value / equity)
        # Interest is charged on what open losses and options bring below nothing, too, and on a spot loan that stands
        # beside a balance ([D] account/wallet-balance, `equity` and `borrowAmount`).
        owed = max(-(equity or ZERO), number_or_none(coin, "borrowAmount") or ZERO)
        if owed > 0:
            debts[name] = owed
    return WalletReport(
        account=scope.account,
        balances=balances,
        equity_usd=min(equities, default=None),
        initial_margin_usd=number_or_none(row, "totalInitialMargin"),
        maintenance_margin_usd=number_or_none(row, "totalMaintenanceMargin"),
        venue_at_ns=at_ns,
        prices_usd=prices,
        debts=debts,
    )
