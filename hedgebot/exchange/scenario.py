"""What a simulated world is: a seed, markets, accounts, client flow and weather, as one value. Loads it from TOML.

Owns names, units and ranges of the settings. Must not decide anything that happens later: the model does that.
"""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec

from hedgebot.domain.errors import ConfigError

# What the client trades, with weights.
_PRODUCTS = {"spot": 1.0, "usdc_perp": 2.0, "option": 1.0}


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all parts: an unknown key is an error, so that a misspelt one is not silently a default."""


class UnderlyingSpec(_Part, frozen=True, kw_only=True):
    """One coin's market. Volatility is per year (0.5 = 50 %), jumps are Gaussian with `jump_size` as deviation."""

    name: str
    start_price: float
    vol: float = 0.5
    jumps_per_day: float = 4.0
    jump_size: float = 0.006
    correlation: float = 0.8  # with the common market factor
    basis_bps: float = -4.0  # mean of perpetual over index; recorded median on BTC is -4.45 (data FACTS.md, m09)
    option_vol: float = 0.5  # level that at-the-money implied volatility reverts to
    option_expiries_days: tuple[float, ...] = (2.0, 9.0, 30.0)
    # Expiries this long after the start, to see a delivery; a day's calendar expiry gives way to one of these.
    option_expiries_s: tuple[float, ...] = ()
    option_strikes: int = 5  # around the money, for each expiry, calls and puts
    option_strike_step: float = 0.0  # quote units; 0 = about 2.5 % of the start price, rounded


class RecordingSpec(_Part, frozen=True, kw_only=True):
    """Recorded files for one underlying, played from `start` to `end` at `speed` times real time.

    Paths are relative to the scenario file. `perp_bars` and `spot_bars` hold open, high, low, close; `minutes` holds
    spot_mid, perp_mid, perp_mark, index_price (mids are middles of the minute that starts at `date`).
    """

    underlying: str
    perp_bars: str = ""
    spot_bars: str = ""
    minutes: str = ""
    start: datetime | None = None
    end: datetime | None = None
    speed: float = 1.0


class HoldingSpec(_Part, frozen=True, kw_only=True):
    """A position that an account starts with, entered at the start price. `instrument` is `category:symbol`.

    Options of generated chains are named by place: `option:BTC/1/0/C` = expiry 1, strike 0 steps off the money, call.
    """

    instrument: str
    contracts: Decimal


class AccountSpec(_Part, frozen=True, kw_only=True):
    """One unified account: its key pair for the wire's face, coins and positions at the start."""

    name: str
    api_key: str
    api_secret: str
    coins: dict[str, Decimal]
    positions: tuple[HoldingSpec, ...] = ()
    leverage: int = 10


class ClientFlowSpec(_Part, frozen=True, kw_only=True):
    """Someone else's trading in an account. Sizes are mean absolute delta per trade, in coins of the underlying."""

    account: str
    enabled: bool = True
    trades_per_minute: float = 8.0
    size_coin: dict[str, float] = {}
    bound_coin: dict[str, float] = {}  # inventory comes back towards the start beyond about this much delta
    products: dict[str, float] = msgspec.field(default_factory=lambda: dict(_PRODUCTS))


class WeatherSpec(_Part, frozen=True, kw_only=True):
    """What the wire's face does to requests and replies. Probabilities per order request, delays in milliseconds."""

    ack_lost_probability: float = 0.0
    ack_delay_ms: float = 2.0
    ack_delay_jitter_ms: float = 3.0
    push_delay_ms: float = 1.0


class Scenario(_Part, frozen=True, kw_only=True):
    """A whole simulated world. Two exchanges of one scenario, started at one moment and driven alike, do alike."""

    name: str = "seeded"
    seed: int = 7
    step_ms: int = 100
    underlyings: tuple[UnderlyingSpec, ...] = (
        UnderlyingSpec(name="BTC", start_price=90_000.0),
        UnderlyingSpec(name="ETH", start_price=3_000.0, vol=0.65, option_vol=0.65),
    )
    recordings: tuple[RecordingSpec, ...] = ()
    accounts: tuple[AccountSpec, ...] = ()
    client_flow: ClientFlowSpec | None = None
    weather: WeatherSpec = WeatherSpec()
    funding_interval_s: int = 28_800
    rate_limits: bool = True


def load_scenario(path: Path) -> Scenario:
    """Read a scenario from TOML; ConfigError names file, key and what would be right. Relative paths start there."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        msg = f"scenario {path}: cannot be read ({error.strerror}); give the path of a TOML file"
        raise ConfigError(msg) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"scenario {path}: is not valid TOML ({error})"
        raise ConfigError(msg) from error
    try:
        scenario = msgspec.convert(raw, Scenario)
    except msgspec.ValidationError as error:
        msg = f"scenario {path}: {error}"
        raise ConfigError(msg) from error
    recordings = tuple(_absolute(spec, path.parent) for spec in scenario.recordings)
    return checked(msgspec.structs.replace(scenario, recordings=recordings), str(path))


def checked(scenario: Scenario, where: str) -> Scenario:
    """Return the scenario if its values make sense together; ConfigError otherwise."""
    problem = _problem(scenario)
    if problem:
        msg = f"scenario {where}: {problem}"
        raise ConfigError(msg)
    return scenario


def _problem(scenario: Scenario) -> str | None:
    names = [spec.name for spec in scenario.underlyings]
    if not names or len(set(names)) != len(names):
        return "underlyings must be named, each once"
    if not 10 <= scenario.step_ms <= 1_000:
        return f"step_ms is {scenario.step_ms}, it must be 10 to 1000"
    if scenario.funding_interval_s < 60:
        return f"funding_interval_s is {scenario.funding_interval_s}, it must be at least 60"
    for spec in scenario.underlyings:
        if not (spec.start_price > 0 and spec.vol > 0 and spec.option_vol > 0 and -1 <= spec.correlation <= 1):
            return f"underlying {spec.name}: start_price, vol and option_vol must be positive, correlation in -1 to 1"
    accounts = [spec.name for spec in scenario.accounts]
    if len(set(accounts)) != len(accounts):
        return "two accounts have one name"
    flow = scenario.client_flow
    if flow is not None and flow.account not in accounts:
        return f"client_flow.account is {flow.account!r}, it must be one of {accounts}"
    for recording in scenario.recordings:
        if recording.underlying not in names:
            return f"recording of {recording.underlying!r}: it must be one of the underlyings {names}"
        if recording.speed <= 0:
            return f"recording of {recording.underlying}: speed is {recording.speed}, it must be positive"
    if not 0 <= scenario.weather.ack_lost_probability < 1:
        return f"weather.ack_lost_probability is {scenario.weather.ack_lost_probability}, it must be 0 up to 1"
    return None


def _absolute(spec: RecordingSpec, folder: Path) -> RecordingSpec:
    files = {
        name: str(folder / getattr(spec, name)) for name in ("perp_bars", "spot_bars", "minutes") if getattr(spec, name)
    }
    times = {
        name: value if value.tzinfo else value.replace(tzinfo=UTC)
        for name in ("start", "end")
        if (value := getattr(spec, name)) is not None
    }
    return msgspec.structs.replace(spec, **files, **times)
