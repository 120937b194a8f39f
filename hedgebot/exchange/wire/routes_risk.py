"""What the public paths about the venue's own guards answer: insurance funds and auto-deleveraging.

Source: docs/v5/market/{insurance, adl-alert}.mdx. Each settlement coin has one fund, shared by all contracts that
settle in it.
"""

from hedgebot.exchange.troubles.insurance import AdlAlert
from hedgebot.exchange.types import InstrumentStatus
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.entry import instrument_of
from hedgebot.exchange.wire.fields_market import Fields
from hedgebot.exchange.wire.params import DERIVATIVES, Params
from hedgebot.exchange.wire.words import dec, flt, ms_text

STABLE = frozenset({"USDT", "USDC"})


def alerts(api: Api, group: str = "") -> list[tuple[str, AdlAlert]]:
    """(symbol, state) of every listed contract of a group: settlement coin of linear ones, `inverse`, or all."""
    return [
        (one.instrument.symbol, api.exchange.troubles.adl_alert(one.instrument.id))
        for category in DERIVATIVES
        for one in api.listings(category)
        if one.status is not InstrumentStatus.SETTLED
        and group in {"", one.instrument.settle if category == "linear" else "inverse"}
    ]


def insurance_rows(api: Api, group: str = "") -> list[Fields]:
    """One row a fund: coin, the contracts behind which it stands, balance."""
    symbols: dict[str, list[str]] = {}
    balances: dict[str, str] = {}
    for symbol, alert in alerts(api, group):
        symbols.setdefault(alert.coin, []).append(symbol)
        balances[alert.coin] = dec(alert.balance)
    return [{"coin": coin, "symbols": ",".join(names), "balance": balances[coin]} for coin, names in symbols.items()]


def insurance(api: Api, _account: str, params: Params) -> Fields:
    """Balances of the insurance funds."""
    wanted = params.text("coin")
    rows: list[Fields] = [
        {**row, "value": flt(float(str(row["balance"])) * _usd(api, str(row["coin"])))}
        for row in insurance_rows(api)
        if wanted in {"", row["coin"]}
    ]
    return {"updatedTime": ms_text(api.exchange.now_ns), "list": rows}


def _usd(api: Api, coin: str) -> float:
    """USD per coin; stablecoins at par, as the venue values its funds."""
    return 1.0 if coin in STABLE else api.exchange.index_price(coin)


def adl_alert(api: Api, _account: str, params: Params) -> Fields:
    """How near contracts are to auto-deleveraging."""
    symbol = params.text("symbol")
    if symbol and all(api.find(category, symbol) is None for category in DERIVATIVES):
        instrument_of(api, "linear", symbol)
    rows: list[Fields] = [
        {
            "coin": alert.coin,
            "symbol": name,
            "balance": dec(alert.balance),
            "maxBalance": dec(alert.balance_max),
            "insurancePnlRatio": flt(alert.trigger_ratio),
            "pnlRatio": flt(alert.pnl_ratio),
            "adlTriggerThreshold": dec(alert.trigger_balance),
            "adlStopRatio": flt(alert.stop_ratio),
        }
        for name, alert in alerts(api)
        if symbol in {"", name}
    ]
    return {"updatedTime": ms_text(api.exchange.now_ns), "list": rows}
