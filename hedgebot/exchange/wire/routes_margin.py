"""What the signed and public paths about collateral and borrowing answer. Terms are the margin parameters' own.

Source: docs/v5/account/{collateral-info, borrow-history, unified-trans-amnt}.mdx, docs/v5/spot-margin-uta/*.mdx,
docs/v5/order/spot-borrow-quota.mdx.
"""

import math
from decimal import Decimal
from functools import cache

from hedgebot.domain.decimals import ZERO, floor_to_step
from hedgebot.exchange.risk import load_parameters
from hedgebot.exchange.transfers import free_qty
from hedgebot.exchange.types import CoinBalance
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError, bad_parameter
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DAY_MS, Params
from hedgebot.exchange.wire.routes_asset import all_coins
from hedgebot.exchange.wire.words import dec, flt
from hedgebot.margin.parameters import ParameterSet

MONTH_MS = 30 * DAY_MS
HOUR_MS = 3_600_000
COINS_MAX = 20
VIP = "No VIP"
SPOT_LEVERAGE = "10"
_QTY, _AMOUNT = Decimal("0.0001"), Decimal("1e-8")


@cache
def parameters() -> ParameterSet:
    """The margin parameters that the exchange works with."""
    return load_parameters()


def _coins(api: Api, params: Params, name: str = "currency") -> list[str]:
    """All coins, or the one that was asked for."""
    wanted, known = params.text(name), all_coins(api)
    if wanted and wanted not in known:
        raise bad_parameter(f"params error: {name} invalid")
    return [wanted] if wanted else known


def _held(api: Api, account: str) -> dict[str, CoinBalance]:
    return {one.coin: one for one in api.exchange.wallet(account).coins}


# --- collateral -----------------------------------------------------------------------------------------------------


def collateral_info(api: Api, account: str, params: Params) -> Fields:
    """Terms of every coin: what it counts as collateral, what may be borrowed of it and what is."""
    held = _held(api, account)
    rows: list[Fields] = []
    for coin in _coins(api, params):
        terms, worth, one = parameters().borrowing_of(coin), parameters().collateral_of(coin), held.get(coin)
        owed = one.borrowed if one is not None else ZERO
        most = Decimal(str(terms.amount_max))
        counts = any(tier.ratio > 0.0 for tier in worth.tiers)
        rows.append(
            {
                "currency": coin,
                "hourlyBorrowRate": flt(terms.hourly_rate, 12),
                "maxBorrowingAmount": flt(terms.amount_max),
                "freeBorrowingLimit": flt(terms.interest_free_max),
                "freeBorrowAmount": "0",
                "borrowAmount": dec(owed),
                "otherBorrowAmount": "0",
                "availableToBorrow": dec(max(most - owed, ZERO)),
                "borrowable": terms.amount_max > 0.0,
                "borrowUsageRate": dec((owed / most).quantize(_AMOUNT)) if most else "0",
                "marginCollateral": counts,
                "collateralSwitch": counts and (one is None or one.is_collateral_on),
                "collateralRatio": flt(worth.tiers[0].ratio),
                "freeBorrowingAmount": "",
            }
        )
    return {"list": rows}


def tiered_collateral(api: Api, _account: str, params: Params) -> Fields:
    """How much of a holding counts, by its size."""
    rows: list[Fields] = []
    for coin in _coins(api, params):
        low, tiers = "0", list[Fields]()
        for tier in parameters().collateral_of(coin).tiers:
            high = "" if tier.qty_max is None else flt(tier.qty_max)
            tiers.append({"minQty": low, "maxQty": high, "collateralRatio": flt(tier.ratio)})
            low = high
        rows.append({"currency": coin, "collateralRatioList": tiers})
    return {"list": rows}


def margin_data(api: Api, _account: str, params: Params) -> Fields:
    """Borrowing terms of the one level that accounts have here."""
    if params.text("vipLevel", VIP) != VIP:
        return {"vipCoinList": []}
    rows = [
        {
            "currency": coin,
            "borrowable": parameters().borrowing_of(coin).amount_max > 0.0,
            "collateralRatio": flt(parameters().collateral_of(coin).tiers[0].ratio),
            "hourlyBorrowRate": flt(parameters().borrowing_of(coin).hourly_rate, 16),
            "liquidationOrder": str(number),
            "marginCollateral": any(tier.ratio > 0.0 for tier in parameters().collateral_of(coin).tiers),
            "maxBorrowingAmount": flt(parameters().borrowing_of(coin).amount_max),
        }
        for number, coin in enumerate(_coins(api, params), 1)
    ]
    return {"vipCoinList": [{"list": rows, "vipLevel": VIP}]}


# --- borrowing ------------------------------------------------------------------------------------------------------


def interest_history(api: Api, _account: str, params: Params) -> Fields:
    """The hourly rate of a coin, newest first: it never changed here. A week, or the asked 30 days at most."""
    coin = params.required("currency")
    _coins(api, params)
    start, end = params.whole("startTime"), params.whole("endTime")
    if (start is None) != (end is None):
        raise bad_parameter("params error: startTime and endTime go together")
    if start is None or end is None:
        start, end = api.venue_ms - 7 * DAY_MS, api.venue_ms
    if end < start or end - start > MONTH_MS:
        raise bad_parameter("params error: startTime and endTime are at most 30 days apart")
    newest = min(end, api.venue_ms) // HOUR_MS * HOUR_MS
    rate = flt(parameters().borrowing_of(coin).hourly_rate, 12)
    rows = [
        {"timestamp": at_ms, "currency": coin, "hourlyBorrowRate": rate, "vipLevel": VIP}
        for at_ms in range(newest, max(start, 0) - 1, -HOUR_MS)
    ]
    return {"list": rows}


def max_borrowable(api: Api, account: str, params: Params) -> Fields:
    """What of a coin could still be borrowed."""
    coin = params.required("currency")
    _coins(api, params)
    one = _held(api, account).get(coin)
    most = Decimal(str(parameters().borrowing_of(coin).amount_max))
    return {"maxLoan": dec(max(most - (one.borrowed if one is not None else ZERO), ZERO)), "currency": coin}


def spot_borrow_check(api: Api, account: str, params: Params) -> Fields:
    """How much of a spot pair could be traded now on one side, of the account's own coins."""
    category = params.category(allowed=("spot",))
    symbol, side = params.required("symbol"), params.text("side")
    if side not in {"Buy", "Sell"}:
        raise WireError(170117, "Invalid side.")
    name = instrument_of(api, category, symbol)
    listing = api.find(category, symbol)
    if listing is None:
        raise bad_parameter("params error: symbol invalid")
    one, ticker = listing.instrument, api.exchange.ticker(name)
    coin = one.quote if side == "Buy" else one.underlying
    held = _held(api, account).get(coin)
    free = max(held.wallet - held.locked, ZERO) if held is not None else ZERO
    price = (ticker.ask if side == "Buy" else ticker.bid) or ticker.last
    qty, amount = (free / price, free) if side == "Buy" else (free, free * price)
    shown = {"Qty": dec(floor_to_step(qty, _QTY)), "Amount": dec(floor_to_step(amount, _AMOUNT))}
    return {
        "symbol": symbol,
        "side": side,
        "maxTradeQty": shown["Qty"],
        "maxTradeAmount": shown["Amount"],
        "spotMaxTradeQty": shown["Qty"],
        "spotMaxTradeAmount": shown["Amount"],
        "borrowCoin": coin,
    }


def transferable(api: Api, account: str, params: Params) -> Fields:
    """What of each coin could leave the account: no more than its balance, and no more than the margin leaves."""
    names = [coin for coin in params.required("coinName").split(",") if coin]
    if not names or len(names) > COINS_MAX:
        raise bad_parameter(f"params error: coinName is 1 to {COINS_MAX} coins")
    wallet = api.exchange.wallet(account)
    found: dict[str, object] = {coin: dec(free_qty(wallet, coin)) for coin in names}
    return {"availableWithdrawal": found[names[0]], "availableWithdrawalMap": found}


# --- spot margin and manual borrowing -------------------------------------------------------------------------------


def spot_margin_state(api: Api, account: str, _params: Params) -> Fields:
    """Whether spot orders may borrow, at which leverage (the highest there is), and the leverage in use."""
    on = api.exchange.margin.spot_margin(account)
    wallet = api.exchange.wallet(account)
    assets = sum(max(one.usd_value, 0.0) for one in wallet.coins)
    used = assets / wallet.equity_usd if wallet.equity_usd > 0.0 else 0.0
    return {
        "spotLeverage": SPOT_LEVERAGE if on else "",
        "spotMarginMode": "1" if on else "0",
        "effectiveLeverage": flt(math.floor(used * 100) / 100, 2) if on else "",
    }


def spot_margin_leverage(api: Api, account: str, params: Params) -> Fields:
    """Set the leverage of spot margin: the venue's range, and here its highest only."""
    leverage = params.number("leverage", "params error: leverage invalid")
    if not api.exchange.margin.spot_margin(account):
        raise WireError(176038, "The spot leverage is closed and the current operation is not allowed")
    if not 2 <= leverage <= Decimal(SPOT_LEVERAGE):
        raise WireError(176034, "The leverage ratio is out of range")
    if leverage != Decimal(SPOT_LEVERAGE):
        raise bad_parameter(f"spot margin below {SPOT_LEVERAGE} times is not simulated")
    return {}


def borrow(api: Api, account: str, params: Params) -> Fields:
    """Borrow by hand: coins are borrowed and repaid by themselves here, when a balance goes below zero."""
    params.required("coin")
    params.number("amount", "params error: amount invalid")
    if not api.exchange.margin.spot_margin(account):
        raise WireError(
            176009, "You haven't enabled Cross Margin Trading yet. Confirm that if you have turned on margin trade"
        )
    raise WireError(176005, "Failed to borrow")


def no_convert_repay(api: Api, account: str, params: Params) -> Fields:
    """Repay by hand from the coin's own balance: what there was has repaid already."""
    _require_debt(api, account, params.required("coin"))
    raise WireError(176015, "Insufficient available balance")


def quick_repayment(api: Api, account: str, params: Params) -> Fields:
    """Repay by hand with other coins: nothing is converted here."""
    _require_debt(api, account, params.text("coin"))
    raise WireError(182101, "Failed repayment, insufficient collateral balance")


def _require_debt(api: Api, account: str, coin: str) -> None:
    if not any(one.borrowed > 0 for one in _held(api, account).values() if coin in {"", one.coin}):
        raise WireError(182102, "Failed repayment, there are no liabilities in the current currency")
