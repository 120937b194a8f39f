from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.candidate import Candidate
from hedgebot.core.move_rule import move_rule
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from tests.support.playbook import ACCOUNT, BTC_PERP, Playbook


def candidate(*, effect: float, displaced: float = 0.0, reduce_only: bool = True, delta: float = 0.0) -> Candidate:
    book = Playbook()
    book.ready()
    underlying = book.state.underlyings["BTC"]
    underlying.trigger_coin, underlying.switch.displaced_coin = 0.05, displaced
    intent = OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="funding_switch",
        side=Side.of(effect),
        qty_contracts=Decimal(repr(abs(effect))),
        limit_price=Decimal(100_000),
        time_in_force=TimeInForce.IOC,
        reduce_only=reduce_only,
        delta_effect_coin=effect,
        notional_usd=abs(effect) * 100_000.0,
        deadline_ns=book.at_ns + 1,
        reason="move",
    )
    return Candidate.of(book.state, book.settings.underlyings[0], intent, book.at_ns, delta_coin=delta)


def test_below_the_centre_the_edge_of_that_side_counts() -> None:
    down = candidate(effect=-0.08)
    assert move_rule(down).problem
    down.underlying.below = (0.1, 0.07)
    assert move_rule(down).problem == ""
    assert move_rule(candidate(effect=0.08)).problem


@pytest.mark.parametrize(("effect", "delta", "fine"), [(0.04, 0.0, True), (0.04, 0.02, False), (-0.06, 0.02, True)])
def test_no_order_of_a_move_leaves_the_band(effect: float, delta: float, fine: bool) -> None:
    found = move_rule(candidate(effect=effect, delta=delta))
    assert (not found.problem) is fine
    assert found.check.value == pytest.approx(abs(effect + delta))


@pytest.mark.parametrize(("displaced", "fine"), [(0.03, True), (0.01, False), (-0.03, False)])
def test_no_more_is_opened_than_was_closed(displaced: float, fine: bool) -> None:
    found = move_rule(candidate(effect=-0.03, displaced=displaced, reduce_only=False))
    assert (not found.problem) is fine
    assert msgspec.to_builtins(found.check)["limit"] == 0.05


@pytest.mark.parametrize(("displaced", "fine"), [(-0.001, True), (-0.0011, False), (-0.002, False)])
def test_what_a_lot_has_rounded_off_holds_no_move(displaced: float, fine: bool) -> None:
    found = move_rule(candidate(effect=-0.03, displaced=displaced, reduce_only=False))
    assert (not found.problem) is fine
