"""`journal audit`: whether the cash that executions explain is what the venue reports, coin by coin. Reads only.

Owns which snapshot opens the book, which executions lie before a snapshot's wallet, and the comparison. The arithmetic
is in `cashbook`; nothing of it is the engine's. Moves of collateral that hedgebot made are booked as such; a deposit, a
transfer by people or interest is neither, and shows as a difference: it is for an operator to explain.
"""

import itertools
import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.commands import RecordMove
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, category_of
from hedgebot.domain.reports import WalletReport
from hedgebot.journal import schema
from hedgebot.journal.cashbook import CashBook, CoinCash, Execution
from hedgebot.journal.codec import decode_command, decode_event
from hedgebot.journal.rows import read_rows

# What is flat is not listed, and so not with the moment of its last change: an execution shortly before the wallet may
# have come after the positions were asked. One after the wallet would be listed if it had come before.
FLAT_DOUBT_NS = 2_000_000_000
# A move is dated by our clock, a wallet by the venue's; when a wallet was asked for is ours again.
MOVE_DOUBT_NS = 2_000_000_000
_ARRIVED, _UNPROVEN = "done", ("sent", "unknown", "forgotten")
_KINDS = tuple(one.__name__ for one in (ev.InstrumentsLoaded, ev.FillReceived, ev.FundingPaid, ev.SnapshotTaken))


class CoinAudit(msgspec.Struct, frozen=True, kw_only=True):
    """One coin at the compared snapshot: what the book says, and the venue's report."""

    cash: CoinCash
    venue: Decimal

    @property
    def difference(self) -> Decimal:
        """Venue minus book."""
        return self.venue - self.cash.closing

    @property
    def equal(self) -> bool:
        """Equal to the last decimal; within `rounding` where the venue told an entry price rounded."""
        return abs(self.difference) <= self.cash.rounding


class AccountAudit(msgspec.Struct, frozen=True, kw_only=True):
    """One account. `coins` stands at `compared_at_ns` (the newest wallet snapshot), `now` after the last execution.

    `differs_since_ns` is the snapshot, in the venue's time, from which on every wallet differed; None when the newest
    does not.
    """

    account: str
    opened_at_ns: int | None
    compared_at_ns: int | None
    snapshots: int
    differs_since_ns: int | None
    executions: int
    coins: tuple[CoinAudit, ...]
    now: tuple[CoinCash, ...]
    funding_ids: frozenset[str]
    problems: tuple[str, ...]
    notes: tuple[str, ...]


class Moved(msgspec.Struct, kw_only=True):
    """One move of collateral by its number, from when it was sent until the journal had its end (our clock)."""

    number: int
    coin: str
    qty: Decimal
    sent_ns: int
    status: str
    ended_ns: int | None = None

    def inside(self, snapshot: ev.SnapshotTaken) -> bool:
        """Whether a wallet was asked for when the move had arrived."""
        return self.ended_ns is not None and snapshot.asked_at_ns > self.ended_ns

    def unsure(self, snapshot: ev.SnapshotTaken) -> bool:
        """Whether a wallet may have it inside or not."""
        return _wallet_ns(snapshot) >= self.sent_ns - MOVE_DOUBT_NS and not self.inside(snapshot)


class Records(msgspec.Struct, kw_only=True):
    """What the journal says about cash. Executions are told apart by account, category and trade id."""

    instruments: dict[InstrumentId, Instrument] = {}
    executions: dict[str, dict[tuple[str, str], Execution]] = {}
    snapshots: dict[str, list[ev.SnapshotTaken]] = {}
    moves: dict[str, dict[str, Moved]] = {}

    def take(self, event: ev.Event) -> None:
        """Keep what matters of one event."""
        match event:
            case ev.InstrumentsLoaded(instruments=instruments):
                self.instruments |= {one.id: one for one in instruments}
            case ev.FillReceived() | ev.FundingPaid():
                identity = (event.instrument.rpartition(":")[0], event.trade_id)
                self.executions.setdefault(event.account, {}).setdefault(identity, event)
            case ev.SnapshotTaken(complete=True, wallet=WalletReport()):
                self.snapshots.setdefault(event.account, []).append(event)
            case _:
                pass

    def take_move(self, told: RecordMove, at_ns: int) -> None:
        """Keep what the journal says of a move, by its id at the venue; what never left has none."""
        known = self.moves.setdefault(told.account, {})
        if not told.transfer_id:
            return
        one = known.setdefault(
            told.transfer_id,
            Moved(number=told.number, coin=told.coin, qty=told.qty, sent_ns=at_ns, status=told.status),
        )
        one.status, one.ended_ns = told.status, at_ns if told.status == _ARRIVED else None


def audit(state_dir: Path) -> tuple[AccountAudit, ...]:
    """Audit every account of a journal, beside a running daemon or alone; raises JournalError where there is none."""
    records = read_records(state_dir)
    names = sorted(records.snapshots.keys() | records.executions.keys())
    return tuple(
        audit_account(
            name,
            records.instruments,
            tuple(records.executions.get(name, {}).values()),
            records.snapshots.get(name, ()),
            tuple(records.moves.get(name, {}).values()),
        )
        for name in names
    )


def read_records(state_dir: Path) -> Records:
    """Read what the audit needs, in the order of the journal."""
    connection = schema.connect_reader(state_dir)
    records = Records()
    try:
        where = f"idx = 0 AND kind IN ({', '.join('?' * len(_KINDS))})"
        for row in read_rows(connection, where, _KINDS):
            records.take(decode_event(row.payload))
        for row in read_rows(connection, "idx > 0 AND kind = ?", (RecordMove.__name__,)):
            told = decode_command(row.payload)
            if isinstance(told, RecordMove):
                records.take_move(told, row.at_ns)
    except sqlite3.DatabaseError as error:
        raise schema.database_error(str(state_dir / schema.DB_FILE), error) from error
    finally:
        connection.close()
    return records


def audit_account(
    account: str,
    instruments: Mapping[InstrumentId, Instrument],
    executions: Sequence[Execution],
    snapshots: Sequence[ev.SnapshotTaken],
    moves: Sequence[Moved] = (),
) -> AccountAudit:
    """Open at the first clear snapshot, book what came after it, compare at each clear snapshot. Pure."""
    arrived = [one for one in moves if one.status == _ARRIVED]
    ordered = sorted(executions, key=lambda one: one.venue_at_ns)  # stable: the journal's order within a millisecond
    clear = [
        one
        for one in snapshots
        if not _in_doubt(ordered, _wallet_ns(one)) and not any(move.unsure(one) for move in arrived)
    ]
    opening = next(
        (
            one
            for one, after in itertools.zip_longest(clear, clear[1:])
            if _opening_doubt(one, ordered) is None and not _was_empty(one, after, ordered)
        ),
        None,
    )
    if opening is None or opening.wallet is None:
        return _unopened(account, len(ordered))
    book = CashBook(instruments)
    problems = book.open(opening.wallet.balances, opening.positions)
    coming = [one for one in ordered if one.venue_at_ns > _wallet_ns(opening)]
    differs_since: int | None = None
    compared: tuple[CoinAudit, ...] = ()
    compared_at: int | None = None
    booked = 0
    inward = [one for one in arrived if not one.inside(opening)]
    later = sorted((one for one in clear if _wallet_ns(one) > _wallet_ns(opening)), key=_wallet_ns)
    for snapshot in later:
        at_ns = _wallet_ns(snapshot)
        while booked < len(coming) and coming[booked].venue_at_ns < at_ns:
            problems += _told(book.take(coming[booked]))
            booked += 1
        while inward and inward[0].inside(snapshot):
            book.move(inward[0].coin, inward.pop(0).qty)
        compared, compared_at = _compare(book, snapshot.wallet), at_ns
        if all(one.equal for one in compared):
            differs_since = None
        elif differs_since is None:
            differs_since = at_ns
    for one in coming[booked:]:
        problems += _told(book.take(one))
    for move in inward:
        book.move(move.coin, move.qty)
    return AccountAudit(
        account=account,
        opened_at_ns=_wallet_ns(opening),
        compared_at_ns=compared_at,
        snapshots=len(later),
        differs_since_ns=differs_since,
        executions=len(coming),
        coins=compared,
        now=book.coins(),
        funding_ids=frozenset(one.trade_id for one in ordered if isinstance(one, ev.FundingPaid)),
        problems=tuple(problems),
        notes=(*_unsaid(compared_at), *_open_moves(moves)),
    )


def _unsaid(compared_at_ns: int | None) -> list[str]:
    return [] if compared_at_ns is not None else ["no later snapshot to compare with: let the daemon run longer"]


def _open_moves(moves: Sequence[Moved]) -> list[str]:
    return [
        f"move {one.number} of {one.qty} {one.coin} is {one.status}: a difference of as much may be it"
        for one in moves
        if one.status in _UNPROVEN
    ]


def _unopened(account: str, executions: int) -> AccountAudit:
    return AccountAudit(
        account=account,
        opened_at_ns=None,
        compared_at_ns=None,
        snapshots=0,
        differs_since_ns=None,
        executions=executions,
        coins=(),
        now=(),
        funding_ids=frozenset(),
        problems=(f"no snapshot of {account} is clear of executions: there is no opening wallet to start from",),
        notes=(),
    )


def _wallet_ns(snapshot: ev.SnapshotTaken) -> int:
    return snapshot.wallet.venue_at_ns if snapshot.wallet is not None else 0


def _in_doubt(ordered: Sequence[Execution], at_ns: int) -> bool:
    """Venues tell milliseconds: an execution in the wallet's own may be in it or not."""
    return any(one.venue_at_ns == at_ns for one in ordered)


def _opening_doubt(snapshot: ev.SnapshotTaken, ordered: Sequence[Execution]) -> str | None:
    """Name an execution that is in the wallet and not in the positions, or the other way round; None without one."""
    wallet_ns = _wallet_ns(snapshot)
    listed = {one.instrument: one.venue_at_ns for one in snapshot.positions}
    for one in ordered:
        if isinstance(one, ev.FundingPaid) or category_of(one.instrument) == "spot":
            continue
        changed_ns = listed.get(one.instrument)
        if changed_ns is None:
            doubt = 0 <= wallet_ns - one.venue_at_ns < FLAT_DOUBT_NS
        else:
            doubt = (one.venue_at_ns <= changed_ns) != (one.venue_at_ns <= wallet_ns)
        if doubt:
            return one.trade_id
    return None


def _was_empty(snapshot: ev.SnapshotTaken, after: ev.SnapshotTaken | None, ordered: Sequence[Execution]) -> bool:
    """Whether a snapshot listed nothing, and the next one something that no execution between them explains."""
    if after is None or any(one.contracts for one in snapshot.positions):
        return False
    explained = any(_wallet_ns(snapshot) <= one.venue_at_ns <= _wallet_ns(after) for one in ordered)
    return any(one.contracts for one in after.positions) and not explained


def _compare(book: CashBook, wallet: WalletReport | None) -> tuple[CoinAudit, ...]:
    held = wallet.balances if wallet is not None else {}
    ours = {one.coin: one for one in book.coins()}
    names = sorted(ours.keys() | held.keys())
    return tuple(CoinAudit(cash=ours.get(name, _nothing(name)), venue=held.get(name, ZERO)) for name in names)


def _nothing(coin: str) -> CoinCash:
    return CoinCash(
        coin=coin, opening=ZERO, spot=ZERO, premiums=ZERO, profit=ZERO, fees=ZERO, funding=ZERO, rounding=ZERO
    )


def _told(problem: str | None) -> list[str]:
    return [] if problem is None else [problem]
