"""Positions, wallet and ledger in the venue's words. Pure functions of values.

Source: docs/v5/position/position.mdx, account/{wallet-balance, transaction-log}.mdx, websocket/private/{position,
wallet}.mdx.
"""

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, Side
from hedgebot.exchange.types import CoinBalance, LedgerEntry, LedgerKind, SimPosition, WalletState
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
}


def position_fields(position: SimPosition, one: Instrument) -> Fields:
    """A position over HTTP; an empty one has side "" and no prices."""
    held = position.contracts
    is_option = one.category == "option"
    fields: Fields = {
        "positionIdx": position.position_index.value,
        "riskId": 0 if is_option else 1,
        "riskLimitValue": "" if is_option else "2000000",
        "symbol": one.symbol,
        "side": SIDE[Side.of(held)] if held else "",
        "size": dec(abs(held)),
        "avgPrice": dec(position.entry_price, "0"),
        "positionValue": dec(abs(position.value)) if held else "",
        "tradeMode": 0,
        "positionStatus": "Normal",
        "autoAddMargin": 0,
        "adlRankIndicator": 2 if held else 0,
        "leverage": "" if is_option else dec(position.leverage),
        "breakEvenPrice": dec(position.entry_price),
        "positionBalance": flt(position.initial_margin) if held else "0",
        "markPrice": dec(position.mark_price),
        "liqPrice": "",
        "bustPrice": "",
        "positionMM": flt(position.maintenance_margin),
        "positionMMByMp": flt(position.maintenance_margin),
        "positionIM": flt(position.initial_margin),
        "positionIMByMp": flt(position.initial_margin),
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
        "coin": [_coin_fields(coin) for coin in coins],
    }


def _coin_fields(coin: CoinBalance) -> Fields:
    debt = -coin.wallet if coin.wallet < ZERO else ZERO
    return {
        "coin": coin.coin,
        "equity": dec(coin.equity),
        "usdValue": flt(coin.usd_value),
        "walletBalance": dec(coin.wallet),
        "availableToWithdraw": "",
        "availableToBorrow": "",
        "borrowAmount": dec(debt),
        "accruedInterest": "0",
        "totalOrderIM": "0",
        "totalPositionIM": "0",
        "totalPositionMM": "0",
        "unrealisedPnl": dec(coin.unrealised_pnl),
        "cumRealisedPnl": dec(coin.realised_pnl),
        "bonus": "0",
        "locked": dec(coin.locked),
        "spotHedgingQty": "0",
        "spotBorrow": dec(debt),
        "marginCollateral": coin.collateral_ratio > 0,
        "collateralSwitch": coin.collateral_ratio > 0,
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
