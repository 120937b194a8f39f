"""Mishaps of the venue itself: forced closes, instruments that end, funding, margins, collateral, wrong figures."""

from decimal import Decimal
from functools import partial

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_S
from hedgebot.exchange.faults import LineFault, LineFaultKind
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.trouble import (
    Adl,
    Delisting,
    Depeg,
    FundingChange,
    MarginHike,
    PriceShock,
    Suspension,
    WrongMark,
)
from hedgebot.exchange.types import MarginMode, SimPosition
from hedgebot.lab import criteria as must
from hedgebot.lab import criteria_orders as became
from hedgebot.lab.stage import Criterion, Mishap, Stage, both, client_trade, dropping, market, strike

GREEKS = ("delta", "gamma", "vega", "theta")
ADL_QUIET_S = 20.0
"""`adl_pause_ms` of the world's limits."""

TOLD_S = 5.0
"""Within which a forced close is classified, as its row says."""

OUTAGE_S = 1_800.0
DEPEG_S = 2_400.0
DAY_S = 86_400.0
ENOUGH = 0.87
"""A margin use that calls for REDUCING and does not liquidate yet."""


def largest_hedge(stage: Stage) -> SimPosition | None:
    """What is held of the hedges; the larger one where there are two."""
    hedges = [one for one in stage.exchange.positions(stage.holder) if one.instrument in stage.hedges]
    return max(hedges, key=lambda one: abs(one.contracts), default=None)


def _adl(stage: Stage) -> None:
    """The venue closes three fifths of the hedge, the larger one where there are two."""
    held = largest_hedge(stage)
    rules = stage.exchange.listing(held.instrument) if held else None
    if held is None or rules is None:
        return
    contracts = rules.instrument.floor_qty(abs(held.contracts) * Decimal("0.6"))
    if contracts:
        stage.exchange.strike(Adl(account=stage.holder, instrument=held.instrument, contracts=contracts))


def _adls(stage: Stage) -> None:
    """A hedge worth closing, then closed in two strokes: the venue goes on while it is at it."""
    client_trade("0.6")(stage)
    stage.later(6.0, lambda: _adl(stage))
    stage.later(14.0, lambda: _adl(stage))


def _thin(usdt: int, usdc: int) -> "partial[Scenario]":
    """An account that can just afford its book, in portfolio margin; as much again lies in its funding wallet."""
    return partial(_with_coins, usdt=usdt, usdc=usdc)


def _with_coins(scenario: Scenario, *, usdt: int, usdc: int) -> Scenario:
    coins = {"USDT": Decimal(usdt), "USDC": Decimal(usdc)}
    account = msgspec.structs.replace(
        scenario.accounts[0], coins=coins, funding_coins=coins, margin_mode=MarginMode.PORTFOLIO
    )
    return msgspec.structs.replace(scenario, accounts=(account, *scenario.accounts[1:]))


def _slow_depeg(stage: Stage) -> None:
    """From par towards 0.65 within the time, a step each minute; it stops where the next one would liquidate."""
    steps = round(DEPEG_S / 60.0)

    def sink(number: int) -> None:
        wallet = stage.exchange.wallet(stage.holder)
        if wallet.maintenance_margin_usd < ENOUGH * wallet.margin_balance_usd:
            left_s = DEPEG_S - 60.0 * (number - 1)
            stage.exchange.strike(Depeg(coin="USDC", usd_price=1.0 - 0.35 * number / steps, duration_s=left_s))
            stage.later(60.0, lambda: sink(number + 1))

    sink(1)


def _hedge_contracts(stage: Stage) -> Decimal:
    return next(
        (one.contracts for one in stage.exchange.positions(stage.holder) if one.instrument == stage.hedge), ZERO
    )


def left_alone(no_entry: Criterion) -> Criterion:
    """Where the venue closes by force: it is booked as that, nobody goes in again at once, and then it is hedged."""
    return must.every(became.forced_booked_within(TOLD_S), no_entry, must.back_within(ADL_QUIET_S + 15.0))


def more_to_hedge(stage: Stage) -> None:
    """The client trades so that the hedge grows: it is there to pay at one of the signs."""
    client_trade("-0.3" if _hedge_contracts(stage) > 0 else "0.3")(stage)


def _dear_funding(stage: Stage) -> None:
    """Eight times the settlements, at two per cent each, against the hedge."""
    rate = 0.02 if _hedge_contracts(stage) >= 0 else -0.02
    stage.exchange.strike(FundingChange(instrument=stage.hedge, interval_s=3_600, rate_cap=0.05, next_rate=rate))


def _usual_funding(stage: Stage) -> None:
    stage.exchange.strike(FundingChange(instrument=stage.hedge, interval_s=28_800, rate_cap=0.005, next_rate=0.0001))


def _extreme_funding(stage: Stage) -> None:
    """Eight settlements at the cap, with changing signs."""
    for number in range(8):
        rate = 0.01 if number % 2 == 0 else -0.01
        trouble = FundingChange(instrument=stage.hedge, interval_s=60, rate_cap=0.01, next_rate=rate)
        stage.later(60.0 * number + 0.5, partial(stage.exchange.strike, trouble))


def _announce(stage: Stage, in_s: float | None) -> None:
    """The venue's list of instruments says when the hedge ends; trading goes on."""
    found = stage.exchange.listing(stage.hedge)
    if found is None:
        return
    ends_ns = None if in_s is None else stage.exchange.now_ns + round(in_s * NS_PER_S)
    rules = msgspec.structs.replace(found.instrument, expiry_ns=ends_ns)
    stage.host.put(ev.InstrumentsLoaded(venue=rules.venue, instruments=(rules,)))


def _outage(stage: Stage) -> None:
    """The venue is gone, and the price falls by 8 % meanwhile."""
    client_trade("0.3")(stage)
    dropping("", LineFault(kind=LineFaultKind.REFUSE, seconds=OUTAGE_S))(stage)
    for number in range(30):
        shock = PriceShock(underlying=stage.underlying, ratio=0.92 ** (1 / 30))
        stage.later(30.0 + 30.0 * number, partial(stage.exchange.strike, shock))


AT_THE_VENUE: tuple[Mishap, ...] = (
    Mishap(
        id="V06",
        title="the hedge is auto-deleveraged, twice",
        begin=_adls,
        seconds=16.0,
        criterion=left_alone(must.no_blind_entry(ADL_QUIET_S)),
        alerts=(AlertKind.ADL_OR_LIQUIDATION,),
        due=must.first_forced,
    ),
    Mishap(
        id="V10",
        title="the hedge instrument is suspended",
        begin=both(strike(lambda stage: Suspension(instrument=stage.hedge, duration_s=30.0)), client_trade("0.2")),
        seconds=30.0,
        criterion=must.every(must.struck, became.refused_at_most(3), must.refusals_alerted, must.back_within(60.0)),
        alerts=(AlertKind.ORDER_REJECTED,),
        due=became.first_refusal,
    ),
    Mishap(
        id="V10a",
        title="the end of the hedge instrument is a day away",
        begin=lambda stage: _announce(stage, DAY_S + 20.0),
        end=lambda stage: _announce(stage, None),
        seconds=40.0,
        criterion=must.back_within(30.0),
        alerts=(AlertKind.INSTRUMENT_SETTLING,),
        due=lambda evidence: evidence.begun_ns + 20 * NS_PER_S,
    ),
    Mishap(
        id="V10d",
        title="the hedge instrument is delisted while a position is open",
        begin=both(client_trade("0.3"), strike(lambda stage: Delisting(instrument=stage.hedge, in_s=90.0))),
        seconds=90.0,
        criterion=must.frozen_before_settlement,
        alerts=(AlertKind.INSTRUMENT_SETTLING,),
        alone=True,
        may_halt=True,
    ),
    Mishap(
        id="V12",
        title="funding changes its interval and its rate",
        begin=both(client_trade("0.3"), lambda stage: stage.later(5.0, lambda: _dear_funding(stage))),
        end=_usual_funding,
        criterion=must.back_within(60.0),
        alerts=(AlertKind.FUNDING_COST_LIMIT,),
        due=must.hedge_held_after(5.0),
    ),
    Mishap(
        id="V13",
        title="margins are doubled",
        begin=strike(lambda _stage: MarginHike(ratio=2.0, duration_s=90.0)),
        seconds=90.0,
        criterion=must.every(must.reduces_before_liquidation),
        alerts=(AlertKind.MARGIN_BUFFER_LOW,),
        # The venue's figure is read every 15 seconds.
        alert_s=20.0,
        scenario=_thin(15_000, 21_000),
        alone=True,
    ),
    Mishap(
        id="V16",
        title="mark and index are wrong by a sixth",
        begin=both(market(150.0, "mark", "index", factor=0.84), client_trade("0.2")),
        seconds=150.0,
        criterion=must.every(must.no_orders_after(1.0), must.back_within(30.0)),
        alerts=(AlertKind.SUSPECT_DATA,),
    ),
    Mishap(
        id="V16m",
        title="the venue's mark is wrong for everybody",
        begin=both(
            strike(lambda stage: WrongMark(instrument=stage.hedge, ratio=0.84, duration_s=40.0)), client_trade("0.2")
        ),
        seconds=40.0,
        # Another hedge has its own market.
        criterion=must.every(must.no_orders_after(2.0, on_hedge=True), must.back_within(30.0)),
        alerts=(AlertKind.SUSPECT_DATA,),
    ),
    Mishap(
        id="V17",
        title="the collateral loses a third of its worth",
        begin=_slow_depeg,
        seconds=DEPEG_S,
        criterion=must.reduces_before_liquidation,
        scenario=_thin(3_000, 31_500),
        alone=True,
    ),
    Mishap(
        id="V17s",
        title="a stablecoin loses its peg for a moment",
        begin=strike(lambda _stage: Depeg(coin="USDC", usd_price=0.9, duration_s=40.0)),
        seconds=40.0,
        criterion=must.back_within(60.0),
    ),
    Mishap(
        id="V18",
        title="option greeks are turned over",
        begin=market(40.0, *GREEKS, factor=-1.0),
        seconds=40.0,
        criterion=must.back_within(60.0),
        alerts=(AlertKind.SUSPECT_DATA,),
    ),
    Mishap(
        id="V18n",
        title="option greeks are no numbers",
        begin=market(40.0, *GREEKS, nan=True),
        seconds=40.0,
        criterion=must.back_within(60.0),
        alerts=(AlertKind.SUSPECT_DATA,),
    ),
    Mishap(
        id="V18m",
        title="option greeks are missing",
        begin=both(market(40.0, *GREEKS, missing=True), client_trade("0.2")),
        seconds=40.0,
        criterion=must.back_within(30.0),
    ),
    Mishap(
        id="V22",
        title="the venue is down for half an hour while the price falls",
        begin=_outage,
        seconds=OUTAGE_S + 5.0,
        criterion=must.every(must.no_orders_after(10.0), must.booked_after_end(30.0), became.hedged_once(60.0)),
        alerts=(AlertKind.PRIVATE_STREAM_SILENT, AlertKind.VENUE_UNREACHABLE),
    ),
    Mishap(
        id="V22s",
        title="the venue is down for a minute while the price falls",
        begin=both(
            strike(lambda stage: PriceShock(underlying=stage.underlying, ratio=0.92)),
            dropping("", LineFault(kind=LineFaultKind.REFUSE, seconds=60.0)),
        ),
        criterion=must.every(must.no_orders_after(10.0), must.back_within(60.0), became.hedged_once(60.0)),
        alerts=(AlertKind.PRIVATE_STREAM_SILENT, AlertKind.VENUE_UNREACHABLE),
    ),
    Mishap(
        id="M05",
        title="funding at its extremes, both signs",
        begin=both(more_to_hedge, _extreme_funding),
        end=_usual_funding,
        seconds=482.0,
        criterion=must.every(must.cost_decision_journaled, must.back_within(60.0)),
        alerts=(AlertKind.FUNDING_COST_LIMIT,),
        # Whether the hedge pays at the first sign or at the second.
        alert_s=75.0,
        times=8,
    ),
)
