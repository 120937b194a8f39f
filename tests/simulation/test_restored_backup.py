"""A journal from a backup, against a venue that has newer orders of ours: no id is used twice, no fill is lost.

Time alone is told apart from the venue here: the lab's runs begin with no least epoch, so what the venue has seen is
the only witness.
"""

from collections import Counter

from hedgebot.domain import commands as cmd
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.client_id import decode_client_id
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.types import OrderChanged
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.worldspec import HOLDER, START_NS
from strategies.delta_neutral import STRATEGY


def epoch_of(client_id: str) -> int:
    parts = decode_client_id(client_id)
    assert parts is not None
    return parts.epoch


def test_a_restored_backup_hands_out_no_id_twice() -> None:
    world = FaultWorld(11, 10.0, STRATEGY.build, ())
    host, exchange = world.host, world.exchange
    accepted: dict[str, str] = {}

    def note(notice: object) -> None:
        if isinstance(notice, OrderChanged) and decode_client_id(notice.order.client_id):
            accepted.setdefault(notice.order.order_id, notice.order.client_id or "")

    exchange.listen(note)

    def advance(seconds: float) -> None:
        world.timeline.advance(START_NS + round(seconds * NS_PER_S))

    host.start()
    advance(60)
    backup, epoch = list(host.journal.entries), host.epoch
    # Two more runs, each with hedges of its own, of which the backup knows nothing.
    for until_s in (120, 180):
        host.crash()
        host.start()
        advance(until_s)
    host.crash()
    before = dict(accepted)
    assert {epoch_of(one) for one in before.values()} == {1, 2, 3}, "each run has hedged"
    host.journal._entries[:] = backup
    host.journal._durable = len(backup)
    host.epoch = epoch
    host.start()
    advance(300)
    after = {order_id: client_id for order_id, client_id in accepted.items() if order_id not in before}
    assert len(after) > 5
    assert max(Counter(accepted.values()).values()) == 1, "an id went out twice"
    assert min(epoch_of(one) for one in after.values()) > 3
    assert AlertKind.RECON_BREAK.value in {kind for _, kind, _ in host.alert_log}
    state = host.engine.state
    assert state.mode is cmd.Mode.ACTIVE, state.mode_reason
    held = {one.instrument: one.contracts for one in exchange.positions(HOLDER)}
    ours = {one.instrument: one.contracts for one in state.positions.values() if one.contracts}
    assert held == ours, "what was filled after the backup is booked"
