"""The daemon on virtual time: it hedges, it recovers, and the same seed gives the same journal."""

import pytest

from hedgebot.core.engine import Engine
from hedgebot.core.state import state_digest
from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode
from hedgebot.domain.errors import ProgrammingError
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.bench import PERP, Bench


def delta_coin(bench: Bench) -> float:
    """Net delta as the exchange has it: all contracts of BTC are coins."""
    return sum(float(one.contracts) for one in bench.exchange.positions("main"))


def test_it_hedges_a_client_for_five_minutes() -> None:
    bench = Bench()
    bench.host.start()
    bench.run(300)
    state = bench.host.engine.state
    assert state.mode is Mode.ACTIVE
    assert state.totals.hedges > 10
    assert abs(delta_coin(bench)) <= 0.05 + 0.2, "in its band, but for a trade of this moment"
    assert bench.host.alerts == {}
    assert state.positions[f"main|{PERP}"].contracts == bench.perp_contracts()


def test_the_same_seed_gives_the_same_journal() -> None:
    def entries(seed: int) -> list[object]:
        bench = Bench(seed=seed)
        bench.host.start()
        bench.run(60)
        return list(bench.host.journal.entries)

    assert entries(3) == entries(3)
    assert entries(3) != entries(4)


def test_the_journal_replays_to_the_same_commands_and_state() -> None:
    bench = Bench()
    bench.host.start()
    bench.run(120)
    engine = Engine(STRATEGY.build)
    given = [
        cmd.Issued(seq=one.seq, index=index, at_ns=one.at_ns, command=command)
        for one in bench.host.journal.events()
        for index, command in enumerate(engine.step(one), start=1)
    ]
    assert given == [one for one in bench.host.journal.entries if isinstance(one, cmd.Issued)]
    assert state_digest(engine.state) == state_digest(bench.host.engine.state)


@pytest.mark.parametrize("point", ["before_commit", "after_commit_before_send", "after_send_before_answer"])
@pytest.mark.parametrize("power_cut", [False, True])
def test_a_crash_anywhere_on_the_order_path_neither_loses_nor_doubles_an_order(point: str, power_cut: bool) -> None:
    bench = Bench()
    crashes = 0

    def passing(name: str) -> None:
        nonlocal crashes
        if name == point and crashes < 3:
            crashes += 1
            bench.host.crash(power_cut=power_cut)
            bench.timeline.after(2_000_000_000, bench.host.start)

    bench.host.passing = passing
    bench.host.start()
    bench.run(180)
    assert crashes == 3
    assert bench.host.epoch == 4
    assert bench.host.engine.state.mode is Mode.ACTIVE
    journaled = {
        one.command.client_id for one in bench.host.journal.orders() if isinstance(one.command, cmd.SubmitOrder)
    }
    ours = [one for one in bench.exchange.order_history("main") if one.client_id in journaled]
    assert len(ours) == len({one.client_id for one in ours})
    assert bench.host.engine.state.positions[f"main|{PERP}"].contracts == bench.perp_contracts()
    assert abs(delta_coin(bench)) <= 0.05 + 0.2


def test_a_broken_disk_halts_and_sends_nothing() -> None:
    bench = Bench()
    bench.host.start()
    bench.run(30)
    bench.host.journal.broken = "no space left on device"
    sent = len(bench.exchange.order_history("main"))
    bench.run(60)
    ours = [one for one in bench.exchange.order_history("main")[sent:] if one.instrument == PERP]
    assert ours == []
    assert bench.host.engine.state.mode is Mode.HALTED


def test_a_kill_is_latched_over_a_crash() -> None:
    bench = Bench()
    bench.host.start()
    bench.run(30)
    bench.host.put(ev.OperatorKilled(operator="eve", reason="drill"))
    bench.run(1)
    bench.host.crash(power_cut=True)
    bench.host.start()
    bench.run(30)
    assert bench.host.engine.state.mode is Mode.HALTED
    assert bench.host.engine.state.latched


def test_a_stop_winds_down() -> None:
    bench = Bench()
    bench.host.start()
    bench.run(30)
    bench.host.put(ev.StopRequested(reason="test"))
    bench.run(10)
    assert not bench.host.running
    assert "no order is alive" in bench.host.ended
    with pytest.raises(ProgrammingError):
        _ = bench.host.engine
