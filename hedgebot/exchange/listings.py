"""What is listed: instruments with the exchange's own rules, made once at the start from a scenario.

Owns symbols, ticks, lots, limits and fee rates. Figures follow Bybit's instrument lists and regular fees where
they are known (perpetuals of BTC: tick 0.1, lot 0.001, minimum 5 USDT; option fee 0.03 % of the index, delivery
0.015 %); the rest is of the same order. Must not know prices after the start.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import plain
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, instrument_id
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from hedgebot.exchange.types import InstrumentStatus, Listing

VENUE = "bybit"
NS_PER_S = 1_000_000_000
EXPIRY_HOUR_UTC = 8


class _Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Tick, lot and limits of one product of one coin."""

    tick: Decimal
    lot: Decimal
    qty_min: Decimal
    qty_max: Decimal
    market_qty_max: Decimal


def _rules(tick: str, lot: str, qty_min: str, qty_max: str, market_qty_max: str) -> _Rules:
    return _Rules(
        tick=Decimal(tick),
        lot=Decimal(lot),
        qty_min=Decimal(qty_min),
        qty_max=Decimal(qty_max),
        market_qty_max=Decimal(market_qty_max),
    )


_PERP = {
    "BTC": _rules("0.1", "0.001", "0.001", "1190", "500"),
    "ETH": _rules("0.01", "0.01", "0.01", "7240", "1400"),
    "*": _rules("0.01", "0.1", "0.1", "50000", "10000"),
}
_SPOT = {
    "BTC": _rules("0.1", "0.000001", "0.000011", "83", "41"),
    "ETH": _rules("0.01", "0.00001", "0.00029", "2400", "1200"),
    "*": _rules("0.01", "0.001", "0.01", "50000", "10000"),
}
_OPTION = {
    "BTC": _rules("5", "0.01", "0.01", "500", "500"),
    "ETH": _rules("0.1", "0.1", "0.1", "5000", "5000"),
    "*": _rules("0.01", "1", "1", "50000", "50000"),
}
_MIN_NOTIONAL = Decimal(5)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def _of(table: Mapping[str, _Rules], coin: str) -> _Rules:
    return table.get(coin, table["*"])


def make_listings(scenario: Scenario, start_prices: Mapping[str, float], now_ns: int) -> tuple[Listing, ...]:
    """List spot, USDT and USDC perpetuals and USDT options of every underlying, in a fixed order.

    `start_prices` (quote per coin) centre the option strikes; expiries stand on the calendar from `now_ns`.
    """
    made: list[Listing] = []
    for spec in scenario.underlyings:
        made.append(_spot(spec.name, now_ns))
        made += [_perp(spec.name, settle, scenario.funding_interval_s, now_ns) for settle in ("USDT", "USDC")]
    for spec in scenario.underlyings:
        made += _options(spec, start_prices[spec.name], now_ns)
    return tuple(made)


def _listing(
    instrument: Instrument,
    rules: _Rules,
    now_ns: int,
    *,
    maker: str,
    taker: str,
    collar_ratio: float,
    leverage_max: int,
) -> Listing:
    return Listing(
        instrument=instrument,
        status=InstrumentStatus.TRADING,
        price_min=instrument.tick_size,
        price_max=instrument.tick_size * 19_999_998,
        market_qty_max=rules.market_qty_max,
        post_only_qty_max=rules.qty_max,
        maker_rate=Decimal(maker),
        taker_rate=Decimal(taker),
        collar_ratio=collar_ratio,
        leverage_max=Decimal(leverage_max),
        launched_at_ns=now_ns - 30 * 86_400 * NS_PER_S,
    )


def _instrument(category: str, symbol: str, kind: InstrumentKind, coin: str, settle: str, rules: _Rules) -> Instrument:
    return Instrument(
        id=instrument_id(VENUE, category, symbol),
        venue=VENUE,
        category=category,
        symbol=symbol,
        kind=kind,
        underlying=coin,
        quote=settle,
        settle=settle,
        contract_size=Decimal(1),
        tick_size=rules.tick,
        lot_size=rules.lot,
        qty_min=rules.qty_min,
        qty_max=rules.qty_max,
        min_notional_quote=_MIN_NOTIONAL,
    )


def _spot(coin: str, now_ns: int) -> Listing:
    rules = _of(_SPOT, coin)
    instrument = _instrument("spot", f"{coin}USDT", InstrumentKind.SPOT, coin, "USDT", rules)
    return _listing(instrument, rules, now_ns, maker="0.001", taker="0.001", collar_ratio=0.05, leverage_max=1)


def _perp(coin: str, settle: str, funding_interval_s: int, now_ns: int) -> Listing:
    rules = _of(_PERP, coin)
    symbol = f"{coin}USDT" if settle == "USDT" else f"{coin}PERP"
    instrument = msgspec.structs.replace(
        _instrument("linear", symbol, InstrumentKind.LINEAR_PERP, coin, settle, rules),
        funding_interval_hours=funding_interval_s / 3_600,
    )
    base = _listing(instrument, rules, now_ns, maker="0.0002", taker="0.00055", collar_ratio=0.05, leverage_max=100)
    # The cap per interval: 0.5 % on BTC and ETH, whatever the interval.
    return msgspec.structs.replace(base, funding_interval_ns=funding_interval_s * NS_PER_S, funding_rate_cap=0.005)


def _options(spec: UnderlyingSpec, start_price: float, now_ns: int) -> list[Listing]:
    rules = _of(_OPTION, spec.name)
    made: list[Listing] = []
    for expiry in expiries(spec, now_ns):
        for strike in strikes(spec, start_price):
            for option_type in OptionType:
                instrument = Instrument(
                    id=instrument_id(VENUE, "option", option_symbol(spec.name, expiry, strike, option_type)),
                    venue=VENUE,
                    category="option",
                    symbol=option_symbol(spec.name, expiry, strike, option_type),
                    kind=InstrumentKind.LINEAR_OPTION,
                    underlying=spec.name,
                    quote="USDT",
                    settle="USDT",
                    contract_size=Decimal(1),
                    tick_size=rules.tick,
                    lot_size=rules.lot,
                    qty_min=rules.qty_min,
                    qty_max=rules.qty_max,
                    expiry_ns=int(expiry.timestamp()) * NS_PER_S,
                    strike=strike,
                    option_type=option_type,
                )
                listing = _listing(
                    instrument, rules, now_ns, maker="0.0002", taker="0.0003", collar_ratio=0.0, leverage_max=1
                )
                made.append(msgspec.structs.replace(listing, delivery_rate=Decimal("0.00015")))
    return made


def expiries(spec: UnderlyingSpec, now_ns: int) -> tuple[datetime, ...]:
    """Expiry moments, ascending, one a day: those in seconds, and 08:00 UTC of the first day that many days ahead."""
    now = datetime.fromtimestamp(now_ns / NS_PER_S, UTC)
    soon = (now.replace(microsecond=0) + timedelta(seconds=math.ceil(seconds)) for seconds in spec.option_expiries_s)
    # A symbol names the day only: one expiry a day.
    found = {at.date(): at for at in soon}
    for days in spec.option_expiries_days:
        earliest = now + timedelta(days=days)
        at = earliest.replace(hour=EXPIRY_HOUR_UTC, minute=0, second=0, microsecond=0)
        at = at if at >= earliest else at + timedelta(days=1)
        found.setdefault(at.date(), at)
    return tuple(sorted(found.values()))


def strikes(spec: UnderlyingSpec, start_price: float) -> tuple[Decimal, ...]:
    """Strikes around the start price, ascending."""
    step = strike_step(spec, start_price)
    centre = round(start_price / float(step)) * step
    half = spec.option_strikes // 2
    return tuple(strike for number in range(-half, half + 1) if (strike := centre + number * step) > 0)


def strike_step(spec: UnderlyingSpec, start_price: float) -> Decimal:
    """Distance of strikes: the configured one, or 1, 2 or 5 times a power of ten near 2.5 % of the price."""
    if spec.option_strike_step > 0:
        return Decimal(plain(Decimal(str(spec.option_strike_step))))
    aim = start_price * 0.025
    power = math.floor(math.log10(aim))
    mantissa = aim / 10.0**power
    nice = 1 if mantissa < 1.5 else 2 if mantissa < 3.5 else 5 if mantissa < 7 else 10
    return Decimal(plain(Decimal(nice).scaleb(power)))


def option_symbol(coin: str, expiry: datetime, strike: Decimal, option_type: OptionType) -> str:
    """Symbol of a USDT option; the day has no leading zero, as the venue writes it."""
    date = f"{expiry.day}{_MONTHS[expiry.month - 1]}{expiry.year % 100:02d}"
    letter = "C" if option_type is OptionType.CALL else "P"
    return f"{coin}-{date}-{format(strike, 'f')}-{letter}-USDT"


def find_holding(name: str, listings: tuple[Listing, ...], scenario: Scenario, start_price: float) -> InstrumentId:
    """Instrument that a scenario's holding names, by symbol or by place; ConfigError when there is none.

    A place is `option:COIN/expiry number/strike steps off the money/C or P`, so that a scenario needs no calendar.
    """
    category, _, word = name.partition(":")
    if "/" not in word:
        wanted = instrument_id(VENUE, category, word)
        if any(listing.instrument.id == wanted for listing in listings):
            return wanted
        raise ConfigError(f"holding {name!r}: no such instrument; write category:symbol, such as linear:BTCPERP")
    coin, *place = word.split("/")
    spec = next((spec for spec in scenario.underlyings if spec.name == coin), None)
    chain = [one.instrument for one in listings if one.instrument.underlying == coin and one.instrument.kind.is_option]
    moments = sorted({one.expiry_ns for one in chain if one.expiry_ns is not None})
    try:
        expiry, steps, letter = int(place[0]), int(place[1]), place[2]
        around = strikes(spec, start_price) if spec else ()
        strike = around[len(around) // 2 + steps] if len(around) // 2 + steps >= 0 else None
        wanted_place = (moments[expiry], strike, {"C": OptionType.CALL, "P": OptionType.PUT}[letter])
        return next(one.id for one in chain if (one.expiry_ns, one.strike, one.option_type) == wanted_place)
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise ConfigError(
            f"holding {name!r}: write option:COIN/expiry/steps/C-or-P within the listed chain, such as option:BTC/1/0/C"
        ) from error
