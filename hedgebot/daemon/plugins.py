"""Finds the strategies that the configuration names: modules of the `strategies` package with a `STRATEGY` factory.

Imports code, never decides: what a strategy may do is the core's protocol.
"""

import importlib

import msgspec

from hedgebot.config.plugins import known_strategies
from hedgebot.core.strategy import Strategy, StrategyPlugin
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.settings import StrategySettings


def load_strategy(settings: StrategySettings) -> Strategy:
    """Build one configured strategy; raises ConfigError that lists the known ones, or names the parameter."""
    known = known_strategies()
    if settings.module not in known:
        raise ConfigError(f"unknown strategy {settings.module!r}: there are {', '.join(known) or 'none'}")
    module = importlib.import_module(f"strategies.{settings.module}")
    factory: StrategyPlugin | None = getattr(module, "STRATEGY", None)
    if factory is None:
        raise ConfigError(f"strategies/{settings.module}.py has no STRATEGY: it is no strategy plug-in")
    try:
        return factory.build(settings)
    except msgspec.ValidationError as error:
        raise ConfigError(f"parameters of strategy {settings.name!r}: {error}") from error
