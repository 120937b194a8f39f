"""Reading a configuration: main file, environment, limits file, secrets. All problems are told at once.

Owns the loaded `Config` value. Must not know the daemon, the venues or what a setting does.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
from pydantic import SecretStr, ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError, TomlConfigSettingsSource

from hedgebot.config import canonical, plugins
from hedgebot.config.crosscheck import check
from hedgebot.config.limitsfile import LimitsFile
from hedgebot.config.model import BookSection, ConfigFile, DaemonSection, UnderlyingSection
from hedgebot.config.problems import Problem, problems_of, raise_problems
from hedgebot.config.secrets import find_keys
from hedgebot.config.shipped import FILES
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.holdings import HoldingSettings
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
    HedgeLeg,
    HedgeRole,
    LimitSettings,
    MarginEvent,
    MarginMode,
    MarginParameters,
    StrategySettings,
    UnderlyingSettings,
)
from hedgebot.domain.spelling import nearest
from hedgebot.domain.treasury import TreasurySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConnection:
    """Everything needed to reach one account; keys print as asterisks."""

    account: str
    venue: str
    role: AccountRole
    endpoint: str | None
    testnet: bool
    api_key: SecretStr
    api_secret: SecretStr
    keys_found_in: str
    recv_window_ms: int
    order_timeout_ms: int
    order_entry: str
    dead_man_s: float | None = None
    drop_copy: bool = True
    moves_collateral: bool = False
    api_passphrase: SecretStr | None = None
    margin_mode: str = "cross"
    named_coins: tuple[str, ...] = ()
    """What of its wallet is exposure, or accepted as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A configuration that passed every check. `hash` identifies the settings, without secrets."""

    path: Path
    limits_path: Path
    file: ConfigFile
    limits: LimitSettings
    state_dir: Path

    @property
    def book(self) -> BookSection:
        """Name and run mode of the book."""
        return self.file.book

    @property
    def daemon(self) -> DaemonSection:
        """Settings of the process."""
        return self.file.daemon

    @property
    def closes(self) -> dict[str, Path]:
        """Files of closes by coin, absolute."""
        return {coin: self.path.parent / file for coin, file in self.file.risk.closes.items()}

    @property
    def hash(self) -> str:
        """16 hex characters that change with any setting of either file."""
        return canonical.digest(self.tree())

    def tree(self) -> dict[str, Any]:
        """All settings as plain nested tables, defaults included, secrets not."""
        main = self.file.model_dump(mode="json", exclude={"limits"}, exclude_none=True)
        return main | {"limits": msgspec.to_builtins(self.limits)}

    def engine_settings(self, install: int) -> EngineSettings:
        """What the engine is told; `install` is the number that tells installations apart in client ids."""
        return EngineSettings(
            config_hash=self.hash,
            install=install,
            accounts=tuple(
                AccountSettings(
                    name=name,
                    venue=one.venue,
                    role=one.role,
                    dead_man_s=one.dead_man_s,
                    margin_mode=MarginMode(one.margin_mode),
                    region=one.region or "",
                    no_exposure=one.no_exposure,
                )
                for name, one in self.file.accounts.items()
            ),
            underlyings=tuple(_underlying(name, one) for name, one in self.file.underlyings.items()),
            strategies=tuple(
                StrategySettings(
                    name=name,
                    enabled=one.enabled,
                    underlyings=one.underlyings,
                    params=one.params,
                    plugin=one.plugin,
                    accounts=one.accounts,
                    instruments=tuple(map(InstrumentId, one.instruments)),
                )
                for name, one in self.file.strategies.items()
            ),
            limits=self.limits,
            holdings=tuple(
                HoldingSettings(
                    name=name,
                    underlying=one.coin,
                    ratio=one.ratio,
                    age_s_max=one.age_s_max,
                    jump_coin_max=one.jump_coin_max,
                    coin_max=one.coin_max,
                )
                for name, one in self.file.holdings.items()
            ),
            treasury=tuple(
                TreasurySettings(
                    account=name,
                    coin=one.coin,
                    top_up_use=one.top_up_use,
                    target_use=one.target_use,
                    emergency_qty=Decimal(repr(one.emergency_qty)),
                    move_min_qty=Decimal(repr(one.move_min_qty)),
                    move_max_qty=Decimal(repr(one.move_max_qty)),
                    day_max_qty=Decimal(repr(one.day_max_qty)),
                    cool_down_s=one.cool_down_s,
                    proposal_s=one.proposal_s,
                )
                for name, one in self.file.treasury.items()
            ),
            margin_events=tuple(
                MarginEvent(name=one.name, start_ns=_ns(one.start), end_ns=_ns(one.end))
                for one in self.file.margin.events
            ),
            margin_parameters=tuple(
                _margin_parameters(venue, self.margin_path if is_followed else None)
                for venue, is_followed in {
                    one.venue: one.role.is_followed for one in self.file.accounts.values()
                }.items()
            ),
        )

    @property
    def margin_path(self) -> Path | None:
        """The operator's own file of margin parameters; None for the shipped one."""
        given = self.file.margin_parameters
        return None if given is None else self.path.parent / given

    def connections(
        self, environment: Mapping[str, str] | None = None, *, trading: bool = False
    ) -> tuple[AccountConnection, ...]:
        """Look keys up (of accounts that trade). ConfigError with one sentence for each account whose are missing."""
        env, folder = os.environ if environment is None else environment, self.path.parent
        asked = {name: one for name, one in self.file.accounts.items() if one.role.may_trade or not trading}
        found = {name: find_keys(name, one, folder=folder, environment=env) for name, one in asked.items()}
        raise_problems(
            [
                Problem(key=f"accounts.{name}", sentence=f"{self.path}: {keys}")
                for name, keys in found.items()
                if isinstance(keys, str)
            ]
        )
        exposed = [coin for name, one in self.file.underlyings.items() for coin in (name, *one.tokens)]
        return tuple(
            AccountConnection(
                account=name,
                venue=one.venue,
                role=one.role,
                endpoint=one.endpoint,
                testnet=one.testnet,
                api_key=keys.api_key,
                api_secret=keys.api_secret,
                keys_found_in=keys.found_in,
                recv_window_ms=one.recv_window_ms,
                order_timeout_ms=one.order_timeout_ms,
                order_entry=one.order_entry,
                dead_man_s=one.dead_man_s,
                drop_copy=one.drop_copy,
                moves_collateral=name in self.file.treasury,
                api_passphrase=keys.api_passphrase,
                margin_mode=one.margin_mode,
                named_coins=(*exposed, *one.no_exposure),
            )
            for name, one in asked.items()
            if not isinstance(keys := found[name], str)
        )


def load_config(path: Path, limits: Path | None = None, *, state_dir: Path | None = None) -> Config:
    """Read and check a configuration. Raises ConfigError that lists every problem.

    `limits` and `state_dir` replace what the file says; by default the state lives under XDG_STATE_HOME.
    """
    file = str(path)
    main, origins = _layers(path)
    limits_path = limits or path.parent / str(main.get("limits", "limits.toml"))
    problems: list[Problem] = []
    limits_model = _limits(limits_path, problems) if limits is not None or "limits" in main else None
    parsed: ConfigFile | None = None
    try:
        parsed = ConfigFile.model_validate(main)
    except ValidationError as error:
        problems += problems_of(error, model=ConfigFile, source=origins, file=file)
    problems += _strategies(main, file)
    wrong = {problem.key for problem in problems}
    problems += [
        one
        for one in check(main, limits_model, file=file, limits_file=str(limits_path))
        # Of a key that is wrong by itself, or of a table of which one key is, no more is told.
        if wrong.isdisjoint({one.key, one.key.rpartition(".")[0]})
    ]
    raise_problems(problems)
    if parsed is None or limits_model is None:
        raise ConfigError(f"{file}: limits is missing; it must be {ConfigFile.model_fields['limits'].description}")
    return Config(
        path=path.resolve(),
        limits_path=limits_path.resolve(),
        file=parsed,
        # How many underlyings one account may hedge is the configuration's alone: nothing asks for it while it runs.
        limits=LimitSettings(**limits_model.model_dump(exclude={"open_orders_max"})),
        state_dir=(state_dir or parsed.book.state_dir or default_state_dir(parsed.book.name)).expanduser().absolute(),
    )


def _underlying(name: str, one: UnderlyingSection) -> UnderlyingSettings:
    """One section as the engine has it: the hedge instruments as legs with their roles."""
    roles: tuple[tuple[HedgeRole, str | None], ...] = (
        (HedgeRole.BUY, one.hedge_instrument_buy),
        (HedgeRole.SELL, one.hedge_instrument_sell),
    )
    roles += tuple((HedgeRole.ALTERNATIVE, other) for other in one.hedge_alternatives)
    others = tuple(HedgeLeg(instrument=InstrumentId(other), role=role) for role, other in roles if other)
    given = one.model_dump(
        exclude={"hedge_instrument_buy", "hedge_instrument_sell", "hedge_instrument", "hedge_alternatives"}
    )
    main = InstrumentId(one.hedge_instrument)
    return UnderlyingSettings(underlying=name, hedge_instrument=main, other_hedges=others, **given)


def _ns(moment: datetime) -> int:
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000_000


def _margin_parameters(venue: str, path: Path | None) -> MarginParameters:
    """A venue's margin parameters: the operator's file, or the one that ships. Raises ConfigError if unreadable."""
    try:
        shipped = files("hedgebot").joinpath("margin", FILES[venue])
        content = (path or shipped).read_bytes()
        return MarginParameters(
            venue=venue, hash=blake2b(content, digest_size=8).hexdigest(), content=content.decode("utf-8")
        )
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"margin_parameters {path} cannot be read: {error}") from None


def default_state_dir(book: str) -> Path:
    """$XDG_STATE_HOME/hedgebot/BOOK, by default under ~/.local/state."""
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "hedgebot" / book


def read_toml(path: Path) -> dict[str, Any]:
    """Read one file. Raises ConfigError when it is absent, unreadable or no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file; name one with --config") from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder; name a file in it with --config") from None
    except PermissionError:
        raise ConfigError(f"{path}: this file may not be read by the user hedgebot runs as") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: this file is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: this file is not valid TOML: {error}") from None


def _layers(path: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The file with the environment laid over it, and the origin of each key that the environment gave."""
    read_toml(path)  # for its sentences; the source below keeps silent about an absent file
    main = dict(TomlConfigSettingsSource(ConfigFile, toml_file=path)())
    try:
        over = EnvSettingsSource(ConfigFile)()
    except SettingsError as error:
        raise ConfigError(f"environment: {error}; a section is set key by key, as HEDGEBOT_SECTION__KEY") from None
    origins: dict[str, str] = {}
    return _overlay(main, over, (), origins), origins


def _overlay(
    base: Mapping[str, Any], over: Mapping[str, Any], path: tuple[str, ...], origins: dict[str, str]
) -> dict[str, Any]:
    """Lay `over` over `base`; variables have no case, so a key is found whatever its case."""
    merged = dict(base)
    for name, value in over.items():
        key = next((one for one in base if one.lower() == name.lower()), name)
        here = (*path, key)
        below = merged.get(key)
        if isinstance(value, Mapping):
            merged[key] = _overlay(below if isinstance(below, Mapping) else {}, value, here, origins)
        else:
            merged[key] = value
            origins[".".join(here)] = "environment variable HEDGEBOT_" + "__".join(here).upper()
    return merged


def _limits(path: Path, problems: list[Problem]) -> LimitsFile | None:
    try:
        return LimitsFile.model_validate(read_toml(path))
    except ConfigError as error:
        problems.append(Problem(key="limits", sentence=str(error)))
    except ValidationError as error:
        problems += problems_of(error, model=LimitsFile, source={}, file=str(path))
    return None


def _strategies(main: Mapping[str, Any], file: str) -> list[Problem]:
    """Unknown strategies, and settings that a known one does not take."""
    known = plugins.known_strategies()
    problems: list[Problem] = []
    sections = main.get("strategies")
    for name, section in sections.items() if isinstance(sections, Mapping) else ():
        key = f"strategies.{name}"
        module = str(section.get("plugin") or name) if isinstance(section, Mapping) else name
        if module not in known:
            meant, _ = nearest(module, known)
            hint = f"; did you mean {meant}?" if meant else ""
            problems.append(
                Problem(
                    key=key,
                    sentence=f"{file}: {key} is not a known strategy{hint} (known: {', '.join(known) or 'none'})",
                )
            )
            continue
        params = section.get("params", {}) if isinstance(section, Mapping) else {}
        if isinstance(params, Mapping):
            problems += [
                Problem(key=f"{key}.params", sentence=one)
                for one in plugins.parameter_problems(name, params, module=module, file=file)
            ]
    return problems
