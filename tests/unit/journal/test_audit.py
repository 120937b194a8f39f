from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import RecordMove
from hedgebot.domain.errors import JournalError
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.reports import PositionReport, WalletReport
from hedgebot.journal.audit import AccountAudit, Records, audit, audit_account
from tests.unit.journal.test_cashbook import PERP, RULES, SPOT, fill

MS = 1_000_000


def at(event: ev.FillReceived, ms: int, trade_id: str = "") -> ev.FillReceived:
    return msgspec.structs.replace(event, venue_at_ns=ms * MS, trade_id=trade_id or f"t{ms}")


def funding(ms: int, cost: str) -> ev.FundingPaid:
    return ev.FundingPaid(
        account="main",
        instrument=PERP,
        trade_id=f"f{ms}",
        cost=Decimal(cost),
        coin="USDT",
        rate=None,
        source=ev.Source.STREAM,
        venue_at_ns=ms * MS,
    )


def snapshot(ms: int, held: tuple[tuple[InstrumentId, str, str, int], ...] = (), **coins: str) -> ev.SnapshotTaken:
    return ev.SnapshotTaken(
        account="main",
        request=1,
        complete=True,
        problem="",
        positions=tuple(
            PositionReport(
                account="main",
                instrument=name,
                contracts=Decimal(contracts),
                entry_price=Decimal(entry),
                venue_at_ns=moved_ms * MS,
            )
            for name, contracts, entry, moved_ms in held
        ),
        open_orders=(),
        wallet=WalletReport(
            account="main",
            balances={coin: Decimal(amount) for coin, amount in coins.items()},
            equity_usd=None,
            initial_margin_usd=None,
            maintenance_margin_usd=None,
            venue_at_ns=ms * MS,
        ),
        executions_since_ns=0,
        asked_at_ns=ms * MS,
    )


def audited(
    *events: ev.FillReceived | ev.FundingPaid | ev.SnapshotTaken, moves: tuple[tuple[int, RecordMove], ...] = ()
) -> AccountAudit:
    records = Records(instruments=dict(RULES))
    for one in events:
        records.take(one)
    for ms, told in moves:
        records.take_move(told, ms * MS)
    executions = tuple(records.executions.get("main", {}).values())
    known = tuple(records.moves.get("main", {}).values())
    return audit_account("main", RULES, executions, records.snapshots.get("main", []), known)


def moved(status: str, qty: str = "500", transfer_id: str = "a") -> RecordMove:
    return RecordMove(
        account="main",
        number=1,
        status=status,
        coin="USDT",
        qty=Decimal(qty),
        emergency_qty=Decimal(0),
        operator="",
        transfer_id=transfer_id,
        why="",
    )


OPENING = snapshot(10_000, USDT="1000", BTC="1")


def test_every_coin_is_explained_to_the_last_decimal() -> None:
    found = audited(
        OPENING,
        at(fill(SPOT, "0.1", "100", "0.0001", "BTC"), 11_000),
        at(fill(PERP, "1", "100", "0.05"), 12_000),
        at(fill(PERP, "-1", "103", "0.05"), 13_000),
        funding(14_000, "0.5"),
        snapshot(20_000, USDT="992.4", BTC="1.0999"),
        at(fill(PERP, "1", "100", "0.1"), 21_000),
    )
    assert [one.cash.coin for one in found.coins] == ["BTC", "USDT"]
    assert all(one.equal and one.difference == 0 for one in found.coins)
    assert (found.executions, found.snapshots, found.differs_since_ns) == (5, 1, None)
    assert {one.coin: one.closing for one in found.now} == {"BTC": Decimal("1.0999"), "USDT": Decimal("992.3")}
    assert found.funding_ids == {"f14000"}
    assert found.problems == ()


def test_a_fill_told_twice_is_booked_once_and_one_told_late_in_its_place() -> None:
    late = at(fill(PERP, "-1", "110"), 12_000)
    found = audited(
        OPENING,
        at(fill(PERP, "1", "100"), 11_000),
        snapshot(15_000, USDT="1010", BTC="1"),
        late,
        late,
        snapshot(20_000, USDT="1010", BTC="1"),
    )
    assert found.executions == 2
    assert all(one.equal for one in found.coins)
    assert found.differs_since_ns is None


def test_money_that_no_execution_explains_is_a_difference_since_its_first_snapshot() -> None:
    found = audited(
        OPENING,
        snapshot(11_000, USDT="1000", BTC="1"),
        snapshot(12_000, USDT="1001", BTC="1"),
        snapshot(13_000, USDT="1001", BTC="1", DOGE="3"),
    )
    assert {one.cash.coin: one.difference for one in found.coins} == {"BTC": 0, "DOGE": 3, "USDT": 1}
    assert found.differs_since_ns == 12_000 * MS
    assert found.snapshots == 3


def test_what_hedgebot_moved_is_explained_and_never_compared_while_it_is_on_its_way() -> None:
    sent, done = (15_000, moved("sent")), (16_000, moved("done"))
    found = audited(
        OPENING,
        snapshot(14_000, USDT="1500", BTC="1"),  # within the doubt of clocks: it may be inside or not
        snapshot(16_000, USDT="1000", BTC="1"),
        snapshot(20_000, USDT="1500", BTC="1"),
        moves=(sent, done),
    )
    (usdt,) = [one for one in found.coins if one.cash.coin == "USDT"]
    assert (usdt.cash.moved, usdt.difference) == (Decimal(500), Decimal(0))
    assert (found.snapshots, found.differs_since_ns) == (1, None)
    assert {one.coin: one.closing for one in found.now}["USDT"] == 1500
    # One that was refused explains nothing, nor does a proposal; what was moved before the opening is in it.
    for others in ((sent, (16_000, moved("refused"))), ((15_000, moved("proposed", transfer_id="")),)):
        assert audited(OPENING, snapshot(20_000, USDT="1500", BTC="1"), moves=others).differs_since_ns is not None
    before = ((4_000, moved("sent")), (5_000, moved("done")))
    assert audited(OPENING, snapshot(20_000, USDT="1000", BTC="1"), moves=before).differs_since_ns is None


@pytest.mark.parametrize("status", ["sent", "unknown", "forgotten"])
def test_a_move_without_a_proven_end_is_named_beside_the_difference(status: str) -> None:
    found = audited(OPENING, snapshot(20_000, USDT="1500", BTC="1"), moves=((15_000, moved(status)),))
    assert {one.cash.coin: one.difference for one in found.coins} == {"BTC": 0, "USDT": 500}
    assert found.notes == (f"move 1 of 500 USDT is {status}: a difference of as much may be it",)


def test_a_difference_that_went_away_is_over() -> None:
    found = audited(OPENING, snapshot(12_000, USDT="1", BTC="1"), snapshot(13_000, USDT="1000", BTC="1"))
    assert found.differs_since_ns is None


def test_executions_before_the_opening_wallet_are_in_it() -> None:
    found = audited(
        at(fill(PERP, "1", "100"), 9_000),
        snapshot(10_000, ((PERP, "1", "100", 9_000),), USDT="1000"),
        at(fill(PERP, "-1", "101"), 11_000),
        snapshot(12_000, USDT="1001"),
    )
    assert found.executions == 1
    assert all(one.equal for one in found.coins)


@pytest.mark.parametrize(
    "unclear",
    [
        # In the wallet's own millisecond; in the positions but not in the wallet; just before, on something now flat.
        snapshot(11_000, ((PERP, "1", "100", 11_000),), USDT="7"),
        snapshot(10_500, ((PERP, "1", "100", 11_000),), USDT="7"),
        snapshot(11_001, USDT="7"),
    ],
)
def test_a_snapshot_in_doubt_opens_nothing(unclear: ev.SnapshotTaken) -> None:
    trade = at(fill(PERP, "1", "100"), 11_000)
    clear = snapshot(20_000, ((PERP, "1", "100", 11_000),), USDT="1000")
    found = audited(trade, unclear, clear)
    assert found.opened_at_ns == 20_000 * MS
    assert found.notes == ("no later snapshot to compare with: let the daemon run longer",)
    nothing = audited(trade, unclear)
    assert nothing.opened_at_ns is None
    assert nothing.problems == ("no snapshot of main is clear of executions: there is no opening wallet to start from",)


def test_an_empty_first_answer_opens_nothing() -> None:
    """What the next snapshot lists was held all along, unless an execution in between explains it."""
    empty, held = snapshot(11_000, USDT="1000"), snapshot(12_000, ((PERP, "-1", "100", 1),), USDT="1000")
    closed, later = at(fill(PERP, "1", "90"), 15_000), snapshot(20_000, USDT="1010")
    found = audited(empty, held, closed, later)
    assert found.opened_at_ns == 12_000 * MS
    bought = at(fill(PERP, "1", "100"), 11_500, "t0")
    assert (
        audited(empty, bought, snapshot(12_600, ((PERP, "1", "100", 11_500),), USDT="1000")).opened_at_ns == 11_000 * MS
    )


def test_an_incomplete_snapshot_or_one_without_a_wallet_is_not_used() -> None:
    records = Records()
    records.take(msgspec.structs.replace(OPENING, complete=False))
    records.take(msgspec.structs.replace(OPENING, wallet=None))
    assert records.snapshots == {}


def test_trade_ids_repeat_between_categories() -> None:
    records = Records()
    records.take(at(fill(PERP, "1", "100"), 1, "same"))
    records.take(at(fill(SPOT, "1", "100"), 1, "same"))
    assert len(records.executions["main"]) == 2
    assert next(iter(records.executions["main"].values())) == at(fill(PERP, "1", "100"), 1, "same")


def test_no_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal here"):
        audit(tmp_path)
