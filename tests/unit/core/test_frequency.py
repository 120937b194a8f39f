"""A strategy that goes to and fro waits; what it waits for, what is spared, and what an operator may do about it."""

from hedgebot.core import raises
from hedgebot.core.frequency import RULE
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RecordRefusal
from hedgebot.domain.instrument import Side
from hedgebot.domain.operator_events import LimitRaised
from tests.support.playbook import BTC_SPOT, Playbook, of_type, orders, settings, the_order


def book_of(orders_max: int = 4, **limits: float) -> Playbook:
    """A book that had as many hedges as it may have, to and fro: no side of them repeats."""
    book = Playbook(
        settings(strategy_orders_max=orders_max, order_burst_max=100, hedge_volume_ratio_max=100.0, **limits)
    )
    book.ready(btc="0")
    for _ in range(orders_max // 2):
        swing(book, Side.SELL)
        swing(book, Side.BUY)
    return book


def swing(book: Playbook, side: Side, coins: str = "0.3") -> None:
    """A client trades, and the hedge fills."""
    book.done(the_order(book.send(book.fill(side, coins, BTC_SPOT))))


def test_what_goes_to_and_fro_waits_and_is_told() -> None:
    book = book_of()
    heard = book.send(book.fill(Side.SELL, "0.3", BTC_SPOT))
    assert not orders(heard)
    (refusal,) = of_type(heard, RecordRefusal)
    assert (refusal.refused.check.rule, refusal.refused.check.value, refusal.refused.check.limit) == (RULE, 5, 4)
    assert book.is_up(AlertKind.EXECUTION_FREQUENCY)
    assert not book.state.tripped


def test_it_goes_on_when_the_window_has_passed_and_the_alert_ends() -> None:
    book = book_of(repeat_window_ms=1_000)
    book.send(book.fill(Side.SELL, "0.3", BTC_SPOT))
    assert not orders(book.tick())
    assert orders(book.tick(1_001.0))
    book.tick(4_900.0)
    assert book.is_up(AlertKind.EXECUTION_FREQUENCY)
    book.tick(4_900.0)
    assert not book.is_up(AlertKind.EXECUTION_FREQUENCY)


def test_the_pieces_of_one_hedge_do_not_wait() -> None:
    book = book_of(orders_max=5)
    heard = book.send(book.fill(Side.BUY, "3.4", BTC_SPOT))
    pieces = 0
    while found := orders(heard):
        pieces += 1
        heard = book.done(found[0]) + book.tick()
    assert pieces == 4
    assert not book.is_up(AlertKind.EXECUTION_FREQUENCY)


def test_beyond_the_limit_of_delta_nothing_waits() -> None:
    made = settings()
    book = book_of()
    assert orders(book.send(book.fill(Side.BUY, str(made.underlyings[0].delta_limit_coin + 1), BTC_SPOT)))


def test_an_operator_may_raise_it_for_a_while() -> None:
    book = book_of()
    assert not orders(book.send(book.fill(Side.SELL, "0.3", BTC_SPOT)))
    raised = LimitRaised(limit="strategy_orders_max", to=9.0, for_ms=60_000, operator="ann", reason="a wild hour")
    book.send(raised)
    assert raises.in_force(book.state, "strategy_orders_max", book.at_ns) == 9.0
    assert orders(book.tick())


def test_each_strategy_and_each_instrument_counts_by_itself() -> None:
    book = book_of()
    state = book.state
    state.repeats = {key.replace("delta_neutral", "other"): moments for key, moments in state.repeats.items()}
    assert orders(book.send(book.fill(Side.SELL, "0.3", BTC_SPOT)))
