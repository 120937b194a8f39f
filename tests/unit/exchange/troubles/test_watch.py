"""When accounts are looked at: seldom in calm, at once when it matters."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import OffBookTrade
from hedgebot.exchange.types import ExecKind
from tests.unit.exchange.troubles.conftest import BTCUSDT, S, Weak, shock, trades


def counted(exchange: Exchange) -> list[str]:
    """Names of accounts that are looked at from now on."""
    looks: list[str] = []
    inner = exchange.troubles.watch._liquidations.watch

    def watch(account: Account) -> None:
        looks.append(account.name)
        inner(account)

    exchange.troubles.watch._liquidations.watch = watch  # type: ignore[method-assign]
    return looks


def test_calm_accounts_are_looked_at_every_ten_seconds(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "0.1"), main=(("linear:BTCUSDT", "1"),), step_ms=100)
    looks = counted(exchange)
    exchange.advance(exchange.now_ns + 60 * S)
    assert 6 <= looks.count("main") <= 8
    assert 6 <= looks.count("weak") <= 8


def test_an_account_that_holds_nothing_is_never_looked_at(weak: Weak) -> None:
    exchange = weak()
    looks = counted(exchange)
    exchange.advance(exchange.now_ns + 30 * S)
    assert looks == []


def test_a_trade_is_looked_at_within_a_second(weak: Weak) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "1"),))
    exchange.advance(exchange.now_ns + 2 * S)
    looks = counted(exchange)
    exchange.strike(
        OffBookTrade(
            kind=ExecKind.BLOCK_TRADE, account="main", instrument=BTCUSDT, side=Side.BUY, contracts=Decimal("0.1")
        )
    )
    exchange.advance(exchange.now_ns + S)
    assert looks == ["main"]


@pytest.mark.parametrize("qty", ["3", "-3"])
def test_a_jump_is_seen_at_once(weak: Weak, qty: str) -> None:
    exchange = weak(("linear:BTCUSDT", qty))
    exchange.advance(exchange.now_ns + 2 * S)
    shock(exchange, 0.9 if qty == "3" else 1.1, seconds=1)
    assert trades(exchange, "weak")


def test_an_alarm_makes_everything_looked_at(weak: Weak) -> None:
    exchange = weak(("linear:BTCUSDT", "0.1"))
    exchange.advance(exchange.now_ns + 2 * S)
    looks = counted(exchange)
    exchange.troubles.watch.alarm()
    exchange.advance(exchange.now_ns + S)
    assert looks == ["weak"]
