"""Positions, wallet and ledger in the venue's words. Pure functions of values.

Source: docs/v5/position/position.mdx, account/{wallet-balance, transaction-log}.mdx, websocket/private/{position,
wallet}.mdx.
"""

from decimal import Decimal

from hedgebot.domain.decimals import floor_to_step
from hedgebot.domain.instrument import Instrument, Side
from hedgebot.exchange.types import (
    CoinBalance,
    LedgerEntry,
    LedgerKind,
    MarginMode,
    PositionStatus,
    SimPosition,
    WalletState,
)
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.words import SIDE, dec, flt, ms, ms_text

# docs/v5/enum.mdx, type(uta-translog).
LEDGER_TYPE = {
    LedgerKind.TRADE: "TRADE",
    LedgerKind.FUNDING: "SETTLEMENT",
    LedgerKind.DELIVERY: "DELIVERY",
    LedgerKind.LIQUIDATION: "LIQUIDATION",
    LedgerKind.ADL: "ADL",
    LedgerKind.INTEREST: "INTEREST",
    LedgerKind.ROLLBACK: "AUTO_DEDUCTION",
    LedgerKind.TRANSFER_IN: "TRANSFER_IN",
    LedgerKind.TRANSFER_OUT: "TRANSFER_OUT",
}
POSITION_STATUS = {PositionStatus.NORMAL: "Normal", PositionStatus.LIQUIDATION: "Liq", PositionStatus.ADL: "Adl"}


def position_fields(position: SimPosition, one: Instrument) -> Fields:
    """A position over HTTP; an empty one has side "" and no prices."""
    held = position.contracts
    is_option, portfolio = one.category == "option", position.margin_mode is MarginMode.PORTFOLIO
    # In portfolio margin risk limits, leverage and a position's own margins mean nothing and are empty.
    maintenance = "" if portfolio else flt(position.maintenance_margin)
    initial = "" if portfolio else flt(position.initial_margin)
    fields: Fields = {
        "positionIdx": position.position_index.value,
        "riskId": 0 if is_option or portfolio else 1,
        "riskLimitValue": "0" if portfolio else "" if is_option else "2000000",
        "symbol": one.symbol,
        "side": SIDE[Side.of(held)] if held else "",
        "size": dec(abs(held)),
        "avgPrice": dec(position.entry_price, "0"),
        "positionValue": dec(abs(position.value)) if held else "",
        "tradeMode": 0,
        "positionStatus": POSITION_STATUS[position.status],
        "autoAddMargin": int(position.is_auto_add),
        "adlRankIndicator": position.adl_rank,
        "leverage": "" if is_option or portfolio else dec(position.leverage),
        "breakEvenPrice": dec(position.entry_price),
        "positionBalance": _position_balance(position),
        "markPrice": dec(position.mark_price),
        "liqPrice": _tick_price(position.liquidation_price, one),
        "bustPrice": "",
        "positionMM": maintenance,
        "positionMMByMp": maintenance,
        "positionIM": initial,
        "positionIMByMp": initial,
        "tpslMode": "Full",
        "takeProfit": "",
        "stopLoss": "",
        "trailingStop": "0",
        "unrealisedPnl": dec(position.unrealised_pnl),
        "curRealisedPnl": dec(position.realised_pnl),
        "cumRealisedPnl": dec(position.realised_pnl),
        "seq": position.seq,
        "isReduceOnly": False,
        "mmrSysUpdatedTime": "",
        "leverageSysUpdatedTime": "",
        "sessionAvgPrice": dec(position.entry_price) if one.settle == "USDC" else "",
        "openTime": ms(position.created_at_ns) if held else 0,
        "createdTime": ms_text(position.created_at_ns),
        "updatedTime": ms_text(position.updated_at_ns),
    }
    if is_option:
        fields |= {
            "delta": flt(position.delta),
            "gamma": flt(position.gamma, 10),
            "vega": flt(position.vega),
            "theta": flt(position.theta),
        }
    return fields


def _position_balance(position: SimPosition) -> str:
    """What is set aside for a position: its own margin where it has one."""
    if not position.contracts:
        return "0"
    isolated = position.margin_mode is MarginMode.ISOLATED
    return dec(position.position_margin) if isolated else flt(position.initial_margin)


def _tick_price(price: float | None, one: Instrument) -> str:
    """A computed price on its tick; empty where there is none."""
    return "" if price is None else dec(floor_to_step(Decimal(str(price)), one.tick_size))


def position_stream_fields(position: SimPosition, one: Instrument) -> Fields:
    """A position on the private socket: the entry price has another name there."""
    fields = position_fields(position, one)
    entry_price = fields.pop("avgPrice")
    return {"category": one.category, **fields, "entryPrice": entry_price}


def wallet_fields(wallet: WalletState, coins: tuple[CoinBalance, ...]) -> Fields:
    """A unified account. Rates that nobody can know are empty strings, as at the venue."""
    imr, mmr = flt(wallet.initial_margin_rate, 6), flt(wallet.maintenance_margin_rate, 6)
    im, mm = flt(wallet.initial_margin_usd), flt(wallet.maintenance_margin_usd)
    return {
        "accountType": "UNIFIED",
        "accountLTV": "0",
        "accountIMRate": imr,
        "accountIMRateByMp": imr,
        "accountMMRate": mmr,
        "accountMMRateByMp": mmr,
        "totalEquity": flt(wallet.equity_usd),
        "totalWalletBalance": flt(wallet.wallet_usd),
        "totalMarginBalance": flt(wallet.margin_balance_usd),
        "totalAvailableBalance": flt(wallet.available_usd),
        "totalPerpUPL": flt(wallet.perp_upl_usd),
        "totalInitialMargin": im,
        "totalInitialMarginByMp": im,
        "totalMaintenanceMargin": mm,
        "totalMaintenanceMarginByMp": mm,
        "coin": [_coin_fields(coin, wallet.margin_mode) for coin in coins],
    }


def _coin_fields(coin: CoinBalance, mode: MarginMode) -> Fields:
    # In portfolio margin a coin has no margins of its own.
    portfolio = mode is MarginMode.PORTFOLIO
    return {
        "coin": coin.coin,
        "equity": dec(coin.equity),
        "usdValue": flt(coin.usd_value),
        "walletBalance": dec(coin.wallet),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": dec(coin.borrowed),
        "accruedInterest": dec(coin.interest_next_hour),
        "totalOrderIM": "" if portfolio else "0",
        "totalPositionIM": "" if portfolio else flt(coin.position_initial_margin),
        "totalPositionMM": "" if portfolio else flt(coin.position_maintenance_margin),
        "unrealisedPnl": dec(coin.unrealised_pnl),
        "cumRealisedPnl": dec(coin.realised_pnl),
        "bonus": "0",
        "locked": dec(coin.locked),
        "spotHedgingQty": "0",
        # Equity is walletBalance - spotBorrow + profit + options (docs): what is owed shows as a negative balance here.
        "spotBorrow": "0",
        "marginCollateral": coin.is_collateral,
        "collateralSwitch": coin.is_collateral and coin.is_collateral_on,
    }


def ledger_fields(entry: LedgerEntry, one: Instrument | None) -> Fields:
    """One line of the transaction log. Its `funding` is positive when received: the opposite of `execFee`."""
    symbol = one.symbol if one is not None else ""
    return {
        "id": f"{entry.account}_{symbol or entry.coin}_{entry.seq}",
        "symbol": symbol,
        "category": one.category if one is not None else "",
        "side": SIDE[entry.side] if entry.side is not None else "None",
        "transactionTime": ms_text(entry.at_ns),
        "type": LEDGER_TYPE[entry.kind],
        "transSubType": "",
        "qty": dec(entry.qty_contracts),
        "size": "",
        "currency": entry.coin,
        "tradePrice": dec(entry.price),
        "funding": dec(-entry.funding) if entry.kind is LedgerKind.FUNDING else "",
        "fee": dec(entry.fee),
        "cashFlow": dec(entry.cash_flow),
        "change": dec(entry.change),
        "cashBalance": dec(entry.balance_after),
        "feeRate": "",
        "bonusChange": "",
        "tradeId": entry.cause,
        "orderId": "",
        "orderLinkId": "",
        "extraFees": "",
    }
