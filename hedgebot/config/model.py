"""Models of the operator's files: every key with its unit, range and default, once.

Owns shapes and ranges of single values. Must not read files or the environment, and must not know what a key does.
Ranges are wide: they stop slips of unit or sign, not opinions. `description` is a noun phrase with the unit; the
sentences for wrong values are made from it.
"""

from decimal import Decimal
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from hedgebot.domain.settings import AccountRole, CostSource, DeltaConvention, FundingAction


def _refuse_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("must be a number, not true or false")  # noqa: TRY004  (pydantic collects ValueError only)
    return value


def _loopback_only(value: str) -> str:
    parts = urlsplit(value)
    try:
        port = parts.port
    except ValueError as error:
        raise ValueError("must be an address like http://127.0.0.1:8080") from error
    if parts.scheme != "http" or parts.hostname is None or port is None or parts.path not in {"", "/"}:
        raise ValueError("must be an address like http://127.0.0.1:8080")
    if not _is_loopback(parts.hostname):
        raise ValueError(
            "must be a simulated exchange on this machine (http://127.0.0.1:PORT); "
            "for the venue's real addresses leave it out"
        )
    return value.rstrip("/")


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a web address like https://alerts.example.com/hook")
    if parts.username or parts.password:
        raise ValueError("must not hold a password")
    return value


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _full_name(value: str) -> str:
    parts = value.split(":")
    if len(parts) != 3 or not all(parts) or any(part != part.strip() for part in parts):
        raise ValueError("must be venue:category:symbol, for example bybit:linear:BTCUSDT")
    return value


def _instrument_form(value: str) -> str:
    if _full_name(value).split(":")[1] == "option":
        raise ValueError("must be a spot, perpetual or future: an option's delta moves, so it cannot be a delta hedge")
    return value


def _basis_points(value: float, *, right: str) -> float:
    if 0.0 < value < BPS_MIN:
        raise ValueError(f"looks like a fraction or percent; must be basis points, {right} (0.055 % is 5.5)")
    return value


BPS_MIN = 0.1
"""No venue has so small a fee but none, and no hedge costs less: below it stands another unit."""
DAY_VOLUME_USD_MIN = 100_000.0
"""Nobody hedges where less is traded a day: below it stand coins or contracts."""
BASIS_VOL_DAY_MAX = 0.05
"""No basis moves by 5 % of the price on a usual day: above it stand basis points or percent."""

Number = Annotated[float, BeforeValidator(_refuse_bool), Field(allow_inf_nan=False)]
Fee = Annotated[
    float,
    BeforeValidator(_refuse_bool),
    Field(ge=0, le=100, allow_inf_nan=False),
    AfterValidator(partial(_basis_points, right=f"0 or from {BPS_MIN:g} to 100")),
]
Cost = Annotated[
    float,
    BeforeValidator(_refuse_bool),
    Field(gt=0, le=200, allow_inf_nan=False),
    AfterValidator(partial(_basis_points, right=f"from {BPS_MIN:g} to 200")),
]
Volume = Annotated[float, BeforeValidator(_refuse_bool), Field(ge=DAY_VOLUME_USD_MIN, allow_inf_nan=False)]
BasisVol = Annotated[float, BeforeValidator(_refuse_bool), Field(ge=0, le=BASIS_VOL_DAY_MAX, allow_inf_nan=False)]
Ratio = Annotated[Decimal, BeforeValidator(_refuse_bool), Field(gt=0, le=1_000, allow_inf_nan=False)]
Count = Annotated[int, BeforeValidator(_refuse_bool)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
Coin = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{2,12}$")]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class Section(BaseModel):
    """Base of all sections: unknown keys are errors, values do not change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BookSection(Section):
    """What is hedged here, and where its memory lives."""

    name: Name = Field(description="the name of this book: small letters, digits, - and _")
    run_mode: Literal["paper", "live"] = Field("paper", description="paper (simulated exchange or testnet) or live")
    state_dir: Path | None = Field(None, description="the folder of the journal and the control socket")


class AccountSection(Section):
    """One account at one venue, and where its keys are found; the keys themselves never stand in a configuration."""

    venue: Literal["bybit", "deribit", "okx", "binance"] = Field(description="the exchange")
    role: AccountRole = Field(
        description="whose fills the account has (book, hedge or shared), or watched: its margin alone"
    )
    endpoint: Annotated[str, AfterValidator(_loopback_only)] | None = Field(
        None, description="the address of a simulated exchange"
    )
    testnet: bool = Field(False, description="true for the venue's testnet, false for real money")
    api_key_file: Path | None = Field(None, description="the file that holds the API key")
    api_secret_file: Path | None = Field(None, description="the file that holds the API secret")
    api_passphrase_file: Path | None = Field(None, description="the file that holds the API passphrase (OKX)")
    keyring: Text | None = Field(None, description="the service name in the system's key store")
    api_key_env: Text | None = Field(None, description="the environment variable that holds the API key")
    api_secret_env: Text | None = Field(None, description="the environment variable that holds the API secret")
    api_passphrase_env: Text | None = Field(
        None, description="the environment variable that holds the API passphrase (OKX)"
    )
    recv_window_ms: Count = Field(
        5_000, ge=500, le=60_000, description="a number of milliseconds that the venue accepts a request after its time"
    )
    order_timeout_ms: Count = Field(
        2_000, ge=100, le=30_000, description="a number of milliseconds to wait for the answer to an order"
    )
    margin_mode: Literal["cross", "portfolio"] = Field(
        "cross", description="the margin mode of the account at the venue: cross or portfolio"
    )
    order_entry: Literal["ws", "rest"] = Field("ws", description="the way orders travel: ws or rest")
    drop_copy: bool = Field(True, description="true or false: whether a second reader checks the venue's trade history")
    region: Name | None = Field(None, description="the region that hosts the venue: small letters, digits, - and _")
    no_exposure: tuple[Coin, ...] = Field((), description="a list of coins in its wallet that are no exposure")
    dead_man_s: Number | None = Field(
        None, ge=3, le=300, description="a number of seconds without us after which the venue cancels our orders"
    )


class UnderlyingSection(Section):
    """How one underlying is hedged."""

    band_coin: Number = Field(gt=0, description="a number of coins: half the width of the band that net delta may use")
    target_ratio: Number = Field(
        0.75, gt=0, lt=1, description="a share of band_coin: where a hedge ends, inside the band and never at zero"
    )
    delta_limit_coin: Number = Field(gt=0, description="a number of coins: net delta beyond it is an alert")
    hedge_account: Name = Field(description="the name of one of the [accounts]")
    hedge_instrument: Annotated[str, AfterValidator(_instrument_form)] = Field(
        description="the instrument hedged with, as venue:category:symbol"
    )
    hedge_instrument_buy: Annotated[str, AfterValidator(_instrument_form)] | None = Field(
        None, description="another instrument in which long hedges are opened, as venue:category:symbol"
    )
    hedge_instrument_sell: Annotated[str, AfterValidator(_instrument_form)] | None = Field(
        None, description="another instrument in which short hedges are opened, as venue:category:symbol"
    )
    hedge_alternatives: tuple[Annotated[str, AfterValidator(_instrument_form)], ...] = Field(
        (), description="a list of instruments that hedges are switched to, the preferred one first"
    )
    funding_saving_day_min: Number = Field(
        0.0005, gt=0, le=0.1, description="a share of the notional a day that another instrument must save"
    )
    opposed_coin_max: Number = Field(
        0.0, ge=0, description="a number of coins: how much of the hedges may stand against each other"
    )
    hedge_hold_days: Number = Field(
        1.0, gt=0, le=365, description="a number of days that a hedge is expected to be held"
    )
    collar_bps: Number = Field(
        20.0, gt=0, le=500, description="a number of basis points that a hedge may pay beyond the best price"
    )
    spread_bps_max: Number = Field(
        20.0, gt=0, le=1_000, description="a number of basis points; in a wider book no hedge is sent"
    )
    order_qty_coin_max: Number = Field(gt=0, description="a number of coins; larger hedges are sent in pieces")
    order_notional_usd_max: Number = Field(gt=0, description="a number of USD; larger hedges are sent in pieces")
    cost_bps: Cost = Field(5.0, description="a number of basis points: what a hedge costs one way, fee and half spread")
    cost_source: CostSource = Field(
        CostSource.CONFIGURED, description="what bands are made of: configured (cost_bps) or measured (own fills)"
    )
    cost_prior_orders: Number = Field(
        20.0, gt=0, le=10_000, description="a number of orders that cost_bps weighs against the cost of own fills"
    )
    cost_factor_max: Number = Field(
        2.0, ge=1, le=5, description="a number from 1: how many times above or below cost_bps own fills may move it"
    )
    hedge_fees_bps: dict[Annotated[str, AfterValidator(_instrument_form)], Fee] = Field(
        default={}, description="a table of hedge instruments and their fee one way in basis points, 0 to 100"
    )
    hedge_day_volumes_usd: dict[Annotated[str, AfterValidator(_instrument_form)], Volume] = Field(
        default={}, description="a table of hedge instruments and their traded volume of a day in USD"
    )
    hedge_basis_vols_day: dict[Annotated[str, AfterValidator(_instrument_form)], BasisVol] = Field(
        default={}, description="a table of hedge instruments and the volatility of their basis: a ratio, 0 to 0.05"
    )
    impact_ratio: Number = Field(
        1.0, ge=0, le=10, description="a number: how many times the square-root law a trade moves the price"
    )
    check_interval_s: Number | None = Field(
        None, gt=0, le=86_400, description="a number of seconds from one look at the market to the next, with latency"
    )
    settlement_window_s: Number = Field(
        1_800.0, ge=1, le=86_400, description="a number of seconds: how long before an expiry its price is averaged"
    )
    delta_convention: DeltaConvention | None = Field(
        None, description="what a hedge keeps constant: linear, coin_neutral or usd_neutral"
    )
    funding_action: FundingAction = Field(
        FundingAction.NO_RISK, description="what a broken limit of funding does: alert, no_risk, switch or unwind"
    )
    skew_stickiness: Number = Field(
        1.0, ge=1, le=2, description="a number from 1 (sticky strike) to 2 (local volatility), never 0 (sticky delta)"
    )
    tokens: dict[Coin, Ratio] = Field(
        default={}, description="a table of tokens in the wallet and the coins that one stands for: above 0, to 1000"
    )
    token_jump_coin_max: Number | None = Field(
        None, gt=0, description="a number of coins; a ratio that changes the exposure by more is not believed"
    )


class StrategySection(Section):
    """One plug-in of strategies/ and its switch."""

    enabled: bool = Field(description="true or false")
    underlyings: tuple[Coin, ...] = Field(min_length=1, description="a list of names of [underlyings]")
    params: dict[str, float | str | bool] = Field(default={}, description="the strategy's own settings")
    plugin: str = Field("", description="the name of a file in strategies/, where the section has another name")
    accounts: tuple[Name, ...] = Field((), description="a list of names of [accounts] and [holdings]")
    instruments: tuple[Annotated[str, AfterValidator(_full_name)], ...] = Field(
        (), description="a list of instruments, as venue:category:symbol"
    )


class HoldingSection(Section):
    """Something that is held outside the exchanges, and where its quantity is read."""

    kind: Literal["file", "http"] = Field(description="where it is read: file or http")
    coin: Coin = Field(description="the name of one of the [underlyings]")
    path: Path | None = Field(None, description="the file that holds the quantity")
    url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="the address that answers with the quantity"
    )
    ratio: Number = Field(1.0, gt=0, le=1_000, description="a number of coins that one unit stands for")
    every_s: Number = Field(30.0, ge=0.1, le=3_600, description="a number of seconds between readings")
    timeout_s: Number = Field(5.0, ge=0.1, le=60, description="a number of seconds that a reading may take")
    age_s_max: Number = Field(gt=0, le=864_000, description="a number of seconds; older, it is not hedged on")
    jump_coin_max: Number = Field(gt=0, description="a number of coins; a larger change is not believed")
    coin_max: Number | None = Field(
        None, gt=0, description="a number of coins; more is not believed (without it, the first reading is a change)"
    )


class TreasurySection(Section):
    """How one account is topped up from its own funding wallet; quantities in `coin`."""

    coin: Coin = Field("USDT", description="the coin that is moved")
    emergency_qty: Number = Field(0.0, ge=0, description="a number of coins of the funding wallet kept for an operator")
    top_up_use: Number = Field(
        gt=0, lt=1, description="a ratio (0.6 is 60 %): above this margin use a top-up is planned"
    )
    target_use: Number = Field(gt=0, lt=1, description="a ratio (0.45 is 45 %): the margin use that a top-up aims at")
    move_min_qty: Number = Field(100.0, gt=0, description="a number of coins: less is not worth a move")
    move_max_qty: Number = Field(0.0, ge=0, description="a number of coins that may move by themselves at once")
    day_max_qty: Number = Field(0.0, ge=0, description="a number of coins that may move by themselves in 24 hours")
    cool_down_s: Number = Field(600.0, ge=0, le=86_400, description="a number of seconds between two moves")
    proposal_s: Number = Field(
        3_600.0, ge=60, le=604_800, description="a number of seconds that a proposal waits for an operator"
    )


class MarginEventSection(Section):
    """A window of time in which the buffer has its higher floor."""

    name: Text = Field(description="the name of the event")
    start: AwareDatetime = Field(description="a moment with its zone, such as 2026-12-09T18:00:00Z")
    end: AwareDatetime = Field(description="a moment with its zone, such as 2026-12-09T21:00:00Z")


class MarginSection(Section):
    """What is known ahead of the margin's regime."""

    events: tuple[MarginEventSection, ...] = Field((), description="the list of events")


class AlertSection(Section):
    """One channel that takes alerts to people; the order of the sections is the order in which they are tried."""

    kind: Literal["webhook", "command"] = Field(description="the way out: webhook or command")
    url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="the address that alerts are posted to"
    )
    url_file: Path | None = Field(None, description="the file that holds the address, where the address is a secret")
    command: tuple[Text, ...] = Field((), description="a list of words: the program and its arguments")
    format: Literal["json", "text", "slack", "discord"] = Field(
        "json", description="the shape of what is sent: json, text, slack or discord"
    )
    timeout_s: Number = Field(3.0, ge=0.1, le=4, description="a number of seconds; after it the next channel is tried")


class RiskSection(Section):
    """What risk numbers are made from."""

    closes: dict[Coin, Path] = Field(
        default={}, description="the files of daily or hourly closes (CSV or Parquet) by coin, relative to this file"
    )
    proxy: Coin = Field("BTC", description="the coin whose moves stand for a coin without a history")
    proxy_ratio: Number = Field(
        2.0, ge=1, le=10, description="a number from 1: how many times as far a coin without a history moves"
    )


class DaemonSection(Section):
    """How the process behaves; nothing here changes a decision."""

    inbox_capacity: Count = Field(10_000, ge=100, le=1_000_000, description="a number of events")
    snapshot_interval_s: Number = Field(60.0, ge=1, le=3_600, description="a number of seconds")
    stop_timeout_s: Number = Field(20.0, ge=1, le=300, description="a number of seconds")
    ballast_mb: Number = Field(4.0, ge=0, le=1_024, description="a number of megabytes, 0 for none")
    memory_mb_max: Number = Field(1_000.0, ge=0, le=1_000_000, description="a number of megabytes, 0 for none")
    memory_growth_mb_max: Number = Field(250.0, ge=0, le=1_000_000, description="a number of megabytes, 0 for none")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="the least severe record kept")
    log_file: Path | None = Field(None, description="the file of log records")
    heartbeat_url: Annotated[str, AfterValidator(_web_address)] | None = Field(
        None, description="the address of a monitor outside, which rings when it is not asked any more"
    )
    heartbeat_interval_s: Number = Field(30.0, ge=1, le=3_600, description="a number of seconds")


class ConfigFile(BaseSettings):
    """The whole main file. HEDGEBOT_SECTION__KEY in the environment overrides a key of a section."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix="HEDGEBOT_", env_nested_delimiter="__", env_ignore_empty=True
    )

    limits: Path = Field(description="the file of hard limits, relative to this file")
    margin_parameters: Path | None = Field(
        None, description="a file of the venue's margin parameters, relative to this file, in place of the shipped one"
    )
    book: BookSection = Field(description="the section that names the book")
    accounts: dict[Name, AccountSection] = Field(min_length=1, description="the sections of accounts")
    underlyings: dict[Coin, UnderlyingSection] = Field(min_length=1, description="the sections of underlyings")
    strategies: dict[Name, StrategySection] = Field(default={}, description="the sections of strategies")
    holdings: dict[Name, HoldingSection] = Field(default={}, description="the sections of holdings outside")
    margin: MarginSection = Field(default=MarginSection(), description="the section of events")
    treasury: dict[Name, TreasurySection] = Field(default={}, description="the sections of top-ups, by account")
    alerts: dict[Name, AlertSection] = Field(default={}, description="the sections of channels for alerts")
    risk: RiskSection = Field(default=RiskSection(), description="the section of risk numbers")
    daemon: DaemonSection = Field(default=DaemonSection(), description="the section of the process")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (the library's signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what is handed in and nothing else: the loader lays the layers over each other, names of any case."""
        return (init_settings,)
