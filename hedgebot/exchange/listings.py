"""What is listed: instruments with the exchange's own rules, made from a scenario at the start and as time goes on.

Owns which products a coin has and how they are put together; `contract_rules.py` owns figures, `expiries.py` calendars
and symbols. Must not know prices beyond those that strikes are centred on.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import plain
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, instrument_id
from hedgebot.exchange.chaintape import OptionSeen
from hedgebot.exchange.contract_rules import rules_of
from hedgebot.exchange.expiries import (
    inverse_future_expiries,
    inverse_future_symbol,
    linear_future_expiries,
    linear_future_symbol,
    nanoseconds,
    option_expiries,
    option_symbol,
)
from hedgebot.exchange.scenario import Scenario, UnderlyingSpec
from hedgebot.exchange.types import InstrumentStatus, Listing

VENUE = "bybit"
STABLECOINS = ("USDT", "USDC")
# What is there at the start was listed that long before.
_SEASONED_NS = 30 * 86_400 * NS_PER_S


def make_listings(
    scenario: Scenario,
    start_prices: Mapping[str, float],
    now_ns: int,
    chains: Mapping[str, Iterable[OptionSeen]] | None = None,
) -> tuple[Listing, ...]:
    """List every product of every underlying, in a fixed order.

    `start_prices` (quote per coin) centre the option strikes; expiries stand on the calendar from `now_ns`. `chains`
    are recorded options by underlying (expiries on the exchange's time), in place of a made chain.
    """
    made: list[Listing] = []
    for spec in scenario.underlyings:
        made += _endless(spec, scenario.funding_interval_s)
    for spec in scenario.underlyings:
        made += linear_futures(spec, linear_future_expiries(spec, now_ns))
        made += inverse_futures(spec, inverse_future_expiries(spec, now_ns))
    for spec in scenario.underlyings:
        recorded = (chains or {}).get(spec.name)
        if recorded is None:
            made += option_chain(spec, option_expiries(spec, now_ns), start_prices[spec.name])
        else:
            made += recorded_options(spec, recorded)
    return tuple(msgspec.structs.replace(one, launched_at_ns=now_ns - _SEASONED_NS) for one in made)


def _endless(spec: UnderlyingSpec, funding_interval_s: int) -> list[Listing]:
    """Spot and perpetuals of a coin."""
    coin, made = spec.name, list[Listing]()
    if InstrumentKind.SPOT in spec.products:
        made.append(_listing("spot", f"{coin}USDT", InstrumentKind.SPOT, coin, "USDT"))
    if InstrumentKind.LINEAR_PERP in spec.products:
        for settle in STABLECOINS:
            symbol = f"{coin}USDT" if settle == "USDT" else f"{coin}PERP"
            perp = _listing("linear", symbol, InstrumentKind.LINEAR_PERP, coin, settle)
            made.append(_funded(perp, funding_interval_s))
    if InstrumentKind.INVERSE_PERP in spec.products:
        inverse = _listing("inverse", f"{coin}USD", InstrumentKind.INVERSE_PERP, coin, coin)
        made.append(_funded(inverse, funding_interval_s))
    return made


def linear_futures(spec: UnderlyingSpec, expiries: Iterable[datetime]) -> list[Listing]:
    """USDT and USDC futures that end at those moments."""
    if InstrumentKind.LINEAR_FUTURE not in spec.products:
        return []
    kind, coin = InstrumentKind.LINEAR_FUTURE, spec.name
    return [
        _listing("linear", linear_future_symbol(coin, settle, at), kind, coin, settle, at=at)
        for at in expiries
        for settle in STABLECOINS
    ]


def inverse_futures(spec: UnderlyingSpec, expiries: Iterable[datetime]) -> list[Listing]:
    """Inverse futures that end at those moments."""
    if InstrumentKind.INVERSE_FUTURE not in spec.products:
        return []
    kind, coin = InstrumentKind.INVERSE_FUTURE, spec.name
    return [_listing("inverse", inverse_future_symbol(coin, at), kind, coin, coin, at=at) for at in expiries]


def option_chain(spec: UnderlyingSpec, expiries: Iterable[datetime], price: float) -> list[Listing]:
    """Calls and puts that end at those moments, with strikes around a price."""
    if InstrumentKind.LINEAR_OPTION not in spec.products:
        return []
    return [
        _option(spec.name, settle, at, strike, option_type)
        for settle in spec.option_settles
        for at in expiries
        for strike in strikes(spec, price)
        for option_type in OptionType
    ]


def recorded_options(spec: UnderlyingSpec, seen: Iterable[OptionSeen]) -> list[Listing]:
    """Options with recorded strikes and expiries, settled in the coins that the scenario says."""
    if InstrumentKind.LINEAR_OPTION not in spec.products:
        return []
    return [
        _option(spec.name, settle, datetime.fromtimestamp(one.expiry_ns // NS_PER_S, UTC), one.strike, one.option_type)
        for settle in spec.option_settles
        for one in sorted(seen, key=lambda one: (one.expiry_ns, one.strike, one.option_type))
    ]


def _option(coin: str, settle: str, at: datetime, strike: Decimal, option_type: OptionType) -> Listing:
    kind, symbol = InstrumentKind.LINEAR_OPTION, option_symbol(coin, at, strike, option_type, settle)
    return _listing("option", symbol, kind, coin, settle, at=at, strike=strike, option_type=option_type)


def _funded(listing: Listing, interval_s: int) -> Listing:
    """A perpetual with its funding. The cap per interval does not depend on the interval."""
    instrument = msgspec.structs.replace(listing.instrument, funding_interval_hours=interval_s / 3_600)
    rules = rules_of(instrument.kind, instrument.underlying)
    return msgspec.structs.replace(
        listing,
        instrument=instrument,
        funding_interval_ns=interval_s * NS_PER_S,
        funding_rate_cap=rules.funding_rate_cap,
    )


def _listing(
    category: str,
    symbol: str,
    kind: InstrumentKind,
    coin: str,
    settle: str,
    *,
    at: datetime | None = None,
    strike: Decimal | None = None,
    option_type: OptionType | None = None,
) -> Listing:
    """One instrument by the rules of its kind; `at` is when it ends."""
    rules = rules_of(kind, coin)
    instrument = Instrument(
        id=instrument_id(VENUE, category, symbol),
        venue=VENUE,
        category=category,
        symbol=symbol,
        kind=kind,
        underlying=coin,
        quote="USD" if kind.is_inverse else settle,
        settle=settle,
        contract_size=Decimal(1),
        tick_size=rules.tick,
        lot_size=rules.lot,
        qty_min=rules.qty_min,
        qty_max=rules.qty_max,
        min_notional_quote=rules.min_notional_quote,
        expiry_ns=None if at is None else nanoseconds(at),
        strike=strike,
        option_type=option_type,
    )
    return Listing(
        instrument=instrument,
        status=InstrumentStatus.TRADING,
        price_min=rules.tick,
        price_max=rules.tick * 19_999_998,
        market_qty_max=rules.market_qty_max,
        post_only_qty_max=rules.qty_max,
        collar_ratio=rules.collar_ratio,
        leverage_max=Decimal(rules.leverage_max),
        launched_at_ns=0,
        delivery_rate=rules.delivery_rate,
    )


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
    settle = spec.option_settles[0] if spec and spec.option_settles else ""
    chain = [
        one.instrument
        for one in listings
        if one.instrument.kind.is_option and (one.instrument.underlying, one.instrument.settle) == (coin, settle)
    ]
    moments = sorted({one.expiry_ns for one in chain if one.expiry_ns is not None})
    strike: Decimal | None = None
    try:
        expiry, steps, letter = int(place[0]), int(place[1]), place[2]
        around = strikes(spec, start_price) if spec else ()
        strike = around[len(around) // 2 + steps] if len(around) // 2 + steps >= 0 else None
        wanted_place = (moments[expiry], strike, {"C": OptionType.CALL, "P": OptionType.PUT}[letter])
        return next(one.id for one in chain if (one.expiry_ns, one.strike, one.option_type) == wanted_place)
    except (ValueError, IndexError, KeyError, StopIteration) as error:
        raise ConfigError(
            f"holding {name!r}: write option:COIN/expiry/steps/C-or-P within the listed chain, such as option:BTC/1/0/C"
            f"{_chain_words(chain, moments, place, strike)}"
        ) from error


def _chain_words(chain: list[Instrument], moments: list[int], place: list[str], strike: Decimal | None) -> str:
    """What the chain has where a place in it was not found: its expiries, and the strikes of the one that was meant."""
    if not chain:
        return "; no options of it are listed"
    days = [datetime.fromtimestamp(one // NS_PER_S, UTC).strftime("%Y-%m-%d") for one in moments]
    told = f"; its expiries are {_shown([f'{number} ({day})' for number, day in enumerate(days)])}"
    number = int(place[0]) if place[0].isdecimal() else 0
    if number >= len(moments):
        return told
    mine = sorted({one.strike for one in chain if one.expiry_ns == moments[number] and one.strike is not None})
    wanted = f", not {plain(strike)}" if strike is not None and strike not in mine else ""
    return f"{told}, the strikes of expiry {number} are {_shown([plain(one) for one in mine])}{wanted}"


def _shown(words: list[str]) -> str:
    """A list, its middle left out where it is long."""
    most = 8
    return ", ".join(words if len(words) <= most else [*words[: most // 2], "...", *words[-most // 2 :]])
