"""V10 whole: the hedge's perpetual is taken off the list, and the hedge stands in another one before that comes.

The fault world without the client's trading; the venue lets positions of the perpetual only be reduced from the moment
of its announcement. Times are shorter than in life: frozen a minute before the end (`settling_ms_halt`), left four
minutes before, settled at the average of the last minute. The freeze of its underlying comes although nothing stands in
it any more: it is the main hedge, whose price the underlying is valued at. Other underlyings are hedged on.
"""

from decimal import Decimal
from typing import NamedTuple

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.kill import KillScope
from hedgebot.domain.settings import EngineSettings, FundingAction, HedgeLeg, HedgeRole
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.trouble import Delisting, PriceShock
from hedgebot.exchange.types import ExecKind
from hedgebot.lab import criteria as must
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.stage import Mishap, Stage, client_trade
from hedgebot.lab.worldspec import HEDGE, HOLDER, START_NS, nobody_trades, six_hedges, six_underlyings
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
        and isinstance(one.command, cmd.RecordLatch)
        and (one.command.scope, one.command.name, one.command.held) == (KillScope.UNDERLYING, "BTC", True)
    ]
    at_s, why = halts[0]
    assert HALT_S - 1.0 <= at_s <= HALT_S + 1.0
    assert f"{HEDGE} is about to be settled or delisted, and BTC is valued at its price" in why


def _six_begin(stage: Stage) -> None:
    """BTC's hedge is delisted; the client goes on trading in ETH, and the process dies once after the end."""
    client_trade("0.3")(stage)
    stage.exchange.strike(Delisting(instrument=stage.hedge, in_s=120.0))
    for number in range(24):
        coins = "3.0" if number % 2 else "-3.0"
        stage.later(10.0 * number + 1.0, lambda coins=coins: client_trade(coins, underlying="ETH")(stage))  # type: ignore[misc]
    stage.later(155.0, lambda: client_trade("0.5")(stage))

    def crash() -> None:
        stage.host.crash()
        stage.later(5.0, stage.host.start)

    stage.later(165.0, crash)


ONE_OF_SIX = Mishap(
    id="V10d",
    title="the hedge of one of six underlyings is delisted",
    begin=_six_begin,
    seconds=250.0,
    scenario=six_underlyings,
    settings=six_hedges,
    alone=True,
    may_halt=True,
    criterion=must.frozen_before_settlement,
)


def test_v10_five_underlyings_are_hedged_on_when_the_sixth_has_lost_its_hedge() -> None:
    world = FaultWorld(3, 8.0, STRATEGY.build, [ONE_OF_SIX], begins=[("V10d", BEGIN_S)])
    eth = world.settings.underlyings[1]
    outside = {"before": 0, "after": 0}

    def look(when: str) -> None:
        outside[when] += abs(world.oracle.delta_coin(eth)) > eth.band_coin + 0.2

    for second in range(130, 290):
        when = "before" if second < BEGIN_S + 165.0 else "after"
        world.timeline.after(second * S, lambda when=when: look(when))  # type: ignore[misc]
    outcome = world.run()
    assert outcome.passed, (outcome.stuck, outcome.unmet, outcome.violations[:3])
    frozen_ns = next(
        one.at_ns
        for one in world.host.journal.entries
        if isinstance(one, cmd.Issued) and isinstance(one.command, cmd.RecordLatch)
    )
    sent = [
        (one.at_ns, one.command.approved.intent.underlying)
        for one in world.host.journal.orders()
        if isinstance(one.command, cmd.SubmitOrder) and one.at_ns > frozen_ns
    ]
    assert {name for _, name in sent} == {"ETH"}
    restarted_ns = START_NS + round((BEGIN_S + 170.0) * S)
    assert len([at_ns for at_ns, _ in sent if at_ns > restarted_ns]) >= 5, "after the restart as well"
    # A second or two for each trade of the client's, and the restart's own.
    assert outside["before"] <= 35, outside
    assert outside["after"] <= 35, outside
    state = world.host.engine.state
    assert (outcome.starts, state.mode, list(state.latches)) == (2, cmd.Mode.ACTIVE, ["underlying:BTC"])
