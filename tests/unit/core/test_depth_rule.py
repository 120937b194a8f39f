"""The gate's rule on depth: it stands in every list, excuses nothing, and is told where nobody knows the size."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import gate
from hedgebot.core.candidate import Candidate
from hedgebot.core.depth_rule import depth_rule, subject
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RaiseAlert, RecordRefusal, ResolveAlert
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction
from tests.support.playbook import BTC_PERP, Playbook, of_type, orders, settings, the_order
from tests.unit.core.test_depth import bought, thin
from tests.unit.core.test_gate import _candidate, _intent

DEPTH = f"{AlertKind.SUSPECT_DATA}|{subject('BTC')}"


def sized(shown: str | None, one: Candidate | None = None) -> Candidate:
    one = one or _candidate()
    one.quote.bid_qty = one.quote.ask_qty = None if shown is None else Decimal(shown)
    return one


@pytest.mark.parametrize(
    ("shown", "value", "problem"),
    [
        ("0.001", 100.0, ""),
        ("0.0009", pytest.approx(111.11, abs=0.01), "only 0.0009 BTCUSDT stand at the best bid, the order is for 0.1"),
        ("0", "unknown", "the book of bybit:linear:BTCUSDT does not say how much stands at its best bid"),
        (None, "unknown", "the book of bybit:linear:BTCUSDT does not say how much stands at its best bid"),
    ],
)
def test_m02_an_order_is_held_against_what_is_shown(shown: str | None, value: object, problem: str) -> None:
    found = depth_rule(sized(shown))
    assert (found.check.rule, found.check.value, found.check.limit) == ("order_top_ratio", value, 100.0)
    assert found.problem == problem


def test_m02_no_order_is_excused() -> None:
    """As with a spread: neither urgency nor a close is sent into a book of which nobody knows what stands in it."""
    assert all(depth_rule in rules for rules in (gate.RULES, gate.MOVE_RULES, gate.CLOSING_RULES))
    urgent = sized(None, _candidate(delta_coin=9.0))
    assert urgent.is_urgent
    assert depth_rule(urgent).problem
    assert depth_rule(sized(None, _candidate(reduce_only=True))).problem


def test_a_venue_without_sizes_is_not_checked_and_does_not_block() -> None:
    one = sized(None)
    blind = msgspec.structs.replace(one, rules=msgspec.structs.replace(one.rules, shows_sizes=False))
    assert (depth_rule(blind).check.value, depth_rule(blind).problem) == ("not checked", "")


def test_the_other_side_is_not_asked() -> None:
    one = sized("10")
    one.quote.ask_qty = None
    assert not depth_rule(one).problem
    assert depth_rule(_intent(one, side=Side.BUY)).problem


def test_m02_a_book_without_sizes_stops_a_hedge_and_is_told_until_they_come() -> None:
    book = Playbook()
    book.ready()
    book.send(thin(book, None))
    heard = bought(book, "0.2")
    assert orders(heard) == []
    [refusal] = of_type(heard, RecordRefusal)
    assert (refusal.refused.check.rule, refusal.refused.check.value) == ("order_top_ratio", "unknown")
    assert [one.subject for one in of_type(heard, RaiseAlert)] == ["BTC depth"]
    again = book.send(book.book())
    assert len(orders(again)) == 1
    assert [one.subject for one in of_type(again, ResolveAlert)] == ["BTC depth"]


def test_m02_the_alert_ends_with_the_wish_to_hedge() -> None:
    book = Playbook()
    book.ready()
    book.send(thin(book, None))
    bought(book, "0.2")
    assert DEPTH in book.state.alerts
    assert [one.subject for one in of_type(book.send(book.fill(Side.SELL, "0.2")), ResolveAlert)] == ["BTC depth"]


def test_m02_an_emptied_book_stops_a_hedge_with_its_numbers() -> None:
    book = Playbook()
    book.ready()
    book.send(thin(book, "0.000001"))
    heard = bought(book, "0.2")
    assert orders(heard) == []
    [refusal] = of_type(heard, RecordRefusal)
    assert refusal.refused.check.value == pytest.approx(162_000.0)
    assert "only 0.000001 BTCUSDT stand at the best bid, the order is for 0.162" in refusal.refused.explanation
    assert DEPTH not in book.state.alerts, "a book that thins for a moment is no news"
    book.send(thin(book, "0.000001"), after_ms=2_100.0)
    assert "nothing is sent on it" in book.state.alerts[DEPTH].summary
    again = book.send(book.book())
    assert len(orders(again)) == 1
    assert [one.subject for one in of_type(again, ResolveAlert)] == ["BTC depth"]


def test_a_refusal_by_another_rule_ends_no_alert_of_the_book() -> None:
    book = Playbook()
    book.ready()
    book.send(thin(book, None))
    bought(book, "0.2")
    book.send(ev.StreamChanged(account="main", stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    book.send(thin(book, None))
    assert orders(book.heard) == []
    assert DEPTH in book.state.alerts


def test_a_book_that_is_refilled_between_the_pieces_of_a_hedge_is_no_news() -> None:
    book = Playbook(settings(order_burst_max=100))
    book.ready()
    book.send(thin(book, "0.0002"))
    heard = bought(book, "2")
    for number in range(60):
        for order in orders(heard):
            book.done(order)
        # Every other book is too thin for an order.
        heard = book.send(thin(book, "0.000001" if number % 2 else "0.0002"), 80.0)
    assert len(orders(book.heard)) > 25
    assert not of_type(book.heard, RaiseAlert)


def test_m02_a_flatten_waits_for_a_book_and_is_cut_to_it() -> None:
    book = Playbook()
    book.ready()
    book.done(the_order(bought(book, "1")))
    book.send(thin(book, None))
    book.send(ev.OperatorKilled(operator="ann", reason="drill", action=KillAction.FLATTEN))
    assert orders(book.tick(300)) == []
    assert "how much stands at its best ask" in book.state.latches["all"].note
    book.send(thin(book, "0.002"))
    intent = the_order(book.tick(300)).approved.intent
    assert (intent.instrument, intent.reduce_only, intent.qty_contracts) == (BTC_PERP, True, Decimal("0.2"))
