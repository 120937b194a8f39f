"""A daemon's status answer, a stub of a daemon on a socket, and a way to run the command line in process."""

import asyncio
import json
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hedgebot.console.main import main
from hedgebot.core.engine import Engine
from hedgebot.daemon.plugins import load_strategy
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Issued
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import StrategySettings
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.store import Journal
from tests.support.playbook import ACCOUNT, Playbook, settings, the_order

Answers = dict[str, dict[str, Any]]
T0_NS = 1_764_000_000_000_000_000


def _underlying(name: str, price: float, band: float, delta: float) -> dict[str, Any]:
    kinds = (
        (name, "coins", "2.5012", None),
        (f"bybit:linear:{name}USDT", "linear_perp", "-3.214", str(price)),
        (f"bybit:linear:{name}PERP", "linear_perp", "1.2", str(price)),
        (f"bybit:option:{name}-27NOV26-{price:.0f}-C-USDT", "linear_option", "-2", "4512.1"),
        (f"bybit:option:{name}-27NOV26-{price:.0f}-P-USDT", "linear_option", "1.5", "2212.1"),
    )
    return {
        "underlying": name,
        "delta_coin": delta,
        "delta_usd": delta * price,
        "convention": "linear: USD value held constant",
        "band_coin": band,
        "inside_coin": 0.75 * band,
        "limit_coin": 4 * band,
        "worst_case_coin": abs(delta) * 1.1,
        "gamma_coin_per_pct": -0.0213,
        "price_usd": price,
        "next_trigger_up_usd": price * 1.01,
        "next_trigger_down_usd": price * 0.99,
        "hedge_instrument": f"bybit:linear:{name}USDT",
        "book_age_ms": 84,
        "option_age_ms": 900,
        "lot_coin": 0.001,
        "in_breach_ms": None,
        "residual_coin": 0.0,
        "hedges": 6,
        "why_not": f"abs delta {abs(delta):.4f} {name} is inside the band {band:g} {name}",
        "positions": [
            {
                "account": "main",
                "instrument": instrument,
                "kind": kind,
                "contracts": contracts,
                "entry_price": mark,
                "mark": mark,
                "age_ms": None if mark is None else 120,
            }
            for instrument, kind, contracts, mark in kinds
        ],
    }


def _decision(number: int) -> dict[str, Any]:
    name, delta, band, trade = (("ETH", -4.31, 4.0, 1.3), ("BTC", 0.2812, 0.25, -0.094))[number % 2]
    return {
        "underlying": name,
        "strategy": "delta_neutral",
        "outcome": "hedge",
        "cause": ("price", "fill")[number % 2],
        "delta_coin": delta,
        "target_coin": 0.0,
        "band_coin": band,
        "trade_coin": trade,
        "residual_coin": 0.0,
        "client_id": f"4b{number:030x}",
        "explanation": f"net delta {delta} {name} is beyond the band {band}; trade {trade} {name}",
        "evidence": {"at_ns": T0_NS + number * 7_000_000_000},
    }


ALERT = {
    "kind": "UnknownOrderAge",
    "severity": "crit",
    "runbook": "RB-07",
    "subject": "4b0011",
    "summary": "order unknown for 9 s",
    "age_ms": 900,
}


@pytest.fixture
def answer() -> dict[str, Any]:
    """The data of a status answer, as the daemon sends it."""
    return {
        "book": {
            "at_ns": T0_NS + 100_000_000_000,
            "run_id": "1-abc",
            "epoch": 1,
            "config_hash": "88aaa6174a8d0b89",
            "mode": "active",
            "mode_reason": "feeds fresh, account reconciled",
            "latched": False,
            "strategies": {"delta_neutral": True},
            "underlyings": [_underlying("BTC", 90_012.0, 0.25, 0.1834), _underlying("ETH", 3_012.0, 4.0, -4.213)],
            "accounts": [
                {
                    "account": "main",
                    "venue": "bybit",
                    "role": "shared",
                    "streams": [
                        {"stream": "public", "up": True, "age_ms": 84},
                        {"stream": "private", "up": True, "age_ms": 412},
                        {"stream": "trade", "up": True, "age_ms": 1_810},
                    ],
                    "reconciled": True,
                    "reconciled_age_ms": 8_123,
                    "margin_use": 0.1231,
                    "equity_usd": 1_234_567.3,
                    "initial_margin_usd": 45_678.1,
                    "maintenance_margin_usd": 12_345.6,
                    "margin_age_ms": 1_800,
                    "clock_offset_ms": 0.31,
                    "differences": [],
                }
            ],
            "orders": [
                {
                    "client_id": "4b0011223344",
                    "instrument": "bybit:linear:BTCUSDT",
                    "side": "sell",
                    "qty_contracts": "0.094",
                    "filled_contracts": "0",
                    "status": "sent",
                    "age_ms": 120,
                }
            ],
            "alerts": [],
            "decisions": [_decision(number) for number in range(12)],
            "funding_usd_per_day": 12.31,
            "funding_limit_usd_per_day": 500.0,
            "fees": {"USDT": "12.31"},
            "funding": {"USDT": "-0.31"},
            "hedges": 12,
            "refusals": 1,
            "rejects": 0,
            "fills": 40,
            "own_fills": 13,
        },
        "daemon": {"uptime_s": 83.2, "version": "0.1.0", "book_name": "demo", "run_mode": "paper"},
    }


class StubDaemon:
    """Answers on a control socket what it was told to, and remembers what it was asked."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        self.answers: Answers = {}
        self.asked: list[dict[str, Any]] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(state_dir / "control.sock"))
        self._socket.listen(4)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5.0)
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._socket.accept()
            except OSError:
                return
            with link, link.makefile("rwb") as lines:
                line = lines.readline()
                if not line:
                    continue
                request = json.loads(line)
                self.asked.append(request)
                reply = self.answers.get(request["verb"])
                if reply is None:
                    continue
                lines.write(json.dumps({"ok": True, "code": 0, "data": None, "error": None} | reply).encode() + b"\n")


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A folder whose path is short enough for a unix socket."""
    with tempfile.TemporaryDirectory(prefix="hb") as folder:
        yield Path(folder)


@pytest.fixture
def daemon(short_dir: Path, answer: dict[str, Any]) -> Iterator[StubDaemon]:
    stub = StubDaemon(short_dir)
    stub.answers["status"] = {"data": answer}
    yield stub
    stub.close()


@pytest.fixture
def hedgebot(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Run the command line in process: exit code, standard output, standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        texts = [str(word) for word in words]
        monkeypatch.setattr(sys, "argv", ["hedgebot", *texts])
        monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
        hook = sys.excepthook
        with pytest.raises(SystemExit) as ended:
            main(texts)
        sys.excepthook = hook
        out, err = capsys.readouterr()
        code = ended.value.code
        return (code if isinstance(code, int) else 0 if code is None else 1), out, err

    return run


@pytest.fixture(scope="session")
def journal_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal as a daemon would have left it: ready, one hedge after a fill of the book's own flow, filled."""
    folder = tmp_path_factory.mktemp("journal")
    asyncio.run(write_journal(folder, recorded_book()))
    return folder


def recorded_book(*more: StrategySettings) -> Playbook:
    """A conversation with one hedge in it; `more` strategies refine the first one."""
    plain = settings()
    book = Playbook(msgspec.structs.replace(plain, strategies=(*plain.strategies, *more)), load_strategy)
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    book.done(order)
    book.tick(250.0)
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    return book


async def write_journal(folder: Path, book: Playbook) -> None:
    journal = await Journal.open(folder)
    try:
        await journal.begin_run(build_manifest(book.settings, version="test"))
        engine = Engine(load_strategy)
        for stamped in book.log:
            commands = engine.step(stamped)
            issued = [
                Issued(seq=stamped.seq, index=index, at_ns=stamped.at_ns, command=command)
                for index, command in enumerate(commands, start=1)
            ]
            await journal.write([stamped, *issued], durable=bool(issued))
    finally:
        await journal.close()
