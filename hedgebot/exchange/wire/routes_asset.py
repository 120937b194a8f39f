"""What the signed paths about assets answer: coins, deliveries, settlements, and records that are empty here.

Nobody deposits, withdraws or converts at a simulated exchange: those lists are empty, never invented. Moves between a
user's own wallets are `routes_transfer.py`'s.
Source: docs/v5/asset/*.mdx.
"""

from decimal import Decimal

from hedgebot.domain.decimals import ZERO
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import NO_PERMISSION, WireError, bad_parameter
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import Params
from hedgebot.exchange.wire.words import dec, flt

COINS_MAX = 10
_GREEKS = ("totalDelta", "totalGamma", "totalVega", "totalTheta")


def coin_info(api: Api, _account: str, params: Params) -> Fields:
    """Every coin that anything here is quoted or settled in; no chain takes deposits or withdrawals."""
    wanted = params.text("coin")
    return {
        "rows": [
            {"name": coin, "coin": coin, "remainAmount": "", "chains": [_chain(coin)]}
            for coin in all_coins(api)
            if wanted in {"", coin}
        ]
    }


def all_coins(api: Api) -> list[str]:
    """Every coin that anything here is made of, quoted or settled in."""
    coins = {"USD", "USDT", "USDC"}
    for listing in api.exchange.listings():
        coins |= {listing.instrument.underlying, listing.instrument.quote, listing.instrument.settle}
    return sorted(coins)


def _chain(coin: str) -> Fields:
    return {
        "chain": coin,
        "chainType": coin,
        "confirmation": "1",
        "withdrawFee": "",
        "depositMin": "0",
        "withdrawMin": "0",
        "chainDeposit": "0",
        "chainWithdraw": "0",
        "minAccuracy": "8",
        "withdrawPercentageFee": "0",
        "contractAddress": "",
        "safeConfirmNumber": "1",
        "withdrawMax": "-1",
    }


# --- balances -------------------------------------------------------------------------------------------------------


def coins_balance(api: Api, account: str, params: Params) -> Fields:
    """What each coin of an account type holds."""
    kind = _account_type(params)
    wanted = [coin for coin in params.text("coin").split(",") if coin]
    if kind == "UNIFIED" and not wanted:
        raise bad_parameter("params error: coin is required")
    if len(wanted) > COINS_MAX:
        raise bad_parameter(f"params error: at most {COINS_MAX} coins")
    held = _held(api, account, kind)
    rows = [{**_balance(coin, held.get(coin, ZERO)), "bonus": ""} for coin in wanted or sorted(held)]
    return {"memberId": "1", "accountType": kind, "balance": rows}


def coin_balance(api: Api, account: str, params: Params) -> Fields:
    """What one coin of an account type holds."""
    kind, coin = _account_type(params), params.required("coin")
    held = _held(api, account, kind)
    more = {"bonus": "0", "transferSafeAmount": "", "ltvTransferSafeAmount": ""}
    balance = {**_balance(coin, held.get(coin, ZERO)), **more}
    return {"accountType": kind, "bizType": 1, "accountId": "1", "memberId": "1", "balance": balance}


def _held(api: Api, account: str, kind: str) -> dict[str, Decimal]:
    if kind == "FUND":
        return api.exchange.transfers.funding(account)
    return {one.coin: one.wallet for one in api.exchange.wallet(account).coins}


def _account_type(params: Params) -> str:
    kind = params.required("accountType")
    if kind not in {"UNIFIED", "FUND"}:
        raise bad_parameter("params error: accountType invalid")
    return kind


def _balance(coin: str, amount: Decimal) -> Fields:
    return {"coin": coin, "walletBalance": dec(amount), "transferBalance": dec(max(amount, ZERO))}


def coin_greeks(api: Api, account: str, params: Params) -> Fields:
    """Greeks of an account's options, summed by base coin."""
    wanted = params.text("baseCoin")
    rows = [row for row in greeks_rows(api, account) if wanted in {"", row["baseCoin"]}]
    return {"list": rows}


def greeks_rows(api: Api, account: str) -> list[Fields]:
    """Sums over option positions, one row a base coin that has any."""
    sums: dict[str, list[float]] = {}
    for one in api.exchange.positions(account):
        listing = api.exchange.listing(one.instrument)
        if listing is None or not listing.instrument.kind.is_option:
            continue
        row = sums.setdefault(listing.instrument.underlying, [0.0] * len(_GREEKS))
        for number, value in enumerate((one.delta, one.gamma, one.vega, one.theta)):
            row[number] += value or 0.0
    return [
        {"baseCoin": coin, **{name: flt(value) for name, value in zip(_GREEKS, row, strict=True)}}
        for coin, row in sums.items()
    ]


# --- records of what nobody does here -------------------------------------------------------------------------------


def no_rows(_api: Api, _account: str, params: Params) -> Fields:
    """Deposits, withdrawals: none."""
    params.limit(50, 50)
    return {"rows": [], "nextPageCursor": ""}


def no_exchanges(_api: Api, _account: str, params: Params) -> Fields:
    """Coin exchanges: none."""
    params.limit(10, 50)
    return {"orderBody": [], "nextPageCursor": ""}


def no_conversions(_api: Api, _account: str, params: Params) -> Fields:
    """Conversions: none."""
    params.whole("limit")
    return {"list": []}


def conversion(_api: Api, _account: str, params: Params) -> Fields:
    """One conversion by its quote: there is none."""
    quote = params.required("quoteTxId")
    raise bad_parameter(f"params error: quoteTxId {quote[:100]} not found")


def convert_coins(api: Api, account: str, params: Params) -> Fields:
    """Coins that could be converted elsewhere: all are switched off here."""
    params.required("accountType")
    wanted = params.text("coin")
    held = {one.coin: one for one in api.exchange.wallet(account).coins}
    edges = ("FromMin", "FromMax", "ToMin", "ToMax")
    limits = [f"{span}{edge}Limit" for span in ("single", "daily") for edge in edges]
    rows = [
        {
            "coin": coin,
            "fullName": coin,
            "icon": "",
            "iconNight": "",
            "accuracyLength": 8,
            "coinType": "crypto",
            "balance": dec(held[coin].wallet) if coin in held else "0",
            "uBalance": flt(held[coin].usd_value) if coin in held else "0",
            "timePeriod": 0,
            **dict.fromkeys(limits, "0"),
            "disableFrom": True,
            "disableTo": True,
        }
        for coin in all_coins(api)
        if wanted in {"", coin}
    ]
    return {"coins": rows}


def denied(_api: Api, _account: str, _params: Params) -> Fields:
    """Withdrawals, conversions: the key has no permission for any of them."""
    raise WireError(NO_PERMISSION, "Permission denied, please check your API key permissions.")
