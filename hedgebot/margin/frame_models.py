"""Margin of one position of a recorded frame by our models, or why there is none where inputs lack.

Owns which model a venue's position is held against and how near it must come (margin reference section 8: tiered linear
margin exact to the venue's rounding, futures 1e-9). Figures come from dated records that are handed in; a record says
nothing of days before its own. Must not know files or wires.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import msgspec

from hedgebot.domain.decoding import decoded
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.health import Holding
from hedgebot.margin.parameters import ParameterSet
from hedgebot.margin.positions import CoinBook, Line
from hedgebot.margin.registry import age_days, need_by
from hedgebot.margin.tiers import Ladder
from hedgebot.margin.venue_models import NotCoveredError
from hedgebot.margin.venue_records import AnyRecord

RELATIVE = 1e-9
_QUOTES = ("USDT", "USDC")


class FrameContract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one instrument is, and the id of the record whose `figures` margin it; `fee_rate` is a liquidation's."""

    venue: str
    instrument: str
    underlying: str
    figures: str
    contract_size: float
    inverse: bool
    fee_rate: float = 0.0


class FrameContracts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The record of them, as of one day."""

    id: str
    as_of: str
    source: str
    contracts: tuple[FrameContract, ...]

    def of(self, venue: str, instrument: str) -> FrameContract | None:
        """An instrument; None where there is no record of it."""
        found = (one for one in self.contracts if (one.venue, one.instrument) == (venue, instrument))
        return next(found, None)


def parse_frame_contracts(content: bytes, name: str) -> FrameContracts:
    """Read the record; DataError names the file and what is wrong."""
    return decoded(content, FrameContracts, "contracts of frames", name)


class Records(NamedTuple):
    """Every figure that frames are judged by; `figures` are the venues' dated records by id."""

    contracts: FrameContracts
    figures: Mapping[str, AnyRecord]
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
    margined = _margined(records, venue, at_ns, held)
    if isinstance(margined, str):
        return Ours(None, lacks=margined)
    return Ours(None, lacks="leverage") if margined.initial is None else _exact(margined.initial, held)


def maintenance_of(records: Records, venue: str, at_ns: int, held: Holding) -> Ours:
    """Maintenance margin of one position."""
    if venue == "bybit":
        return _bybit(records.bybit, held, "maintenance")
    if venue == "hyperliquid":
        # Half the initial margin at the largest leverage of the position's tier (margin reference section 6.5).
        twice = None if held.leverage_max is None else 2.0 * held.leverage_max
        return _share(held.value, twice, held.printed, "maxLeverage")
    margined = _margined(records, venue, at_ns, held)
    return Ours(None, lacks=margined) if isinstance(margined, str) else _exact(margined.maintenance, held)


def fee_of(records: Records, venue: str, at_ns: int, held: Holding) -> float | None:
    """The liquidation fee that a venue counts with maintenance margin; None where no record tells."""
    margined = _margined(records, venue, at_ns, held)
    return None if isinstance(margined, str) else margined.fee


def size_problem(records: Records, venue: str, held: Holding) -> str:
    """What a position's notional in USD says against its size and mark; empty where they agree or one is not told."""
    contract = records.contracts.of(venue, held.instrument)
    if contract is None or contract.inverse or held.value is None or not held.mark:
        return ""
    value = abs(held.contracts) * contract.contract_size * held.mark
    # Notional is in USD and the mark in a stablecoin: they differ by its price (margin reference section 11, trap 17).
    if abs(held.value / value - 1.0) <= _STABLE_OFF:
        return ""
    return f"notional {held.value:g} is not size x mark = {value:g}"


_STABLE_OFF = 0.02


class _Margined(NamedTuple):
    """Margins and liquidation fee of a position in its margin coin; `initial` None: its leverage is not told."""

    initial: float | None
    maintenance: float
    fee: float


def _margined(records: Records, venue: str, at_ns: int, held: Holding) -> _Margined | str:
    """A position by its record, or what is lacking."""
    contract = records.contracts.of(venue, held.instrument)
    implied = ""
    if held.maintenance is not None and held.value:
        implied = f"; its number implies {held.maintenance / held.value:.4%}"
    if contract is None:
        return f"rates of {held.instrument}: no record{implied}"
    figures = records.figures[contract.figures]
    if at_ns and (age_days(figures.as_of, at_ns) or 0) < 0:
        day = datetime.fromtimestamp(at_ns / NS_PER_S, UTC).date().isoformat()
        return f"rates of {day}: the oldest record of {held.instrument} is of {figures.as_of}{implied}"
    if not held.mark:
        return "mark price"
    nominal = held.contracts * contract.contract_size
    line = Line(
        instrument=held.instrument,
        coins=nominal / held.mark if contract.inverse else nominal,
        price_usd=held.mark,
        is_inverse=contract.inverse,
        leverage=held.leverage,
    )
    try:
        need = need_by(figures, contract.underlying, CoinBook(held.mark, (line,)))
    except NotCoveredError as error:
        return str(error)
    per_coin = held.mark if contract.inverse else 1.0
    initial = None if need.initial is None else need.initial / per_coin
    return _Margined(initial, need.maintenance / per_coin, contract.fee_rate * line.value_usd / per_coin)


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
