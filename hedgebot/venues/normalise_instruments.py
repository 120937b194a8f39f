"""Trading rules: rows of [D] market/instrument (GET /v5/market/instruments-info) -> Instrument. Pure."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.instrument import Instrument, InstrumentKind, OptionType, instrument_id
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.reading import (
    FrameProblem,
    Raw,
    as_object,
    ns_from_ms,
    number,
    number_or_none,
    price_or_none,
    text,
    text_or_none,
)

# PreLaunch instruments do not trade yet; Closed and Settled ones are gone. Delivering ones can still be held.
_LISTED = frozenset({"Trading", "Delivering", "Settling"})
_CONTRACTS = {
    "LinearPerpetual": InstrumentKind.LINEAR_PERP,
    "LinearFutures": InstrumentKind.LINEAR_FUTURE,
    "InversePerpetual": InstrumentKind.INVERSE_PERP,
    "InverseFutures": InstrumentKind.INVERSE_FUTURE,
}
ONE = Decimal(1)


def instrument_of(venue: str, category: str, row: Raw) -> Instrument | None:
    """The instrument of a row; None for one that is not listed; raises FrameProblem when its rules cannot be read."""
    if row.get("status") not in _LISTED:
        return None
    try:
        match category:
            case "spot":
                return _spot(venue, row)
            case "linear" | "inverse":
                return _contract(venue, category, row)
            case "option":
                return _option(venue, row)
            case _:
                msg = f"category {category!r} is unknown"
                raise FrameProblem(msg)
    except ProgrammingError as error:
        # The domain refuses rules that cannot be traded with (a zero lot): here it is the venue that is wrong.
        raise FrameProblem(str(error)) from error


def instruments_of(
    venue: str, rows: Iterable[tuple[str, Raw]], *, shows_sizes: bool = BYBIT.shows_sizes
) -> tuple[tuple[Instrument, ...], tuple[str, ...]]:
    """Instruments of (category, row) pairs, and a sentence for each row that could not be read."""
    found: list[Instrument] = []
    problems: list[str] = []
    for category, row in rows:
        try:
            instrument = instrument_of(venue, category, row)
        except FrameProblem as error:
            problems.append(f"{category} {row.get('symbol')}: {error}")
            continue
        if instrument is not None:
            found.append(instrument if shows_sizes else msgspec.structs.replace(instrument, shows_sizes=False))
    return tuple(sorted(found, key=lambda instrument: instrument.id)), tuple(problems)


def _spot(venue: str, row: Raw) -> Instrument:
    symbol, base, quote = text(row, "symbol"), text(row, "baseCoin"), text(row, "quoteCoin")
    lots = as_object(row.get("lotSizeFilter"), "lotSizeFilter")
    lot = number(lots, "basePrecision")
    return Instrument(
        id=instrument_id(venue, "spot", symbol),
        venue=venue,
        category="spot",
        symbol=symbol,
        kind=InstrumentKind.SPOT,
        underlying=base,
        quote=quote,
        settle=quote,
        contract_size=ONE,
        tick_size=_tick(row),
        lot_size=lot,
        qty_min=price_or_none(lots, "minOrderQty") or lot,
        qty_max=_maximum(lots),
        min_notional_quote=number_or_none(lots, "minOrderAmt") or ZERO,
    )


def _contract(venue: str, category: str, row: Raw) -> Instrument:
    symbol = text(row, "symbol")
    kind = _CONTRACTS.get(text(row, "contractType"))
    if kind is None:
        msg = f"contractType {row.get('contractType')!r} is unknown"
        raise FrameProblem(msg)
    lots = as_object(row.get("lotSizeFilter"), "lotSizeFilter")
    lot = number(lots, "qtyStep")
    minutes = number_or_none(row, "fundingInterval") if kind.is_perp else None
    return Instrument(
        id=instrument_id(venue, category, symbol),
        venue=venue,
        category=category,
        symbol=symbol,
        kind=kind,
        underlying=text(row, "baseCoin"),
        quote=text(row, "quoteCoin"),
        settle=text(row, "settleCoin"),
        # One linear contract is one coin, one inverse contract one dollar.
        contract_size=ONE,
        tick_size=_tick(row),
        lot_size=lot,
        qty_min=price_or_none(lots, "minOrderQty") or lot,
        qty_max=_maximum(lots),
        # Only linear contracts carry a minimum value; an inverse lot is a value itself.
        min_notional_quote=number_or_none(lots, "minNotionalValue") or ZERO,
        funding_interval_hours=None if minutes is None else float(minutes) / 60,
        expiry_ns=None if kind.is_perp else ns_from_ms(row, "deliveryTime"),
    )


def _option(venue: str, row: Raw) -> Instrument:
    symbol, base, settle = text(row, "symbol"), text(row, "baseCoin"), text(row, "settleCoin")
    lots = as_object(row.get("lotSizeFilter"), "lotSizeFilter")
    right = {"Call": OptionType.CALL, "Put": OptionType.PUT}.get(text(row, "optionsType"))
    parts = symbol.split("-")
    if right is None or len(parts) < 4:
        msg = f"{symbol} is no option symbol, or its right {row.get('optionsType')!r} is unknown"
        raise FrameProblem(msg)
    lot = number(lots, "qtyStep")
    return Instrument(
        id=instrument_id(venue, "option", symbol),
        venue=venue,
        category="option",
        symbol=symbol,
        kind=InstrumentKind.COIN_OPTION if settle == base else InstrumentKind.LINEAR_OPTION,
        underlying=base,
        quote=text_or_none(row, "quoteCoin") or settle,
        settle=settle,
        contract_size=ONE,
        tick_size=_tick(row),
        lot_size=lot,
        qty_min=price_or_none(lots, "minOrderQty") or lot,
        qty_max=_maximum(lots),
        expiry_ns=ns_from_ms(row, "deliveryTime"),
        # BASE-EXPIRY-STRIKE-RIGHT[-SETTLE]
        strike=number({"strike": parts[2]}, "strike"),
        option_type=right,
    )


def _tick(row: Raw) -> Decimal:
    return number(as_object(row.get("priceFilter"), "priceFilter"), "tickSize")


def _maximum(lots: Raw) -> Decimal | None:
    """Largest limit order; the newer name of the field first."""
    return price_or_none(lots, "maxLimitOrderQty") or price_or_none(lots, "maxOrderQty")
