"""A graceful end: SIGTERM in the middle of trading is exit 0 within 20 seconds, with nothing left behind."""

import signal
import time

import msgspec
import pytest

from hedgebot.domain.client_id import decode_client_id
from tests.e2e import checker
from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(world: World, number: signal.Signals) -> None:
    daemon = world.daemon()
    daemon.until("hedging", lambda book: bool(book["hedges"] >= 2), 40)
    began_s = time.monotonic()
    daemon.process.signal(number)
    assert daemon.process.wait() == 0, daemon.words()
    assert time.monotonic() - began_s < 20.0
    assert not (world.state_dir / "control.sock").exists()
    rows = checker.read_rows(world.state_dir)
    assert any(row.kind == "StopRequested" for row in rows)
    assert any(row.kind == "StopNow" for row in rows)
    truth = checker.read_truth(world.admin("truth"))
    assert checker.order_problems(rows, truth) == []
    assert [one for one in truth.ours if one["status"] in {"open", "partial"}] == []
    after_stop = next(row.seq for row in rows if row.kind == "StopRequested")
    assert [row for row in rows if row.kind == "SubmitOrder" and row.seq >= after_stop] == []


def test_p02_sigterm_with_a_create_in_flight_and_three_resting_orders_ends_in_time_with_nothing_alive(
    world: World,
) -> None:
    daemon = world.daemon()
    daemon.until("hedging", lambda book: bool(book["hedges"] >= 2), 40)
    # Answers come late from here on: the next hedge is a create in flight. Hedges are immediate-or-cancel, so that what
    # rests on the account is the client's.
    world.admin("weather", ack_delay_ms=1_000.0, push_delay_ms=1_000.0)
    rest = {"instrument": "bybit:linear:BTCUSDT", "side": "buy", "contracts": "0.1", "limit_price": "50000"}
    for _ in range(3):
        world.admin("trade", **rest)
    daemon.until("a create in flight", lambda book: bool(book["orders"]), 30)
    began_s = time.monotonic()
    assert daemon.stop() == 0, daemon.words()
    assert time.monotonic() - began_s <= 20.0
    rows, truth = checker.read_rows(world.state_dir), checker.read_truth(world.admin("truth"))
    asked = next(row.seq for row in rows if row.kind == "StopRequested")
    assert [row for row in rows if row.kind == "SubmitOrder" and row.seq > asked] == []
    # Policy: what is ours is cancelled or looked up to its end, positions and other people's orders stay.
    assert [one["client_id"] for one in truth.ours if one["status"] in {"open", "partial"}] == []
    others = [one for one in truth.orders if not checker.is_ours(one["client_id"]) and one["status"] == "open"]
    assert len(others) == 3
    ended = {"OrderUpdated", "OrderLookedUp", "FillReceived", "OrderRejected", "OrderOutcomeUnknown"}
    told = {
        str(row.payload.get("client_id") or row.payload.get("report", {}).get("client_id"))
        for row in rows
        if row.kind in ended
    }
    assert set(checker.submitted(rows)) <= told, "an order's end is not in the journal"


def test_p02_resting_orders_of_ours_that_the_journal_does_not_know_are_cancelled_before_the_end(world: World) -> None:
    """A last look: three orders with our mark, placed in the moment before the signal; the client's own one stays."""
    daemon = world.daemon()
    daemon.until("hedging", lambda book: bool(book["hedges"] >= 2), 40)
    mark = decode_client_id(next(iter(checker.submitted(checker.read_rows(world.state_dir)))))
    assert mark is not None
    planted = [msgspec.structs.replace(mark, intent=1_000_000 + number).encode() for number in range(3)]
    rest = {"instrument": "bybit:linear:BTCUSDT", "side": "buy", "contracts": "0.1", "limit_price": "50000"}
    world.admin("trade", **rest)
    for client_id in planted:
        world.admin("trade", client_id=client_id, **rest)
    began_s = time.monotonic()
    assert daemon.stop() == 0, daemon.words()
    assert time.monotonic() - began_s <= 20.0
    rows, truth = checker.read_rows(world.state_dir), checker.read_truth(world.admin("truth"))
    status = {one["client_id"]: one["status"] for one in truth.orders}
    assert [status[client_id] for client_id in planted] == ["cancelled"] * 3
    assert [one for one in truth.ours if one["status"] in {"open", "partial"}] == []
    others = [one for one in truth.orders if not checker.is_ours(one["client_id"]) and one["status"] == "open"]
    assert len(others) == 1
    asked = next(row.seq for row in rows if row.kind == "StopRequested")
    assert {row.payload["client_id"] for row in rows if row.kind == "CancelOrder" and row.seq >= asked} >= set(planted)
    assert any(row.kind == "StopNow" for row in rows), "in order, not because the time was over"


def test_a_second_signal_hastens(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    # The engine cannot prove an order's end while the exchange answers nothing: the first signal alone would wait.
    daemon.process.signal(signal.SIGTERM)
    daemon.process.signal(signal.SIGINT)
    began_s = time.monotonic()
    assert daemon.process.wait() == 0, daemon.words()
    assert time.monotonic() - began_s < 8.0


def test_a_kill_is_latched_across_a_restart_and_unkill_ends_it(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    daemon.process.signal(signal.SIGUSR1)
    daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
    assert (world.state_dir / "KILL").exists()
    daemon.process.signal(signal.SIGKILL)
    daemon.process.wait()
    daemon = world.daemon()
    daemon.until("halted", lambda book: bool(book["mode"] == "halted"))
    orders = len(checker.read_truth(world.admin("truth")).ours)
    time.sleep(3)
    assert len(checker.read_truth(world.admin("truth")).ours) == orders, "a halted book sent an order"
    answer = {"ok": False}
    for _ in range(20):
        answer = daemon.ask("unkill", operator="ada", reason="drill is over")
        if answer["ok"]:
            break
        time.sleep(0.5)
    assert answer["ok"], answer
    assert not (world.state_dir / "KILL").exists()
    daemon.until_active()
    assert daemon.stop() == 0


def test_o09_unkill_while_the_cause_persists_is_refused_with_every_unmet_check(world: World) -> None:
    """The venue stands still: nothing is fresh, so the latch stays, and says why; when it is back, unkill works."""
    daemon = world.daemon()
    daemon.until_active()
    assert daemon.ask("kill", operator="ada", reason="the venue hangs")["ok"]
    world.exchange.signal(signal.SIGSTOP)
    time.sleep(6.5)
    refused = daemon.ask("unkill", operator="ada", reason="hope", version="0.0.0-other")
    world.exchange.signal(signal.SIGCONT)
    assert not refused["ok"]
    assert refused["code"] == 6
    for words in ("the book of bybit:linear:BTCUSDT is not fresh", "this command is of version 0.0.0-other"):
        assert words in refused["error"]
    assert (world.state_dir / "KILL").exists()
    assert daemon.ask("status")["data"]["book"]["latches"][0]["operator"] == "ada"
    answer = refused
    for _ in range(60):
        causes = [one for latch in daemon.ask("status")["data"]["book"]["latches"] for one in latch["review"]]
        answer = daemon.ask("unkill", operator="ada", reason="the venue is back", reviewed=causes)
        if answer["ok"]:
            break
        time.sleep(0.5)
    assert answer["ok"], answer
    assert not (world.state_dir / "KILL").exists()
    daemon.until_active()
    assert daemon.stop() == 0
