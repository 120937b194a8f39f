from decimal import Decimal

import pytest

from hedgebot.core.candidate import Candidate
from hedgebot.core.chase_rule import chase_rule
from hedgebot.core.state import ChaseStart
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from tests.support.playbook import ACCOUNT, BTC_PERP, Playbook


@pytest.mark.parametrize(
    ("side", "price", "delta", "fine"),
    [
        (Side.BUY, 101_000, -1.0, True),  # 1,000 bps, the limit
        (Side.BUY, 101_100, -1.0, False),
        (Side.SELL, 101_100, 1.0, True),  # not followed: it came to us
        (Side.BUY, 101_100, -9.0, True),  # beyond the delta limit it is urgent
    ],
)
def test_orders_follow_a_price_so_far_and_no_further(side: Side, price: int, delta: float, fine: bool) -> None:
    book = Playbook()
    book.ready()
    underlying = book.state.underlyings["BTC"]
    # 1,000 bps below 101,000.
    underlying.chased = {BTC_PERP: ChaseStart(price=91_818.1818182, at_ns=book.at_ns)}
    intent = OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=side,
        qty_contracts=Decimal("0.5"),
        limit_price=Decimal(price),
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
        delta_effect_coin=0.5 * side.sign,
        notional_usd=50_000.0,
        deadline_ns=book.at_ns + 1,
        reason="chase",
    )
    one = Candidate.of(book.state, book.settings.underlyings[0], intent, book.at_ns, delta_coin=delta)
    assert (not chase_rule(one).problem) is fine
    one.underlying.chased = {}
    assert chase_rule(one).check.value == 0.0
