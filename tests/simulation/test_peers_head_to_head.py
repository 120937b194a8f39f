"""The further set that peers and we are held against: lost answers, parts, gaps, restarts, expiry, funding, modes.

Where a peer was run its number stands beside ours; the others are what must hold (safety reference section 2).
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.state import EngineState
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RecordRefusal, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.lab.faultworld import FaultWorld
from hedgebot.lab.mishaps import BY_ID
from hedgebot.lab.outcome import Outcome
from strategies.delta_neutral import STRATEGY
from tests.support.peers import Figures, Life, is_silent, say, world_figures
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_USDC,
    MS,
    Playbook,
    of_type,
    orders,
    settings,
    the_order,
)


def ready(**limits: float) -> Playbook:
    book = Playbook(settings(**limits))
    book.ready()
    assert book.mode() is Mode.ACTIVE
    return book


def delta_of(state: EngineState) -> float:
    return net_delta_coin(state.underlyings["BTC"])


def world(name: str, seed: int = 5) -> tuple[Outcome, Figures]:
    """Five minutes of the daemon's own turn with one mishap; the oracle judges from the exchange's side."""
    played = FaultWorld(seed, 5.0, STRATEGY.build, [BY_ID[name]])
    outcome = played.run()
    return outcome, world_figures(played, outcome)


@pytest.mark.parametrize(
    ("name", "what"),
    [("N05", "answers lost, orders carried out"), ("P01", "killed on the order path"), ("V05", "filled in part")],
)
def test_no_order_is_sent_twice(name: str, what: str) -> None:
    """Blind retry in the survey's toy campaign: 1,591 duplicates in 20,000 orders. Ours: none, and back in the band."""
    outcome, figures = world(name)
    assert outcome.passed, (outcome.stuck, outcome.violations[:3])
    assert outcome.hedges > 5
    assert [one.id for one in outcome.played] == [name]
    assert figures.duplicated_coin == 0.0
    assert figures.recovered
    ours = f"{len(outcome.violations)} violations, {outcome.starts} starts"
    say(what, "1,591 duplicates in 20,000 orders (blind retry)", ours, figures)


def test_an_answer_lost_and_the_order_filled() -> None:
    """catalyst and ccxt users resent the order. Ours: looked up, its fill counted once, nothing sent meanwhile."""
    book = ready()
    life = Life(book, is_silent)
    life.trade(book.fill(Side.BUY, "0.2"))
    (order,) = life.sent
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="local:timeout", message=""))
    life.live(2)
    assert len(life.sent) == 1
    intent = order.approved.intent
    found = book.fill(intent.side, str(intent.qty_contracts), BTC_PERP, client_id=order.client_id, trade_id="x1")
    for source in (ev.Source.QUERY, ev.Source.STREAM, ev.Source.QUERY):
        book.send(msgspec.structs.replace(found, source=source))
    looked = ev.OrderLookedUp(
        account=ACCOUNT,
        client_id=order.client_id,
        report=book.report(order, OrderStatus.FILLED, str(intent.qty_contracts)),
        searched=("open", "history"),
        complete=True,
        asked_at_ns=book.at_ns,
    )
    life.hear(book.send(looked))
    life.live(2)
    assert len(life.sent) == 1
    assert abs(delta_of(book.state)) <= 0.05
    assert not book.state.unsettled
    figures = life.figures
    assert figures.duplicated_coin < 1e-6
    say("answer lost, order filled", "sent again", "looked up, counted once", figures)


def test_a_part_then_a_cancel_is_decided_anew_from_the_position() -> None:
    """The rest is what the position says now, not what the order remembers: the client has traded meanwhile."""
    book = ready()
    life = Life(book, is_silent)
    life.trade(book.fill(Side.BUY, "0.8"))
    (order,) = life.sent
    book.send(book.fill(Side.SELL, "0.3", BTC_PERP, client_id=order.client_id))
    book.send(book.fill(Side.SELL, "0.4"))
    heard = book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED, "0.3")))
    again = the_order(heard).approved.intent
    assert order.approved.intent.qty_contracts == Decimal("0.762")
    assert again.qty_contracts == Decimal("0.062"), "0.8 - 0.3 - 0.4 is 0.1, its target 0.0375"
    assert again.side is Side.SELL
    figures = life.figures
    assert figures.duplicated_coin < 1e-6
    say("part, then cancel", "not run", "decided anew from the position", figures)


def test_a_gap_of_a_twentieth_between_two_ticks() -> None:
    """Ours: decided on the first believable book of the new price, inside the collar, clipped, back in the band."""
    book = ready()
    life = Life(book)
    book.send(book.option())
    life.trade(book.fill(Side.SELL, "5", BTC_CALL))
    assert abs(delta_of(book.state)) <= 0.05
    before = len(life.sent)
    life.price = Decimal(105_000)
    jumped = Decimal(105_000)
    life.quotes = lambda: book.send(msgspec.structs.replace(book.option(forward=105_000.0), index=jumped))
    life.live(5)
    sent = life.sent[before:]
    assert 1 <= len(sent) <= 3
    for one in sent:
        assert one.approved.intent.side is Side.BUY
        assert one.approved.intent.limit_price <= Decimal(105210), "20 bps above the new middle"
    assert abs(delta_of(book.state)) <= 0.05
    assert not life.halted
    figures = life.figures
    assert figures.duplicated_coin < 1e-6
    say("gap of 5 %", "not run", "inside the collar, clipped", figures)


def test_an_option_that_expires_inside_its_settlement_window() -> None:
    """The half hour of averaging is not modelled: what is held is counted as a plain option until it is delivered.

    What holds: no order but on the hedge, never more volume than the exposure moved, flat in the band afterwards.
    """
    book = ready()
    life = Life(book)
    book.send(book.option())
    life.trade(book.fill(Side.SELL, "1", BTC_CALL))
    rules = book.state.instruments[BTC_CALL]
    assert rules.expiry_ns is not None
    book.at_ns = rules.expiry_ns - 20 * 60_000 * MS
    life.quotes = lambda: book.send(book.option(forward=float(life.price)))
    for number in range(20):
        life.price = Decimal(100_000 + (30 if number % 2 else -30))
        life.live(60, step_ms=1_000)
    assert all(one.approved.intent.instrument == BTC_PERP for one in life.sent)
    efficacy = book.state.underlyings["BTC"].efficacy
    assert efficacy.hedged_coin <= efficacy.drift_coin * book.state.limits.hedge_volume_ratio_max + 1.0
    delivered = msgspec.structs.replace(
        book.fill(Side.BUY, "1", BTC_CALL, price=Decimal(0)), kind=ev.ExecutionKind.DELIVERY
    )
    life.quotes = tuple
    life.trade(delivered)
    life.live(30)
    assert abs(delta_of(book.state)) <= 0.05
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason
    assert BTC_CALL not in book.state.underlyings["BTC"].option_keys.values()
    figures = life.figures
    assert figures.duplicated_coin < 1e-6
    say("expiry in its settlement window", "not run", "flat in the band afterwards", figures)


def test_a_funding_spike() -> None:
    """Peers hedge at any rate. Ours: refused with its number within the delta limit, beyond it the hedge is urgent."""
    book = ready()
    life = Life(book)
    costly = book.ticker(rate=-0.02)
    life.hear(book.send(costly))
    heard = book.send(book.fill(Side.BUY, "1"))
    assert orders(heard) == []
    (refusal,) = of_type(heard, RecordRefusal)
    assert refusal.refused.check.rule == "funding_usd_per_day"
    assert refusal.refused.check.value == pytest.approx(5_775.0, rel=0.01)
    book.send(book.ticker(rate=-0.02))
    assert orders(book.send(book.fill(Side.BUY, "5"))), "beyond the limit of 5 coins"
    figures = life.figures
    assert figures.duplicated_coin < 1e-6
    say("funding spike", "hedges at any rate", "refused with its number", figures)


def test_an_account_in_the_wrong_mode() -> None:
    """Hedge mode gives two rows for one instrument. Ours: not reconciled, told, no order, never switched by us."""
    book = Playbook()
    book.ready()
    book.tick(16_000)
    sentence = "BTCUSDT is in hedge mode (positionIdx 1): switch it to one-way mode"
    for _ in range(5):
        book.send(
            ev.FrameQuarantined(
                account=ACCOUNT, stream=ev.Stream.PRIVATE, topic="query:positions", problem=sentence, sample="{}"
            )
        )
        book.snapshot(complete=False)
        book.send(book.ticker())
        book.send(book.book())
        book.tick(1_100)
    assert orders(book.send(book.fill(Side.BUY, "1"))) == []
    assert any(sentence in one.summary for one in book.state.alerts.values())


Truth = Callable[[Playbook], tuple[Command, ...]]


def _manual_trade(book: Playbook) -> tuple[Command, ...]:
    return book.send(book.fill(Side.BUY, "0.3", BTC_USDC))


def _foreign_order(book: Playbook) -> tuple[Command, ...]:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    book.done(order)
    foreign = msgspec.structs.replace(book.report(order, OrderStatus.OPEN), client_id=None, order_id="theirs")
    return book.send(ev.OrderUpdated(report=foreign))


def _forced(kind: ev.ExecutionKind) -> Truth:
    def happen(book: Playbook) -> tuple[Command, ...]:
        book.done(the_order(book.send(book.fill(Side.BUY, "1"))))
        return book.send(msgspec.structs.replace(book.fill(Side.BUY, "0.6", BTC_PERP), kind=kind))

    return happen


def _funding(book: Playbook) -> tuple[Command, ...]:
    return book.send(
        ev.FundingPaid(
            account=ACCOUNT,
            instrument=BTC_PERP,
            trade_id="f1",
            cost=Decimal("12.5"),
            coin="USDT",
            rate=0.0001,
            source=ev.Source.STREAM,
            venue_at_ns=book.at_ns,
        )
    )


def _rollback(book: Playbook) -> tuple[Command, ...]:
    """The venue takes an execution back: its positions are as before, and nothing says why."""
    book.done(the_order(book.send(book.fill(Side.BUY, "1"))))
    heard: tuple[Command, ...] = ()
    for _ in range(60):
        heard += book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), 990)
        heard += book.send(book.ticker()) + book.send(book.book()) + book.tick()
        if book.state.accounts[ACCOUNT].request_open:
            heard += book.snapshot([book.position("1", BTC_USDC)])
    return heard


@pytest.mark.parametrize(
    ("happen", "alert", "hedges", "mode"),
    [
        (_manual_trade, None, True, Mode.ACTIVE),
        (_foreign_order, AlertKind.FOREIGN_ACTIVITY, False, Mode.ACTIVE),
        (_forced(ev.ExecutionKind.ADL), AlertKind.ADL_OR_LIQUIDATION, False, Mode.ACTIVE),
        (_forced(ev.ExecutionKind.LIQUIDATION), AlertKind.ADL_OR_LIQUIDATION, False, Mode.ACTIVE),
        (_forced(ev.ExecutionKind.DELIVERY), None, True, Mode.ACTIVE),
        (_funding, None, False, Mode.ACTIVE),
        (_rollback, AlertKind.RECON_BREAK, False, Mode.HALTED),
    ],
    ids=["manual trade", "foreign order", "adl", "liquidation", "delivery", "funding", "rollback"],
)
def test_each_thing_a_venue_may_do_has_its_policy(
    happen: Truth, alert: AlertKind | None, hedges: bool, mode: Mode
) -> None:
    """The table of `runbooks/what-the-venue-may-do.md`; changed rules are in the tests of `core/specs`."""
    book = ready()
    heard = happen(book)
    found: list[SubmitOrder] = orders(heard)
    assert bool(found) is hedges
    assert (alert is None) or book.is_up(alert), "told"
    assert book.mode() is mode, book.state.mode_reason
    assert book.state.latched is (mode is Mode.HALTED)


def test_what_was_closed_by_force_is_hedged_again_after_a_pause() -> None:
    """Never blindly back into a venue that deleverages: after the last forced close it waits, and then it hedges."""
    book = ready()
    life = Life(book)
    life.trade(book.fill(Side.BUY, "1"))
    for _ in range(3):
        life.live(20)
        assert len(life.sent) == 1
        life.trade(msgspec.structs.replace(book.fill(Side.BUY, "0.2", BTC_PERP), kind=ev.ExecutionKind.ADL))
    life.live(29)
    assert len(life.sent) == 1, "twenty seconds apart, none of them is the last for half a minute"
    life.live(2)
    assert len(life.sent) == 2
    assert abs(delta_of(book.state)) <= 0.05
    figures = life.figures
    assert figures.duplicated_coin < 1e-6
    say("closed by force", "not run", "waits, then hedges", figures)
