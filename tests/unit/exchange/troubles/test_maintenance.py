"""Maintenance: what is refused meanwhile, and what is announced about it."""

import pytest

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import Maintenance
from hedgebot.exchange.troubles.maintenance import Announcement, Stage
from hedgebot.exchange.types import Ack, Refusal, RefusalReason
from tests.unit.exchange.troubles.conftest import S, Weak
from tests.unit.exchange.troubles.test_disturbances import later, order


def announced(exchange: Exchange) -> tuple[Announcement, ...]:
    return exchange.troubles.maintenance.announcements()


@pytest.mark.parametrize("pauses", [False, True])
def test_in_maintenance_nothing_is_taken(weak: Weak, pauses: bool) -> None:
    exchange = weak(main=(("linear:BTCUSDT", "1"),))
    exchange.strike(Maintenance(duration_s=30, pauses_market=pauses))
    assert exchange.troubles.is_down
    refused = order(exchange)
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.VENUE_DOWN
    assert isinstance(exchange.cancel_all("main", lambda _: True), Refusal)
    later(exchange, 1)
    before = exchange.index_price("BTC")
    later(exchange, 20)
    assert (exchange.index_price("BTC") == before) is pauses
    later(exchange, 12)
    assert not exchange.troubles.is_down
    assert isinstance(order(exchange), Ack)


def test_it_is_announced_ahead_and_goes_through_its_stages(weak: Weak) -> None:
    exchange = weak()
    start_ns = exchange.now_ns
    exchange.strike(Maintenance(duration_s=20, in_s=30))
    (ahead,) = announced(exchange)
    assert (ahead.stage, ahead.is_planned, ahead.is_told) == (Stage.SCHEDULED, True, True)
    assert (ahead.begin_ns, ahead.end_ns) == (start_ns + 30 * S, start_ns + 50 * S)
    assert not exchange.troubles.is_down
    assert isinstance(order(exchange), Ack)
    later(exchange, 31)
    (going,) = announced(exchange)
    assert (going.id, going.stage, exchange.troubles.is_down) == (ahead.id, Stage.ONGOING, True)
    later(exchange, 21)
    (over,) = announced(exchange)
    assert (over.id, over.stage, exchange.troubles.is_down) == (ahead.id, Stage.COMPLETED, False)
    assert over.begin_ns < over.end_ns <= exchange.now_ns


def test_another_one_meanwhile_changes_its_end(weak: Weak) -> None:
    exchange = weak()
    exchange.strike(Maintenance(duration_s=600, pauses_market=True))
    later(exchange, 5)
    exchange.strike(Maintenance(duration_s=3))
    (going,) = announced(exchange)
    assert (going.stage, going.end_ns, going.is_told) == (Stage.ONGOING, exchange.now_ns + 3 * S, True)
    later(exchange, 4)
    assert [one.stage for one in announced(exchange)] == [Stage.COMPLETED]
    assert not exchange.troubles.is_down


def test_a_short_one_is_not_told(weak: Weak) -> None:
    exchange = weak()
    exchange.strike(Maintenance(duration_s=9))
    assert [(one.is_told, one.is_planned) for one in announced(exchange)] == [(False, False)]
