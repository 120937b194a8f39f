"""What the dialects share: sums of what may be unknown, the last digit of a printed amount, ratios that point down.

Knows no venue. Directions and conversions: margin reference section 3.
"""

import math
from decimal import Decimal

from hedgebot.domain.health import AccountHealth, Relation
from hedgebot.venues.reading import Raw, float_or_none, number_or_none


def printed_unit(row: Raw, *fields: str) -> float:
    """One unit of the last digit that the venue prints of these fields, the finest of them; 0 without any."""
    found = [_unit(value) for name in fields if (value := number_or_none(row, name)) is not None]
    return min(found, default=0.0)


def _unit(value: Decimal) -> float:
    exponent = value.as_tuple().exponent
    return 10.0 ** min(exponent, 0) if isinstance(exponent, int) else 0.0


def inverted(ratio: float | None) -> float | None:
    """A venue's equity / maintenance margin (bad direction: down) as maintenance / equity; None stays unknown.

    Zero or less is no equity at all: infinite.
    """
    if ratio is None:
        return None
    return 1.0 / ratio if ratio > 0.0 else math.inf


def total(*parts: float | None) -> float | None:
    """The sum; None where a part is unknown."""
    known = [one for one in parts if one is not None]
    return sum(known) if len(known) == len(parts) else None


def less(whole: float | None, part: float | None) -> float | None:
    """What is left of a whole; None where a number is unknown."""
    return None if whole is None or part is None else whole - part


def told(venue: str, account: str, unit: str, row: Raw, fields: tuple[str, str, str]) -> AccountHealth:
    """An account of which the venue tells equity, initial and maintenance margin as they are, in these fields."""
    equity, initial, maintenance = (float_or_none(row, one) for one in fields)
    return AccountHealth(
        venue=venue,
        account=account,
        unit=unit,
        equity=equity,
        initial=initial,
        maintenance=maintenance,
        printed=printed_unit(row, fields[2]),
        missing=absent(row, *fields),
    )


def relation(name: str, stated: float | None, other: float | None, off: float) -> tuple[Relation, ...]:
    """The two numbers as a relation to judge; none where one is unknown. `off` widens by what floats lose."""
    if stated is None or other is None:
        return ()
    return (Relation(name=name, stated=stated, other=other, off=off + 1e-12 * max(abs(stated), abs(other))),)


def absent(row: Raw, *fields: str) -> tuple[str, ...]:
    """Fields that are missing or empty: unknown, said."""
    return tuple(f"{one} is empty" if one in row else f"no {one}" for one in fields if row.get(one) in {None, ""})
