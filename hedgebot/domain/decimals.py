"""Rounding of exact numbers to steps: the one place where prices meet ticks and quantities meet lots."""

from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal, InvalidOperation

ZERO = Decimal(0)


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """Round the magnitude of `value` down to a multiple of `step` (> 0); the sign is kept."""
    return (value / step).to_integral_value(rounding=ROUND_DOWN) * step


def price_down(price: Decimal, tick_size: Decimal) -> Decimal:
    """Round a price down to its tick: the protective direction of a buy limit."""
    return (price / tick_size).to_integral_value(rounding=ROUND_FLOOR) * tick_size


def price_up(price: Decimal, tick_size: Decimal) -> Decimal:
    """Round a price up to its tick: the protective direction of a sell limit."""
    return (price / tick_size).to_integral_value(rounding=ROUND_CEILING) * tick_size


def is_multiple(value: Decimal, step: Decimal) -> bool:
    """Whether `value` is a whole number of `step`; never if that is more steps than exact arithmetic can count."""
    try:
        return value % step == ZERO
    except InvalidOperation:
        return False


def float_or_none(value: Decimal | None) -> float | None:
    """An exact number for arithmetic in floats; unknown stays unknown."""
    return None if value is None else float(value)


def plain(value: Decimal) -> str:
    """Write a number the way venues take it: no exponent, no trailing zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
