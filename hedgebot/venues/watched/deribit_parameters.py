"""The parameters that Deribit margins a portfolio with now, as its own simulation names them. Owns names and rhythm.

They change seldom and the call is dear: it is asked every ten minutes, and what it said last stands meanwhile. That it
cannot be asked or read is no trouble of the reading: the comparison with our record is then left out. The client has no
name for the call, and only a list as its kind gets it signed (margin reference section 4). Source:
private/pme/simulate.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any

from hedgebot.domain.durations import NS_PER_S
from hedgebot.venues.guard import FAULTS
from hedgebot.venues.reading import Raw, as_object, float_or_none
from hedgebot.venues.watched.words import said

EVERY_NS = 600 * NS_PER_S
CROSS = "CROSS"
_PAIR = (
    "price_range",
    "volatility_range_up",
    "volatility_range_down",
    "short_term_vega_power",
    "long_term_vega_power",
    "min_volatility_for_shock_up",
    "extended_table_factor",
    "max_delta_shock",
    "delta_total_liq_shock_threshold",
)
_CURRENCY = ("annualised_move_risk", "min_annualised_move", "pnl_offset", "max_offsetable_pnl")
_GENERAL = {"mm_factor": "mm_factor", "buckets_count": "buckets_per_side"}

_log = logging.getLogger(__name__)
Parameters = Mapping[str, Mapping[str, float]]


class ParameterReader:
    """One account's. `read` gives what is known by coin, in the names of our record."""

    def __init__(self, client: Any, now_ns: Callable[[], int]) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._now_ns = now_ns
        self._known: dict[str, Parameters] = {}
        self._due_ns: dict[str, int] = {}

    async def read(self, currency: str) -> Parameters:
        """Parameters of a currency that is margined by itself, or of everything (`CROSS`); empty while unknown."""
        now_ns = self._now_ns()
        if now_ns >= self._due_ns.get(currency, 0):
            self._due_ns[currency] = now_ns + EVERY_NS
            try:
                answer = await self._client.request("pme/simulate", ["private"], "GET", {"currency": currency})
                self._known[currency] = parameters_of(as_object(answer, "the simulation"), currency)
            except FAULTS as error:
                _log.warning("the margin parameters of %s cannot be read: %s", currency, said(error)[1])
        return self._known.get(currency, {})


def parameters_of(answer: Raw, currency: str) -> dict[str, dict[str, float]]:
    """What one answer says, by coin. FrameProblem where it has no parameters."""
    told = as_object(as_object(answer.get("result"), "result").get("model_params"), "model_params")
    pairs = as_object(told.get("currency_pair"), "currency_pair")
    currencies = as_object(told.get("currency"), "currency")
    general = as_object(told.get("general"), "general")
    shared = {ours: value for name, ours in _GENERAL.items() if (value := float_or_none(general, name)) is not None}
    found: dict[str, dict[str, float]] = {}
    for name, row in pairs.items():
        coin = name.partition("_")[0]
        # Only a currency that is margined by itself counts in its own coin.
        own = currencies.get(coin if coin.upper() == currency else "usd")
        found[coin.upper()] = shared | _numbers(row, _PAIR) | (_numbers(own, _CURRENCY) if own is not None else {})
    return found


def _numbers(row: object, names: tuple[str, ...]) -> dict[str, float]:
    numbers = as_object(row, "parameters")
    return {name: value for name in names if (value := float_or_none(numbers, name)) is not None}
