"""The engine: one event in, commands out. Start reading here.

::

    step(event)
      apply      market | ledger | order table | reconcile | operator      -> EngineState
      decide     exposure -> strategies -> policy -> shaping -> gate       -> SubmitOrder, RecordDecision ...
      watch      on the timer: freshness, margin, funding, loss, silence   -> alerts, mode

Owns the order of these stages. Reads no clock, file, socket, environment or random number: time is
`stamped.at_ns`, ids are functions of what the journal knows. The same events give the same commands, on any machine.
"""

from collections.abc import Callable
from decimal import Context, getcontext, setcontext
from typing import assert_never

from hedgebot.core import (
    breakers,
    canary,
    cash,
    connections,
    convention,
    deadman,
    dropcopy,
    flatten,
    forced,
    frequency,
    funding,
    funding_check,
    hedges,
    holdings,
    kill_rules,
    latches,
    ledger,
    limits,
    loss_limits,
    margin_report,
    margin_watch,
    market,
    market_watch,
    money,
    moving,
    operator,
    order_table,
    raises,
    reconcile,
    restored,
    risk_limits,
    specs,
    switching,
    tracking,
    treasury,
    unkill,
    venue_risk,
)
from hedgebot.core.decide import decide
from hedgebot.core.exposure import Exposures
from hedgebot.core.state import DeadManState, EngineState, adopt_settings, followed
from hedgebot.core.step import Step
from hedgebot.core.strategy import Strategy
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, DecisionCause, Mode, RaiseAlert, SetTimer, StopNow
from hedgebot.domain.deadman import DeadManChanged
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.errors import ConfigError, ProgrammingError
from hedgebot.domain.holdings import HoldingReported
from hedgebot.domain.operator_events import LimitRaised, LimitRestored, MoveResolved, ProposalDecided
from hedgebot.domain.reports import OrderReport
from hedgebot.domain.risk_events import FundingRead, RiskMeasured
from hedgebot.domain.settings import StrategySettings
from hedgebot.domain.treasury import FundingWalletRead, MoveAnswered, MoveLookedUp

TIMER_INTERVAL_NS = 250_000_000
"""How often standing limits are looked at: well below the tightest age limit."""

ARITHMETIC = Context(prec=28)
"""Rounding of inexact divisions. Fixed here: libraries change the ambient context, and a replay must not notice."""

TIMER_LOOKS = (
    order_table.sweep,
    reconcile.sweep,
    connections.sweep,
    dropcopy.sweep,
    raises.sweep,
    frequency.watch,
    limits.watch,
    market_watch.watch,
    margin_watch.watch,
    venue_risk.watch,
    risk_limits.sweep,
    convention.watch,
    hedges.watch,
    loss_limits.sweep,
    holdings.watch,
    funding.sweep,
    treasury.sweep,
    switching.sweep,
    tracking.sweep,
    kill_rules.watch,
    latches.sweep,
    flatten.sweep,
    deadman.watch,
)
"""What the timer looks at, in this order."""

LoadStrategy = Callable[[StrategySettings], Strategy]
"""Makes a strategy from its settings: the same settings give the same strategy."""


class Engine:
    """The deterministic state machine. Feed it stamped events in order; carry out the commands it returns."""

    def __init__(self, load_strategy: LoadStrategy, state: EngineState | None = None) -> None:
        """Start empty (the first event must be RunStarted) or from a state that a snapshot held."""
        self._load_strategy = load_strategy
        self._strategies: dict[str, Strategy] = {}
        self._state = state
        self._exposures = Exposures(state) if state is not None else None

    @property
    def state(self) -> EngineState:
        """The whole state; raises ProgrammingError before the first RunStarted."""
        if self._state is None:
            msg = "the engine has no state before RunStarted"
            raise ProgrammingError(msg)
        return self._state

    def step(self, stamped: ev.Stamped) -> tuple[Command, ...]:
        """Apply one event and say what to do about it, in order."""
        ambient = getcontext()
        setcontext(ARITHMETIC)
        try:
            return self._step(stamped)
        finally:
            setcontext(ambient)

    def _step(self, stamped: ev.Stamped) -> tuple[Command, ...]:
        event = stamped.event
        if isinstance(event, ev.RunStarted):
            self._begin_run(event, stamped.at_ns)
        step = Step(self.state, seq=stamped.seq, at_ns=stamped.at_ns)
        if not isinstance(event, ev.RunStarted):
            reconcile.note_pause(step)
        step.state.at_ns = stamped.at_ns
        self._apply(step, event)
        for name, cause in step.touched.items():
            kill_rules.guarded(step, decide, self._valuation(), self._strategy, name, cause)
        return tuple(step.commands)

    def _strategy(self, settings: StrategySettings) -> Strategy:
        """Made when first asked: one that is switched off need not even exist any more."""
        if settings.name not in self._strategies:
            self._strategies[settings.name] = self._load_strategy(settings)
        return self._strategies[settings.name]

    def _begin_run(self, event: ev.RunStarted, at_ns: int) -> None:
        """Start from what the journal knows; the first run of a journal starts from nothing."""
        if self._state is None:
            self._state = EngineState(settings=event.settings, epoch=event.epoch, run_id=event.run_id)
            self._exposures = Exposures(self._state)
        state = self._state
        state.epoch, state.run_id, state.next_intent, state.stopping = event.epoch, event.run_id, 1, False
        state.stop_at_ns = 0
        state.id_epoch = max(event.epoch, event.id_epoch, state.id_epoch + 1)
        canary.note(state, event.settings, event.version, at_ns)
        adopt_settings(state, operator.keep_switches(state, event.settings))
        self._strategies.clear()

    def _valuation(self) -> Exposures:
        if self._exposures is None:
            msg = "the engine has no state before RunStarted"
            raise ProgrammingError(msg)
        return self._exposures

    def _apply(self, step: Step, event: ev.Event) -> None:
        """One branch for each event; what it changes is in the module that owns it."""
        match event:
            case ev.BookTop() | ev.Ticker() | ev.OptionQuote():
                self._apply_market(step, event)
            case ev.TimerFired():
                self._on_timer(step)
            case ev.FillReceived() | ev.FundingPaid():
                self._apply_execution(step, event)
            case ev.OrderUpdated(report=report):
                _apply_order_report(step, report)
            case ev.OrderAccepted():
                order_table.on_accepted(step, event)
            case ev.OrderRejected():
                order_table.on_rejected(step, event)
            case ev.OrderOutcomeUnknown():
                order_table.on_unknown(step, event)
            case ev.OrderLookedUp():
                order_table.on_looked_up(step, event)
            case ev.SnapshotTaken():
                reconcile.on_snapshot(step, event)
                self._enter_active(step)
            case DeadManChanged():
                deadman.on_changed(step, event)
            case ExecutionsRead():
                dropcopy.on_read(step, event)
            case HoldingReported():
                holdings.on_reported(step, event)
            case FundingRead() | RiskMeasured() | LimitRaised() | LimitRestored():
                money.apply(step, event)
            case FundingWalletRead() | MoveAnswered() | MoveLookedUp() | ProposalDecided() | MoveResolved():
                treasury.apply(step, event)
            case ev.WalletUpdated(report=report):
                if account := step.state.accounts.get(report.account):
                    limits.take_wallet(step, account, report)
            case ev.InstrumentsLoaded():
                specs.take(step, event)
                for account in step.state.accounts.values():
                    if account.private.up and not account.reconciled:
                        reconcile.request_snapshot(step, account, "instruments loaded")
            case ev.RunStarted():
                self._on_run_started(step, event)
            case ev.StopRequested():
                self._on_stop(step, event)
            case ev.OperatorKilled():
                latches.kill(step, event)
            case ev.OperatorUnkilled():
                unkill.unkill(step, event)
            case ev.OrderResolved():
                unkill.resolve(step, event)
            case ev.StrategySwitched():
                operator.switch_strategy(step, event)
            case ev.ConfigApplied():
                self._apply_config(step, event)
            case ev.PositionUpdated(report=position):
                # A pushed position is a hint that the snapshot judges; its leverage is the venue's to say.
                margin_report.note_leverage(step.state, position)
            case ev.CancelAnswered():
                pass  # a cancelled order speaks for itself
            case _:
                connections.apply(step, event)

    def _apply_config(self, step: Step, event: ev.ConfigApplied) -> None:
        try:
            for one in event.settings.strategies:
                self._load_strategy(one)
        except ConfigError as error:
            step.operator(event.operator, "config apply", accepted=False, explanation=str(error))
            return
        operator.apply_config(step, event)
        ledger.rebuild(step.state)
        self._strategies.clear()

    def _apply_market(self, step: Step, event: ev.BookTop | ev.Ticker | ev.OptionQuote) -> None:
        state = step.state
        match event:
            case ev.BookTop():
                quote = market.apply_book(step, event)
                underlying = hedges.hedged_by(state, event.instrument)
                if underlying is not None and not quote.book_problem and quote.mid is not None:
                    if underlying.hedge_instrument == event.instrument:
                        exposed = state.underlyings[underlying.underlying]
                        self._valuation().set_price(exposed, float(quote.mid))
                        market.note_price(state, exposed, event)
                    step.touch(underlying.underlying, DecisionCause.PRICE)
            case ev.Ticker():
                market.apply_ticker(step, event)
            case ev.OptionQuote():
                mark = market.apply_option(step, event)
                rules = state.instruments.get(event.instrument)
                if mark is None or rules is None:
                    return
                market.check_venue_delta(step, event)
                if rules.underlying in state.underlyings and state.underlyings[rules.underlying].option_unknown:
                    state.underlyings[rules.underlying].remark_due = True
                step.touch(rules.underlying, DecisionCause.PRICE)
            case _:
                assert_never(event)

    def _apply_execution(self, step: Step, event: ev.FillReceived | ev.FundingPaid) -> None:
        state = step.state
        if event.instrument not in state.instruments:
            reconcile.note_unlisted(step, event)
            return
        if not ledger.is_new_execution(state, event, step.at_ns):
            return
        if isinstance(event, ev.FundingPaid):
            funding.book(step, event)
            funding_check.note(step, event)
            for underlying in cash.book_funding(state, event, step.at_ns):
                step.touch(underlying, DecisionCause.FILL)
            return
        dropcopy.await_listing(step, event)
        rules = state.instruments[event.instrument]
        kind, exposed = rules.kind, state.underlyings.get(rules.underlying)
        if kind.is_future and exposed is not None:
            self._valuation().settle(exposed, step.at_ns)
        before_coin = breakers.measured_delta_coin(exposed) if exposed else None
        moved = cash.book_fill(state, event, step.at_ns)
        reconcile.after_fill(step, event)
        if kind.is_option and not ledger.position_contracts(state, event.account, event.instrument):
            step.resolve(AlertKind.SUSPECT_DATA, event.instrument)
        if kind.is_future and exposed is not None:
            # What was averaged of a delivered future leaves with it: only then the delta after it can be measured. What
            # options moved since they were marked is no effect of the fill: they are marked anew after it.
            self._valuation().settle(exposed, step.at_ns)
        own = order_table.on_fill(step, event)
        after_coin = breakers.measured_delta_coin(exposed) if exposed else None
        moved_coin = None if before_coin is None or after_coin is None else after_coin - before_coin
        if own is None:
            forced.note_foreign(step, state.accounts.get(event.account), event)
            if exposed is not None:
                tracking.on_foreign_fill(step, exposed, rules, event, moved_coin)
        elif exposed is not None:
            share = float(event.qty_contracts / own.intent.qty_contracts)
            breakers.on_own_fill(step, own, moved_coin, share)
            moving.on_own_fill(exposed, own, moved_coin, share)
            tracking.on_own_fill(state, exposed, own, rules, event, moved_coin)
        for name in sorted(moved):
            step.touch(name, DecisionCause.PRICE if own else DecisionCause.FILL)

    def _on_timer(self, step: Step) -> None:
        kill_rules.guarded_each(step, TIMER_LOOKS)
        self._enter_active(step)
        if step.state.stopping:
            self._finish_stop(step)
        for underlying in step.state.underlyings:
            step.touch(underlying, DecisionCause.PRICE)

    def _on_run_started(self, step: Step, event: ev.RunStarted) -> None:
        """Start-up is crash recovery: nothing is known to be true until the venue has been asked."""
        state = step.state
        step.set_mode(Mode.RECOVERING, f"run {event.run_id} started")
        latches.adopt_mode(step)
        state.run_started_ns, state.good_at_ns = step.at_ns, {}
        reconcile.forget_left(step)
        configured = {one.underlying for one in state.settings.underlyings}
        state.underlyings = {name: one for name, one in state.underlyings.items() if name in configured}
        ledger.rebuild(state)
        treasury.restore(step, event.restored_moves)
        for alert in state.alerts.values():
            # The shell of this run has not heard of them yet.
            step.emit(RaiseAlert(kind=alert.kind, subject=alert.subject, summary=alert.summary))
        for account in state.accounts.values():
            reconcile.lose_truth(account, step.at_ns)
            account.request_open = False
            account.mismatches.clear()
            account.private.up = account.public.up = account.trade.up = False
            account.private.alive_at_ns = account.private.up_since_ns = 0
            account.clock_offset_ms, account.clock_at_ns, account.dead_man = None, 0, DeadManState()
        for quote in state.quotes.values():
            quote.book_at_ns = quote.mark_at_ns = quote.index_at_ns = 0
        for underlying in state.underlyings.values():
            underlying.remark_due, underlying.breach_since_ns, underlying.retry_at_ns = True, 0, 0
            underlying.price = 0.0
        state.watched.clear()
        restored.take_up(step, event.restored)
        order_table.suspect_all(step)
        step.emit(SetTimer(interval_ns=TIMER_INTERVAL_NS))

    def _enter_active(self, step: Step) -> None:
        """RECOVERING ends when every account is reconciled, no order is unresolved and every hedge book is fresh."""
        state = step.state
        if state.mode is not Mode.RECOVERING:
            return
        waiting = [f"{one.name} is not reconciled" for one in followed(state) if not one.reconciled]
        # An order beyond every deadline holds its own underlying only, and is told: the others are not left alone.
        waiting += [
            f"order {one.client_id} is {one.status}"
            for one in order_table.live_orders(state)
            if step.at_ns <= order_table.proof_after_ns(state, one)
        ]
        for settings in latches.going_on(state):
            waiting += [f"no fresh book of {hedge}" for hedge in hedges.stale(state, settings, step.at_ns)]
        if waiting:
            state.mode_reason = "; ".join(waiting)
            return
        step.set_mode(Mode.ACTIVE, "reconciled, books fresh")

    def _on_stop(self, step: Step, event: ev.StopRequested) -> None:
        """No new orders from here on; what is alive is cancelled, what is unknown is looked up while there is time."""
        step.state.stopping, step.state.stop_at_ns = True, step.at_ns
        operator.cancel_all(step, event.reason)
        for account in step.state.accounts.values():
            account.snapshot_due_ns = 0
        self._finish_stop(step)

    def _finish_stop(self, step: Step) -> None:
        alive = [one for one in order_table.live_orders(step.state) if not one.is_settled]
        looked = reconcile.last_look(step)
        if not alive and deadman.laid_down(step) and looked:
            step.emit(StopNow(summary="no order is alive, unknown or unlisted; positions are kept"))


def _apply_order_report(step: Step, report: OrderReport) -> None:
    """An order was reported by the stream: ours moves on, somebody else's where only we should trade is told."""
    order_table.on_report(step, report)
    account = step.state.accounts.get(report.account)
    if account is None or report.status.is_terminal or not reconcile.is_foreign(step.state, account, report):
        return
    summary = f"order {report.order_id} on {report.instrument} is not ours"
    step.alert(AlertKind.FOREIGN_ACTIVITY, account.name, summary)
