"""Instances of any value of the domain, made from its annotations: one with everything set, one with the least."""

import enum
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

_PLAIN: dict[object, object] = {
    bool: True,
    int: 7,
    float: 1.5,
    str: "word",
    Decimal: Decimal("1.250"),
}


def sample(kind: Any, *, full: bool) -> Any:
    """A value of type `kind`; `full` fills optional fields and collections, otherwise they stay None and empty."""
    kind = getattr(kind, "__supertype__", kind)
    if kind in _PLAIN:
        return _PLAIN[kind]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        known = [part for part in parts if part is not NoneType]
        return sample(known[0], full=full) if full or len(known) == len(parts) else None
    if origin is tuple and parts[-1] is not Ellipsis:
        return tuple(sample(part, full=full) for part in parts)
    if origin is tuple:
        return (sample(parts[0], full=full),) if full else ()
    if origin is list:
        return [sample(parts[0], full=full)] if full else []
    if origin is dict:
        return {sample(parts[0], full=full): sample(parts[1], full=full)} if full else {}
    if issubclass(kind, enum.Enum):
        return list(kind)[-1 if full else 0]
    is_record = issubclass(kind, msgspec.Struct) or (issubclass(kind, tuple) and hasattr(kind, "_fields"))
    assert is_record, f"no sample of {kind}"
    return kind(**{name: sample(hint, full=full) for name, hint in get_type_hints(kind).items()})
