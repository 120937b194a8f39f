"""`GET /admin/help`: the test plane's paths, bodies and faults, written from the types that the plane itself reads.

Owns the page's shape. Nothing is listed twice by hand: a new path, field or kind shows up by being there.
"""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from types import UnionType
from typing import NamedTuple, get_args

import msgspec
from aiohttp import web

from hedgebot.exchange.faults import Worded
from hedgebot.exchange.wire.fields_market import Fields

Body = type[msgspec.Struct] | UnionType
"""What a path reads: one struct, or a union of structs told apart by a field `type`."""


class Entry(NamedTuple):
    """One path of the plane: what answers it, what it does in a sentence, what it reads."""

    handle: Callable[[web.Request, bytes], Awaitable[Fields]]
    does: str
    body: Body | None = None


def help_page(routes: Mapping[tuple[str, str], Entry]) -> Fields:
    """All paths with their bodies, and every word that a body may use with what it means."""
    structs: dict[str, Fields] = {}
    words: dict[str, dict[str, str]] = {}
    paths: list[Fields] = []
    for (method, path), entry in routes.items():
        names = [_describe(one, structs, words) for one in _members(entry.body)]
        paths.append({"method": method, "path": f"/admin/{path}", "does": entry.does, "body": names})
    return {"paths": paths, "bodies": structs, "words": words}


def _members(body: Body | None) -> tuple[type[msgspec.Struct], ...]:
    if body is None:
        return ()
    return get_args(body) if isinstance(body, UnionType) else (body,)


def _describe(kind: type[msgspec.Struct], structs: dict[str, Fields], words: dict[str, dict[str, str]]) -> str:
    """Note a struct under its tag (or name) with its fields; the name."""
    config = kind.__struct_config__
    name = str(config.tag) if config.tag is not None else kind.__name__.strip("_").lower()
    fields: Fields = {}
    if config.tag is not None:
        fields[str(config.tag_field)] = {"is": repr(config.tag), "required": True}
    structs[name] = {"does": (kind.__doc__ or "").partition("\n\n")[0], "fields": fields}
    for one in msgspec.structs.fields(kind):
        field: Fields = {"is": _type_name(one.type, structs, words), "required": one.required}
        if one.default is not msgspec.NODEFAULT:
            field["default"] = msgspec.to_builtins(one.default)
        fields[one.encode_name] = field
    return name


def _type_name(of: object, structs: dict[str, Fields], words: dict[str, dict[str, str]]) -> str:
    """A field's type in few words; structs and words in it are noted beside."""
    parts = [part for part in get_args(of) if not isinstance(part, msgspec.Meta)]
    if parts and not isinstance(of, type):
        inner = [_type_name(part, structs, words) for part in parts if part is not Ellipsis]
        bounds = [text for meta in get_args(of) if isinstance(meta, msgspec.Meta) for text in _bounds(meta)]
        outer = getattr(getattr(of, "__origin__", None), "__name__", "")
        named = f"{outer} of {', '.join(inner)}" if outer in {"tuple", "list", "dict"} else " or ".join(inner)
        return " ".join([named, *bounds])
    if isinstance(of, type) and issubclass(of, Enum):
        words[of.__name__] = {
            str(word.value): word.does if isinstance(word, Worded) else word.name.lower().replace("_", " ")
            for word in of
        }
        return of.__name__
    if isinstance(of, type) and issubclass(of, msgspec.Struct):
        return _describe(of, structs, words)
    return "none" if of is type(None) else getattr(of, "__name__", str(of))


def _bounds(meta: msgspec.Meta) -> list[str]:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
    return [f"{sign} {value:g}" for name, sign in signs.items() if (value := getattr(meta, name)) is not None]
