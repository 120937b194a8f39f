"""The console's side of the journal: read-only, synchronous, beside a running daemon or alone.

Owns the questions people ask (what happened last, which orders, which fills, who did what). The story of one hedge is
told in `story`, figures of a time window in `summary`, files for other programs in `export`.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO, TypeVar

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError
from hedgebot.journal import schema
from hedgebot.journal.chain import Row, load_key
from hedgebot.journal.codec import decode_command, decode_event
from hedgebot.journal.export import export_rows
from hedgebot.journal.history import RunSpan, read_spans
from hedgebot.journal.order_life import OrderLife, OrderLives
from hedgebot.journal.rows import read_rows
from hedgebot.journal.story import HedgeStory, tell
from hedgebot.journal.summary import Summary, summarise
from hedgebot.journal.tape import TAPE_FOLDER
from hedgebot.journal.tape_reader import TapeReader

T = TypeVar("T")

LIMIT_DEFAULT = 50


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A row with its meaning. `value` is None for the journal's own rows (runs, snapshots)."""

    row: int
    seq: int
    index: int
    run_id: str
    epoch: int
    at_ns: int
    kind: str
    subject: str
    client_id: str | None
    value: ev.Event | cmd.Command | None


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with the number by which `explain` finds it."""

    number: int
    seq: int
    at_ns: int
    decision: cmd.RecordDecision


class Fill(msgspec.Struct, frozen=True, kw_only=True):
    """A fill as it was taken; `ours` when one of the journal's orders made it."""

    seq: int
    at_ns: int
    ours: bool
    fill: ev.FillReceived


class JournalReader:
    """Answers from a state directory; use as a context manager, or close it."""

    def __init__(self, state_dir: Path) -> None:
        """Open read-only; raises JournalError in one sentence (no journal, newer schema, damaged)."""
        self._dir = state_dir
        self._connection = schema.connect_reader(state_dir)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def tail(self, count: int = LIMIT_DEFAULT) -> list[Recorded]:
        """The last rows, oldest first."""
        last = self._one("SELECT max(row) FROM rows") or 0
        return [recorded(row) for row in self._rows("row > ?", last - count)]

    def since(self, row: int, limit: int = 1_000) -> list[Recorded]:
        """At most `limit` rows after `row`, oldest first: to follow a running daemon."""
        return [recorded(found) for found in self._rows("row > ? AND row <= ?", row, row + limit)]

    def runs(self) -> list[RunSpan]:
        """Every run with its manifest, oldest first."""
        return self._guard(lambda: read_spans(self._connection))

    def decisions(
        self, count: int = LIMIT_DEFAULT, *, underlying: str | None = None, hedges_only: bool = False
    ) -> list[Decision]:
        """The last decisions, oldest first."""
        found: list[Decision] = []
        for row in self._newest(cmd.RecordDecision.__name__):
            command = decode_command(row.payload)
            if not isinstance(command, cmd.RecordDecision) or (hedges_only and command.client_id is None):
                continue
            if underlying is None or command.underlying == underlying:
                found.append(Decision(number=row.row, seq=row.seq, at_ns=row.at_ns, decision=command))
            if len(found) == count:
                break
        return found[::-1]

    def orders(self, count: int = LIMIT_DEFAULT) -> list[OrderLife]:
        """The last orders with everything that became of each, oldest first."""
        ids = [row.client_id for row in self._newest(cmd.SubmitOrder.__name__, count) if row.client_id is not None]
        lives = [self.order(client_id) for client_id in reversed(ids)]
        return [life for life in lives if life is not None]

    def strategies(self, count: int = LIMIT_DEFAULT) -> dict[str, str]:
        """Which strategy sent each of the newest orders, by client id."""
        found: dict[str, str] = {}
        for row in self._newest(cmd.SubmitOrder.__name__, count):
            command = decode_command(row.payload)
            if isinstance(command, cmd.SubmitOrder):
                found[command.client_id] = command.approved.intent.strategy
        return found

    def order(self, client_id: str) -> OrderLife | None:
        """One order by its whole client id; None when the journal never sent it."""
        lives = OrderLives()
        for row in self._rows("client_id = ?", client_id):
            lives.take(row)
        return lives.get(client_id)

    def fills(self, count: int = LIMIT_DEFAULT) -> list[Fill]:
        """The last fills, ours and the book's own, oldest first. A fill that came twice is listed once."""
        found: dict[tuple[str, str, str], Fill] = {}
        for row in self._newest(ev.FillReceived.__name__):
            event = decode_event(row.payload)
            if isinstance(event, ev.FillReceived):
                ours = row.client_id is not None and self._is_sent(row.client_id)
                identity = (event.account, event.instrument, event.trade_id)
                found[identity] = Fill(seq=row.seq, at_ns=row.at_ns, ours=ours, fill=event)
            if len(found) == count:
                break
        return list(found.values())[::-1]

    def explain(self, hedge: str) -> HedgeStory:
        """The whole story of one hedge; `hedge` is a client id, a beginning or end of one, or a decision's number.

        Raises JournalError when it names no hedge, or more than one.
        """
        row = self._find_decision(hedge)
        return self._guard(lambda: tell(self._connection, self._tape(), row))

    def summary(self, from_ns: int = 0, to_ns: int | None = None) -> Summary:
        """Figures of what was decided and done in a window of time (both ends included)."""
        return self._guard(lambda: summarise(self._connection, from_ns, to_ns))

    def export(self, form: str, out: TextIO) -> int:
        """Write every row as "jsonl" or "csv"; the same journal gives the same bytes. Gives the number of rows."""
        return export_rows(self._rows("1"), form, out)

    def _find_decision(self, hedge: str) -> Row:
        kind = cmd.RecordDecision.__name__
        if hedge.removeprefix("#").isdecimal() and not hedge.startswith("4b"):
            rows = list(self._rows("row = ? AND kind = ?", int(hedge.removeprefix("#")), kind))
        else:
            text = hedge.lower()
            rows = list(
                self._rows(
                    "kind = ? AND client_id IS NOT NULL AND (substr(client_id, 1, ?) = ? OR substr(client_id, ?) = ?)",
                    kind,
                    len(text),
                    text,
                    -max(len(text), 1),
                    text,
                )
            )
        if not rows:
            raise JournalError(
                f"no hedge {hedge!r} in this journal; `hedgebot journal tail` lists decisions and orders"
            )
        if len({row.client_id for row in rows}) > 1:
            raise JournalError(
                f"{hedge!r} fits {len(rows)} hedges; give more of the client id, or the decision's number"
            )
        return rows[0]

    def _is_sent(self, client_id: str) -> bool:
        return bool(
            self._one("SELECT count(*) FROM rows WHERE client_id = ? AND kind = ?", client_id, cmd.SubmitOrder.__name__)
        )

    def _tape(self) -> TapeReader:
        return TapeReader(self._dir / TAPE_FOLDER, load_key(self._dir, create=False))

    def _newest(self, kind: str, count: int | None = None) -> Iterator[Row]:
        """Rows of a kind, newest first."""
        ids = self._guard(
            lambda: self._connection.execute("SELECT row FROM rows WHERE kind = ? ORDER BY seq DESC, row DESC", (kind,))
        )
        for taken, (number,) in enumerate(ids):
            if taken == count:
                return
            yield from self._rows("row = ?", number)

    def _rows(self, where: str, *parameters: object) -> Iterator[Row]:
        try:
            yield from read_rows(self._connection, where, parameters)
        except sqlite3.DatabaseError as error:
            raise schema.database_error(str(self._dir / schema.DB_FILE), error) from error

    def _one(self, sql: str, *parameters: object) -> int | None:
        found = self._guard(lambda: self._connection.execute(sql, parameters).fetchone())
        return None if found is None else found[0]

    def _guard(self, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except sqlite3.DatabaseError as error:
            raise schema.database_error(str(self._dir / schema.DB_FILE), error) from error


def recorded(row: Row) -> Recorded:
    """A row with its payload decoded."""
    value: ev.Event | cmd.Command | None = None
    if row.idx == 0:
        value = decode_event(row.payload)
    elif row.idx > 0:
        value = decode_command(row.payload)
    return Recorded(
        row=row.row,
        seq=row.seq,
        index=row.idx,
        run_id=row.run_id,
        epoch=row.epoch,
        at_ns=row.at_ns,
        kind=row.kind,
        subject=row.subject,
        client_id=row.client_id,
        value=value,
    )
