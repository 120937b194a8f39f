"""What the signed paths about the account answer: key, coins, wallet, fees, margin mode, positions, ledger.

Source: docs/v5/{user/apikey-info, asset/coin-info, account/*, position/*}.mdx.
"""

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.types import LedgerEntry, RefusalReason, SimPosition
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError, bad_parameter, refusal_error
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.fields_private import ledger_fields, position_fields, wallet_fields
from hedgebot.exchange.wire.params import DAY_MS, Params, page
from hedgebot.exchange.wire.words import dec, ms_text

MARGIN_MODES = ("ISOLATED_MARGIN", "REGULAR_MARGIN", "PORTFOLIO_MARGIN")
DERIVATIVES = ("linear", "inverse")


def query_api(api: Api, account: str, _params: Params) -> Fields:
    """The key: it may read and trade, never withdraw or transfer."""
    spec = next(one for one in api.accounts.values() if one.name == account)
    return {
        "id": "1",
        "note": account,
        "apiKey": spec.api_key,
        "readOnly": 0,
        "secret": "",
        "permissions": {
            "ContractTrade": ["Order", "Position"],
            "Spot": ["SpotTrade"],
            "Wallet": [],
            "Options": ["OptionsTrade"],
            "Derivatives": ["DerivativesTrade"],
            "CopyTrading": [],
            "BlockTrade": [],
            "Exchange": [],
            "NFT": [],
            "Affiliate": [],
            "Earn": [],
        },
        "ips": ["127.0.0.1"],
        "type": 1,
        "deadlineDay": -2,
        "expiredAt": "1970-01-01T00:00:00Z",
        "createdAt": "2026-01-01T00:00:00Z",
        "unified": 0,
        "uta": 1,
        "userID": 1,
        "inviterID": 0,
        "vipLevel": "No VIP",
        "mktMakerLevel": "0",
        "affiliateID": 0,
        "rsaPublicKey": "",
        "isMaster": True,
        "parentUid": "0",
        "kycLevel": "LEVEL_1",
        "kycRegion": "",
        "userIDInt64": "1",
        "inviterIDInt64": "0",
        "affiliateIDInt64": "0",
    }


def coin_info(api: Api, _account: str, params: Params) -> Fields:
    """Every coin that anything here is quoted or settled in; no chain takes deposits or withdrawals."""
    wanted = params.text("coin")
    coins = {"USD", "USDT", "USDC"}
    for listing in api.exchange.listings():
        coins |= {listing.instrument.underlying, listing.instrument.quote, listing.instrument.settle}
    return {
        "rows": [
            {"name": coin, "coin": coin, "remainAmount": "", "chains": [_chain(coin)]}
            for coin in sorted(coins)
            if wanted in {"", coin}
        ]
    }


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


def account_info(api: Api, account: str, _params: Params) -> Fields:
    """Margin mode and account generation (6: unified account 2.0 Pro)."""
    settings = api.settings[account]
    return {
        "marginMode": settings.margin_mode,
        "updatedTime": ms_text(api.exchange.now_ns),
        "unifiedMarginStatus": 6,
        "dcpStatus": "ON" if settings.dcp_seconds else "OFF",
        "timeWindow": max(settings.dcp_seconds.values(), default=10),
        "smpGroup": 0,
        "isMasterTrader": False,
        "spotHedgingStatus": "OFF",
    }


def wallet_balance(api: Api, account: str, params: Params) -> Fields:
    """The unified account's wallet, all coins or those asked for."""
    if params.text("accountType") != "UNIFIED":
        raise bad_parameter("accountType only support UNIFIED.")
    wallet = api.exchange.wallet(account)
    wanted = set(filter(None, params.text("coin").split(",")))
    coins = tuple(coin for coin in wallet.coins if not wanted or coin.coin in wanted)
    return {"list": [wallet_fields(wallet, coins)]}


def fee_rate(api: Api, _account: str, params: Params) -> Fields:
    """Fee rates by symbol, or by base coin for options."""
    category = params.category()
    symbol, base = params.text("symbol"), params.text("baseCoin")
    chosen = [one for one in api.listings(category) if symbol in {"", one.instrument.symbol}]
    if symbol and not chosen:
        instrument_of(api, category, symbol)
    rows: list[Fields] = []
    for listing in chosen:
        rates = {"takerFeeRate": dec(listing.taker_rate), "makerFeeRate": dec(listing.maker_rate)}
        one = listing.instrument
        row: Fields = {"symbol": "" if category == "option" else one.symbol, **rates}
        row["baseCoin"] = one.underlying if category == "option" else ""
        if row not in rows and base in {"", one.underlying}:
            rows.append(row)
    return {"category": category, "list": rows}


def set_margin_mode(_api: Api, _account: str, params: Params) -> Fields:
    """Switch the margin mode; the model knows cross margin only, so the others are refused as the venue refuses."""
    mode = params.text("setMarginMode")
    if mode not in MARGIN_MODES:
        raise bad_parameter("params error: setMarginMode invalid")
    if mode == "REGULAR_MARGIN":
        return {"reasons": []}
    reason = {"reasonCode": "3400000", "reasonMsg": "Only cross margin is available for this account"}
    raise WireError(3400045, "Set margin mode failed", result={"reasons": [reason]})


# --- positions ------------------------------------------------------------------------------------------------------


def position_list(api: Api, account: str, params: Params) -> Fields:
    """Positions of a category. One symbol is answered even when flat; linear needs a symbol or settlement coin."""
    category = params.category(allowed=("linear", "inverse", "option"))
    symbol, base, settle = params.text("symbol"), params.text("baseCoin"), params.text("settleCoin")
    if category == "linear" and not (symbol or settle or base):
        raise bad_parameter("params error: symbol or settleCoin is required")
    if symbol:
        instrument_of(api, category, symbol)
    rows: list[Fields] = []
    for position in _positions(api, account, category, symbol):
        listing = api.exchange.listing(position.instrument)
        if listing is None or listing.instrument.category != category:
            continue
        one = listing.instrument
        if symbol in {"", one.symbol} and base in {"", one.underlying} and settle in {"", one.settle}:
            rows.append(position_fields(position, one))
    shown, cursor = page(rows, params, params.limit(20, 200))
    return {"category": category, "list": list(shown), "nextPageCursor": cursor}


def _positions(api: Api, account: str, category: str, symbol: str) -> tuple[SimPosition, ...]:
    if not symbol:
        return api.exchange.positions(account)
    instrument = instrument_of(api, category, symbol)
    return (api.exchange.position(account, instrument) or _flat(api, account, instrument),)


def _flat(api: Api, account: str, instrument: InstrumentId) -> SimPosition:
    """The row of an instrument that the account never held."""
    listing = api.exchange.listing(instrument)
    is_option = listing is not None and listing.instrument.kind.is_option
    if is_option:
        mark = api.exchange.option_ticker(instrument).mark
    else:
        ticker = api.exchange.ticker(instrument)
        mark = ticker.mark or ticker.last
    return SimPosition(
        account=account,
        instrument=instrument,
        contracts=ZERO,
        entry_price=None,
        mark_price=mark,
        value=ZERO,
        unrealised_pnl=ZERO,
        realised_pnl=ZERO,
        initial_margin=0.0,
        maintenance_margin=0.0,
        leverage=api.exchange.leverage(account, instrument),
        delta=None,
        gamma=None,
        vega=None,
        theta=None,
        created_at_ns=0,
        updated_at_ns=0,
        seq=0,
    )


def set_leverage(api: Api, account: str, params: Params) -> Fields:
    """Set an instrument's leverage, for both sides alike; its margin follows at once."""
    category = params.category(allowed=DERIVATIVES)
    instrument = instrument_of(api, category, params.required("symbol"))
    buy, sell = params.number("buyLeverage", "buy leverage invalid"), params.number("sellLeverage", "leverage invalid")
    if buy != sell:
        raise bad_parameter("buy leverage not equal sell leverage")
    refusal = api.exchange.set_leverage(account, instrument, buy)
    if refusal is None:
        return {}
    if refusal.reason is RefusalReason.NOT_MODIFIED:
        raise WireError(110043, "leverage not modified")
    if refusal.reason is RefusalReason.INSUFFICIENT_MARGIN:
        raise WireError(110044, "Available margin is insufficient.")
    raise refusal_error(refusal, category)


def switch_mode(_api: Api, _account: str, params: Params) -> Fields:
    """One-way mode is the only one."""
    params.category(allowed=DERIVATIVES)
    mode = params.whole("mode")
    if mode == 0:
        raise WireError(110025, "Position mode is not modified")
    raise WireError(110029, "Hedge mode is not supported for this symbol")


# --- ledger ---------------------------------------------------------------------------------------------------------


def transaction_log(api: Api, account: str, params: Params) -> Fields:
    """Changes of coins, newest first, within a day."""
    since_ns, until_ns = params.window_ns(api.venue_ms, DAY_MS)
    category, coin, wanted = params.text("category"), params.text("currency"), params.text("type")
    rows: list[Fields] = []
    for entry in reversed(api.exchange.ledger(account, since_ns, until_ns)):
        listing = api.exchange.listing(entry.instrument)
        if listing is None or coin not in {"", entry.coin}:
            continue
        kind = _ledger_kind(entry, listing.instrument)
        if wanted in {"", kind} and category in {"", listing.instrument.category}:
            rows.append(ledger_fields(entry, listing.instrument, kind))
    shown, cursor = page(rows, params, params.limit(20, 50))
    return {"list": list(shown), "nextPageCursor": cursor}


def _ledger_kind(entry: LedgerEntry, instrument: Instrument) -> str:
    """The venue's word for a change. What moves no cash and costs no fee is funding, even of a rate of zero.

    But for an option that expired worthless: it pays nothing and is a delivery all the same.
    """
    if instrument.expiry_ns is not None and entry.at_ns >= instrument.expiry_ns:
        return "DELIVERY"
    if entry.funding != ZERO or (entry.fee == ZERO and entry.cash_flow == ZERO):
        return "SETTLEMENT"
    return "TRADE"
