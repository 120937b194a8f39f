"""Values of holdings: a reading survives the journal, a holding stands for itself unless a ratio says otherwise."""

from decimal import Decimal

from hedgebot.domain import events as ev
from hedgebot.domain.holdings import HoldingReported, HoldingSettings
from hedgebot.turn.inbox import Priority, priority_of


def test_a_holding_stands_for_itself_by_default() -> None:
    assert HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0).ratio == 1.0


def test_a_reading_is_an_event_of_its_own() -> None:
    event: ev.Event = HoldingReported(name="vault", qty=Decimal("0.10"), as_of_ns=5)
    assert priority_of(event) is Priority.PRIVATE
