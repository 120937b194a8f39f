import os
import signal
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson
import pytest

from hedgebot.console.assets import scenario_file
from hedgebot.console.errors import WrongUse
from hedgebot.console.processes import Child
from hedgebot.console.verbs_exchange import build_world, gap_notes


def test_the_seed_and_a_recording_are_laid_over_the_scenario(tmp_path: Path) -> None:
    assert build_world(scenario_file("demo"), seed=11).seed == 11
    bars = tmp_path / "BTC_perp.csv"
    bars.write_text("date,open,high,low,close\n2025-10-10T00:00:00Z,1,2,1,2\n2025-10-10T00:05:00Z,2,3,2,3\n")
    pytest.importorskip("pyarrow")
    start = datetime(2025, 10, 10)  # noqa: DTZ001  (as the command line hands it over)
    world = build_world(scenario_file("demo"), data=[bars], speed=60.0, start=start)
    (recording,) = world.recordings
    assert (recording.underlying, recording.speed) == ("BTC", 60.0)
    assert recording.start == start.replace(tzinfo=UTC)


def test_speed_needs_a_recording() -> None:
    with pytest.raises(WrongUse, match="--speed, --start and --end are for a recording; name one with --data"):
        build_world(scenario_file("demo"), speed=2.0)


def test_it_serves_until_it_is_stopped(tmp_path: Path, hedgebot: Callable[..., tuple[int, str, str]]) -> None:
    child = Child("the exchange", ["exchange", "serve", "--port", "0"], tmp_path / "log")
    try:
        url = orjson.loads(child.first_line(20.0))["url"]
        with urllib.request.urlopen(f"{url}/v5/market/time", timeout=5) as reply:
            assert orjson.loads(reply.read())["retCode"] == 0
        code, _, err = hedgebot("exchange", "serve", "--port", url.rsplit(":", 1)[1])
        assert code == 2
        assert "choose another --port" in err
        os.kill(child.pid, signal.SIGINT)
        until = time.monotonic() + 10.0
        while child.exit_code is None and time.monotonic() < until:
            time.sleep(0.01)
    finally:
        assert child.stop() == 0


def test_all_venues_of_a_scenario_are_served_and_named(tmp_path: Path) -> None:
    path = tmp_path / "two.toml"
    path.write_text("name = 'two'\nseed = 3\n[[venues]]\nname = 'one'\n[[venues]]\nname = 'other'\nbasis_bps = 50.0\n")
    child = Child("the exchanges", ["exchange", "serve", "--port", "0", "--scenario", str(path)], tmp_path / "log")
    try:
        hello = orjson.loads(child.first_line(20.0))
        assert list(hello["venues"]) == ["one", "other"]
        assert hello["url"] == hello["venues"]["one"]
        asks = []
        for url in hello["venues"].values():
            with urllib.request.urlopen(f"{url}/v5/market/tickers?category=linear&symbol=BTCUSDT", timeout=5) as reply:
                asks.append(float(orjson.loads(reply.read())["result"]["list"][0]["ask1Price"]))
        assert asks[1] / asks[0] == pytest.approx(1.005, abs=0.002)
    finally:
        assert child.stop() == 0


def test_each_venue_has_its_port() -> None:
    from hedgebot.console.verbs_exchange import _port_of
    from hedgebot.exchange.scenario import Scenario, VenueSpec

    world = Scenario(venues=(VenueSpec(name="a"), VenueSpec(name="b", port=9_000), VenueSpec(name="c")))
    assert [_port_of(world, number, 8_787) for number in range(3)] == [8_787, 9_000, 8_789]
    assert _port_of(world, 2, 0) == 0


def test_a_bad_scenario_is_refused(hedgebot: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    (tmp_path / "world.toml").write_text("sede = 7\n")
    code, _, err = hedgebot("exchange", "serve", "--scenario", tmp_path / "world.toml")
    assert code == 6
    assert "sede" in err


def test_gaps_are_told_by_file_and_time_and_not_all_of_them(tmp_path: Path) -> None:
    from hedgebot.exchange.playback import Bars, RecordedPath
    from hedgebot.exchange.scenario import RecordingSpec, UnderlyingSpec

    starts = np.concatenate([np.arange(2) + 10 * number for number in range(8)]) * 60 * 10**9
    prices = np.full(len(starts), 90_000.0)
    bars = Bars(
        times_ns=starts.astype(np.int64), step_ns=60 * 10**9, opens=prices, highs=prices, lows=prices, closes=prices
    )
    underlying = UnderlyingSpec(name="BTC", start_price=90_000.0, vol=0.5)
    path = RecordedPath(perp=bars, spot=None, minutes=None, underlying=underlying, speed=1.0, step_s=1.0)
    notes = gap_notes(RecordingSpec(underlying="BTC", perp_bars="btc.csv"), path)
    assert notes[0] == (
        "recording btc.csv: no candles from 1970-01-01 00:02:00 UTC to 1970-01-01 00:10:00 UTC; "
        "nothing trades in between"
    )
    assert (len(notes), notes[-1]) == (6, "recording btc.csv: 2 more gaps")
    assert gap_notes(RecordingSpec(underlying="BTC"), None) == []
