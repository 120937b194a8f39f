"""Breakers that must not stop what is right: a moving target, a large hedge, a venue that takes no orders just now."""

import itertools

import msgspec
import pytest

from hedgebot.core.engine import Engine
from hedgebot.core.strategy import Proposal, UnderlyingView
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import SubmitOrder
from hedgebot.domain.orders import OrderStatus
from tests.support.playbook import ACCOUNT, Playbook, orders, settings
from tests.support.stories import next_order
from tests.unit.core.test_breakers import breach, reject


class Aims:
    """A strategy whose target an operator moves."""

    name = "delta_neutral"
    centre_coin = 0.0

    def propose(self, view: UnderlyingView, previous: Proposal | None) -> Proposal | None:
        assert previous is None
        assert view.settings.underlying == "BTC"
        return Proposal(
            strategy=self.name,
            centre_coin=self.centre_coin,
            trigger_coin=0.05,
            inside_coin=0.0,
            reason="the target",
            evidence={},
        )


def aiming() -> tuple[Playbook, Aims]:
    aims = Aims()
    book = Playbook(settings(order_burst_max=100, orders_per_second_max=100.0))
    book.engine = Engine(lambda _: aims)
    book.start(epoch=1)
    book.ready()
    return book, aims


def follow(book: Playbook, found: list[SubmitOrder]) -> int:
    """Fill whatever is sent until nothing more is; how many orders that was."""
    count = 0
    while found:
        count += 1
        assert count < 100, "it never ends"
        found = orders(book.done(found[0]))
    return count


def test_a_hedge_towards_a_target_that_moved_is_not_held_back() -> None:
    """Nobody traded and no price moved: five coins away is five clips of one coin, and then it is there."""
    book, aims = aiming()
    aims.centre_coin = 5.0
    assert follow(book, orders(book.send(book.book()))) == 5
    assert float(book.state.underlyings["BTC"].linear_coin) == pytest.approx(5.0)
    assert not book.is_up(AlertKind.HEDGE_INEFFECTIVE)


def test_a_target_that_swings_to_and_fro_is_stopped() -> None:
    book, aims = aiming()
    sent = 0
    for number in range(20):
        aims.centre_coin = 2.0 if number % 2 else 0.0
        book.at_ns += 1_000_000_000
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        book.send(book.ticker())
        sent += follow(book, orders(book.send(book.book())))
    # The first way is drift as well (nothing was left behind before it): 1.5 x 2, the range of 2 and one order.
    assert sent == 6, f"{sent} orders of one coin for a range of two coins"
    assert book.is_up(AlertKind.HEDGE_INEFFECTIVE)


def test_the_clips_of_one_large_hedge_count_once() -> None:
    """Forty coins at one coin an order within seconds: no runaway, for each fill did what it was meant to do."""
    whole = settings(repeat_orders_max=3, order_burst_max=100, orders_per_second_max=100.0)
    (btc,) = whole.underlyings
    book = Playbook(msgspec.structs.replace(whole, underlyings=(msgspec.structs.replace(btc, delta_limit_coin=50.0),)))
    book.ready()
    assert follow(book, [breach(book, qty="40")]) == 40
    assert not book.state.tripped
    assert len(next(iter(book.state.repeats.values()))) == 1


def test_refusals_in_a_row_latch_the_strategy_off() -> None:
    book = Playbook(settings(order_rejects_max=4))
    book.ready()
    order: SubmitOrder | None = breach(book)
    sent = 0
    while order is not None:
        sent += 1
        reject(book, order)
        order = next_order(book)
    assert sent == 4
    assert "4 orders on BTC in a row were refused" in book.state.tripped["delta_neutral"]


def test_a_venue_that_takes_no_orders_for_an_hour_latches_nothing_off() -> None:
    """Maintenance, a clock, a full budget: the pauses grow and somebody is told, and then it goes on by itself."""
    book = Playbook(settings(order_rejects_max=4))
    book.ready()
    order: SubmitOrder | None = breach(book)
    sent_ns: list[int] = []
    while order is not None and len(sent_ns) < 20:
        sent_ns.append(book.at_ns)
        reject(book, order, passing=True)
        order = next_order(book)
    assert len(sent_ns) == 20
    assert not book.state.tripped
    assert book.is_up(AlertKind.ORDER_REJECTED)
    pauses_s = [(later - sooner) / 1e9 for sooner, later in itertools.pairwise(sent_ns)]
    assert pauses_s == sorted(pauses_s)
    assert pauses_s[-1] == pytest.approx(32.0, abs=0.5), "never one order per tick"
    assert order is not None
    book.done(order)
    for _ in range(11):
        book.tick(1_000)
    assert not book.is_up(AlertKind.ORDER_REJECTED)


def test_a_refusal_of_the_moment_does_not_end_a_row_of_refusals() -> None:
    book = Playbook(settings(order_rejects_max=4))
    book.ready()
    order: SubmitOrder | None = breach(book)
    for number in range(7):
        assert order is not None
        reject(book, order, passing=number % 2 == 1)
        order = next_order(book)
    assert order is None
    assert "4 orders on BTC in a row were refused" in book.state.tripped["delta_neutral"]


def test_hedges_that_miss_are_no_refusals() -> None:
    """In a fast market orders miss their limit again and again: one refusal among them latches nothing off."""
    book = Playbook(settings(order_rejects_max=4))
    book.ready()
    order: SubmitOrder | None = breach(book)
    for _ in range(6):
        assert order is not None
        book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED)))
        order = next_order(book)
    assert order is not None
    reject(book, order)
    assert not book.state.tripped
    assert next_order(book) is not None
