"""What the signed and public paths about collateral and borrowing answer. Terms are the margin parameters' own.

Source: docs/v5/account/{collateral-info, borrow-history, unified-trans-amnt}.mdx, docs/v5/spot-margin-uta/*.mdx,
docs/v5/order/spot-borrow-quota.mdx.
"""

from decimal import Decimal
from functools import cache

from hedgebot.domain.decimals import ZERO, floor_to_step
from hedgebot.exchange.risk import load_parameters
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
    held = {one.coin: one for one in wallet.coins}
    found: dict[str, object] = {}
    for coin in names:
        one = held.get(coin)
        free = max(one.wallet - one.locked, ZERO) if one is not None else ZERO
        if one is not None and one.usd_price > 0.0 and one.collateral_ratio > 0.0:
            left = Decimal(str(wallet.available_usd / one.usd_price / one.collateral_ratio))
            free = min(free, left)
        found[coin] = dec(floor_to_step(free, _AMOUNT))
    return {"availableWithdrawal": found[names[0]], "availableWithdrawalMap": found}
