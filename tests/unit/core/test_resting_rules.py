"""Orders that may rest: never more alive on an account than a kill can cancel in time; others never ask."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import gate
from hedgebot.core.candidate import Candidate
from hedgebot.core.resting_rules import dead_man, open_orders
from hedgebot.core.state import OrderRecord
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, OrderStatus, TimeInForce
from tests.support.playbook import ACCOUNT, BTC_PERP, PRICE, Playbook, settings


def _candidate(tif: TimeInForce, alive: int, *, account: str = ACCOUNT, listed: int = 0) -> Candidate:
    """An order beside so many of ours that are not settled; the venue's newest list has `listed`."""
    book = Playbook(settings(open_orders_max=3))
    book.ready()
    state = book.state
    intent = OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=Side.SELL,
        qty_contracts=Decimal("0.1"),
        limit_price=PRICE,
        time_in_force=tif,
        reduce_only=False,
        delta_effect_coin=-0.1,
        notional_usd=1_000.0,
        deadline_ns=book.at_ns + 1,
        reason="test",
    )
    for number in range(alive):
        name = f"order {number}"
        state.orders[name] = OrderRecord(
            client_id=name,
            intent=msgspec.structs.replace(intent, account=account),
            status=OrderStatus.OPEN,
            sent_at_ns=1,
            arrival_mid=1.0,
            delta_before_coin=0.0,
        )
        state.unsettled[name] = "BTC"
    state.accounts[ACCOUNT].dead_man.own_open = listed
    return Candidate(
        state=state,
        settings=book.settings.underlyings[0],
        underlying=state.underlyings["BTC"],
        account=state.accounts[ACCOUNT],
        rules=state.instruments[BTC_PERP],
        quote=state.quotes[BTC_PERP],
        intent=intent,
        delta_coin=0.2,
        at_ns=book.at_ns,
    )


@pytest.mark.parametrize("tif", list(TimeInForce))
@pytest.mark.parametrize(("alive", "listed"), [(3, 0), (0, 3), (4, 1)])
def test_no_order_may_rest_where_a_kill_could_not_cancel_one_more(tif: TimeInForce, alive: int, listed: int) -> None:
    found = open_orders(_candidate(tif, alive, listed=listed))
    assert (found.check.value, found.check.limit) == (max(alive, listed), 3)
    rests = tif in {TimeInForce.GTC, TimeInForce.POST_ONLY}
    told = f"{max(alive, listed)} orders of ours are alive on {ACCOUNT}: a kill cancels 3 in time"
    assert found.problem == (told if rests else "")


def test_the_last_one_that_fits_and_orders_elsewhere_do_not_count_against_it() -> None:
    assert open_orders(_candidate(TimeInForce.GTC, 2)).problem == ""
    assert open_orders(_candidate(TimeInForce.GTC, 9, account="elsewhere")).problem == ""


def test_both_are_asked_of_hedges_and_not_of_closing() -> None:
    assert {dead_man, open_orders} <= set(gate.RULES) & set(gate.MOVE_RULES)
    assert not {dead_man, open_orders} & set(gate.CLOSING_RULES), "closing is immediate-or-cancel always"
