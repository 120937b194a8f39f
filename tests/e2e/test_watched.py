"""A real daemon with a watched account at another venue: seen, judged, asked what-ifs, and never in the hedge's way."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e import checker
from tests.e2e.harness import World
from tests.support import stub_venue as stubs
from tests.support.stub_venue import StubVenue, stub_venue
from tests.wire.test_watched_what_if import deribit_simulating

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SECTION = """
[accounts.options]
venue = "deribit"
role = "watched"
endpoint = "{address}"
api_key_file = "deribit_key"
api_secret_file = "deribit_secret"

[underlyings.BTC]"""


@contextmanager
def deribit_in_a_thread() -> Iterator[StubVenue]:
    """A Deribit on loopback that answers while the test waits for processes."""
    made, up, down = list[StubVenue](), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with stub_venue() as stub:
            deribit_simulating(stub)
            made.append(stub)
            up.set()
            await down.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert up.wait(10.0)
    try:
        yield made[0]
    finally:
        loop.call_soon_threadsafe(down.set)
        thread.join(10.0)
        loop.close()


def margins(stub: StubVenue, maintenance: float) -> None:
    """The account reports this maintenance margin in BTC, of 2 BTC."""
    row = stubs.deribit_summary(equity=2.0, margin_balance=2.0, initial_margin=1.9, maintenance_margin=maintenance)
    stub.say("private/get_account_summaries", stubs.deribit_account(row))


def options_of(book: dict[str, Any]) -> dict[str, Any]:
    return next(one for one in book["accounts"] if one["account"] == "options")


def is_model_alert(alert: dict[str, Any]) -> bool:
    """Whether it is told that the model and the venue differ; not that the parameters are old."""
    return bool(alert["kind"] == "MarginModelDiverged" and alert["subject"] == "options")


def test_a_watched_account_from_the_first_reading_to_the_replay(world: World) -> None:
    with deribit_in_a_thread() as stub:
        text = world.config.read_text("utf-8")
        world.config.write_text(text.replace("\n[underlyings.BTC]", SECTION.format(address=stub.address), 1), "utf-8")
        (world.folder / "deribit_key").write_text(stubs.KEY)
        (world.folder / "deribit_secret").write_text(stubs.SECRET)
        for name in ("deribit_key", "deribit_secret"):
            (world.folder / name).chmod(0o600)
        daemon = world.daemon()
        daemon.until_active()
        seen = daemon.until("margin", lambda book: options_of(book)["margin_use"] is not None)
        assert options_of(seen)["margin_use"] == pytest.approx(0.0525)
        assert "from liquidation" in options_of(seen)["liquidation"] or not options_of(seen)["liquidation"]
        place = ("--state-dir", str(world.state_dir))

        answers: Any
        code, answers = world.verb("margin", "what-if", "buy 10 BTC-PERPETUAL on deribit", *place)
        (first,) = answers
        assert (code, first["source"], first["verdict"]) == (0, "watched", "pass"), first
        assert first["theirs"]["maintenance_after"] == pytest.approx(0.11)
        assert first["after"]["use"] == pytest.approx(0.11, rel=1e-3)

        code, shown = world.verb("margin", "show", *place)
        assert code == 0
        mine = next(one for one in shown["accounts"] if one["account"] == "options")
        assert mine["venue_maintenance_usd"] == pytest.approx(10_500.0)

        # Nothing but questions ever reaches the venue.
        assert {one.method for one in stub.requests} == {"GET"}

        margins(stub, 1.7)
        reduced = daemon.until("reducing", lambda book: book["mode"] == "reducing", 30.0)
        assert options_of(reduced)["margin_use"] == pytest.approx(0.85)
        hedges = reduced["hedges"]
        daemon.until("hedging goes on", lambda book: book["hedges"] > hedges, 30.0)
        # It holds options now, and its venue asks for them what our model does: both numbers agree.
        stubs.deribit_with_options(stub)
        again = daemon.until("active again", lambda book: book["mode"] == "active", 30.0)
        assert not any(map(is_model_alert, again["alerts"]))
        # Then it asks a fifth more for what is sold of them: told after three readings, with the rate that moved.
        stubs.deribit_with_options(stub, raised=0.015)
        moved = daemon.until("the rate", lambda book: any(map(is_model_alert, book["alerts"])), 60.0)
        (words,) = [one["summary"] for one in moved["alerts"] if is_model_alert(one)]
        assert "the rate of deribit:option:BTC-27MAR48-120000-C" in words
        assert "of the index beside its mark, ours to 7.50" in words

        # Two failures in a row are told, and the book stays as it is.
        stub.say("private/get_account_summaries", {"error": {"code": 13004, "message": "invalid_credentials"}}, 400)
        told = daemon.until(
            "told", lambda book: any(one["kind"] == "ApiKeyExpiringOrInvalid" for one in book["alerts"]), 30.0
        )
        assert told["mode"] == "active"
        assert daemon.stop() == 0, daemon.words()
    rows = [row.payload for row in checker.read_rows(world.state_dir) if row.kind == "RecordMargin"]
    ours = [one for one in rows if one["account"] == "options"]
    assert ours[0]["model_maintenance_usd"] == pytest.approx(10_500.0), "our model stands beside the venue's number"
    sold = 2.0 * (0.075 + stubs.call_mark()) * 1e5
    close = pytest.approx(10_500.0 + sold, rel=1e-3)
    gaps = [one["gap_ratio"] for one in ours if one["model_maintenance_usd"] == close]
    assert min(map(abs, gaps)) < 1e-3, "the venue's number with options is reproduced"
    assert min(gaps) < -0.01, "and with the raised rate it is not"
    code, answer = world.verb("journal", "replay", "--verify", "--state-dir", str(world.state_dir))
    assert code == 0, json.dumps(answer)
    code, answer = world.verb("journal", "audit", "--state-dir", str(world.state_dir))
    assert code == 0, json.dumps(answer)
