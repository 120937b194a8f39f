"""Moves between the funding wallet and the unified one: what is moved, what is refused, and that nothing is made."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.transfers import Transfer, TransferProblem, Wallet
from hedgebot.exchange.types import LedgerKind, Notice, WalletChanged
from tests.unit.exchange.margin_world import holding

IN, OUT = (Wallet.FUND, Wallet.UNIFIED), (Wallet.UNIFIED, Wallet.FUND)


@pytest.fixture
def exchange(scenario: Scenario, start_ns: int) -> Exchange:
    """10,000 USDT in the unified wallet against 1 BTC of perpetuals, 5,000 in the funding wallet."""
    first = msgspec.structs.replace(scenario.accounts[0], funding_coins={"USDT": Decimal(5_000)})
    world = msgspec.structs.replace(scenario, accounts=(first,))
    return holding(world, start_ns, ("linear:BTCUSDT", "1"), coins={"USDT": "10000"})


def test_what_is_in_the_funding_wallet_is_no_equity_until_it_is_moved(exchange: Exchange) -> None:
    told: list[Notice] = []
    exchange.listen(told.append)
    before = exchange.wallet("main")
    made = exchange.transfers.move("main", "one", "USDT", Decimal("1500.5"), *IN)
    assert isinstance(made, Transfer)
    after = exchange.wallet("main")
    assert after.equity_usd - before.equity_usd == pytest.approx(1_500.5, rel=2e-3)  # USDT/USD is not 1
    assert exchange.transfers.funding("main") == {"USDT": Decimal("3499.5")}
    assert [one for one in told if isinstance(one, WalletChanged)]
    (line,) = [one for one in exchange.ledger("main") if one.kind is LedgerKind.TRANSFER_IN]
    assert (line.change, line.balance_after, line.cause) == (Decimal("1500.5"), Decimal("11500.5"), "one")
    assert exchange.transfers.made("main") == (made,)


def test_an_id_is_taken_once(exchange: Exchange) -> None:
    exchange.transfers.move("main", "one", "USDT", Decimal(1_000), *IN)
    assert exchange.transfers.move("main", "one", "USDT", Decimal(1_000), *IN) is TransferProblem.ID_EXISTS
    assert exchange.transfers.funding("main") == {"USDT": Decimal(4_000)}


@pytest.mark.parametrize(
    ("qty", "way", "problem"),
    [
        ("5000.00000001", IN, TransferProblem.TOO_LITTLE),
        ("0", IN, TransferProblem.BAD_AMOUNT),
        ("-1", IN, TransferProblem.BAD_AMOUNT),
        ("NaN", IN, TransferProblem.BAD_AMOUNT),
        ("1e-9", IN, TransferProblem.BAD_ACCURACY),
        ("1", (Wallet.FUND, Wallet.FUND), TransferProblem.SAME_WALLET),
        # 1 BTC at 10x sets 9,000 USDT aside: only what is left of 10,000 may leave.
        ("5000", OUT, TransferProblem.TOO_LITTLE),
    ],
)
def test_what_cannot_be_moved_leaves_no_trace(
    exchange: Exchange, qty: str, way: tuple[Wallet, Wallet], problem: TransferProblem
) -> None:
    assert exchange.transfers.move("main", "one", "USDT", Decimal(qty), *way) is problem
    assert exchange.transfers.funding("main") == {"USDT": Decimal(5_000)}
    assert exchange.transfers.made("main") == ()


def test_what_margin_leaves_may_go_back(exchange: Exchange) -> None:
    free = exchange.transfers.free_qty("main", "USDT", Wallet.UNIFIED)
    assert 0 < free < 1_100
    assert isinstance(exchange.transfers.move("main", "out", "USDT", free, *OUT), Transfer)
    assert exchange.transfers.funding("main") == {"USDT": 5_000 + free}
    assert [one.change for one in exchange.ledger("main") if one.kind is LedgerKind.TRANSFER_OUT] == [-free]
    assert exchange.transfers.free_qty("main", "DOGE", Wallet.UNIFIED) == 0
