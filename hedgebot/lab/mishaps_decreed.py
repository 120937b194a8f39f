"""Mishaps that the venue decrees: accounts taken over, maintenance, other rules of trading.

Owns what it does by its own right to accounts and instruments that work; what else goes wrong with it is in
`mishaps_venue.py`.
"""

from decimal import Decimal

from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.contract_rules import rules_of
from hedgebot.exchange.faults import RequestFault, RequestFaultKind
from hedgebot.exchange.trouble import Liquidation, Maintenance, Rollback, SpecificationChange
from hedgebot.lab import criteria as must
from hedgebot.lab import criteria_orders as became
from hedgebot.lab.mishaps_venue import ADL_QUIET_S, TOLD_S, largest_hedge, left_alone, more_to_hedge
from hedgebot.lab.stage import Mishap, Stage, both, client_trade, dropping, strike

MAINTENANCE_S = 60.0
ROLLBACK_AT_S, ROLLBACK_S = 8.0, 12.0


def _liquidation(stage: Stage) -> None:
    """The venue takes the hedge over whole, the larger one where there are two."""
    held = largest_hedge(stage)
    if held is not None:
        stage.exchange.strike(Liquidation(account=stage.holder, instrument=held.instrument))


def _other_rules(stage: Stage) -> None:
    """Coarser ticks and lots, a larger least and a smaller most: by the seed's chance, within what the book trades."""
    lot = (Decimal("0.002"), Decimal("0.005"), Decimal("0.01"))[int(3.0 * stage.chance())]
    most = 10 * lot
    trouble = SpecificationChange(
        instrument=stage.hedge, tick_size=Decimal(1), lot_size=lot, qty_min=2 * lot, qty_max=most, market_qty_max=most
    )
    stage.exchange.strike(trouble)


def _same_rules(stage: Stage) -> None:
    """What they were before."""
    rules = rules_of(InstrumentKind.LINEAR_PERP, stage.underlying)
    stage.exchange.strike(
        SpecificationChange(
            instrument=stage.hedge,
            tick_size=rules.tick,
            lot_size=rules.lot,
            qty_min=rules.qty_min,
            qty_max=rules.qty_max,
            market_qty_max=rules.market_qty_max,
        )
    )


def _maintenance(stage: Stage) -> None:
    """The venue takes no request, and its sockets are cut when it begins; they may be opened again."""
    stage.exchange.strike(Maintenance(duration_s=MAINTENANCE_S))
    down = RequestFault(kind=RequestFaultKind.REFUSE, reason="venue_down", count=None, seconds=MAINTENANCE_S)
    dropping("", down)(stage)


def _rollback(stage: Stage) -> None:
    """What the hedges traded within the last seconds is taken back."""
    trouble = Rollback(last_s=ROLLBACK_S, accounts=(stage.holder,), instruments=stage.hedges)
    stage.exchange.strike(trouble)


DECREED: tuple[Mishap, ...] = (
    Mishap(
        id="V06l",
        title="the hedge is liquidated",
        begin=both(more_to_hedge, lambda stage: stage.later(6.0, lambda: _liquidation(stage))),
        seconds=10.0,
        criterion=left_alone(must.no_blind_entry(ADL_QUIET_S)),
        alerts=(AlertKind.ADL_OR_LIQUIDATION,),
        due=must.first_forced,
        # Its alert stands for minutes: a deleveraging after it would be told by it, and the other way round.
        alone=True,
    ),
    Mishap(
        id="V06a",
        title="the whole account is liquidated, what it was hedged for with its hedge",
        begin=both(
            more_to_hedge,
            lambda stage: stage.later(6.0, lambda: stage.exchange.strike(Liquidation(account=stage.holder))),
        ),
        seconds=10.0,
        criterion=left_alone(became.no_entry_once_known(ADL_QUIET_S)),
        alerts=(AlertKind.ADL_OR_LIQUIDATION,),
        due=must.first_forced,
        # A book without options: what strikes those later would meet nothing.
        alone=True,
    ),
    Mishap(
        id="V14r",
        title="the venue takes executions of the hedge back",
        begin=both(more_to_hedge, lambda stage: stage.later(ROLLBACK_AT_S, lambda: _rollback(stage))),
        seconds=20.0,
        criterion=must.every(
            became.taken_back_within(TOLD_S),
            must.halts_within(ROLLBACK_AT_S + TOLD_S),
            must.no_orders_after(ROLLBACK_AT_S + TOLD_S),
            must.back_within(60.0),
        ),
        alerts=(AlertKind.RECON_BREAK,),
        due=became.first_taken_back,
        # One for each instrument.
        times=2,
    ),
    Mishap(
        id="V08m",
        title="the venue is in maintenance: no request is taken, the market goes on",
        begin=both(client_trade("0.2"), _maintenance),
        seconds=MAINTENANCE_S,
        criterion=must.every(
            must.no_orders_after(10.0),
            must.booked_after_end(30.0),
            must.settled_after_end(30.0),
            must.back_within(60.0),
        ),
        alerts=(AlertKind.VENUE_UNREACHABLE,),
        alert_s=20.0,
    ),
    Mishap(
        id="V08o",
        title="the venue takes no orders for maintenance, its streams and lists go on",
        begin=both(strike(lambda _stage: Maintenance(duration_s=MAINTENANCE_S)), client_trade("0.2")),
        seconds=MAINTENANCE_S,
        criterion=must.every(must.struck, must.refusals_alerted, must.settled_after_end(30.0), must.back_within(60.0)),
        alerts=(AlertKind.ORDER_REJECTED,),
        due=became.third_refusal,
        times=4,
    ),
    Mishap(
        id="V10r",
        title="the hedge instrument has other ticks, lots and sizes",
        begin=both(_other_rules, lambda stage: stage.later(5.0, lambda: client_trade("0.3")(stage))),
        end=_same_rules,
        seconds=40.0,
        criterion=must.every(
            became.keeps_to_rules(TOLD_S), became.refused_at_most(1), must.struck, must.back_within(60.0)
        ),
    ),
)
