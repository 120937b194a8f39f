"""The judge of the end-to-end tests: the exchange's own truth against the journal on disk, and nothing in between.

Knows the journal as a database of JSON rows and the exchange by its test plane. It shares no code with the engine, so
that a misreading there cannot excuse itself here.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

# Client order ids that a hedgebot made begin with these two characters (hedgebot/domain/client_id.py).
OUR_PREFIX = "4b"
ZERO = Decimal(0)


class Row(NamedTuple):
    """One row of the journal."""

    seq: int
    kind: str
    payload: dict[str, Any]
    at_ns: int = 0


class Truth(NamedTuple):
    """What the exchange knows of one account: all orders ever, and what is held now."""

    orders: tuple[dict[str, Any], ...]
    positions: dict[str, Decimal]
    coins: dict[str, Decimal]

    @property
    def ours(self) -> list[dict[str, Any]]:
        """Orders with a client id of ours."""
        return [one for one in self.orders if is_ours(one.get("client_id"))]


def is_ours(client_id: str | None) -> bool:
    """Whether a client id looks like a hedgebot's."""
    return client_id is not None and len(client_id) == 32 and client_id.startswith(OUR_PREFIX)


def read_truth(answer: Mapping[str, Any], account: str = "main") -> Truth:
    """Read the answer of the test plane."""
    one = answer["accounts"][account]
    return Truth(
        orders=tuple(one["orders"]),
        positions={row["instrument"]: Decimal(row["contracts"]) for row in one["positions"]},
        coins={row["coin"]: Decimal(row["wallet"]) for row in one["wallet"]["coins"]},
    )


def read_rows(state_dir: Path) -> list[Row]:
    """Every row of the journal, in order."""
    rows = _select(state_dir, "SELECT seq, kind, payload, at_ns FROM rows ORDER BY row")
    return [Row(seq, kind, json.loads(payload), at_ns) for seq, kind, payload, at_ns in rows]


class Head(NamedTuple):
    """The last row of the journal, by number and hash: it must be there for ever after."""

    row: int
    hash: str


def read_head(state_dir: Path) -> Head:
    """The last committed row; (0, "") before there is one."""
    found = _select(state_dir, "SELECT row, hex(hash) FROM rows ORDER BY row DESC LIMIT 1")
    return Head(*found[0]) if found else Head(0, "")


def has_row(state_dir: Path, head: Head) -> bool:
    """Whether that very row is still in the journal."""
    return not head.row or bool(
        _select(state_dir, "SELECT 1 FROM rows WHERE row = ? AND hex(hash) = ?", head.row, head.hash)
    )


def active_at_s(state_dir: Path) -> list[float]:
    """The moments (seconds UTC) at which the book became active, oldest first."""
    changes = _select(state_dir, "SELECT at_ns, payload FROM rows WHERE kind = 'RecordMode' ORDER BY row")
    return [at_ns / 1e9 for at_ns, payload in changes if json.loads(payload)["after"] == "active"]


def _select(state_dir: Path, sql: str, *values: object) -> list[Any]:
    if not (state_dir / "journal.db").exists():
        return []
    link = sqlite3.connect(f"{(state_dir / 'journal.db').resolve().as_uri()}?mode=ro", uri=True)
    try:
        return link.execute(sql, values).fetchall()
    finally:
        link.close()


def submitted(rows: list[Row]) -> Counter[str]:
    """How often each client id was journaled as an order to send."""
    return Counter(row.payload["client_id"] for row in rows if row.kind == "SubmitOrder")


def fills(rows: list[Row]) -> Iterator[dict[str, Any]]:
    """Executions, each once: a trade id seen again changes nothing."""
    seen: set[tuple[str, str, str]] = set()
    for row in rows:
        if row.kind == "FillReceived":
            category = row.payload["instrument"].split(":")[1]
            identity = (row.payload["account"], category, row.payload["trade_id"])
            if identity not in seen:
                seen.add(identity)
                yield row.payload


def positions(rows: list[Row]) -> dict[str, Decimal]:
    """Contracts per derivative, from opening positions and executions alone."""
    held: dict[str, Decimal] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        what = row.payload
        if row.kind == "RecordAdjustment" and ":" in what["subject"]:
            held[what["subject"]] = Decimal(what["after"])
        elif row.kind == "FillReceived" and ":spot:" not in what["instrument"]:
            identity = (what["instrument"].split(":")[1], what["trade_id"])
            if identity in seen:
                continue
            seen.add(identity)
            sign = 1 if what["side"] == "buy" else -1
            held[what["instrument"]] = held.get(what["instrument"], ZERO) + sign * Decimal(what["qty_contracts"])
    return {name: contracts for name, contracts in held.items() if contracts}


def order_problems(rows: list[Row], truth: Truth) -> list[str]:
    """Orphans (at the exchange, not in the journal), doubles (one id twice), and quantities beyond their intent."""
    journaled = submitted(rows)
    intents = {row.payload["client_id"]: row.payload for row in rows if row.kind == "SubmitOrder"}
    problems = [f"client id {one} was journaled {count} times" for one, count in journaled.items() if count > 1]
    at_exchange = Counter(str(one["client_id"]) for one in truth.ours)
    problems += [
        f"client id {one} is {count} orders at the exchange" for one, count in at_exchange.items() if count > 1
    ]
    problems += [f"order {one} at the exchange is in no journal" for one in at_exchange if one not in journaled]
    for order in truth.ours:
        command = intents.get(str(order["client_id"]))
        if command is None:
            continue
        intent = command["approved"]["intent"]
        if Decimal(order["filled_contracts"]) > Decimal(intent["qty_contracts"]):
            problems.append(f"order {order['client_id']} filled more than its intent")
        if (order["instrument"], order["side"]) != (intent["instrument"], intent["side"]):
            problems.append(f"order {order['client_id']} is not what its intent says")
    return problems


def position_problems(ours: Mapping[str, Decimal], truth: Truth) -> list[str]:
    """Differences of derivative positions, to the last lot."""
    names = sorted({*ours, *truth.positions})
    return [
        f"{name}: ours {ours.get(name, ZERO)}, the exchange's {truth.positions.get(name, ZERO)}"
        for name in names
        if ours.get(name, ZERO) != truth.positions.get(name, ZERO)
    ]


def status_positions(book: Mapping[str, Any]) -> dict[str, Decimal]:
    """What the daemon itself says it holds: derivatives by instrument, coins by name."""
    return {row["instrument"]: Decimal(row["contracts"]) for one in book["underlyings"] for row in one["positions"]}


def coin_problems(book: Mapping[str, Any], truth: Truth) -> list[str]:
    """Differences of the underlyings' coins between the daemon's word and the exchange's wallet."""
    said = status_positions(book)
    names = [one["underlying"] for one in book["underlyings"]]
    return [
        f"{name}: ours {said.get(name, ZERO)}, the exchange's {truth.coins.get(name, ZERO)}"
        for name in names
        if said.get(name, ZERO) != truth.coins.get(name, ZERO)
    ]
