"""`journal audit`: whether the cash that executions explain is what the venue reports, coin by coin. Reads only.

Owns which snapshot opens the book, which executions lie before a snapshot's wallet, and the comparison. The arithmetic
is in `cashbook`; nothing of it is the engine's. A deposit, a transfer or interest is no execution and shows as a
difference: it is for an operator to explain.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, category_of
from hedgebot.domain.reports import WalletReport
from hedgebot.journal import schema
from hedgebot.journal.cashbook import CashBook, CoinCash, Execution
from hedgebot.journal.codec import decode_event
from hedgebot.journal.rows import read_rows

# What is flat is not listed, and so not with the moment of its last change: an execution shortly before the wallet may
# have come after the positions were asked. One after the wallet would be listed if it had come before.
FLAT_DOUBT_NS = 2_000_000_000
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


class Records(msgspec.Struct, kw_only=True):
    """What the journal says about cash. Executions are told apart by account, category and trade id."""

    instruments: dict[InstrumentId, Instrument] = {}
    executions: dict[str, dict[tuple[str, str], Execution]] = {}
    snapshots: dict[str, list[ev.SnapshotTaken]] = {}

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
) -> AccountAudit:
    """Open at the first clear snapshot, book what came after it, compare at each clear snapshot. Pure."""
    ordered = sorted(executions, key=lambda one: one.venue_at_ns)  # stable: the journal's order within a millisecond
    clear = [one for one in snapshots if not _in_doubt(ordered, _wallet_ns(one))]
    opening = next((one for one in clear if _opening_doubt(one, ordered) is None), None)
    if opening is None or opening.wallet is None:
        return _unopened(account, len(ordered))
    book = CashBook(instruments)
    problems = book.open(opening.wallet.balances, opening.positions)
    coming = [one for one in ordered if one.venue_at_ns > _wallet_ns(opening)]
    differs_since: int | None = None
    compared: tuple[CoinAudit, ...] = ()
    compared_at: int | None = None
    booked = 0
    later = sorted((one for one in clear if _wallet_ns(one) > _wallet_ns(opening)), key=_wallet_ns)
    for snapshot in later:
        at_ns = _wallet_ns(snapshot)
        while booked < len(coming) and coming[booked].venue_at_ns < at_ns:
            problems += _told(book.take(coming[booked]))
            booked += 1
        compared, compared_at = _compare(book, snapshot.wallet), at_ns
        if all(one.equal for one in compared):
            differs_since = None
        elif differs_since is None:
            differs_since = at_ns
    for one in coming[booked:]:
        problems += _told(book.take(one))
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
        notes=() if compared_at is not None else ("no later snapshot to compare with: let the daemon run longer",),
    )


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
