"""A world with an account that is easily liquidated, and what it told."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, HoldingSpec, Scenario
from hedgebot.exchange.trouble import PriceShock
from hedgebot.exchange.types import BookChanged, Executed, Execution, LedgerEntry, Notice, PublicTrade, TickerChanged

S = 1_000_000_000
BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")
LOUD = (BookChanged, TickerChanged, PublicTrade)

Weak = Callable[..., Exchange]


@pytest.fixture
def weak(scenario: Scenario, start_ns: int) -> Weak:
    """Makes an exchange where account `weak` holds something with few coins behind it; `main` holds what is asked."""

    def make(
        *holdings: tuple[str, str],
        usdt: str = "12000",
        main: tuple[tuple[str, str], ...] = (),
        insurance: dict[str, Decimal] | None = None,
        others: int = 0,
        step_ms: int = 500,
    ) -> Exchange:
        def specs(pairs: tuple[tuple[str, str], ...]) -> tuple[HoldingSpec, ...]:
            return tuple(HoldingSpec(instrument=name, contracts=Decimal(qty)) for name, qty in pairs)

        first = msgspec.structs.replace(scenario.accounts[0], positions=specs(main))
        fragile = AccountSpec(
            name="weak",
            api_key="w",
            api_secret="w",
            coins={"USDT": Decimal(usdt)},
            positions=specs(holdings),
            leverage=50,
        )
        made = msgspec.structs.replace(
            scenario, accounts=(first, fragile), insurance=insurance or {}, other_holders=others, step_ms=step_ms
        )
        return Exchange(made, start_ns)

    return make


def listen(exchange: Exchange) -> list[Notice]:
    """Everything that it tells about accounts from now on."""
    told: list[Notice] = []
    exchange.listen(lambda notice: None if isinstance(notice, LOUD) else told.append(notice))
    return told


def shock(exchange: Exchange, ratio: float, underlying: str = "BTC", seconds: int = 120) -> None:
    """Move an underlying and let the marks follow."""
    exchange.strike(PriceShock(underlying=underlying, ratio=ratio))
    exchange.advance(exchange.now_ns + seconds * S)


def trades(exchange: Exchange, account: str) -> list[Execution]:
    """Executions without funding."""
    return [one for one in exchange.executions(account) if isinstance(one, Execution)]


def executed(told: list[Notice]) -> list[Execution]:
    """Executions among notices."""
    return [one.execution for one in told if isinstance(one, Executed)]


def lines(exchange: Exchange, account: str) -> tuple[LedgerEntry, ...]:
    """The account's ledger."""
    return exchange.ledger(account)
