"""Recipes for worked examples of scenario margin. See `recipes.py` for who picks them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from hedgebot.margin import bybit_portfolio, deribit_portfolio, derive_portfolio, venue_portfolio
from hedgebot.margin.cases import Answer
from hedgebot.margin.derive_portfolio import Book, Expiry, Holding
from hedgebot.margin.parameters import Portfolio
from hedgebot.margin.scenario import Legs, OptionLegs, Scenarios, VolLaw, evaluate

Inputs = Mapping[str, Any]

SECONDS_PER_YEAR = 365.0 * 86_400.0
DELIVERY_HOUR_UTC = 8
DERIVE_REGULAR_MOVE_MAX = 0.18
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def deribit_expiry(symbol: str) -> datetime | None:
    """When `BTC-28JUN24` or `BTC-25SEP26-80000-C-USDT` expires; None for a perpetual, ValueError if unreadable."""
    name = symbol.split("-")[1]
    if name == "PERPETUAL":
        return None
    day, month, year = name[:-5], name[-5:-2], name[-2:]
    return datetime(2000 + int(year), _MONTHS.index(month) + 1, int(day), DELIVERY_HOUR_UTC, tzinfo=UTC)


def deribit(inputs: Inputs) -> Answer:
    """Futures of one currency: standard and extended table, shocks, margins."""
    given, names = inputs["params"], list(inputs["positions"])
    coins = given["btc"]
    parameters = deribit_portfolio.DeribitParameters(
        **{
            key: given[key]
            for key in deribit_portfolio.DeribitParameters.__dataclass_fields__
            if key in given and not isinstance(given[key], dict)
        },
        annualised_move_risk=coins["annualised_move_risk"],
        min_annualised_move=coins["min_annualised_move"],
        pnl_offset=coins["pnl_offset"],
        max_offsetable_pnl=coins["max_offsetable_pnl"],
        extended_dampener=coins["extended_dampener"],
    )
    sizes = [inputs["positions"][name] for name in names]
    legs = Legs(inverse_qty=np.array(sizes))
    margin = deribit_portfolio.portfolio_margin(
        parameters,
        legs,
        index=inputs["index"],
        deltas=tuple(
            (size, _years(deribit_expiry(name), inputs["ts_ms"])) for name, size in zip(names, sizes, strict=True)
        ),
        order_margin=inputs["open_orders_margin"],
        mmp_margin=inputs["mmp_margin"],
    )
    values = {
        "worst_case": margin.worst_case,
        "delta_shock": margin.delta_shock,
        "roll_shock": margin.roll_shock,
        "risk_matrix_margin": margin.risk_matrix,
        "initial_margin": margin.initial,
        "maintenance_margin": margin.maintenance,
    }
    return Answer(values=values | _deribit_tables(parameters, legs, names, margin))


def _deribit_tables(
    parameters: deribit_portfolio.DeribitParameters,
    legs: Legs,
    names: list[str],
    margin: deribit_portfolio.DeribitMargin,
) -> dict[str, float]:
    """Cells with volatility unchanged by move, for the first leg, the second, and the book."""
    standard, extended = deribit_portfolio.scenarios_of(parameters)
    each = evaluate(legs, standard, VolLaw()).inverse
    far = evaluate(legs, extended, VolLaw()).inverse
    same = standard.vol_shocks == 0.0
    counted = margin.counted[: len(standard)][same]
    values: dict[str, float] = {}
    for number, move in enumerate(standard.moves[same].tolist()):
        label = f"{move:g}"
        values[f"perp_standard_by_move.{label}"] = float(each[same][number, 0])
        values[f"aggregated_standard_by_move.{label}"] = float(counted[number])
    values["aggregated_standard_by_move.>=0"] = float(counted[standard.moves[same] >= 0.0].max())
    for number, profit in enumerate(far[:, 0].tolist()):
        values[f"perp_extended.{number}"] = profit
        values[f"aggregated_extended.{number}"] = float(margin.counted[len(standard) + number])
    if len(names) > 1:
        values["fut_standard_minus16"] = float(each[same][0, 1])
    return values


def _years(expiry: datetime | None, ts_ms: float) -> float | None:
    return None if expiry is None else (expiry.timestamp() - ts_ms / 1_000.0) / SECONDS_PER_YEAR


def okx(inputs: Inputs) -> Answer:
    """One risk unit of futures."""
    given = inputs["params"]
    parameters = venue_portfolio.OkxParameters(
        moves=tuple(given["MR1_moves"]),
        extreme_move=given["MR6_move"],
        basis_rate=given["MR4_rate"],
        slippage_rate=given["MR7_rate"],
        initial_factor=given["IMR_factor"],
    )
    coins, stable = inputs["contracts"] * inputs["ct_val"], inputs["usdt_usd"]
    margin = venue_portfolio.okx_futures(
        parameters,
        coins=coins,
        gross_coins=abs(coins),
        index=inputs["index_usdt"],
        mark=inputs["mark"],
        stable=stable,
    )
    at_index = coins * inputs["index_usdt"] * stable
    signed = {*parameters.moves, *(-move for move in parameters.moves)}
    values = {f"mr1_by_move.{move:g}": at_index * move for move in signed}
    values |= {
        "delta": coins * inputs["mark"] * stable,
        "mr4": margin.basis,
        "mr6": margin.extreme,
        "mr6_pnl": -2.0 * margin.extreme,
        "mr7": margin.slippage,
        "mmr": margin.maintenance,
        "imr": margin.initial,
    }
    return Answer(values=values)


def bybit(inputs: Inputs) -> Answer:
    """One option, one perpetual and a short spot hedge."""
    *_, strike, right, _settle = inputs["option"].split("-")
    expiry = datetime.fromisoformat(inputs["expiry_utc"])
    years = (expiry.timestamp() - inputs["ts_ms"] / 1_000.0) / SECONDS_PER_YEAR
    one = np.ones(1)
    parameters = Portfolio(
        price_moves=tuple(inputs["moves"]),
        iv_up=inputs["iv_up"],
        iv_down=inputs["iv_down"],
        iv_power=inputs["power"],
        futures_contingency_rate=inputs["futures_contingency_rate"],
        initial_factor=1.0,
        equity_min_usd=0.0,
    )
    legs = Legs(
        options=OptionLegs(
            qty=one * inputs["qty"],
            forward=one * inputs["forward"],
            strike=one * float(strike),
            years=one * years,
            days=one * bybit_portfolio.days_counted(years),
            vol=one * inputs["iv"],
            is_call=np.array([right == "C"]),
            base=one * inputs["mark"],
        ),
        linear_qty=one * inputs["perp_qty"],
        linear_price=one * inputs["perp_px_used"],
    )
    grid = evaluate(legs, bybit_portfolio.scenarios_of(parameters), bybit_portfolio.law_of(parameters))
    by_law = grid.options.sum(axis=1).reshape(len(inputs["moves"]), 3) * inputs["usdt_usd"]
    hedge = inputs["spot_hedge_qty"] * inputs["spot_index"] * np.array(inputs["moves"])
    perp = grid.linear[:, 0].reshape(len(inputs["moves"]), 3)[:, 0]
    margin = bybit_portfolio.aggregate(parameters, grid, legs, index=inputs["spot_index"], quote_usd=1.0)
    values = {f"same.{number}": float(cell) for number, cell in enumerate(by_law[:, 0])}
    values |= {f"down.{number}": float(cell) for number, cell in enumerate(by_law[:, 2])}
    values |= {
        "perp_minus10": float(perp[0]),
        "max_loss": float((perp[:, np.newaxis] + by_law + hedge[:, np.newaxis]).min()),
        "futureContingency": margin.futures_contingency,
    }
    # Its largest part, the future-delta contingency, has no known formula (margin reference section 6.3).
    return Answer(values=values, unknown={"contingencyComponents": "futureDeltaContingency has no known formula"})


def paradex_charge(inputs: Inputs) -> Answer:
    """Least charge on a perpetual hedged with calls."""
    deltas = (inputs["perp"], inputs["calls"] * inputs["call_delta"])
    net, gross = sum(deltas), sum(abs(one) for one in deltas)
    charge = venue_portfolio.paradex_least_charge(
        deltas, inputs["spot"], unhedged_rate=inputs["unhedged"], hedged_rate=inputs["hedged"]
    )
    return Answer(values={"net_delta": net, "gross": gross, "hedged": (gross - abs(net)) / 2.0, "charge": charge})


def paradex_liquidation(inputs: Inputs) -> Answer:
    """The page's table, with the fee that the table uses."""
    found = venue_portfolio.paradex_partial_liquidation(
        inputs["account_value"],
        inputs["mmr"],
        target=inputs["target"],
        step=inputs["step"],
        fee_rate=inputs["fee_used_by_table"],
    )
    return Answer(values={"table_share": found.share, "table_penalty": found.penalty, "table_ratio": found.ratio})


def delta(inputs: Inputs) -> Answer:
    """Identities of a margin message."""
    initial, maintenance = venue_portfolio.delta_margins(inputs["risk_margin"], tuple(inputs["floors"]), inputs["ucf"])
    cash = inputs["ucf"]
    return Answer(
        values={
            "margin_floor": float(sum(inputs["floors"])),
            "im_wo_ucf": initial + cash,
            "mm_wo_ucf": maintenance + cash,
        }
    )


def dederi(inputs: Inputs) -> Answer:
    """A future's profit by move of the index, and its contingency."""
    forward = inputs["index"] * float(np.exp(inputs["abr"] * inputs["days"] / 365.0))
    legs = Legs(linear_qty=np.array([inputs["qty"]]), linear_price=np.array([forward]))
    grid = evaluate(legs, Scenarios.cross(tuple(inputs["moves"]), (0.0,)), VolLaw())
    charge = venue_portfolio.dederi_contingency(inputs["qty"], inputs["index"], inputs["future_contingency_factor"])
    values = {f"pnl.{number}": float(one) for number, one in enumerate(grid.linear[:, 0])}
    return Answer(values=values | {"F0": forward, "contingency": charge})


def span(inputs: Inputs) -> Answer:
    """How many cells agree with the definition: all of them, or the case fails."""
    cells = venue_portfolio.span_scenarios(1.0, 1.0)
    ours = sorted(zip(cells.moves.tolist(), cells.vol_shocks.tolist(), cells.weights.tolist(), strict=True))
    theirs = sorted(zip(inputs["price_fraction"], inputs["vol_fraction"], inputs["weight"], strict=True))
    same = len(ours) == len(theirs) and np.allclose(np.array(ours), np.array(theirs), rtol=0.0, atol=1e-12)
    return Answer(values={"n": float(len(ours)) if same else float("nan")})


def derive(inputs: Inputs) -> Answer:
    """Net margins of a sub-account, and the worst of each group of cells."""
    parameters = inputs["params"]
    cells = tuple((move, kind, weight) for move, kind, weight in inputs["scenarios"])
    book = derive_book(inputs)
    margin = derive_portfolio.net_margin(parameters, cells, book)
    skews = tuple(one for one in cells if one[1] in {"LINEAR", "ABS"})
    shocks = tuple(one for one in cells if one not in skews)
    regular = tuple(one for one in shocks if abs(one[0]) <= DERIVE_REGULAR_MOVE_MAX)
    tails = tuple(one for one in shocks if one not in regular)
    return Answer(
        values={
            "IM": margin.initial,
            "MM": margin.maintenance,
            "mtm_plus_cash": margin.mark_to_market,
            "worst_regular": derive_portfolio.worst_cell(parameters, regular, book),
            "worst_tail": derive_portfolio.worst_cell(parameters, tails, book),
            "worst_skew": derive_portfolio.worst_cell(parameters, skews, book),
            "forward_contingency": derive_portfolio.basis_contingency(parameters, book),
        }
    )


def derive_book(inputs: Inputs) -> Book:
    """A sub-account as the example file writes it."""
    perp = inputs["perp"]
    return Book(
        cash=inputs["cash"],
        spot=inputs["spot"],
        spot_confidence=inputs["spot_conf"],
        stable=inputs["stable"],
        perp=Holding(amount=perp["size"], price=perp["price"], confidence=perp["conf"]),
        perp_profit=perp["upnl"] + perp["funding"],
        collateral=tuple(
            Holding(
                amount=one["amount"],
                price=one["price"],
                confidence=one["conf"],
                is_shocked=one["spot_shocked"],
                initial_haircut=one["im_haircut"],
                maintenance_haircut=one["mm_haircut"],
            )
            for one in inputs["collateral"]
        ),
        expiries=tuple(_derive_expiry(inputs, row) for row in inputs["expiries"]),
    )


def _derive_expiry(inputs: Inputs, row: Inputs) -> Expiry:
    mine = [one for one in inputs["options"] if one["sec_to_expiry"] == row["sec_to_expiry"]]
    return Expiry(
        seconds=row["sec_to_expiry"],
        forward=row["forward"],
        rate=row["rate"],
        confidence=min(row["fwd_conf"], row["rate_conf"], row["vol_conf"]),
        strike=np.array([one["strike"] for one in mine], dtype=np.float64),
        vol=np.array([one["iv"] for one in mine], dtype=np.float64),
        amount=np.array([one["amount"] for one in mine], dtype=np.float64),
        is_call=np.array([one["call"] for one in mine], dtype=np.bool_),
    )
