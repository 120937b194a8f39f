"""An order as the gate judges it, that may or may not rest."""

from decimal import Decimal

from hedgebot.core.candidate import Candidate
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from tests.support.playbook import ACCOUNT, BTC_PERP, PRICE, Playbook


def candidate(book: Playbook, tif: TimeInForce) -> Candidate:
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
        notional_usd=10_000.0,
        deadline_ns=book.at_ns + 1,
        reason="test",
    )
    return Candidate.of(book.state, book.settings.underlyings[0], intent, book.at_ns, delta_coin=0.2)
