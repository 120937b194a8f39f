"""Recipes for worked examples of tiered margin, ratios, identities and hedges. See `recipes.py` for who picks them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind
from hedgebot.margin import deribit_standard, proxy, venue_portfolio, venue_tiers
from hedgebot.margin.cases import Answer
from hedgebot.margin.tiers import Ladder, ShortOptionRates, Tier, short_option_initial, short_option_maintenance

Inputs = Mapping[str, Any]

# The venue's rates as of the example (margin reference section 6.3); the daemon's own are the dated parameter file's.
BYBIT_SHORT_OPTION = ShortOptionRates(initial=0.15, initial_floor=0.10, maintenance=0.03, liquidation_fee=0.002)

_ONE = Decimal(1)
INVERSE_USD = Instrument(
    id=InstrumentId("example:inverse:BTCUSD"),
    venue="example",
    category="inverse",
    symbol="BTCUSD",
    kind=InstrumentKind.INVERSE_PERP,
    underlying="BTC",
    quote="USD",
    settle="BTC",
    contract_size=_ONE,
    tick_size=_ONE,
    lot_size=_ONE,
    qty_min=_ONE,
)


def deribit_standard_rate(text: str) -> tuple[float, float]:
    """`base+slope*size` as the file writes a size-dependent rate; ValueError for anything else."""
    base, plus, slope = text.partition("+")
    factor, times, size = slope.partition("*")
    if not plus or not times or size != "size":
        msg = f"rate {text!r} is not written base+slope*size"
        raise ValueError(msg)
    return float(base), float(factor)


def deribit_futures(inputs: Inputs) -> Answer:
    """Margins of each of the `sizes` at one price; what the page does not print for maintenance has its own name."""
    values: dict[str, float] = {}
    for number, size in enumerate(inputs["sizes"]):
        for name, key in (("IM", "IM_rate"), ("MM", "MM_rate"), ("MM_derived", "MM_rate")):
            base, slope = deribit_standard_rate(inputs[key])
            values[f"{number}.{name}"] = deribit_standard.futures_margin(
                base_rate=base, rate_per_coin=slope, coins=size, price=inputs["price"]
            )
    return Answer(values=values)


def deribit_account(inputs: Inputs) -> Answer:
    """Balance and free funds from an account summary's fields."""
    equity, options = inputs["equity"], inputs["options_value"]
    return Answer(
        values={
            "margin_balance": deribit_standard.margin_balance(equity, options),
            "available_funds": deribit_standard.available_funds(equity, options, inputs["initial_margin"]),
        }
    )


def okx_ratio(inputs: Inputs) -> Answer:
    """Requirements and ratio of an account with one position."""
    notional = inputs["notionalUsd"]
    maintenance = notional * inputs["mmr_rate"]
    ratio = venue_portfolio.okx_ratio(inputs["adjEq"], maintenance, notional, inputs["liq_fee_rate"])
    return Answer(values={"mmr": maintenance, "imr": notional * inputs["imr_rate"], "mgnRatio": ratio})


def bybit_short_option(inputs: Inputs) -> Answer:
    """Margin of a short option; `qty` is negative."""
    size = abs(inputs["qty"])
    maintenance = short_option_maintenance(BYBIT_SHORT_OPTION, inputs["index"], inputs["mark"])
    initial = short_option_initial(
        BYBIT_SHORT_OPTION,
        index=inputs["index"],
        mark=inputs["mark"],
        strike=inputs["strike"],
        is_call=inputs["type"] == "C",
        order_price=inputs["order_price"],
    )
    return Answer(values={"MM": maintenance * size, "IM": initial * size})


def _ladder(rows: list[list[float]]) -> Ladder:
    return Ladder(
        tiers=tuple(Tier(value_max_settle=cap, initial_rate=1.0, maintenance_rate=rate) for cap, rate in rows)
    )


def slabs(inputs: Inputs) -> Answer:
    """Maintenance margin slab by slab."""
    return Answer(values={"MM": _ladder(inputs["tiers"]).maintenance(inputs["position_value"])})


def binance_tiers(inputs: Inputs) -> Answer:
    """`cum` of every tier from caps and rates, and the margin of five million."""
    ladder = _ladder(inputs["tiers_cap_mmr"])
    values = {f"cum.{number}": ladder.deduction(number) for number in range(len(ladder.tiers))}
    return Answer(values=values | {"MM_5M": ladder.maintenance(5_000_000.0)})


def binance_liquidation(inputs: Inputs) -> Answer:
    """Liquidation price, alone or beside another position of a cross account."""
    other = inputs.get("other")
    rest = None
    if other is not None:
        rest = venue_tiers.Others(
            maintenance=abs(other["qty"]) * other["mark"] * other["mmr"] - other["cum"],
            profit=other["qty"] * (other["mark"] - other["entry"]),
        )
    price = venue_tiers.binance_liquidation_price(
        qty=inputs["side"] * inputs["qty"],
        entry=inputs["entry"],
        wallet=inputs["wallet"],
        rate=inputs["mmr"],
        deduction=inputs["cum"],
        others=rest,
    )
    return _price("liq_price", price)


def binance_ratio(inputs: Inputs) -> Answer:
    """Equity over maintenance margin."""
    return Answer(values={"uniMMR": venue_tiers.binance_ratio(inputs["accountEquity"], inputs["accountMaintMargin"])})


def binance_parts(inputs: Inputs) -> Answer:
    """The parts of a PM Pro account that its page prints; collateral rates are missing, so its ratio has no number."""
    signs = {"long": 1.0, "short": -1.0}
    values: dict[str, float] = {"um_mm": sum(one["qty"] * one["mark"] * one["mmr"] for one in inputs["um"])}
    for number, one in enumerate(inputs["um"]):
        values[f"upl_usdt.{number}"] = signs[one["side"]] * one["qty"] * (one["mark"] - one["entry"])
    for coin, amount in inputs["loans"].items():
        values[f"margin_mm.{coin}"] = venue_tiers.binance_loan_maintenance(amount, inputs["loan_mmr"])
    inverse = inputs["cm"]
    contracts = Decimal(str(signs[inverse["side"]] * inverse["usd"]))
    entry, mark = Decimal(str(inverse["entry"])), Decimal(str(inverse["mark"]))
    values["cm_upl_btc"] = float(INVERSE_USD.pnl_settle(contracts, entry, mark))
    values["cm_mm_btc"] = float(abs(INVERSE_USD.value_settle(contracts, mark))) * inverse["mmr"]
    return Answer(values=values)


def hyperliquid(inputs: Inputs) -> Answer:
    """Liquidation price of an isolated position from its raw USD."""
    value = inputs["positionValue"]
    equity = value + inputs["rawUsd"]
    price = venue_tiers.hyperliquid_liquidation_price(
        price=value / inputs["szi"],
        size=inputs["szi"],
        available=equity - value / (2.0 * inputs["maxLeverage"]),
        leverage_max=inputs["maxLeverage"],
    )
    return Answer(values={"liquidationPx": price})


def hyperliquid_health(inputs: Inputs) -> Answer:
    """Health factor; every other input is a coin: amount, price, loan to value."""
    coins = tuple((one[0], one[1], one[2]) for key, one in inputs.items() if key != "borrowed")
    return Answer(values={"health": venue_tiers.hyperliquid_health(coins, inputs["borrowed"])})


def hyperliquid_borrow(inputs: Inputs) -> Answer:
    """Debts at which borrowing is liquidated in part and in full, at each of the prices."""
    values: dict[str, float] = {}
    for price in inputs["prices"]:
        partial, full = venue_tiers.hyperliquid_borrow_thresholds(inputs["hype"] * price, inputs["ltv"])
        values |= {f"partial_threshold_{price}": partial, f"full_threshold_{price}": full}
    return Answer(values=values)


def dydx_liquidation(inputs: Inputs) -> Answer:
    """Oracle price at which equity meets maintenance margin."""
    price = venue_tiers.dydx_liquidation_price(
        equity=inputs["e"], size=inputs["s"], price=inputs["p"], rate=inputs["MMF"]
    )
    return _price("liq", price)


def dydx_scaled(inputs: Inputs) -> Answer:
    """Initial margin with a fraction that open interest has raised."""
    ppm = venue_tiers.dydx_initial_ppm(
        base_ppm=inputs["base_ppm"],
        open_interest=inputs["oi"],
        lower_cap=inputs["lower"],
        upper_cap=inputs["upper"],
    )
    return Answer(values={"im": float(venue_tiers.dydx_margin(inputs["notional"], ppm))})


def proxy_hedge(inputs: Inputs) -> Answer:
    """Size and residual of a hedge in another asset, and what a margin proportional to risk would be."""
    ratio = proxy.hedge_ratio(inputs["rho"], inputs["sigma_eth"], inputs["sigma_btc"])
    residual = proxy.residual_vol_ratio(inputs["rho"])
    whole = inputs["N"] * inputs["margin_rate"]
    return Answer(
        values={
            "h": ratio,
            "btc_short_usd": inputs["N"] * ratio,
            "ratio": residual,
            "saving": 1.0 - residual,
            "collateral.0": whole,
            "collateral.1": whole * residual,
        }
    )


def inverse_hedge(inputs: Inputs) -> Answer:
    """Delta of coins hedged one to one with an inverse contract, counted with and without its unrealised coins."""
    short, entry = Decimal(str(-inputs["short_usd"])), Decimal(str(inputs["entry"]))
    coins = inputs["coin_balance"]
    values: dict[str, float] = {}
    for number, price in enumerate(inputs["prices"]):
        delta = INVERSE_USD.delta_coin(float(short), price)
        profit = float(INVERSE_USD.pnl_settle(short, entry, Decimal(str(price))))
        values |= {
            f"futures_delta.{number}": delta,
            f"coin_upnl.{number}": profit,
            f"net_delta_using_coin_equity.{number}": coins + profit + delta,
            f"net_delta_using_wallet_balance_WRONG.{number}": coins + delta,
            f"usd_value.{number}": (coins + profit) * price,
        }
    return Answer(values=values)


def _price(name: str, price: float | None) -> Answer:
    if price is None:
        return Answer(values={}, unknown={name: "no price above zero liquidates this position"})
    return Answer(values={name: price})
