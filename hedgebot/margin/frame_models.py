"""Margin of one position of a recorded frame by our models, or why there is none where inputs lack.

Owns which model a venue's position is held against and how near it must come (margin reference section 8: tiered linear
margin exact to the venue's rounding, futures 1e-9). Figures come from dated records that are handed in; a record says
nothing of days before its own. Must not know files or wires.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from hedgebot.domain.errors import DataError
from hedgebot.domain.health import Holding
from hedgebot.margin.parameters import ParameterSet
from hedgebot.margin.tiers import Ladder

RELATIVE = 1e-9
_NS_PER_S = 1_000_000_000
_QUOTES = ("USDT", "USDC")


class FrameRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rates of one instrument's first tier, up to `value_max` of notional; `..._per_coin` grow with the size."""

    venue: str
    instrument: str
    contract_size: float
    inverse: bool
    value_max: float
    maintenance_rate: float
    maintenance_per_coin: float
    initial_rate: float
    initial_per_coin: float
    fee_rate: float
    valid_from: str
    status: str


class FrameRates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record, as of one day."""

    id: str
    as_of: str
    source: str
    rates: tuple[FrameRate, ...]

    def of(self, venue: str, instrument: str) -> FrameRate | None:
        """The rates of an instrument; None where there is no record."""
        found = (one for one in self.rates if (one.venue, one.instrument) == (venue, instrument))
        return next(found, None)


def parse_frame_rates(content: bytes, name: str) -> FrameRates:
    """Read the record; DataError names the file and what is wrong."""
    try:
        return msgspec.json.decode(content, type=FrameRates)
    except (msgspec.DecodeError, ValueError) as error:
        msg = f"frame rates {name}: {error}"
        raise DataError(msg) from error


class Records(NamedTuple):
    """Every figure that frames are judged by."""

    rates: FrameRates
    bybit: ParameterSet


class Ours(NamedTuple):
    """Our number for a quantity, how far it may be off, and what it lacks where there is none.

    `at_least`: ours is a lower bound, because the frame does not tell what is added to it.
    """

    value: float | None
    off: float = 0.0
    lacks: str = ""
    at_least: bool = False


def initial_of(records: Records, venue: str, at_ns: int, held: Holding) -> Ours:
    """Initial margin of one position."""
    if venue == "bybit":
        return _bybit(records.bybit, held, "initial")
    if venue == "hyperliquid":
        return _share(held.value, held.leverage, held.printed, "leverage")
    rate, lacks = _rate_of(records.rates, venue, at_ns, held)
    if rate is None:
        return Ours(None, lacks=lacks)
    value, coins = _value_of(rate, held)
    if rate.initial_rate:
        return _exact(value * (rate.initial_rate + rate.initial_per_coin * coins), held)
    return _share(value, held.leverage, held.printed, "leverage")


def maintenance_of(records: Records, venue: str, at_ns: int, held: Holding) -> Ours:
    """Maintenance margin of one position."""
    if venue == "bybit":
        return _bybit(records.bybit, held, "maintenance")
    if venue == "hyperliquid":
        # Half the initial margin at the largest leverage of the position's tier (margin reference section 6.5).
        twice = None if held.leverage_max is None else 2.0 * held.leverage_max
        return _share(held.value, twice, held.printed, "maxLeverage")
    rate, lacks = _rate_of(records.rates, venue, at_ns, held)
    if rate is None:
        return Ours(None, lacks=lacks)
    value, coins = _value_of(rate, held)
    return _exact(value * (rate.maintenance_rate + rate.maintenance_per_coin * coins), held)


def fee_of(records: Records, venue: str, at_ns: int, held: Holding) -> float | None:
    """The liquidation fee that a venue counts with maintenance margin; None where no record tells."""
    rate, _ = _rate_of(records.rates, venue, at_ns, held)
    return None if rate is None else _value_of(rate, held)[0] * rate.fee_rate


def size_problem(records: Records, venue: str, held: Holding) -> str:
    """What a position's notional in USD says against its size and mark; empty where they agree or one is not told."""
    rate = records.rates.of(venue, held.instrument)
    if rate is None or rate.inverse or held.value is None or not held.mark:
        return ""
    value = abs(held.contracts) * rate.contract_size * held.mark
    # Notional is in USD and the mark in a stablecoin: they differ by its price (margin reference section 11, trap 17).
    if abs(held.value / value - 1.0) <= _STABLE_OFF:
        return ""
    return f"notional {held.value:g} is not size x mark = {value:g}"


_STABLE_OFF = 0.02


def _rate_of(rates: FrameRates, venue: str, at_ns: int, held: Holding) -> tuple[FrameRate | None, str]:
    rate = rates.of(venue, held.instrument)
    implied = ""
    if held.maintenance is not None and held.value:
        implied = f"; its number implies {held.maintenance / held.value:.4%}"
    if rate is None:
        return None, f"rates of {held.instrument}: no record{implied}"
    if at_ns and at_ns < _ns(rate.valid_from):
        day = datetime.fromtimestamp(at_ns / _NS_PER_S, UTC).date().isoformat()
        return None, f"rates of {day}: the oldest record of {held.instrument} is of {rate.valid_from}{implied}"
    if not held.mark:
        return None, "mark price"
    if _value_of(rate, held)[0] > rate.value_max:
        return None, f"tiers of {held.instrument} above {rate.value_max:g}"
    return rate, ""


def _ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * _NS_PER_S


def _value_of(rate: FrameRate, held: Holding) -> tuple[float, float]:
    """Value in the margin coin, and the size in coins."""
    nominal, mark = abs(held.contracts) * rate.contract_size, held.mark or 0.0
    if rate.inverse:
        return nominal / mark, nominal / mark
    return nominal * mark, nominal


def _share(value: float | None, part: float | None, printed: float, name: str) -> Ours:
    if value is None or not part:
        return Ours(None, lacks=name if value is not None else "position value")
    return Ours(value / part, printed + RELATIVE * value / part)


def _exact(value: float, held: Holding) -> Ours:
    return Ours(value, held.printed + RELATIVE * value)


# --- Bybit -----------------------------------------------------------------------------------------------------------


def _bybit(parameters: ParameterSet, held: Holding, which: str) -> Ours:
    """Tiers of the position at its mark: a lower bound, since closing costs what the account's fee makes of it."""
    quote = next((one for one in _QUOTES if held.instrument.endswith(one)), None)
    if held.missing:
        return Ours(None, lacks=held.missing[0])
    if quote is None or held.value is None or not held.leverage:
        return Ours(None, lacks="mark price, leverage or a linear instrument")
    coin = held.instrument.removesuffix(quote)
    if coin not in parameters.linear:
        return Ours(None, lacks=f"tiers of {held.instrument}")
    ladder: Ladder = parameters.ladder(coin, is_inverse=False)
    value = ladder.maintenance(held.value) if which == "maintenance" else ladder.initial(held.value, held.leverage)
    return Ours(
        value, held.printed + RELATIVE * value, "the account's taker fee: what closing costs is held too", at_least=True
    )


def implied_fee(held: Holding, ours: Ours, stated: float) -> float | None:
    """The fee rate that explains what a venue holds beyond our bound, of the value at bankruptcy."""
    if ours.value is None or not held.value or not held.leverage:
        return None
    side = 1.0 if held.contracts > 0.0 else -1.0
    return (stated - ours.value) / (held.value * (1.0 - side / held.leverage))


Companions = Mapping[tuple[str, str, str], float]
"""Cash by venue, account and coin, from other frames of the same account."""
