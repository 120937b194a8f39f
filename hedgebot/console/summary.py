"""What a demo run came to, and whether its promises held: from the journal, its replay, and the exchange's own word.

Owns the judgement and its words. The journal is replayed once, with every command verified; the values on the way give
the time in the band. Nothing is taken from the running daemon.
"""

from collections import Counter
from pathlib import Path

import msgspec

from hedgebot.console.admin import Truth
from hedgebot.console.band import GRACE_S, BandClock, BandShare, Breach
from hedgebot.console.comparing import (
    Compared,
    compare,
    compare_wallet,
    exchange_orders,
    late_funding,
    liquidations_elsewhere,
    of_the_book,
)
from hedgebot.console.output import plain
from hedgebot.console.replaying import replay_journal
from hedgebot.console.words import clock, duration
from hedgebot.core.engine import Engine
from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.policy import edges
from hedgebot.core.state import EngineState, settings_of
from hedgebot.domain.commands import Command, Mode, Outcome, RecordDecision, SubmitOrder
from hedgebot.domain.events import Event, ExecutionKind, FillReceived, FundingPaid, Stamped, StopRequested
from hedgebot.journal.audit import audit
from hedgebot.journal.query import JournalReader
from hedgebot.journal.verify import verify

SHARE_WANTED = 0.99
BREACHES_SHOWN = 10
BREACHES_PER_LINE = 3
SUMMARY_FILE = "summary.json"


class DemoSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one run; `complaints` are the promises that did not hold.

    `coins` are the engine's balances of underlyings, `wallet` is the second book's cash of every coin. `late_funding`
    payments came after the daemon had ended and are left out of the comparison. `deliveries` and `funding_payments` are
    the journal's; `liquidations_elsewhere` are the exchange's, of accounts that are not the book's.
    """

    seed: int
    seconds: float
    state_dir: str
    hedges_by_cause: dict[str, int]
    refusals: int
    unknown_outcomes: int
    band: tuple[BandShare, ...]
    share_in_band: float | None
    share_by_underlying: dict[str, float | None]
    intents: int
    exchange_orders: int | None
    orders_without_intent: int
    positions: tuple[Compared, ...]
    coins: tuple[Compared, ...]
    wallet: tuple[Compared, ...]
    late_funding: int
    deliveries: tuple[str, ...]
    funding_payments: int
    liquidations_elsewhere: tuple[str, ...]
    verify_problems: tuple[str, ...]
    replay_problems: tuple[str, ...]
    replay_events: int
    last_hedge: str | None
    complaints: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether every promise held."""
        return not self.complaints


class Watcher:
    """Sees every event of a replay: time in the band, orders sent, the last state."""

    def __init__(self) -> None:
        self.clocks: dict[str, BandClock] = {}
        self.intents: set[str] = set()
        self.causes: Counter[str] = Counter()
        self.last_hedge: str | None = None
        self.state: EngineState | None = None
        self.last_ns = 0
        self.stopped_ns: int | None = None
        self.deliveries: dict[str, str] = {}
        self.payments: set[str] = set()

    def __call__(self, stamped: Stamped, commands: tuple[Command, ...], engine: Engine) -> None:
        """Take one event with its commands and the engine after it."""
        state = self.state = engine.state
        self.last_ns = stamped.at_ns
        match stamped.event:
            case StopRequested():
                self.stopped_ns = stamped.at_ns
            case FillReceived(kind=ExecutionKind.DELIVERY) as fill:
                self.deliveries[fill.trade_id] = f"{fill.qty_contracts} {fill.instrument} at {fill.price}"
            case FundingPaid() as paid:
                self.payments.add(paid.trade_id)
            case _:
                pass
        self.intents.update(one.client_id for one in commands if isinstance(one, SubmitOrder))
        for one in commands:
            if isinstance(one, RecordDecision) and one.outcome is Outcome.HEDGE:
                self.causes[one.cause.value] += 1
                self.last_hedge = one.client_id
        active = state.mode is Mode.ACTIVE and not state.stopping
        for name, underlying in state.underlyings.items():
            settings = settings_of(state, name)
            if settings is None:
                continue
            rules = state.instruments.get(settings.hedge_instrument)
            lot_coin = float(rules.lot_size * rules.contract_size) if rules is not None else 0.0
            off = None if exposure_problem(underlying) else net_delta_coin(underlying) - underlying.centre_coin
            self.clocks.setdefault(name, BandClock(name)).see(
                stamped.at_ns,
                delta_coin=off,
                edge_coin=(edges(underlying, off or 0.0)[0] or settings.band_coin) + lot_coin,
                active=active,
                own_fill=_is_own_fill(state, stamped.event, name),
            )


def _is_own_fill(state: EngineState, event: Event, underlying: str) -> bool:
    if not isinstance(event, FillReceived) or event.client_id not in state.orders:
        return False
    return state.orders[event.client_id].intent.underlying == underlying


def summarise(
    folder: Path,
    *,
    seed: int,
    ran_s: float,
    truth: Truth | None,
    daemon_code: int,
    notes: tuple[str, ...] = (),
    share_wanted: float = SHARE_WANTED,
) -> DemoSummary:
    """Verify and replay the journal of a demo that has ended, and hold it against the exchange's word."""
    verified = verify(folder)
    watcher = Watcher()
    replayed = replay_journal(folder, observer=watcher)
    with JournalReader(folder) as reader:
        figures = reader.summary()
    band = tuple(one.result(watcher.last_ns) for one in watcher.clocks.values())
    counted_s = sum(one.counted_s for one in band)
    share = 1.0 - sum(one.outside_s for one in band) / counted_s if counted_s > 0 else None
    liquidated = liquidations_elsewhere(watcher.state, truth)
    truth = of_the_book(watcher.state, truth)
    sent = exchange_orders(truth)
    positions, coins = compare(watcher.state, truth)
    audited = audit(folder)
    late = late_funding(truth, audited, watcher.stopped_ns)
    wallet = compare_wallet(audited, truth, late)
    return DemoSummary(
        seed=seed,
        seconds=ran_s,
        state_dir=str(folder),
        hedges_by_cause=dict(watcher.causes),
        refusals=figures.refusals,
        unknown_outcomes=figures.unknown_outcomes,
        band=band,
        share_in_band=share,
        share_by_underlying={one.underlying: one.share for one in band},
        intents=len(watcher.intents),
        exchange_orders=None if sent is None else len(sent),
        orders_without_intent=0 if sent is None else len(set(sent) - watcher.intents) + len(sent) - len(set(sent)),
        positions=positions,
        coins=coins,
        wallet=wallet,
        late_funding=len(late),
        deliveries=tuple(watcher.deliveries.values()),
        funding_payments=len(watcher.payments),
        liquidations_elsewhere=liquidated,
        verify_problems=verified.problems,
        replay_problems=replayed.problems,
        replay_events=replayed.events,
        last_hedge=watcher.last_hedge,
        notes=notes,
        complaints=tuple(
            _complaints(
                share=share,
                share_wanted=share_wanted,
                problems=(len(verified.problems), len(replayed.problems)),
                sent=sent,
                intents=watcher.intents,
                compared=(*positions, *coins, *wallet),
                unbooked=tuple(problem for one in audited for problem in one.problems),
                daemon_code=daemon_code,
            )
        ),
    )


def _complaints(
    *,
    share: float | None,
    share_wanted: float,
    problems: tuple[int, int],
    sent: list[str] | None,
    intents: set[str],
    compared: tuple[Compared, ...],
    unbooked: tuple[str, ...],
    daemon_code: int,
) -> list[str]:
    found: list[str] = []
    if share is None:
        found.append("the book was never active")
    elif share < share_wanted:
        found.append(f"time in the band was {share:.2%}, it should be at least {share_wanted:.0%}")
    if problems[0]:
        found.append(f"journal verify found {problems[0]} problems")
    if problems[1]:
        found.append(f"journal replay found {problems[1]} problems")
    if sent is None:
        found.append("the exchange could not be asked for its side")
    else:
        if len(sent) != len(set(sent)):
            found.append("an order stands twice on the exchange's side")
        if set(sent) - intents:
            found.append(f"{len(set(sent) - intents)} orders on the exchange's side have no intent in the journal")
        found += [
            f"{one.what}: the ledger has {one.ours}, the exchange {one.exchange}" for one in compared if not one.equal
        ]
    found += [f"cash audit: {one}" for one in unbooked]
    if daemon_code != 0:
        found.append(f"the daemon ended with exit code {daemon_code}")
    return found


def summary_lines(summary: DemoSummary) -> list[str]:
    """The summary for people."""
    causes = ", ".join(f"{count} by {name}" for name, count in sorted(summary.hedges_by_cause.items())) or "none"
    share = "?" if summary.share_in_band is None else f"{summary.share_in_band:.2%}"
    lines = [
        "",
        f"Demo of {duration(summary.seconds)}, seed {summary.seed}",
        f"  hedges            {sum(summary.hedges_by_cause.values())}: {causes}",
        f"  not sent          {summary.refusals} refused by the gate; {summary.unknown_outcomes} of unknown outcome",
        f"  time in band      {share} whole book (|net delta| <= band + 1 lot; breach to fill left out)",
    ]
    for one in summary.band:
        lines += _band_lines(one)
    sent = "?" if summary.exchange_orders is None else summary.exchange_orders
    lines += [
        (
            f"  orders            {sent} at the exchange, {summary.intents} intents in the journal, "
            f"{summary.orders_without_intent} without an intent"
        ),
        f"  positions         {_verdict(summary.positions)}",
        *(f"                    {_row(one)}" for one in summary.positions),
        f"  coins             {_verdict(summary.coins)}",
        *(f"                    {_row(one)}" for one in summary.coins),
        f"  wallet            {_verdict(summary.wallet)} (a second book of all cash){_late(summary)}",
        *(f"                    {_row(one)}" for one in summary.wallet),
        f"  funding           {summary.funding_payments} payments in the journal",
        *(f"  delivered         {plain(one)}" for one in summary.deliveries),
        *(
            f"  liquidated        {plain(one)} (another account: in no journal of ours)"
            for one in summary.liquidations_elsewhere
        ),
        f"  journal verify    {len(summary.verify_problems)} problems",
        *(f"                    {plain(one)}" for one in summary.verify_problems[:5]),
        f"  journal replay    {len(summary.replay_problems)} problems in {summary.replay_events:,} events",
        *(f"                    {plain(one)}" for one in summary.replay_problems[:5]),
        *(f"  note              {plain(one)}" for one in summary.notes),
        "",
        *([f"NOT GOOD: {one}" for one in summary.complaints] or ["Every promise held."]),
        *_next_lines(summary),
    ]
    return lines


def _band_lines(one: BandShare) -> list[str]:
    share = "?" if one.share is None else f"{one.share:.2%}"
    lines = [
        (
            f"    {one.underlying:<15} {share} of {one.counted_s:.1f} s; {len(one.breaches)} breaches, "
            f"{one.excused_s:.2f} s of them not counted, {one.outside_s:.2f} s outside"
        )
    ]
    unhedged = sum(not breach.hedged for breach in one.breaches)
    too_long = sum(breach.too_long for breach in one.breaches)
    slowest = sorted(one.breaches, key=lambda breach: -breach.seconds)[:BREACHES_SHOWN]
    if slowest:
        ends = f"{unhedged} ended without a hedge, {too_long} longer than {GRACE_S:g} s"
        lines.append(f"      from breach to its hedge's fill ({ends}); the slowest {len(slowest)}:")
    for start in range(0, len(slowest), BREACHES_PER_LINE):
        parts = [_breach(breach) for breach in slowest[start:][:BREACHES_PER_LINE]]
        lines.append(f"        {'   '.join(parts)}")
    return lines


def _breach(one: Breach) -> str:
    mark = f" LONGER THAN {GRACE_S:g} s" if one.too_long else ""
    return f"{clock(one.began_at_ns)} {one.seconds * 1e3:6.1f} ms{'' if one.hedged else ' no hedge'}{mark}"


def _late(summary: DemoSummary) -> str:
    if not summary.late_funding:
        return ""
    return f"; {summary.late_funding} funding payments after the daemon's end left out"


def _verdict(rows: tuple[Compared, ...]) -> str:
    wrong = sum(not one.equal for one in rows)
    return f"{len(rows)} compared with the exchange, {wrong} differ"


def _row(one: Compared) -> str:
    there = "not asked" if one.exchange is None else f"{one.exchange}"
    return f"{one.what:<36} ledger {one.ours}, exchange {there}{'' if one.equal else '  DIFFERS'}"


def _next_lines(summary: DemoSummary) -> list[str]:
    where = f"--state-dir {summary.state_dir}"
    return [
        "",
        "Where to look next:",
        f"  hedgebot explain {summary.last_hedge or 'HEDGE'} {where}",
        f"  hedgebot journal tail --count 20 {where}",
        f"  hedgebot journal replay --verify {where}",
        f"  hedgebot journal audit {where}",
        f"  {summary.state_dir}/{SUMMARY_FILE} (this summary with every breach)",
    ]
