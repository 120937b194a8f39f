"""Derive's portfolio risk manager 2 (PMRM2) of one underlying: net margins, positive when healthy.

Owns that venue's scenarios, discounting, contingencies and aggregation over `scenario.py`; parameters are handed in
under the venue's own names. Money in USD. How well it is verified (margin reference section 6.10): every transcribed
case reproduces to 1e-9 relative. Source: derivexyz/v2-core @7736900d, PMRM_2 unit tests (numbers only).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hedgebot.margin.scenario import Bools, Floats, OptionLegs, Scenarios, VolLaw, option_values
from hedgebot.pricing import black76

SECONDS_PER_DAY = 86_400.0
SECONDS_PER_YEAR = 365.0 * SECONDS_PER_DAY
Parameters = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """Options of one expiry. Arrays of shape (m,): strike, volatility, signed amount; `confidence` is the lowest."""

    seconds: float
    forward: float
    rate: float
    confidence: float
    strike: Floats
    vol: Floats
    amount: Floats
    is_call: Bools

    @property
    def years(self) -> float:
        """Time to expiry."""
        return self.seconds / SECONDS_PER_YEAR

    @property
    def discount(self) -> float:
        """Present value of one at the expiry; negative rates count as none."""
        return float(np.exp(-max(self.rate, 0.0) * self.years))

    def legs(self, vol: Floats | None = None) -> OptionLegs:
        """As the scenario engine takes them."""
        ones = np.ones_like(self.strike)
        return OptionLegs(
            qty=self.amount,
            forward=self.forward * ones,
            strike=self.strike,
            years=self.years * ones,
            days=self.seconds / SECONDS_PER_DAY * ones,
            vol=self.vol if vol is None else vol,
            is_call=self.is_call,
        )

    def values(self, scenarios: Scenarios, law: VolLaw) -> Floats:
        """Discounted value of all its options in each scenario, shape (n,)."""
        return np.asarray(self.discount * (option_values(self.legs(), scenarios, law) @ self.amount))

    @property
    def mark_to_market(self) -> float:
        """Discounted value now."""
        return float(self.values(Scenarios.cross((0.0,), (0.0,)), VolLaw())[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A perpetual (signed size) or collateral: its own price and its feed's confidence."""

    amount: float
    price: float
    confidence: float
    is_shocked: bool = True
    initial_haircut: float = 0.0
    maintenance_haircut: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """One sub-account on one underlying. `stable` is the stablecoin's USD price."""

    cash: float
    spot: float
    spot_confidence: float
    stable: float
    perp: Holding
    perp_profit: float
    collateral: tuple[Holding, ...]
    expiries: tuple[Expiry, ...]


@dataclass(frozen=True, slots=True)
class NetMargin:
    """Initial and maintenance net margin in USD, and the worst cell they come from (profit, at most zero)."""

    initial: float
    maintenance: float
    worst: float
    mark_to_market: float


def net_margin(parameters: Parameters, cells: tuple[tuple[float, str, float], ...], book: Book) -> NetMargin:
    """Net margins of a book; `cells` are (spot move, volatility: Up, Down, None, LINEAR or ABS, weight)."""
    p = parameters
    marked = sum(one.mark_to_market for one in book.expiries)
    collateral = sum(one.amount * one.price for one in book.collateral) / book.stable
    worth = marked + collateral + book.perp_profit + book.cash
    worst = min(worst_cell(p, cells, book), basis_contingency(p, book), 0.0)
    initial_extra, maintenance_extra = _contingencies(p, book)
    factor = p["Margin.IM_LOSS_FACTOR"]
    if book.stable < p["OtherContingency.PEG_LOSS_THRESHOLD"]:
        factor += p["OtherContingency.PEG_LOSS_FACTOR"] * (p["OtherContingency.PEG_LOSS_THRESHOLD"] - book.stable)
    return NetMargin(
        initial=factor * worst - initial_extra - maintenance_extra + worth - _doubts(p, book),
        maintenance=p["Margin.MM_LOSS_FACTOR"] * worst - maintenance_extra + worth,
        worst=worst,
        mark_to_market=worth,
    )


def worst_cell(p: Parameters, cells: tuple[tuple[float, str, float], ...], book: Book) -> float:
    """Weighted profit in USD of the worst of some cells; 0 without any."""
    shocks = {"Up": p["VolShock.VOLRANGEUP"], "Down": -p["VolShock.VOLRANGEDOWN"], "None": 0.0}
    body = [cell for cell in cells if cell[1] in shocks]
    totals = [_skewed(p, book, kind) * weight for _, kind, weight in cells if kind not in shocks]
    if body:
        scenarios = Scenarios(
            np.array([move for move, _, _ in body]),
            np.array([shocks[kind] for _, kind, _ in body]),
            np.array([weight for _, _, weight in body]),
        )
        law = VolLaw(
            power_short=p["VolShock.SHORTTERMPOWER"],
            power_long=p["VolShock.LONGTERMPOWER"],
            days_min=p["VolShock.DTE_FLOOR"],
            floor_up=p["VolShock.MIN_VOL_EVAL_SHOCKED"],
        )
        profit = scenarios.moves * _delta_one(book)
        for expiry in book.expiries:
            values = expiry.values(scenarios, law)
            profit = profit + values * _static_discount(p, expiry, values) - expiry.mark_to_market
        totals.append(float((profit * scenarios.weights).min()))
    return min(totals, default=0.0)


def _delta_one(book: Book) -> float:
    """USD that a move of one would gain on perpetual and shocked collateral."""
    shocked = sum(one.amount * one.price for one in book.collateral if one.is_shocked) / book.stable
    return book.perp.amount * book.perp.price + shocked


def _static_discount(p: Parameters, expiry: Expiry, values: Floats) -> Floats:
    """What owed and owned values are multiplied by: carrying them to the expiry is not free."""
    rate, years = max(expiry.rate, 0.0), expiry.years
    owned = p["Margin.BASE_STATIC_DISCOUNT"] * np.exp(
        -years * (rate * p["Margin.LONG_RATE_MULTSCALE"] + p["Margin.LONG_RATE_ADDSCALE"])
    )
    owed = p["Margin.BASE_STATIC_DISCOUNT_NEG"] * np.exp(
        years * (rate * p["Margin.SHORT_RATE_MULTSCALE"] + p["Margin.SHORT_RATE_ADDSCALE"])
    )
    return np.where(values >= 0.0, owned, min(1.0 / expiry.discount, float(owed)))


def _skewed(p: Parameters, book: Book, kind: str) -> float:
    """A skew cell: spot stays, each expiry's volatilities bend and it counts as a loss either way."""
    prefix = "SkewShock.LINEAR" if kind == "LINEAR" else "SkewShock.ABS"
    total = 0.0
    for expiry in book.expiries:
        root = float(np.sqrt(expiry.years))
        cap = p[f"{prefix}_SCALE_CAP"] + p[f"{prefix}_CBASE"] * root
        width = p["SkewShock.VOL_PARAM_STATIC"] + p["SkewShock.VOL_PARAM_SCALE"] * root
        widest = max(p["SkewShock.MIN_K_STAR"], p["SkewShock.MIN_WIDTH_SCALE"] * root * width)
        log_strike = np.log(expiry.strike / expiry.forward)
        moneyness = log_strike if kind == "LINEAR" else np.abs(log_strike)
        vol = expiry.vol * (1.0 + np.clip(moneyness * cap / widest, -cap, cap))
        value = expiry.discount * _value_at(expiry, vol)
        discount = float(_static_discount(p, expiry, np.array([value]))[0])
        total -= abs(value * discount - expiry.mark_to_market)
    return total


def _value_at(expiry: Expiry, vol: Floats) -> float:
    legs = expiry.legs(vol)
    premium = black76.price(legs.forward, legs.strike, legs.years, legs.vol, legs.is_call)
    return float(premium @ legs.qty)


def basis_contingency(p: Parameters, book: Book) -> float:
    """Profit in USD (at most zero) if each expiry's forward moved by itself."""
    moves = (p["BasisContingency.SCENARIO_SPOT_UP"] - 1.0, p["BasisContingency.SCENARIO_SPOT_DOWN"] - 1.0)
    scenarios = Scenarios.cross(moves, (0.0,))
    add, times = p["BasisContingency.BASIS_CONT_ADD_FACTOR"], p["BasisContingency.BASIS_CONT_MULT_FACTOR"]
    return sum(
        min(0.0, float(one.values(scenarios, VolLaw()).min()) - one.mark_to_market) * (add + times * one.years)
        for one in book.expiries
    )


def _contingencies(p: Parameters, book: Book) -> tuple[float, float]:
    """(initial, maintenance) in USD, both above zero; initial margin carries both."""
    naked = sum(_naked_shorts(one) for one in book.expiries) * book.spot
    perp = abs(book.perp.amount) * book.spot
    value = [one.amount * one.price / book.stable for one in book.collateral]
    initial = p["OtherContingency.IM_OPTION_PERCENT"] * naked + p["OtherContingency.IM_PERP_PERCENT"] * perp
    maintenance = p["OtherContingency.MM_OPTION_PERCENT"] * naked + p["OtherContingency.MM_PERP_PERCENT"] * perp
    for one, worth in zip(book.collateral, value, strict=True):
        initial += one.initial_haircut * worth
        maintenance += one.maintenance_haircut * worth
    return initial, maintenance


def _naked_shorts(expiry: Expiry) -> float:
    """Short options beyond the longs of either right at the same strike."""
    net: dict[float, float] = {}
    for strike, amount in zip(expiry.strike.tolist(), expiry.amount.tolist(), strict=True):
        net[strike] = net.get(strike, 0.0) + amount
    return -sum(min(amount, 0.0) for amount in net.values())


def _doubts(p: Parameters, book: Book) -> float:
    """Addition to initial margin for feeds that are not trusted."""
    least = p["OtherContingency.CONF_THRESHOLD"]
    doubts: list[tuple[float, float]] = []
    if book.perp.amount:
        doubts.append((min(book.spot_confidence, book.perp.confidence), abs(book.perp.amount) * book.spot))
    doubts += [
        (min(book.spot_confidence, one.confidence), one.amount * one.price / book.stable) for one in book.collateral
    ]
    doubts += [
        (min(book.spot_confidence, one.confidence), float(np.abs(one.amount).sum()) * book.spot)
        for one in book.expiries
    ]
    return sum(
        (1.0 - confidence) * notional * p["OtherContingency.CONF_MARGIN"]
        for confidence, notional in doubts
        if confidence < least
    )
