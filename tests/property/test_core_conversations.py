"""Any conversation with the engine: fills, prices, answers in any order. What must hold, holds after every event.

A twin engine hears the same events, is taken apart into its encoded state and put together again at any moment, and
must say the same. The answers need not be truthful: a venue may refuse an order and fill it all the same.
"""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import settings as profile
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hedgebot.core.engine import Engine
from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.ledger import position_contracts, position_key
from hedgebot.core.order_table import live_orders
from hedgebot.core.state import decode_state, encode_state, state_digest
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, Mode, SubmitOrder
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    INSTRUMENTS,
    Playbook,
    orders,
)

# Inverse contracts are bought only: their profit would move coins, which is the ledger's own test.
FLOW = {BTC_USDC: "0.7", BTC_SPOT: "0.4", BTC_INVERSE: "20000", BTC_CALL: "0.5"}
REPORTED = [OrderStatus.ACKED, OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.UNKNOWN]
ENDS = [OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED]
RECENT = st.integers(1, 3)
SHARES = st.sampled_from([Decimal(0), Decimal("0.3"), Decimal(1)])


def _engine() -> Engine:
    return Engine(STRATEGY.build)


class Conversation(RuleBasedStateMachine):
    """One book, its venue's truth, and the twin."""

    def __init__(self) -> None:
        super().__init__()
        self.book = Playbook()
        self.book.ready()
        self.twin = _engine()
        for stamped in self.book.log:
            self.twin.step(stamped)
        self.mid = Decimal(100_000)
        self.sent: list[SubmitOrder] = []
        self.fills: list[ev.FillReceived] = []
        self.held: dict[InstrumentId, Decimal] = {}
        self.epoch = 1
        # Orders that had ended without a fill when the venue spoke of one after all: test_core_stories holds those.
        self.reopened: set[str] = set()
        self.say(self.book.option())
        self.fill(self.book.fill(Side.BUY, "0.7", BTC_USDC, price=self.mid))

    # --- saying and hearing

    def say(self, event: ev.Event, after_ms: float = 1.0) -> tuple[Command, ...]:
        commands = self.book.send(event, after_ms)
        assert self.twin.step(self.book.log[-1]) == commands, "the twin says something else"
        new = orders(commands)
        assert len(new) <= 1
        for order in new:
            self.check_order(order)
        return commands

    def check_order(self, order: SubmitOrder) -> None:
        state = self.book.state
        assert state.mode in {Mode.ACTIVE, Mode.REDUCING}
        assert not state.stopping
        assert state.mode is Mode.ACTIVE or order.approved.risk_reducing
        assert order.approved.intent.notional_usd <= self.book.settings.underlyings[0].order_notional_usd_max
        assert order.client_id not in {one.client_id for one in self.sent}, "an id is used once"
        assert order.approved.intent.deadline_ns > self.book.at_ns
        others = [one for one in state.orders.values() if one.client_id not in {order.client_id, *self.reopened}]
        assert all(one.is_settled for one in others), "an execution the venue spoke of is not booked yet"
        delta = net_delta_coin(state.underlyings["BTC"])
        for share in (0.01, 0.5, 1.0):
            assert abs(delta + share * order.approved.intent.delta_effect_coin) < abs(delta)
        self.sent.append(order)

    def fill(self, fill: ev.FillReceived) -> None:
        self.fills.append(fill)
        signed = fill.qty_contracts * fill.side.sign
        self.held[fill.instrument] = self.held.get(fill.instrument, Decimal(0)) + signed
        self.say(fill)

    def filled(self, order: SubmitOrder) -> Decimal:
        return sum((one.qty_contracts for one in self.fills if one.client_id == order.client_id), Decimal(0))

    def recent(self, back: int) -> SubmitOrder:
        return self.sent[-min(back, len(self.sent))]

    # --- the world

    @rule(name=st.sampled_from(list(FLOW)), side=st.sampled_from(Side))
    def a_client_trades(self, name: InstrumentId, side: Side) -> None:
        side = Side.BUY if name == BTC_INVERSE else side
        self.fill(self.book.fill(side, FLOW[name], name, price=self.mid))

    @rule(move_bps=st.integers(-200, 200))
    def the_market_moves(self, move_bps: int) -> None:
        moved = (self.mid * (1 + Decimal(move_bps) / 10_000)).quantize(Decimal(1))
        self.mid = min(max(moved, Decimal(60_000)), Decimal(160_000))
        for event in (self.book.ticker(self.mid), self.book.book(self.mid), self.book.option(forward=float(self.mid))):
            self.say(msgspec.structs.replace(event, venue_at_ns=self.book.at_ns + 1_000_000))

    @rule(after_ms=st.sampled_from([1, 300, 2_000, 6_000, 9_000]), alive=st.booleans())
    def time_passes(self, after_ms: int, alive: bool) -> None:
        self.say(ev.TimerFired(), after_ms)
        if alive:
            self.say(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))

    @rule(maintenance=st.sampled_from(["100000", "750000", "900000", None]))
    def the_margin_changes(self, maintenance: str | None) -> None:
        report = self.book.wallet(maintenance=maintenance)
        self.say(ev.WalletUpdated(report=report, source=ev.Source.STREAM))

    @rule(enabled=st.sampled_from([True, True, False]))
    def the_strategy_is_switched(self, enabled: bool) -> None:
        switched = ev.StrategySwitched(strategy="delta_neutral", enabled=enabled, operator="op", reason="because")
        assert enabled or not orders(self.say(switched))

    @rule(up=st.booleans())
    def the_private_stream_changes(self, up: bool) -> None:
        self.say(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=up, reason="network"))

    @precondition(lambda self: self.book.state.accounts[ACCOUNT].request_open)
    @rule(complete=st.sampled_from([True, True, True, False]))
    def the_venue_answers_with_its_books(self, complete: bool) -> None:
        derivatives = [name for name in self.held if name != BTC_SPOT]
        self.say(
            ev.SnapshotTaken(
                account=ACCOUNT,
                request=self.book.state.accounts[ACCOUNT].request,
                complete=complete,
                problem="" if complete else "positions: timeout",
                positions=tuple(self.book.position(str(self.held[name]), name) for name in derivatives),
                open_orders=(),
                wallet=self.book.wallet(btc=str(self.held.get(BTC_SPOT, 0))),
                executions_since_ns=0,
                asked_at_ns=self.book.at_ns,
            ),
            after_ms=5.0,
        )

    @rule(kill=st.sampled_from([True, False, False, False]))
    def an_operator_speaks(self, kill: bool) -> None:
        kind = ev.OperatorKilled if kill else ev.OperatorUnkilled
        commands = self.say(kind(operator="op", reason="because"))
        assert not kill or self.book.state.latched
        assert not kill or not orders(commands)

    @rule()
    def the_process_restarts(self) -> None:
        self.epoch += 1
        started = ev.RunStarted(run_id=f"r{self.epoch}", epoch=self.epoch, settings=self.book.settings, version="t")
        self.say(started)
        self.say(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
        self.say(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
        self.say(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=True, reason="connected"))

    @rule()
    def all_is_well_again(self) -> None:
        """What stands against hedging is cleared, so that stories go on after a halt."""
        self.the_strategy_is_switched(enabled=True)
        self.the_private_stream_changes(up=True)
        for _ in range(2):
            self.the_market_moves(move_bps=0)
            self.the_margin_changes(maintenance="100000")
            self.time_passes(after_ms=1, alive=True)
            if self.book.state.accounts[ACCOUNT].request_open:
                self.the_venue_answers_with_its_books(complete=True)
            self.say(ev.OperatorUnkilled(operator="op", reason="cleared"))
        self.the_market_moves(move_bps=0)
        self.time_passes(after_ms=1, alive=True)

    @rule()
    def the_twin_is_rebuilt(self) -> None:
        data = encode_state(self.twin.state)
        self.twin = Engine(STRATEGY.build, decode_state(data))

    # --- answers to our orders

    @precondition(lambda self: self.sent)
    @rule(back=RECENT, definitive=st.booleans())
    def an_order_is_accepted(self, back: int, definitive: bool) -> None:
        order = self.recent(back)
        self.say(ev.OrderAccepted(account=ACCOUNT, client_id=order.client_id, order_id="v", definitive=definitive))

    @precondition(lambda self: self.sent)
    @rule(back=RECENT, known=st.booleans())
    def an_order_is_refused_or_its_answer_lost(self, back: int, known: bool) -> None:
        kind = ev.OrderRejected if known else ev.OrderOutcomeUnknown
        self.say(kind(account=ACCOUNT, client_id=self.recent(back).client_id, code="1", message="m"))

    @precondition(lambda self: self.sent)
    @rule(back=RECENT, status=st.sampled_from(REPORTED + ENDS), share=SHARES)
    def an_order_is_reported(self, back: int, status: OrderStatus, share: Decimal) -> None:
        order = self.recent(back)
        reported = order.approved.intent.qty_contracts * (1 if status is OrderStatus.FILLED else share)
        if reported > self.filled(order) and self.book.state.orders[order.client_id].is_settled:
            self.reopened.add(order.client_id)
        self.say(ev.OrderUpdated(report=self.book.report(order, status, str(reported))))

    @precondition(lambda self: self.sent)
    @rule(back=RECENT, share=st.sampled_from([Decimal("0.3"), Decimal(1)]))
    def an_order_is_filled(self, back: int, share: Decimal) -> None:
        order = self.recent(back)
        intent = order.approved.intent
        rest = intent.qty_contracts - self.filled(order)
        if qty := (rest * share).quantize(Decimal("0.001")):
            self.fill(self.book.fill(intent.side, str(qty), BTC_PERP, price=self.mid, client_id=order.client_id))

    @precondition(lambda self: self.sent)
    @rule(back=RECENT, complete=st.booleans(), found=st.booleans(), status=st.sampled_from(ENDS))
    def an_order_is_looked_up(self, back: int, complete: bool, found: bool, status: OrderStatus) -> None:
        order = self.recent(back)
        intent = order.approved.intent
        filled = intent.qty_contracts if status is OrderStatus.FILLED else self.filled(order)
        if found and filled > self.filled(order) and self.book.state.orders[order.client_id].is_settled:
            self.reopened.add(order.client_id)
        report = self.book.report(order, status, str(filled)) if found else None
        self.say(
            ev.OrderLookedUp(
                account=ACCOUNT,
                client_id=order.client_id,
                report=report,
                searched=("open", "history", "executions"),
                complete=complete,
                asked_at_ns=self.book.at_ns,
            )
        )

    @precondition(lambda self: self.fills)
    @rule(back=st.integers(1, 10), source=st.sampled_from(ev.Source))
    def a_fill_is_seen_again(self, back: int, source: ev.Source) -> None:
        again = msgspec.structs.replace(self.fills[-min(back, len(self.fills))], source=source)
        before = state_digest(self.book.state)
        moment = self.book.state.at_ns
        assert self.say(again) == ()
        self.book.state.at_ns = moment
        assert state_digest(self.book.state) == before
        self.book.state.at_ns = self.book.at_ns

    # --- what always holds

    @invariant()
    def at_most_one_order_is_alive(self) -> None:
        live = {one.client_id for one in live_orders(self.book.state)}
        assert live == {one.client_id for one in self.book.state.orders.values() if not one.is_settled}
        assert len(live - self.reopened) <= 1, "two orders at once, and no late report reopened one of them"

    @invariant()
    def the_ledger_is_the_sum_of_fills(self) -> None:
        state = self.book.state
        for name, contracts in self.held.items():
            if name != BTC_SPOT:
                assert position_contracts(state, ACCOUNT, name) == contracts
        linear = sum((self.held.get(name, Decimal(0)) for name in (BTC_PERP, BTC_USDC, BTC_SPOT)), Decimal(0))
        inverse = state.positions.get(position_key(ACCOUNT, BTC_INVERSE))
        if inverse and inverse.contracts:
            linear += inverse.contracts / inverse.entry_price
        linear += inverse.realised_settle if inverse else 0
        assert state.underlyings["BTC"].linear_coin == pytest.approx(linear, abs=Decimal("1e-20"))
        assert state.underlyings["BTC"].inverse_quote == 0

    def teardown(self) -> None:
        """The journal's text of the same events gives the same commands and the same state."""
        fresh = _engine()
        heard: list[Command] = []
        for stamped in self.book.log:
            heard += fresh.step(msgspec.json.decode(msgspec.json.encode(stamped), type=ev.Stamped))
        assert heard == self.book.heard
        assert state_digest(fresh.state) == state_digest(self.book.state) == state_digest(self.twin.state)


TestConversation = Conversation.TestCase
TestConversation.settings = profile(max_examples=50, stateful_step_count=50)
TestConversation = pytest.mark.timeout(300)(TestConversation)
