"""What a simulated world is: a seed, markets, accounts, client flow and weather, as one value.

Owns names, units and ranges of the settings. Must not decide anything that happens later (the model
does that), nor know the file that it was read from (`scenario_file.py`).
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.domain.toml_lines import Path
from hedgebot.exchange.faults import ScriptedFault
from hedgebot.exchange.fee_tiers import FeeTier
from hedgebot.exchange.requests import MarginMode
from hedgebot.exchange.scenario_checks import PEGGED, event_problems, peg_problems, token_problems, venue_problems
from hedgebot.exchange.trouble import Trouble
from hedgebot.exchange.venue_rules import VENUES

# What the client trades, with weights.
_PRODUCTS = {"spot": 1.0, "usdc_perp": 2.0, "option": 1.0}

_KINDS = tuple(kind for kind in InstrumentKind if kind is not InstrumentKind.COIN_OPTION)
OPTION_SETTLES = ("USDT", "USDC")
EXPIRIES_MAX = 8

STEP_MS_MIN, STEP_MS_MAX = 10, 60_000
# Keys of a recording that are paths.
RECORDED_FILES = ("perp_bars", "spot_bars", "minutes", "funding", "chain")


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
    depth_ratio: Annotated[float, msgspec.Meta(ge=0.01, le=20.0)] = 1.0  # of what books of this coin hold
    perp_offset_bps: float = 0.0  # of perpetuals at this exchange, above the path's
    basis_bps: float = -4.0  # mean of perpetual over index; recorded median on BTC is -4.45 (data FACTS.md, m09)
    option_vol: float = 0.5  # level that at-the-money implied volatility reverts to
    products: tuple[InstrumentKind, ...] = _KINDS  # what is listed
    option_settles: tuple[str, ...] = ("USDT",)  # coins that options settle in, USDT and USDC; a chain for each
    option_expiries_days: tuple[float, ...] = (2.0, 9.0, 30.0)
    # Expiries this long after the start, to see a delivery; a day's calendar expiry gives way to one of these.
    option_expiries_s: tuple[float, ...] = ()
    option_strikes: int = 5  # around the money, for each expiry, calls and puts
    option_strike_step: float = 0.0  # quote units; 0 = about 2.5 % of the start price, rounded
    future_weeks: int = 1  # next Fridays at which USDT and USDC futures end
    future_quarters: int = 1  # next ends of quarters at which those and inverse futures end
    # Ends of futures this long after the start; a day's (inverse: a month's) calendar one gives way to one of these.
    future_expiries_s: tuple[float, ...] = ()


class RecordedFile(_Part, frozen=True, kw_only=True):
    """A file of recorded rows, where its name alone does not say how to read it.

    `rows` keeps the rows whose columns have these words; `time_zone` is the zone of labels without one (an IANA name);
    `late_hours` says that labels are later than the truth by so much.
    """

    file: str
    rows: dict[str, str] = {}
    time_zone: str | None = None
    late_hours: float = 0.0


class RecordingSpec(_Part, frozen=True, kw_only=True):
    """Recorded files for one underlying, played from `start` to `end` at `speed` times real time.

    Paths are relative to the scenario file. `perp_bars` and `spot_bars` hold open, high, low, close and may hold
    volume, or hold bid and ask (and their sizes in coins), which are the book's touch; `minutes` holds spot_mid,
    perp_mid, perp_mark, index_price (mids are middles of the minute that starts at `date`); `funding` holds settlements
    (rates as fractions), which are paid in place of the computed ones; `chain` holds captures of options with strike,
    expiry, forward and volatility, which are listed and valued as recorded (at speed 1). `chain_width` keeps strikes
    with |ln(strike / forward)| up to that when first seen (0: all).
    """

    underlying: str
    perp_bars: RecordedFile | str = ""
    spot_bars: RecordedFile | str = ""
    minutes: RecordedFile | str = ""
    funding: RecordedFile | str = ""
    chain: RecordedFile | str = ""
    chain_width: float = 0.0
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
    more_api_keys: tuple[str, ...] = ()  # further keys of the same account, with the same secret
    coins: dict[str, Decimal]
    funding_coins: dict[str, Decimal] = {}  # in the funding wallet beside it: no collateral until it is moved over
    positions: tuple[HoldingSpec, ...] = ()
    leverage: int = 10
    self_trade_group: int = 0  # accounts of one group count as one for self-trade prevention; 0 is no group
    fee_tier: FeeTier = FeeTier.NO_VIP
    margin_mode: MarginMode = MarginMode.CROSS
    not_collateral: tuple[str, ...] = ()  # coins that are switched off as collateral
    spot_margin: bool = False  # spot orders that ask for it may borrow what they lack
    dead_man: bool = False  # the venue lets it use the dead-man's switch, where that takes a permission


class TokenSpec(_Part, frozen=True, kw_only=True):
    """A token that accounts may hold and nobody trades: it is worth `ratio` coins of the underlying."""

    name: str
    underlying: str
    ratio: Annotated[float, msgspec.Meta(gt=0, le=1_000)] = 1.0


class ClientFlowSpec(_Part, frozen=True, kw_only=True):
    """Someone else's trading in an account. Sizes are mean absolute delta per trade, in coins of the underlying."""

    account: str
    enabled: bool = True
    trades_per_minute: float = 8.0
    size_coin: dict[str, float] = {}
    bound_coin: dict[str, float] = {}  # inventory comes back towards the start beyond about this much delta
    products: dict[str, float] = msgspec.field(default_factory=lambda: dict(_PRODUCTS))


class WeatherSpec(_Part, frozen=True, kw_only=True):
    """What happens to messages all the time: probabilities per order request or account push, delays in ms."""

    request_lost_probability: float = 0.0
    ack_lost_probability: float = 0.0
    push_lost_probability: float = 0.0
    push_duplicate_probability: float = 0.0
    ack_delay_ms: float = 2.0
    ack_delay_jitter_ms: float = 3.0
    push_delay_ms: float = 1.0


class FlowChange(_Part, frozen=True, kw_only=True):
    """The client's trading from a moment on: whether there is any, and how often (None leaves the pace)."""

    enabled: bool = True
    trades_per_minute: Annotated[float, msgspec.Meta(gt=0, le=6_000)] | None = None


class EventSpec(_Part, frozen=True, kw_only=True):
    """One thing that is written to happen, `at_s` seconds after the start or `at` a moment of the recording's clock.

    `note` says in a sentence what people should see. `weather` replaces the wire's weather as a whole. `faults` strike
    from then on, each as often as its `count` and as long as its `seconds` say: those of `type = "line"` the wire's
    connections, those of `type = "order"` the orders and cancels of whoever has a key. "The next three orders are
    rejected after their acknowledgement" is `{ type = "order", kind = "reject", count = 3 }`.
    """

    at_s: float | None = None
    at: datetime | None = None
    note: str = ""
    trouble: Trouble | None = None
    flow: FlowChange | None = None
    weather: WeatherSpec | None = None
    faults: tuple[ScriptedFault, ...] = ()


class PegSpec(_Part, frozen=True, kw_only=True):
    """What a stablecoin is worth in USD over time: written as points, or recorded.

    `points` are (seconds after the start, USD), straight in between and held after the last. Recorded are bars of one
    coin quoted in USD and in the stablecoin, whose ratio at each bar's open is the peg (of a bar without volume nothing
    is known); they are played with the recordings of the world, at their speed and from their start.
    """

    coin: str
    points: tuple[tuple[float, float], ...] = ()
    usd_bars: RecordedFile | str = ""
    coin_bars: RecordedFile | str = ""


class VenueSpec(_Part, frozen=True, kw_only=True):
    """One of several exchanges over the same underlying prices; what is left out is as the scenario says.

    `basis_bps` is what its perpetuals stand above the others', `depth_ratio` what its books hold of theirs.
    Fees are its accounts' tiers. `port` is where it is served (None: the next one). `recordings` are its own files.
    """

    name: str
    port: Annotated[int, msgspec.Meta(ge=0, le=65_535)] | None = None
    venue_rules: str | None = None
    accounts: tuple[AccountSpec, ...] = ()
    client_flow: ClientFlowSpec | None = None
    recordings: tuple[RecordingSpec, ...] = ()
    weather: WeatherSpec | None = None
    events: tuple[EventSpec, ...] = ()
    basis_bps: float = 0.0
    depth_ratio: Annotated[float, msgspec.Meta(ge=0.01, le=20.0)] = 1.0


class Scenario(_Part, frozen=True, kw_only=True):
    """A whole simulated world. Two exchanges of one scenario, started at one moment and driven alike, do alike."""

    name: str = "seeded"
    seed: int = 7
    insurance: dict[str, Decimal] = {}  # what the insurance funds have, by settlement coin; others have plenty
    other_holders: int = 25  # anonymous holders on each side of a contract, for the queue of auto-deleveraging
    step_ms: int = 100
    underlyings: tuple[UnderlyingSpec, ...] = (
        UnderlyingSpec(name="BTC", start_price=90_000.0),
        UnderlyingSpec(name="ETH", start_price=3_000.0, vol=0.65, option_vol=0.65),
    )
    recordings: tuple[RecordingSpec, ...] = ()
    accounts: tuple[AccountSpec, ...] = ()
    client_flow: ClientFlowSpec | None = None
    weather: WeatherSpec = WeatherSpec()
    events: tuple[EventSpec, ...] = ()
    pegs: tuple[PegSpec, ...] = ()
    tokens: tuple[TokenSpec, ...] = ()
    venues: tuple[VenueSpec, ...] = ()
    # Draws the prices that several exchanges share; None: `seed` does.
    path_seed: int | None = None
    funding_interval_s: int = 28_800
    delivery_window_s: Annotated[int, msgspec.Meta(ge=1, le=1_800)] = 1_800  # over which a delivery price is averaged
    rate_limits: bool = True
    # How long an address is shut out that asked too often; None: as long as the venue says (Bybit: 600 s).
    ban_s: Annotated[float, msgspec.Meta(gt=0, le=604_800)] | None = None
    venue_rules: str = "bybit"  # whose client ids, dead-man's switch, deadlines and budgets hold (`venue_rules.py`)


def checked(scenario: Scenario, where: str) -> Scenario:
    """Return the scenario if its values make sense together; ConfigError otherwise."""
    for _, sentence in problems(scenario):
        raise ConfigError(f"scenario {where}: {sentence}")
    return scenario


def problems(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    """What does not make sense in a scenario: each time the path of the key, and the sentence."""
    if not STEP_MS_MIN <= scenario.step_ms <= STEP_MS_MAX:
        yield ("step_ms",), f"step_ms is {scenario.step_ms}, it must be {STEP_MS_MIN} to {STEP_MS_MAX}"
    if scenario.funding_interval_s < 60:
        yield (
            ("funding_interval_s",),
            f"funding_interval_s is {scenario.funding_interval_s}, it must be at least 60",
        )
    if scenario.venue_rules not in VENUES:
        yield (
            ("venue_rules",),
            f"venue_rules is {scenario.venue_rules!r}, it must be one of {', '.join(sorted(VENUES))}",
        )
    for key in WeatherSpec.__struct_fields__:
        value = getattr(scenario.weather, key)
        if key.endswith("_probability") and not 0 <= value < 1:
            yield ("weather", key), f"weather.{key} is {value}, it must be 0 up to 1"
    yield from _market_problems(scenario)
    yield from _account_problems(scenario)
    yield from event_problems(scenario)
    yield from peg_problems(scenario)
    yield from token_problems(scenario)
    yield from venue_problems(scenario, problems)


def _market_problems(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    names = [spec.name for spec in scenario.underlyings]
    if not names or len(set(names)) != len(names):
        yield ("underlyings",), "underlyings must be named, each once"
    for number, spec in enumerate(scenario.underlyings):
        for key in ("start_price", "vol", "option_vol"):
            if not getattr(spec, key) > 0:
                sentence = f"underlying {spec.name}: {key} is {getattr(spec, key)}, it must be positive"
                yield ("underlyings", number, key), sentence
        if not -1 <= spec.correlation <= 1:
            sentence = f"underlying {spec.name}: correlation is {spec.correlation}, it must be -1 to 1"
            yield ("underlyings", number, "correlation"), sentence
        yield from _product_problems(number, spec)
    for number, recording in enumerate(scenario.recordings):
        if recording.underlying not in names:
            sentence = f"recording of {recording.underlying!r}: it must be one of the underlyings {names}"
            yield ("recordings", number, "underlying"), sentence
        if not recording.speed > 0:
            sentence = f"recording of {recording.underlying}: speed is {recording.speed}, it must be positive"
            yield ("recordings", number, "speed"), sentence
        if recording.chain and recording.speed != 1:
            sentence = f"recording of {recording.underlying}: speed is {recording.speed}; expiries need 1 with a chain"
            yield ("recordings", number, "speed"), sentence


def _product_problems(number: int, spec: UnderlyingSpec) -> Iterator[tuple[Path, str]]:
    unknown = [kind for kind in spec.products if kind not in _KINDS]
    if unknown or not spec.products:
        sentence = f"products are {[str(kind) for kind in spec.products]}, at least one of {', '.join(_KINDS)}"
        yield ("underlyings", number, "products"), f"underlying {spec.name}: {sentence}"
    if not set(spec.option_settles) <= set(OPTION_SETTLES):
        sentence = f"option_settles are {list(spec.option_settles)}, they must be of {', '.join(OPTION_SETTLES)}"
        yield ("underlyings", number, "option_settles"), f"underlying {spec.name}: {sentence}"
    for key in ("future_weeks", "future_quarters"):
        if not 0 <= getattr(spec, key) <= EXPIRIES_MAX:
            sentence = f"{key} is {getattr(spec, key)}, it must be 0 to {EXPIRIES_MAX}"
            yield ("underlyings", number, key), f"underlying {spec.name}: {sentence}"


def _account_problems(scenario: Scenario) -> Iterator[tuple[Path, str]]:
    names = [spec.name for spec in scenario.accounts]
    known = (*PEGGED, *(spec.name for spec in scenario.underlyings))
    for number, name in enumerate(names):
        if name in names[:number]:
            yield ("accounts", number, "name"), f"two accounts have one name, {name!r}; each needs its own"
    for number, spec in enumerate(scenario.accounts):
        if spec.spot_margin and spec.margin_mode is MarginMode.ISOLATED:
            yield ("accounts", number, "spot_margin"), "spot_margin needs margin_mode cross or portfolio"
    for coin in (one for one in scenario.insurance if one not in known):
        yield ("insurance", coin), f"insurance has {coin!r}, nothing settles in it; known are {', '.join(known)}"
    flow = scenario.client_flow
    if flow is not None and flow.account not in names:
        yield ("client_flow", "account"), f"client_flow.account is {flow.account!r}, it must be one of {names}"
