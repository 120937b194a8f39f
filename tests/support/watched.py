"""Playbooks with a second account that is only watched: settings, and reports as its venue's readings make them."""

from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

import hedgebot.margin
from hedgebot.config.shipped import FILES
from hedgebot.core.state import AccountState
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, OptionType
from hedgebot.domain.reports import WalletReport, WatchedMargin, WatchedPosition
from hedgebot.domain.settings import AccountRole, AccountSettings, EngineSettings, MarginMode, MarginParameters
from hedgebot.pricing import black76
from tests.support.playbook import Playbook, instrument, settings

WATCHED = "options"
PERPETUAL = InstrumentId("deribit:inverse:BTC-PERPETUAL")
RULES = instrument(
    PERPETUAL, InstrumentKind.INVERSE_PERP, quote="USD", settle="BTC", lot_size=Decimal(10), qty_min=Decimal(10)
)


def shipped(venue: str) -> MarginParameters:
    """A venue's shipped record as the configuration hands it over."""
    content = Path(hedgebot.margin.__file__).with_name(FILES[venue]).read_text("utf-8")
    return MarginParameters(venue=venue, hash="feed", content=content)


def with_watched(
    mode: MarginMode = MarginMode.CROSS, venue: str = "deribit", plain: EngineSettings | None = None
) -> EngineSettings:
    """The playbook's settings and an account at another venue that is only watched."""
    plain = plain or settings()
    other = AccountSettings(name=WATCHED, venue=venue, role=AccountRole.WATCHED, margin_mode=mode)
    return msgspec.structs.replace(
        plain,
        accounts=(*plain.accounts, other),
        margin_parameters=(*plain.margin_parameters, shipped(venue)),
    )


def watched_account(book: Playbook) -> AccountState:
    """What is known of it."""
    return book.state.accounts[WATCHED]


def held(usd: float = 1_000_000.0, mark: float = 100_000.0, leverage: float | None = 50.0) -> WatchedPosition:
    """A position in the inverse perpetual, in USD."""
    return WatchedPosition(rules=RULES, contracts=usd, mark=mark, leverage=leverage)


def option(
    contracts: float = -10.0,
    strike: float = 110_000.0,
    *,
    days: float = 30.0,
    vol: float = 0.6,
    forward: float = 101_000.0,
    is_call: bool = True,
    in_coin: bool = True,
    at_ns: int = 0,
) -> WatchedPosition:
    """An option of the watched account, marked at its own volatility as the venue marks it."""
    at, struck, years, sigma = (np.array([one]) for one in (forward, strike, days / 365.0, vol))
    value = float(black76.price(at, struck, years, sigma, np.array([is_call]))[0])
    right, settle = "C" if is_call else "P", "BTC" if in_coin else "USDC"
    rules = instrument(
        InstrumentId(f"deribit:option:{settle}-{strike:.0f}-{right}"),
        InstrumentKind.COIN_OPTION if in_coin else InstrumentKind.LINEAR_OPTION,
        quote=settle,
        settle=settle,
        expiry_ns=at_ns + round(days * 86_400e9),
        strike=Decimal(repr(strike)),
        option_type=OptionType.CALL if is_call else OptionType.PUT,
    )
    # Of an option that is paid in coin the mark is its value at its expiry's forward.
    mark = value / forward if in_coin else value
    return WatchedPosition(rules=rules, contracts=contracts, mark=mark, vol=vol, forward=forward)


def read(
    book: Playbook,
    equity: str | None = "200000",
    maintenance: str | None = "10500",
    *,
    initial: str | None = "20500",
    positions: tuple[WatchedPosition, ...] | None = (held(),),
    pockets: int = 1,
    everything: str | None = "",
    stated_use: float | None = None,
    after_ms: float = 1.0,
    asked_before_ms: float = 0.0,
    coins: dict[str, str] | None = None,
    coins_known: bool = True,
    prices: dict[str, float] | None = None,
    unit: str = "BTC",
    margin_mode: str = "",
    parameters: dict[str, dict[str, float]] | None = None,
) -> tuple[Command, ...]:
    """The venue was read: equity and margins of the worst pocket, which holds 2 BTC beside its positions."""
    total = equity if everything == "" else everything
    report = WalletReport(
        account=WATCHED,
        balances={"BTC": Decimal(2)} if coins is None else {coin: Decimal(qty) for coin, qty in coins.items()},
        equity_usd=None if equity is None else Decimal(equity),
        initial_margin_usd=None if initial is None else Decimal(initial),
        maintenance_margin_usd=None if maintenance is None else Decimal(maintenance),
        venue_at_ns=book.at_ns + round((after_ms - asked_before_ms) * 1e6),
        prices_usd={"BTC": 100_000.0} if prices is None else prices,
        watched=WatchedMargin(
            pocket="segregated_sm BTC",
            pockets=pockets,
            equity_usd=None if total is None else Decimal(total),
            stated_use=stated_use,
            positions=positions,
            coins_known=coins_known,
            unit=unit,
            margin_mode=margin_mode,
            parameters=parameters or {},
        ),
    )
    return book.send(ev.WalletUpdated(report=report, source=ev.Source.QUERY), after_ms=after_ms)


def watched_book(mode: MarginMode = MarginMode.CROSS, **limits: float) -> Playbook:
    """A book that is ACTIVE, and its watched account read once."""
    book = Playbook(with_watched(mode, plain=settings(**limits)))
    book.ready()
    read(book)
    book.tick()
    return book
