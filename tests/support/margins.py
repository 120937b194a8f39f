"""Playbooks whose account has a margin model: settings with the shipped parameters, wallets that agree with it."""

from decimal import Decimal
from pathlib import Path

import msgspec

import hedgebot.margin
from hedgebot.core.margin_gate import model_now
from hedgebot.core.margin_model import Model
from hedgebot.core.state import AccountState
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.reports import PositionReport
from hedgebot.domain.settings import EngineSettings, MarginMode, MarginParameters
from hedgebot.margin.parameters import ParameterSet, parse_parameters
from tests.support.playbook import ACCOUNT, Playbook, settings

FILE = Path(hedgebot.margin.__file__).with_name("bybit_20261125.json")
GIVEN = MarginParameters(venue="bybit", hash="feed", content=FILE.read_text("utf-8"))


def parameters() -> ParameterSet:
    """The shipped set."""
    return parse_parameters(FILE.read_bytes(), FILE.name)


def margined(mode: MarginMode | None = MarginMode.CROSS, *, hedges: bool = True, **limits: float) -> EngineSettings:
    """The playbook's settings with a margin model of its account; without `hedges` nothing is ever sent."""
    plain = settings(**{"daily_loss_usd_max": 1e9, "drawdown_ratio_max": 1e9, "drawdown_ratio_alert": 1e8} | limits)
    accounts = tuple(msgspec.structs.replace(one, margin_mode=mode) for one in plain.accounts)
    strategies = plain.strategies if hedges else ()
    return msgspec.structs.replace(plain, accounts=accounts, strategies=strategies, margin_parameters=(GIVEN,))


def account_of(book: Playbook) -> AccountState:
    """The playbook's account."""
    return book.state.accounts[ACCOUNT]


def model_of(book: Playbook) -> Model:
    """The model's figures now; fails where there are none."""
    found = model_now(book.state, account_of(book), book.at_ns)
    assert not isinstance(found, str), found
    return found


def report(
    book: Playbook,
    equity: float,
    *,
    maintenance: float | None = None,
    initial: float | None = None,
    coins: dict[str, str] | None = None,
    prices: dict[str, float] | None = None,
) -> tuple[Command, ...]:
    """The venue reports this equity; margins default to what the model says."""
    model = model_now(book.state, account_of(book), book.at_ns)
    ours = None if isinstance(model, str) else model.now
    maintenance = ours.maintenance if maintenance is None and ours else maintenance
    initial = ours.initial if initial is None and ours else initial
    wallet = book.wallet()
    balances = wallet.balances if coins is None else {name: Decimal(qty) for name, qty in coins.items()}
    return book.send(
        ev.WalletUpdated(
            report=msgspec.structs.replace(
                wallet,
                equity_usd=Decimal(repr(equity)),
                maintenance_margin_usd=None if maintenance is None else Decimal(repr(maintenance)),
                initial_margin_usd=None if initial is None else Decimal(repr(initial)),
                balances=balances,
                prices_usd=prices or {},
                venue_at_ns=book.at_ns + 1_000,
            ),
            source=ev.Source.STREAM,
        )
    )


def held(book: Playbook, contracts: str, leverage: float | None = 10.0) -> PositionReport:
    """A position in the hedge perpetual with its leverage."""
    return msgspec.structs.replace(book.position(contracts), leverage=leverage)
