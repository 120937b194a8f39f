"""After a change orders are smaller for a while: from which change, how much, until when, and what is spared."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import canary
from hedgebot.core.shaping import shape
from hedgebot.core.state import decode_state, encode_state
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.settings import EngineSettings
from tests.support.playbook import BTC_PERP, BTC_SPOT, Playbook, orders, settings

HOUR_MS = 3_600_000.0
AN_HOUR = {"canary_hours": 1.0, "canary_ratio": 0.25, "order_burst_max": 100}


def sizes(book: Playbook, heard: tuple[Command, ...]) -> list[Decimal]:
    """Contracts of each order until the hedge is whole; every one fills."""
    found = []
    while left := orders(heard):
        (order,) = left
        found.append(order.approved.intent.qty_contracts)
        heard = book.done(order) + book.tick()
    return found


def bought(book: Playbook, coins: str = "0.9") -> list[Decimal]:
    """A client buys that many coins: one hedge of whatever pieces."""
    return sizes(book, book.send(book.fill(Side.BUY, coins, BTC_SPOT)))


def fresh(book: Playbook, after_ms: float = 0.0) -> None:
    """All is as new after a while, with what is held."""
    book.at_ns += round(after_ms * 1e6)
    spot = sum((one.contracts for one in book.state.positions.values() if one.instrument == BTC_SPOT), Decimal(0))
    held = [book.position(str(one.contracts)) for one in book.state.positions.values() if one.instrument == BTC_PERP]
    book.ready(held, btc=str(spot))


def started(made: EngineSettings) -> Playbook:
    book = Playbook(made)
    book.ready()
    return book


def test_the_first_hours_have_orders_of_a_quarter_and_the_hedge_is_as_whole() -> None:
    book = started(settings(**AN_HOUR))
    assert canary.until_ns(book.state) == book.state.run_started_ns + round(HOUR_MS * 1e6)
    pieces = bought(book)
    assert max(pieces) == Decimal("0.25")
    whole = started(settings(order_burst_max=100))
    assert bought(whole) == [sum(pieces)]


def test_the_gate_refuses_what_shaping_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    book = started(settings(**AN_HOUR))
    large = msgspec.structs.replace(book.settings.underlyings[0], order_qty_coin_max=1.0)
    small = canary.capped(book.state, large)
    assert (small.order_qty_coin_max, small.order_notional_usd_max) == (0.25, 50_000.0)
    monkeypatch.setattr("hedgebot.core.decide.shape", lambda state, _, *rest: shape(state, large, *rest))
    assert bought(book) == []
    assert "order of" in book.state.decisions[-1].explanation


def test_they_end_by_themselves() -> None:
    book = started(settings(**AN_HOUR))
    fresh(book, HOUR_MS)
    assert max(bought(book)) > Decimal("0.25")


@pytest.mark.parametrize(
    ("version", "config_hash", "anew"), [("test", "cafe", False), ("2.0", "cafe", True), ("test", "beef", True)]
)
def test_a_restart_begins_them_only_with_something_new(version: str, config_hash: str, anew: bool) -> None:
    book = started(settings(**AN_HOUR))
    restored = decode_state(encode_state(book.state))
    assert (restored.version, restored.changed_at_ns) == ("test", book.state.run_started_ns)
    book.at_ns += round(2 * HOUR_MS * 1e6)
    made = msgspec.structs.replace(book.settings, config_hash=config_hash)
    book.send(ev.RunStarted(run_id="run-2", epoch=2, settings=made, version=version))
    assert (canary.until_ns(book.state) > book.at_ns) == anew
    fresh(book)
    assert (max(bought(book)) <= Decimal("0.25")) == anew


def test_a_configuration_that_is_applied_begins_them() -> None:
    book = started(settings(**AN_HOUR))
    fresh(book, 2 * HOUR_MS)
    changed = msgspec.structs.replace(book.settings, config_hash="beef")
    book.send(ev.ConfigApplied(settings=changed, changes=("band_coin: 1 -> 2",), operator="ann", reason="wider"))
    assert max(bought(book)) == Decimal("0.25")


def test_smaller_orders_may_be_as_many_more() -> None:
    """A large hedge in thin books would latch its strategy off at a quarter of what it may trade."""
    book = started(settings(**AN_HOUR | {"repeat_orders_max": 3, "strategy_orders_max": 5}))
    for _ in range(12):
        assert len(bought(book, "0.2")) == 1
    assert not book.state.tripped
    bought(book, "0.2")
    assert "13 sell orders" in book.state.tripped["delta_neutral"]
    assert canary.pieces(book.state, 5) == 20
    fresh(book, HOUR_MS)
    assert canary.pieces(book.state, 5) == 5


def test_the_smallest_order_is_never_capped_away() -> None:
    made = settings(**AN_HOUR | {"canary_ratio": 0.01})
    tiny = msgspec.structs.replace(made.underlyings[0], order_qty_coin_max=0.004, band_coin=0.002)
    book = started(msgspec.structs.replace(made, underlyings=(tiny,)))
    pieces = bought(book, "0.01")
    assert pieces
    assert set(pieces) <= {Decimal("0.001"), Decimal("0.002"), Decimal("0.003")}


def test_a_flatten_keeps_its_size() -> None:
    book = started(settings(**AN_HOUR))
    assert sum(bought(book)) > Decimal("0.8")
    book.send(
        ev.OperatorKilled(scope=KillScope.ALL, name="", action=KillAction.FLATTEN, operator="ann", reason="enough")
    )
    (closing,) = sizes(book, book.tick())
    assert closing > Decimal("0.8")
