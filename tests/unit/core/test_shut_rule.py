"""No order leaves for a market that its venue does not trade, whatever it is for; other markets do not mind."""

import pytest

from hedgebot.core import gate
from hedgebot.core.shut_rule import market_status
from hedgebot.core.shut_state import ShutMarket
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.orders import TimeInForce
from tests.support.playbook import BTC_PERP, BTC_USDC, Playbook
from tests.support.resting import candidate


@pytest.mark.parametrize(
    ("market", "known", "problem"),
    [
        (BTC_PERP, ShutMarket(status="Closed"), "bybit:linear:BTCUSDT is not traded now: its venue says Closed"),
        (BTC_PERP, ShutMarket(refused=9), ""),  # it refuses, and may take the next one
        (BTC_USDC, ShutMarket(status="Closed"), ""),
    ],
)
def test_only_the_venue_s_word_about_this_market_stops_an_order(
    market: InstrumentId, known: ShutMarket, problem: str
) -> None:
    book = Playbook()
    book.ready()
    book.state.shut[market] = known
    found = market_status(candidate(book, TimeInForce.IOC))
    assert found.problem == problem
    assert (found.check.value, found.check.limit) == ("Closed" if problem else "trading", "trading")


def test_it_is_asked_of_every_order() -> None:
    assert all(market_status in rules for rules in (gate.RULES, gate.MOVE_RULES, gate.CLOSING_RULES))
