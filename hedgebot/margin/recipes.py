"""Which model recomputes a worked example: recognised by the inputs that the case has.

Owns the table of kinds. Each recipe calls the venue's model with the case's inputs and gives its numbers the names
that the file has; a number without a known formula is told as such, never made up.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hedgebot.domain.errors import DataError
from hedgebot.margin import recipes_portfolio, recipes_tiered
from hedgebot.margin.cases import Answer, Case, Verdict, judge

Recipe = Callable[[Mapping[str, Any]], Answer]

# The first whose inputs are all there; longer lists first where one contains another.
RECIPES: tuple[tuple[str, tuple[str, ...], Recipe], ...] = (
    ("Derive PMRM2", ("params", "scenarios", "options", "expiries", "perp", "collateral"), recipes_portfolio.derive),
    ("Deribit portfolio margin", ("positions", "index", "mark", "ts_ms", "params"), recipes_portfolio.deribit),
    ("OKX portfolio margin", ("contracts", "ct_val", "mark", "index_usdt", "params"), recipes_portfolio.okx),
    ("Bybit portfolio margin", ("option", "moves", "iv_up", "iv_down", "power"), recipes_portfolio.bybit),
    ("Paradex least charge", ("perp", "calls", "call_delta", "unhedged", "hedged"), recipes_portfolio.paradex_charge),
    ("Paradex partial liquidation", ("account_value", "mmr", "target", "step"), recipes_portfolio.paradex_liquidation),
    ("Delta portfolio margin", ("risk_margin", "floors", "ucf"), recipes_portfolio.delta),
    ("Dederi futures grid", ("abr", "days", "future_contingency_factor", "moves"), recipes_portfolio.dederi),
    ("SPAN scan grid", ("price_fraction", "vol_fraction", "weight"), recipes_portfolio.span),
    ("Deribit standard margin", ("IM_rate", "MM_rate", "price", "sizes"), recipes_tiered.deribit_futures),
    ("Deribit account identities", ("equity", "options_value", "initial_margin"), recipes_tiered.deribit_account),
    ("OKX margin ratio", ("adjEq", "notionalUsd", "mmr_rate", "liq_fee_rate"), recipes_tiered.okx_ratio),
    ("Bybit short option", ("index", "strike", "type", "order_price", "mark"), recipes_tiered.bybit_short_option),
    ("Bybit marginal slabs", ("position_value", "tiers"), recipes_tiered.slabs),
    ("Binance tiers", ("tiers_cap_mmr",), recipes_tiered.binance_tiers),
    ("Binance liquidation price", ("wallet", "qty", "entry", "mmr", "cum"), recipes_tiered.binance_liquidation),
    ("Binance uniMMR", ("accountEquity", "accountMaintMargin"), recipes_tiered.binance_ratio),
    ("Binance PM Pro parts", ("um", "cm", "loans", "loan_mmr"), recipes_tiered.binance_parts),
    ("Hyperliquid liquidation price", ("szi", "rawUsd", "positionValue", "maxLeverage"), recipes_tiered.hyperliquid),
    ("Hyperliquid borrow thresholds", ("hype", "ltv", "borrowed", "prices"), recipes_tiered.hyperliquid_borrow),
    ("Hyperliquid health factor", ("borrowed",), recipes_tiered.hyperliquid_health),
    ("dYdX open-interest scaling", ("base_ppm", "oi", "lower", "upper", "notional"), recipes_tiered.dydx_scaled),
    ("dYdX liquidation price", ("e", "s", "p", "MMF"), recipes_tiered.dydx_liquidation),
    ("least-variance proxy hedge", ("N", "rho", "sigma_eth", "sigma_btc"), recipes_tiered.proxy_hedge),
    ("inverse hedge invariance", ("coin_balance", "entry", "short_usd", "prices"), recipes_tiered.inverse_hedge),
)


def recompute(case: Case) -> Verdict:
    """Recompute a case with the model that its inputs name; DataError when none takes them, or one of them is bad."""
    for model, needed, recipe in RECIPES:
        if all(key in case.inputs for key in needed):
            try:
                answer = recipe(case.inputs)
            except (KeyError, TypeError, ValueError, IndexError, ZeroDivisionError) as error:
                msg = f"case {case.id}: {model} cannot take its inputs: {type(error).__name__} {error}"
                raise DataError(msg) from error
            return judge(case, model, answer)
    msg = f"case {case.id}: no model takes the inputs {', '.join(sorted(case.inputs))}"
    raise DataError(msg)
