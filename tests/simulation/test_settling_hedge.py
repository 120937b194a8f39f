"""V10 whole: the hedge's perpetual is taken off the list, and the hedge stands in another one before that comes.

The fault world without the client's trading; the venue lets positions of the perpetual only be reduced from the moment
of its announcement. Times are shorter than in life: halted a minute before the end (`settling_ms_halt`), left four
minutes before, settled at the average of the last minute. The halt comes although nothing stands in it any more: it is
the main hedge, whose price the underlying is valued at.
"""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import EngineSettings, FundingAction, HedgeLeg, HedgeRole
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.trouble import Delisting, PriceShock
from hedgebot.exchange.types import ExecKind
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.stage import Mishap, Stage
from hedgebot.lab.worldspec import HEDGE, HOLDER, START_NS, nobody_trades
from strategies.delta_neutral import STRATEGY

S = 1_000_000_000
OTHER = InstrumentId("bybit:linear:BTCPERP")
AVERAGED_S = 60
BEGIN_S, ANNOUNCED_S, ENDS_S, HALT_S, LEAVE_S = 60.0, 80.0, 380.0, 320.0, 140.0


def _switching(settings: EngineSettings) -> EngineSettings:
    leg = HedgeLeg(instrument=OTHER, role=HedgeRole.ALTERNATIVE)
    first = settings.underlyings[0]
    btc = msgspec.structs.replace(
        first,
        other_hedges=(leg,),
        funding_action=FundingAction.SWITCH,
        hedge_hold_days=7.0,
        settlement_window_s=AVERAGED_S,
    )
    return msgspec.structs.replace(settings, underlyings=(btc,))


def _short_average(scenario: Scenario) -> Scenario:
    return msgspec.structs.replace(nobody_trades(scenario), delivery_window_s=AVERAGED_S)


def _begin(stage: Stage) -> None:
    stage.exchange.strike(PriceShock(underlying=stage.underlying, ratio=1.03))
    delisting = Delisting(instrument=stage.hedge, in_s=ENDS_S - ANNOUNCED_S)
    stage.later(ANNOUNCED_S - BEGIN_S, lambda: stage.exchange.strike(delisting))


class Look(NamedTuple):
    """What stands in both instruments, in contracts, and the true net delta."""

    hedge: Decimal
    other: Decimal
    delta_coin: float


DELISTED = Mishap(
    id="V10d",
    title="the hedge instrument is delisted, and there is another one",
    begin=_begin,
    seconds=ENDS_S - BEGIN_S + 10.0,
    scenario=_short_average,
    settings=_switching,
    alone=True,
    may_halt=True,
)


def test_v10_the_hedge_stands_elsewhere_before_its_instrument_ends() -> None:
    world = FaultWorld(1, 10.0, STRATEGY.build, [DELISTED], begins=[("V10d", BEGIN_S)])
    looks: dict[float, Look] = {}

    def look(at_s: float) -> None:
        held = {one.instrument: one.contracts for one in world.exchange.positions(HOLDER)}
        delta = world.oracle.delta_coin(world.settings.underlyings[0])
        looks[at_s] = Look(held.get(HEDGE, ZERO), held.get(OTHER, ZERO), delta)

    for second in range(75, 381, 5):
        world.timeline.after(second * S, lambda second=second: look(float(second)))  # type: ignore[misc]
    outcome = world.run()
    assert outcome.passed, (outcome.stuck, outcome.unmet, outcome.violations[:3])
    # Moved while there is time, in pairs that leave the band by no more than one of their halves.
    held = looks[ANNOUNCED_S].hedge
    assert held > ZERO
    assert all(one[:2] == (held, ZERO) for at_s, one in looks.items() if at_s < LEAVE_S)
    assert all(one[:2] == (ZERO, held) for at_s, one in looks.items() if at_s > HALT_S - 60.0)
    assert max(abs(one.delta_coin) for one in looks.values()) <= world.settings.underlyings[0].band_coin + 0.02
    # Nothing was left for the venue to settle.
    assert not [row for row in world.oracle.executions if row.instrument == HEDGE and row.kind is not ExecKind.TRADE]
    # Told at the announcement (less than a day ahead), and halted by policy: the price came from that instrument.
    told = [at_ns for at_ns, kind, _ in world.host.alert_log if kind == AlertKind.INSTRUMENT_SETTLING.value]
    assert 0.0 <= (told[0] - START_NS) / S - ANNOUNCED_S <= 5.0
    halts = [
        ((one.at_ns - START_NS) / S, one.command.reason)
        for one in world.host.journal.entries
        if isinstance(one, cmd.Issued)
        and isinstance(one.command, cmd.RecordMode)
        and one.command.after is cmd.Mode.HALTED
    ]
    at_s, why = halts[0]
    assert HALT_S - 1.0 <= at_s <= HALT_S + 1.0
    assert f"{HEDGE} is about to be settled or delisted, and BTC is valued at its price" in why
