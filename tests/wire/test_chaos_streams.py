"""Sockets that break while the daemon trades: fills of the gap are found once, and dead data hedge nothing."""

import time

import pytest

from hedgebot.domain.durations import NS_PER_S
from hedgebot.lab.chaosproxy import Door
from tests.wire.chaos_world import CALM, LINEAR, PRIVATE, broken, filled

pytestmark = [pytest.mark.wire, pytest.mark.timeout(120)]


def test_n01_a_reset_between_a_hedges_fill_and_its_news() -> None:
    with broken() as found:
        found.calm()
        before = len(found.ours())
        # News of executions leave a second and a half after them.
        found.world.admin("weather", **{**CALM, "push_delay_ms": 1_500.0})
        found.client("0.8")
        hedge = found.until_ours(before + 1)[-1]
        found.do(lambda proxy: proxy.open_door(Door(name=PRIVATE, refuse=True)))
        assert found.do(lambda proxy: proxy.cut(PRIVATE)) == 1
        cut_ns = time.time_ns()
        assert filled(hedge) > 0, "executed, and nobody was told"
        # Nothing more is sent in the dark, and the news is gone when the socket comes back.
        found.stays(before + 1, 2.5)
        found.do(lambda proxy: proxy.open_door(Door(name=PRIVATE)))
        found.settled(10.0)
        of_hedge = [row for row in found.rows("FillReceived") if row.payload["client_id"] == hedge["client_id"]]
        assert of_hedge
        assert {row.payload["source"] for row in of_hedge} == {"query"}
        # The pass column: found within ten seconds, of which the socket was kept away for two and a half.
        assert (of_hedge[0].at_ns - cut_ns) / NS_PER_S <= 10.0
        found.stays(before + 1, 4.0)
        found.agree()
        assert found.daemon.stop() == 0


def test_n02_market_data_stand_still_on_a_connection_that_stands() -> None:
    with broken() as found:
        found.calm()
        before = len(found.ours())
        assert found.do(lambda proxy: proxy.half_open(LINEAR)) == 1
        dead_ns = time.time_ns()
        told_ns = found.raised("StaleMarketData", dead_ns)
        assert (told_ns - dead_ns) / NS_PER_S <= 5.0
        # From here on a hedge is due, and must not leave on what was true five seconds ago.
        time.sleep(max(0.0, 5.0 - (time.time_ns() - dead_ns) / NS_PER_S))
        found.client("0.8")
        found.stays(before, 6.0)
        book = found.daemon.book()
        assert abs(book["underlyings"][0]["delta_coin"]) > book["underlyings"][0]["band_coin"]
        assert "old" in book["underlyings"][0]["why_not"]
        # The adapter gives the silent connection up, and the book is hedged again without a human.
        found.settled(30.0)
        assert len(found.ours()) > before
        found.agree()
        assert found.daemon.stop() == 0


def test_n11_unreadable_frames_are_counted_and_the_book_goes_on() -> None:
    with broken() as found:
        found.calm()
        spoilt = (("linear", "orderbook", "truncate"), ("linear", "tickers", "null"), ("private", "execution", "huge"))
        for number, (channel, topic, kind) in enumerate(spoilt):
            found.silenced("SuspectData")
            since_ns = time.time_ns()
            quarantined = len(found.rows("FrameQuarantined"))
            found.world.admin("faults", type="socket", kind=kind, channel=channel, topic=topic, count=1)
            found.client("0.8", side="buy" if number % 2 == 0 else "sell")
            # Suspect within five seconds, counted in the journal, and nobody is dead.
            assert found.raised("SuspectData", since_ns) - since_ns <= 5 * NS_PER_S
            assert len(found.rows("FrameQuarantined")) > quarantined
            assert found.rows("TaskFailed") == []
            found.settled(30.0)
        found.agree()
        assert found.daemon.stop() == 0
