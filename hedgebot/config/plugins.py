"""Which strategies there are and what settings they take, asked from the plug-ins themselves.

A plug-in is a file strategies/NAME.py with a module-level STRATEGY; it is imported only when a configuration names it.
"""

import importlib
import importlib.util
import math
import pkgutil
from collections.abc import Mapping
from typing import Any

import msgspec

from hedgebot.config.problems import show_value, unknown_key
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings

PACKAGE = "strategies"


def known_strategies() -> tuple[str, ...]:
    """Names of all plug-ins, sorted, without importing any."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    names = [module.name for module in pkgutil.iter_modules(folders)] if folders is not None else []
    return tuple(sorted(name for name in names if not name.startswith("_")))


def parameter_problems(name: str, params: Mapping[str, Any], *, module: str, file: str) -> list[str]:
    """Sentences for settings that the strategy `name`, made by the plug-in `module`, does not take or lacks."""
    factory = importlib.import_module(f"{PACKAGE}.{module}").STRATEGY
    model: type[msgspec.Struct] = factory.parameters
    key = f"strategies.{name}.params"
    known = model.__struct_fields__
    sentences = [
        unknown_key(f"{key}.{one}", value, known, file=file) for one, value in params.items() if one not in known
    ]
    for one in known:
        if one in params:
            problem = _value_problem(model, one, params[one])
            if problem is not None:
                sentences.append(f"{file}: {key}.{one} = {show_value(one, params[one])} is wrong: {problem}")
    return sentences or _build_problem(factory, name, params, file)


def _build_problem(factory: Any, name: str, params: Mapping[str, Any], file: str) -> list[str]:  # noqa: ANN401
    """What the plug-in itself says: a value out of range, or one that is missing."""
    try:
        factory.build(StrategySettings(name=name, enabled=True, underlyings=(), params=dict(params)))
    except (ConfigError, msgspec.ValidationError) as error:
        # A plug-in that names the key itself, as ours do, is not told twice.
        key, said = f"strategies.{name}.params", str(error)
        return [f"{file}: {said}" if said.startswith(f"{key}.") else f"{file}: {key}: {said}"]
    return []


def _value_problem(model: type[msgspec.Struct], name: str, value: object) -> str | None:
    annotation = next(field.type for field in msgspec.structs.fields(model) if field.name == name)
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        return str(error)
    if isinstance(value, float) and not math.isfinite(value):
        return "it must be a finite number"
    return None
