"""Nine seconds for each new connection: it is said, and a kill comes through all the same."""

import time

import pytest

from hedgebot.domain.durations import NS_PER_S
from hedgebot.lab.chaosproxy import Door
from tests.wire.chaos_world import SOCKETS, broken

pytestmark = [pytest.mark.wire, pytest.mark.timeout(180)]


def test_n15_a_kill_while_each_connection_takes_nine_seconds() -> None:
    with broken() as found:
        found.calm()
        install = int(found.daemon.ask("status")["data"]["daemon"]["install"], 16)
        slow_ns = time.time_ns()
        found.do(lambda proxy: proxy.open_door(Door(delay_s=9.0)))
        found.do(lambda proxy: proxy.cut())
        # Only now: over a good line the daemon sees orders that are ours and in no journal, and cancels them itself.
        ours, theirs = found.rest(install, 12), found.rest(None, 2)
        assert found.alive() == ours | theirs
        # Degraded, and said so.
        assert found.raised("PrivateStreamSilent", slow_ns) - slow_ns <= 5 * NS_PER_S
        code, health = found.world.verb("health", "--state-dir", str(found.world.state_dir))
        assert code == 3, health
        # The daemon's own kill blocks orders at once, whatever the line does.
        began_s = time.monotonic()
        code, answer = found.world.verb(
            "kill", "--state-dir", str(found.world.state_dir), "--reason", "each connection takes nine seconds"
        )
        assert code == 0, answer
        assert time.monotonic() - began_s <= 10.0
        assert found.daemon.book()["mode"] == "halted"
        # And the kill at the venue itself, over new connections of its own: proven empty within thirty seconds.
        began_s = time.monotonic()
        where = ("--config", str(found.world.config), "--state-dir", str(found.world.state_dir))
        code, answer = found.world.verb("kill", "--direct", *where, "--reason", "slow line")
        assert code == 0, answer
        assert answer["proven"], answer
        (account,) = answer["accounts"]
        # The daemon's own cancels were on their way over the slow line too.
        assert set(account["cancelled"]) <= ours
        assert account["verified_s"] <= 30.0
        assert time.monotonic() - began_s <= 35.0
        assert found.alive() == theirs
        # When the line is good again the sockets come back by themselves; the book stays halted.
        found.do(lambda proxy: proxy.open_door(Door()))
        found.daemon.until("connected", lambda book: all(one["up"] for one in book["accounts"][0]["streams"]), 60.0)
        assert found.do(lambda proxy: len(proxy.links(SOCKETS))) >= 3
        assert found.daemon.book()["mode"] == "halted"
        assert found.daemon.stop() == 0
