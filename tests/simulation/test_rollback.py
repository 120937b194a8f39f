"""The venue takes executions of the hedge back: it tells of it as executions of its own, and the book stands still.

The fault world with its client trading. A history that changes backwards is none to hedge by: what was taken back is
told, booked with its evidence, and nothing is sent until an operator has looked.
"""

from collections.abc import Callable
from decimal import Decimal

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import Side
from hedgebot.exchange.records import ExecKind
from hedgebot.exchange.trouble import OffBookTrade, Rollback
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.stage import Mishap, Stage, both, client_trade
from strategies.delta_neutral import STRATEGY

TAKEN_AFTER_S = 10.0
"""So long after the client's trade its hedge is taken back."""


def later(deed: Callable[[Stage], None]) -> Callable[[Stage], None]:
    """The deed, once the hedge stands."""
    return lambda stage: stage.later(TAKEN_AFTER_S, lambda: deed(stage))


def taken_back(stage: Stage) -> None:
    """The hedge of the last twelve seconds."""
    stage.exchange.strike(Rollback(last_s=12.0, accounts=("main",), instruments=(stage.hedge,)))


def block_trade(stage: Stage) -> None:
    """Somebody moves the hedge beside the book of orders."""
    contracts = Decimal("0.4")
    stage.exchange.strike(
        OffBookTrade(
            kind=ExecKind.BLOCK_TRADE, account="main", instrument=stage.hedge, side=Side.BUY, contracts=contracts
        )
    )


def played(seed: int, mishap: Mishap) -> FaultWorld:
    """The world after it, without a violation."""
    world = FaultWorld(seed, 5.0, STRATEGY.build, [mishap])
    outcome = world.run()
    assert outcome.passed, (outcome.stuck, outcome.violations[:3], outcome.unmet)
    assert outcome.played
    return world


def fills(world: FaultWorld, kind: ev.ExecutionKind) -> list[tuple[int, ev.FillReceived]]:
    """The journal's executions of a kind, each once, with its moment."""
    found: dict[str, tuple[int, ev.FillReceived]] = {}
    for one in world.host.journal.entries:
        if isinstance(one, ev.Stamped) and isinstance(one.event, ev.FillReceived) and one.event.kind is kind:
            found.setdefault(one.event.trade_id, (one.at_ns, one.event))
    return list(found.values())


@pytest.mark.parametrize("seed", [102, 105])
def test_a_rollback_of_the_hedge_is_told_booked_and_halts(seed: int) -> None:
    mishap = Mishap(
        id="ROLLBACK",
        title="the venue takes the hedge back",
        begin=both(client_trade("0.3"), later(taken_back)),
        seconds=60.0,
        alerts=(AlertKind.RECON_BREAK, AlertKind.KILL_ACTIVE),
        alert_s=TAKEN_AFTER_S + 5.0,
        alone=True,
        may_halt=True,
    )
    world = played(seed, mishap)
    rows = fills(world, ev.ExecutionKind.ROLLBACK)
    assert rows
    since_ns = rows[0][0]
    issued = [one for one in world.host.journal.entries if isinstance(one, cmd.Issued) and one.at_ns >= since_ns]
    told = [one.command for one in issued if isinstance(one.command, cmd.RecordAdjustment)]
    # What the venue had realised is put back as well: the cash is read anew, with the same evidence.
    assert {one.subject.rpartition("|")[2] for one in told} == {one.trade_id for _, one in rows} | {"USDT cash"}
    assert all("rollback" in one.evidence for one in told)
    freed_ns = min(
        one.at_ns
        for one in world.host.journal.entries
        if isinstance(one, ev.Stamped) and isinstance(one.event, ev.OperatorUnkilled)
    )
    assert freed_ns > since_ns
    assert not [one for one in issued if isinstance(one.command, cmd.SubmitOrder) and one.at_ns < freed_ns]
    assert any(isinstance(one.command, cmd.RecordMode) and one.command.latched for one in issued)


def test_a_block_trade_in_the_hedge_is_told_and_hedged() -> None:
    mishap = Mishap(
        id="BLOCK",
        title="somebody moves the hedge beside the book",
        begin=both(client_trade("0.3"), later(block_trade)),
        seconds=30.0,
        alerts=(AlertKind.FOREIGN_ACTIVITY,),
        alert_s=TAKEN_AFTER_S + 5.0,
    )
    world = played(102, mishap)
    assert len(fills(world, ev.ExecutionKind.OTHER)) == 1
