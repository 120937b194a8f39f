"""The simulated adapter's moves: made once, looked up, refused with proof, lost on the way."""

from decimal import Decimal

import pytest

from hedgebot.domain.commands import MoveCollateral, QueryMove
from hedgebot.domain.events import Event
from hedgebot.domain.treasury import (
    CollateralMove,
    FundingWalletRead,
    MoveAnswered,
    MoveFound,
    MoveLookedUp,
    MoveOutcome,
)
from hedgebot.lab.simcollateral import SimCollateral
from tests.unit.lab.bench import Bench


def wallets(bench: Bench, funding: str = "1000") -> tuple[SimCollateral, list[Event]]:
    told: list[Event] = []
    bench.exchange._accounts["main"].funding["USDT"] = Decimal(funding)
    return SimCollateral(bench.seat(told.append), bench.link.client_ms), told


def wish(bench: Bench, qty: str, left_ns: int = 5_000_000_000) -> MoveCollateral:
    now_ns = bench.timeline.now_ns
    move = CollateralMove(
        account="book",
        number=1,
        transfer_id="id-1",
        coin="USDT",
        qty=Decimal(qty),
        sent_at_ns=now_ns,
        deadline_ns=now_ns + left_ns,
    )
    return MoveCollateral(account="book", move=move)


@pytest.mark.parametrize(
    ("qty", "left_ns", "outcome"),
    [
        ("400", 5_000_000_000, MoveOutcome.DONE),
        ("4000", 5_000_000_000, MoveOutcome.REFUSED),
        ("400", 0, MoveOutcome.REFUSED),
    ],
)
def test_a_move_is_answered_once(qty: str, left_ns: int, outcome: MoveOutcome) -> None:
    bench = Bench(flow=False)
    made, told = wallets(bench)
    made.move(wish(bench, qty, left_ns))
    bench.run(4)
    (answer,) = told
    assert isinstance(answer, MoveAnswered)
    assert answer.outcome is outcome
    left = 600 if outcome is MoveOutcome.DONE else 1_000
    assert bench.exchange.transfers.funding("main") == {"USDT": Decimal(left)}


def test_the_same_move_again_proves_nothing_and_is_found_in_the_list() -> None:
    bench = Bench(flow=False)
    made, told = wallets(bench)
    query = QueryMove(account="book", transfer_id="id-1", since_ns=0)
    made.look_up(query)
    bench.run(2)
    for _ in range(2):
        made.move(wish(bench, "400"))
        bench.run(2)
    made.look_up(query)
    bench.run(2)
    before, first, again, after = told
    assert isinstance(before, MoveLookedUp)
    assert isinstance(first, MoveAnswered)
    assert isinstance(again, MoveAnswered)
    assert isinstance(after, MoveLookedUp)
    assert (before.found, after.found) == (MoveFound.ABSENT, MoveFound.SUCCESS)
    assert (first.outcome, again.outcome) == (MoveOutcome.DONE, MoveOutcome.UNKNOWN)
    assert bench.exchange.transfers.funding("main") == {"USDT": Decimal(600)}


def test_the_funding_wallet_is_read_where_there_is_one() -> None:
    bench = Bench(flow=False)
    made, told = wallets(bench)
    made.start()
    bench.run(25)
    made.stop()
    bench.run(25)
    assert [one.balances for one in told if isinstance(one, FundingWalletRead)] == [{"USDT": Decimal(1_000)}] * 3
    empty, heard = wallets(Bench(flow=False), funding="0")
    empty.start()
    assert heard == []
