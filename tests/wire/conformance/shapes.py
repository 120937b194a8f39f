"""The shape of a JSON value: each key path with the types seen there. Knows no venue."""

from collections.abc import Iterator
from typing import NamedTuple

Shape = dict[str, list[str]]

# Objects whose keys are data (coins), not names: all their keys count as one.
_MAPS = {"cumFeeDetail", "availableWithdrawalMap"}
_NAMES = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", list: "array"}


def shape_of(value: object) -> Shape:
    """Key paths to sorted type names; rows of a list share a path (`list[].price`), so their types are joined."""
    found: dict[str, set[str]] = {}
    for path, kind in _walk(value, ""):
        found.setdefault(path, set()).add(kind)
    return {path: sorted(kinds) for path, kinds in sorted(found.items())}


def _walk(value: object, path: str) -> Iterator[tuple[str, str]]:
    if path:
        yield path, "object" if isinstance(value, dict) else _NAMES[type(value)]
    if isinstance(value, dict):
        keyed = path.rpartition(".")[2] in _MAPS
        for key, one in value.items():
            name = "*" if keyed else key
            yield from _walk(one, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for one in value:
            yield from _walk(one, f"{path}[]")


def joined(shapes: "list[Shape]") -> Shape:
    """One shape with the keys and types of all."""
    found: dict[str, set[str]] = {}
    for shape in shapes:
        for path, kinds in shape.items():
            found.setdefault(path, set()).update(kinds)
    return {path: sorted(kinds) for path, kinds in sorted(found.items())}


class Difference(NamedTuple):
    """One key that only one side has (`missing` here, `extra` here) or that has other types (`type`)."""

    kind: str
    case: str
    key: str
    theirs: str
    ours: str


def differences(case: str, ours: Shape, theirs: Shape | None, table: Shape) -> list[Difference]:
    """Both ways: what their example has and ours lacks, what ours has and neither their example nor table has, types.

    Of a branch that only one side has, its root is told alone. `theirs` is None where they show another product: then
    only what ours has is held against the table of names.
    """
    found = [
        Difference("missing", case, key, "/".join(kinds), "")
        for key, kinds in (theirs or {}).items()
        if key not in ours and _parent(key) in {"", *ours}
    ]
    for key, kinds in ours.items():
        shown, named = (theirs or {}).get(key), table.get(key.rpartition(".")[2])
        # A name that only other examples or tables have may have any of the types that they give it.
        known = shown or (kinds if named is not None and set(kinds) <= set(named) else named)
        if known is None:
            if not key.endswith("[]") and _parent(key) in {"", *(theirs or ours)}:
                found.append(Difference("extra", case, key, "", "/".join(kinds)))
        elif known != kinds:
            found.append(Difference("type", case, key, "/".join(known), "/".join(kinds)))
    return found


def _parent(key: str) -> str:
    return key.removesuffix("[]") if key.endswith("[]") else key.rpartition(".")[0]
