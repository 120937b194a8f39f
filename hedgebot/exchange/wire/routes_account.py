"""What the signed paths about the account answer: key, wallet, fees, margin mode, ledger.

Source: docs/v5/{user/apikey-info, account/*}.mdx.
"""

from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import bad_parameter
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_account import LEDGER_TYPE, ledger_fields, wallet_fields
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DAY_MS, DERIVATIVES, Params, page
from hedgebot.exchange.wire.routes_switches import MARGIN_MODE
from hedgebot.exchange.wire.words import dec, ms_text


def query_api(api: Api, account: str, _params: Params) -> Fields:
    """The key: it may read and trade, and move money out only where the test plane says so."""
    read_only, wallet_rights = api.key_rights(account)
    user_id, spec = next((at, one) for at, one in enumerate(api.exchange.scenario.accounts, 1) if one.name == account)
    return {
        "id": "1",
        "note": account,
        "apiKey": spec.api_key,
        "readOnly": int(read_only),
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": ["SpotTrade"],
            "Wallet": list(wallet_rights),
            "Options": ["OptionsTrade"],
            "Derivatives": ["DerivativesTrade"],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
            "Earn": [],
            "FiatP2P": [],
            "FiatBitPay": [],
            "FiatConvertBroker": [],
            "FiatGlobalPay": [],
            "BitCard": [],
            "ByXPost": [],
        },
        "ips": ["127.0.0.1"],
        "type": 1,
        "deadlineDay": -2,
        "expiredAt": "1970-01-01T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": user_id,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "",
        "userIDInt64": str(user_id),
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }


def account_info(api: Api, account: str, _params: Params) -> Fields:
    """Margin mode and account generation (6: unified account 2.0 Pro)."""
    return {
        "marginMode": MARGIN_MODE[api.exchange.margin.mode(account)],
        "updatedTime": ms_text(api.exchange.now_ns),
        "unifiedMarginStatus": 6,
        "dcpStatus": "ON" if api.exchange.dead_man.permitted(account) else "OFF",
        "timeWindow": round(max((one.seconds for one in api.exchange.dead_man.states(account)), default=10)),
        "smpGroup": _smp_group(api, account),
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def smp_group(api: Api, account: str, _params: Params) -> Fields:
    """The account's group for self-trade prevention; 0 without one."""
    return {"smpGroup": _smp_group(api, account)}


def _smp_group(api: Api, account: str) -> int:
    return next(one.self_trade_group for one in api.accounts.values() if one.name == account)


def dcp_info(api: Api, account: str, _params: Params) -> Fields:
    """The disconnection windows of the products that the venue enabled; empty for an account without."""
    return {
        "dcpInfos": [
            {"product": one.key.upper(), "dcpStatus": "ON", "timeWindow": f"{one.seconds:g}"}
            for one in sorted(api.exchange.dead_man.states(account), key=lambda one: -len(one.key))
        ]
    }


def wallet_balance(api: Api, account: str, params: Params) -> Fields:
    """The unified account's wallet, all coins or those asked for."""
    if params.text("accountType") != "UNIFIED":
        raise bad_parameter("accountType only support UNIFIED.")
    wallet = api.exchange.wallet(account)
    wanted = set(filter(None, params.text("coin").split(",")))
    coins = tuple(coin for coin in wallet.coins if not wanted or coin.coin in wanted)
    return {"list": [wallet_fields(wallet, coins)]}


def fee_rate(api: Api, account: str, params: Params) -> Fields:
    """Fee rates by symbol, or by base coin for options.

    The page calls the category required, and its own example (and ccxt) asks without: contracts are meant then.
    """
    category = params.category() if params.text("category") else "linear"
    symbol, base = params.text("symbol"), params.text("baseCoin")
    chosen = [one for one in api.listings(category) if symbol in {"", one.instrument.symbol}]
    if symbol and not chosen:
        instrument_of(api, category, symbol)
    rows: list[Fields] = []
    for listing in chosen:
        one = listing.instrument
        paid = api.exchange.fee_rates(account, one.id)
        rates = {"takerFeeRate": dec(paid.taker), "makerFeeRate": dec(paid.maker)}
        row: Fields = {"symbol": "" if category == "option" else one.symbol, **rates}
        row["baseCoin"] = one.underlying if category == "option" else ""
        if row not in rows and base in {"", one.underlying}:
            rows.append(row)
    return {"list": rows} if category in DERIVATIVES else {"category": category, "list": rows}


# --- ledger ---------------------------------------------------------------------------------------------------------


def transaction_log(api: Api, account: str, params: Params) -> Fields:
    """Changes of coins, newest first, within a day."""
    since_ns, until_ns = params.window_ns(api.venue_ms, DAY_MS)
    category, coin, wanted = params.text("category"), params.text("currency"), params.text("type")
    rows: list[Fields] = []
    for entry in reversed(api.exchange.ledger(account, since_ns, until_ns)):
        listing = api.exchange.listing(entry.instrument) if entry.instrument is not None else None
        one = listing.instrument if listing is not None else None
        fits = category in {"", one.category if one is not None else ""}
        if fits and coin in {"", entry.coin} and wanted in {"", LEDGER_TYPE[entry.kind]}:
            rows.append(ledger_fields(entry, one))
    shown, cursor = page(rows, params, params.limit(20, 50))
    return {"list": list(shown), "nextPageCursor": cursor}
