"""A thin account, the real daemon, the real client: topped up by an operator's word or by itself, and never twice."""

import tempfile
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from hedgebot.journal.audit import MOVE_DOUBT_NS
from tests.e2e import checker
from tests.e2e.harness import HERE, World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SECTION = """
[treasury.main]
top_up_use = 0.6
target_use = 0.45
emergency_qty = 1000
move_min_qty = 10
move_max_qty = {own}
day_max_qty = {own}
cool_down_s = 1
"""


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="hb") as folder, World(Path(folder), scenario=HERE / "thin.toml") as made:
        made.admin("key", account="main", state="may_transfer")
        # Two marks of one coin are a little apart at the start: that is no day's loss.
        limits = made.config.with_name("limits.toml")
        limits.write_text(limits.read_text() + "\nliquidation_distance_min = 0.0\ndrawdown_ratio_max = 5.0\n")
        yield made


def configure(world: World, own: int) -> None:
    world.config.write_text(world.config.read_text() + SECTION.format(own=own))


def transfers(world: World) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = world.admin("truth")["accounts"]["main"]["transfers"]
    return made


def moved(book: dict[str, Any], *statuses: str) -> bool:
    return any(one["status"] in statuses for one in book["moves"])


def audited_usdt(world: World) -> dict[str, Any]:
    """The coin by `journal audit`, once a wallet from after the move was compared."""
    told: dict[str, Any] = {}
    until_s = time.monotonic() + 60.0
    while time.monotonic() < until_s:
        _, told = world.verb("journal", "audit", "--state-dir", str(world.state_dir))
        for one in told["accounts"][0]["coins"]:
            if one["coin"] == "USDT" and Decimal(one["moved"]):
                found: dict[str, Any] = one
                return found
    raise AssertionError(told)


def test_a_thin_account_reduces_until_an_operator_approves_its_top_up(world: World) -> None:
    configure(world, own=0)
    daemon = world.daemon()
    book = daemon.until("it reduces and asks", lambda one: one["mode"] == "reducing" and moved(one, "proposed"))
    before = book["accounts"][0]["equity_usd"]
    assert book["accounts"][0]["margin_use"] > 0.8
    (told,) = [one for one in book["alerts"] if one["kind"] == "TopUpWanted"]
    assert "hedgebot treasury approve 1" in told["summary"]
    assert told["runbook"] == "RB-50"
    place = ("--state-dir", str(world.state_dir))
    code, listed = world.verb("treasury", "list", *place)
    assert code == 0
    assert [one["status"] for one in listed["moves"]] == ["proposed"]
    assert (listed["treasury"][0]["buffer_qty"], listed["treasury"][0]["emergency_qty"]) == ("5000", "1000")
    assert transfers(world) == []
    # Without its phrase nothing is approved.
    code, _ = world.verb("treasury", "approve", "1", "--reason", "seen", *place)
    assert code != 0
    assert transfers(world) == []
    # A wallet shortly before a move may hold it already by the venue's clock: the audit's book would open after it.
    time.sleep(MOVE_DOUBT_NS / 1e9)
    words = ("--reason", "seen", "--operator", "ann", "--confirm", "approve move 1")
    code, answer = world.verb("treasury", "approve", "1", *words, *place)
    assert (code, answer["on_disk"]) == (0, True)
    book = daemon.until("it is topped up", lambda one: one["mode"] == "active" and moved(one, "done"))
    (made,) = transfers(world)
    qty = Decimal(made["qty"])
    assert (made["coin"], made["source"], made["target"]) == ("USDT", "FUND", "UNIFIED")
    assert book["accounts"][0]["equity_usd"] - before == pytest.approx(float(qty), abs=60.0)
    assert book["accounts"][0]["margin_use"] == pytest.approx(0.45, abs=0.06)
    assert Decimal(world.admin("truth")["accounts"]["main"]["funding_wallet"]["USDT"]) == 6_000 - qty
    usdt = audited_usdt(world)
    assert (Decimal(usdt["moved"]), usdt["equal"]) == (qty, True), usdt
    assert daemon.stop() == 0
    rows = checker.read_rows(world.state_dir)
    steps = [(row.payload["status"], row.payload["operator"]) for row in rows if row.kind == "RecordMove"]
    assert steps == [("proposed", ""), ("sent", "ann"), ("done", "ann")]
    (given,) = [row.payload for row in rows if row.kind == "KeyRightsAccepted"]
    assert given["rights"] == ["AccountTransfer"]
    code, _ = world.verb("journal", "replay", "--verify", *place)
    assert code == 0


@pytest.mark.parametrize(
    "point", ["before_commit", "after_commit_before_send", "after_send_before_answer", "after_answer_before_apply"]
)
def test_a_power_cut_around_a_move_never_makes_it_twice(world: World, point: str) -> None:
    configure(world, own=4_000)
    world.daemon(HEDGEBOT_FAILPOINT=point).until_killed(30)
    sent = [row.payload["move"] for row in checker.read_rows(world.state_dir) if row.kind == "MoveCollateral"]
    assert len(sent) == (point != "before_commit")
    there = transfers(world)
    # How far a request came within milliseconds is the machine's to say; what follows holds either way.
    most = int(point in {"after_send_before_answer", "after_answer_before_apply"})
    assert int(point == "after_answer_before_apply") <= len(there) <= most
    daemon = world.daemon()
    book = daemon.until("it is topped up", lambda one: one["mode"] == "active" and moved(one, "done"), 60.0)
    made = transfers(world)
    assert len(made) == 1, made
    if there:
        # What was made before the cut was found by its id, not made again.
        assert made == there
        assert made[0]["transfer_id"] == sent[0]["transfer_id"]
    elif sent:
        assert [one["status"] for one in book["moves"]] == ["absent", "done"]
        assert made[0]["transfer_id"] != sent[0]["transfer_id"]
    assert daemon.stop() == 0
    assert len(transfers(world)) == 1


def test_a_move_that_the_venue_can_never_prove_is_ended_by_an_operators_word(world: World) -> None:
    """It was made, its answer was lost, and the venue's list cannot be read any more."""
    configure(world, own=4_000)
    world.admin("faults", type="http", kind="ack_lost", endpoint="/v5/asset/transfer/inter-transfer")
    world.admin("faults", type="http", kind="status", endpoint="query-inter-transfer-list", count=None)
    daemon = world.daemon()
    daemon.until("it is unproven", lambda one: moved(one, "unknown"))
    (made,) = transfers(world)
    place = ("--state-dir", str(world.state_dir))
    words = ("--operator", "eve", "--evidence", "ticket 42", "--confirm", "adopt move 1", *place)
    # Until its deadline has passed the venue may still take it.
    code, answer = world.verb("treasury", "adopt", "1", *words)
    while code != 0:
        assert "wait until its deadline has passed" in answer["error"]
        code, answer = world.verb("treasury", "adopt", "1", *words)
    assert answer["on_disk"], answer
    daemon.until("it is ended and asked anew", lambda one: one["mode"] == "active" and moved(one, "done"))
    assert transfers(world) == [made]
    assert daemon.stop() == 0
    rows = checker.read_rows(world.state_dir)
    word = [row.payload for row in rows if row.kind == "MoveResolved"][-1]
    assert (word["operator"], word["reason"], word["resolution"]) == ("eve", "ticket 42", "adopt")
    assert [row.payload["status"] for row in rows if row.kind == "RecordMove"] == ["sent", "unknown", "done"]
    code, _ = world.verb("journal", "replay", "--verify", *place)
    assert code == 0
