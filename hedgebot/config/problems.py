"""What is wrong with a configuration, as sentences: file, key, value, and what would be right.

Owns the translation of the validator's findings. Reads no file.
"""

import types
import typing
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.config.model import ConfigFile
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.spelling import nearest

_SECRET_WORDS = ("secret", "api_key", "apikey", "password", "passphrase", "token", "private")
_VALUE_LENGTH_MAX = 60


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong thing. `sentence` names file and key and says what would be right."""

    key: str
    sentence: str


def raise_problems(problems: Sequence[Problem]) -> None:
    """Raise one ConfigError that lists all problems, one sentence a line; do nothing when there are none."""
    if problems:
        raise ConfigError("\n".join(problem.sentence for problem in problems))


def show_value(key: str, value: object) -> str:
    """Write a value for a message, shortened; a value that may be a secret is never shown."""
    if _is_secret(key.rsplit(".", 1)[-1]):
        return "(a value that is not shown)"
    text = repr(value) if not isinstance(value, bool) else str(value).lower()
    return text if len(text) <= _VALUE_LENGTH_MAX else text[: _VALUE_LENGTH_MAX - 3] + "..."


def problems_of(
    error: ValidationError, *, model: type[BaseModel], source: Mapping[str, str], file: str
) -> list[Problem]:
    """Translate a validator's findings; `source` names another origin (an environment variable) for some keys."""
    found = error.errors(include_url=False)
    misspelt = {_meant(model, details) for details in found if details["type"] == "extra_forbidden"}
    return [
        _problem(details, model, source, file)
        for details in found
        # A misspelt key is one mistake, not an unknown key and a missing one.
        if not (details["type"] == "missing" and tuple(map(str, details["loc"])) in misspelt)
    ]


def unknown_key(key: str, value: object, known: Iterable[str], *, file: str) -> str:
    """Sentence for a key that nobody reads, with the key that was probably meant."""
    parent, _, leaf = key.rpartition(".")
    if _is_secret(leaf):
        return f"{file}: {key} must not stand in a configuration: give api_key_file and api_secret_file instead"
    what = "section" if isinstance(value, Mapping) else "key"
    sentence = f"{file}: {key}{'' if what == 'section' else f' = {show_value(key, value)}'} is not a known {what}"
    prefix = f"{parent}." if parent else ""
    meant, unit_only = nearest(leaf, known)
    if meant is not None:
        hint = "; this key has another unit" if unit_only else ""
        return f"{sentence}{hint}; did you mean {prefix}{meant}?"
    return sentence + _elsewhere(leaf, sorted(known), parent)


def _problem(details: ErrorDetails, model: type[BaseModel], source: Mapping[str, str], file: str) -> Problem:
    path = tuple(str(part) for part in details["loc"] if part != "[key]")
    key = ".".join(path)
    origin = source.get(key, file)
    value = details.get("input")
    kind = details["type"]
    if kind == "extra_forbidden":
        return Problem(key=key, sentence=unknown_key(key, value, _siblings(model, path), file=origin))
    what = _description(model, path)
    if kind == "missing":
        return Problem(key=key, sentence=f"{origin}: {key} is missing; it must be {what}")
    if "[key]" in details["loc"]:
        if kind == "value_error":
            return Problem(key=key, sentence=f"{origin}: {key}: its name {_should(details, what)}")
        rule = "names are small letters, digits, - and _" if path[0] != "underlyings" else "names are like BTC or ETH"
        return Problem(key=key, sentence=f"{origin}: {key} is not a name that can be used; {rule}")
    return Problem(key=key, sentence=f"{origin}: {key} = {show_value(key, value)} {_should(details, what)}")


def _is_secret(leaf: str) -> bool:
    word = leaf.lower()
    return any(one in word for one in _SECRET_WORDS) and not word.endswith(("_file", "_env", "_ms"))


def _meant(model: type[BaseModel], details: ErrorDetails) -> tuple[str, ...]:
    *parents, leaf = (str(part) for part in details["loc"])
    meant, _ = nearest(leaf, _siblings(model, (*parents, leaf)))
    return (*parents, meant or leaf)


def _should(details: ErrorDetails, what: str) -> str:
    """What would be right, from the validator's kind of finding."""
    context = details.get("ctx", {})
    bounds = {
        "greater_than": "above",
        "greater_than_equal": "at least",
        "less_than": "below",
        "less_than_equal": "at most",
    }
    kind = details["type"]
    if kind in bounds:
        return f"must be {bounds[kind]} {next(iter(context.values())):g}; it is {what}"
    match kind:
        case "literal_error" | "enum":
            return f"must be {context.get('expected')}"
        case "value_error":
            return str(context.get("error"))
        case "finite_number":
            return f"must be a finite number; it is {what}"
        case "too_short":
            return f"must not be empty; it is {what}"
        case "int_from_float":
            return f"must be a whole number; it is {what}"
        case _:
            return f"must be {what}"


def _model_at(model: type[BaseModel], path: Sequence[str]) -> type[BaseModel] | None:
    """The model of the section at `path`; names of accounts and the like are stepped over."""
    for part in path:
        field = model.model_fields.get(part)
        if field is not None:
            inner = _section_type(field.annotation)
            if inner is None:
                return None
            model = inner
    return model


def _section_type(annotation: object) -> type[BaseModel] | None:
    if (
        isinstance(annotation, type)
        and not isinstance(annotation, types.GenericAlias)
        and issubclass(annotation, BaseModel)
    ):
        return annotation
    for argument in typing.get_args(annotation):
        found = _section_type(argument)
        if found is not None:
            return found
    return None


def _siblings(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    section = _model_at(model, path[:-1])
    return sorted(section.model_fields) if section is not None else []


def _description(model: type[BaseModel], path: Sequence[str]) -> str:
    for end in range(len(path), 0, -1):
        section = _model_at(model, path[: end - 1])
        field = section.model_fields.get(path[end - 1]) if section is not None else None
        if field is not None:
            return field.description or "another value"
    return "another value"


def _elsewhere(leaf: str, siblings: Sequence[str], parent: str) -> str:
    """Where the key does exist, or which keys do exist here."""
    if leaf in LimitsFile.model_fields and parent:
        return "; it belongs into the file of limits"
    for name, field in ConfigFile.model_fields.items():
        section = _section_type(field.annotation)
        if section is not None and leaf in section.model_fields and name != parent.split(".", 1)[0]:
            return f"; it belongs into a section of [{name}]"
    return f"; known here: {', '.join(siblings)}" if siblings else ""
