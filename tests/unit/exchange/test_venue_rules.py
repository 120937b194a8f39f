"""The rules are data: what must hold of each of them, and that the exchange obeys those of ids."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Ack, OrderRequest, OrderType, Refusal, RefusalReason
from hedgebot.exchange.venue_rules import (
    BYBIT,
    DERIBIT,
    HYPERLIQUID,
    OKX,
    VENUES,
    DeadlineKind,
    DeadManKind,
    IdUniqueness,
    VenueRules,
    venue_rules,
)

PERP = InstrumentId("bybit:linear:BTCUSDT")
ID = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("rules", VENUES.values(), ids=VENUES)
def test_every_venue_is_whole(rules: VenueRules) -> None:
    for source in (rules.client_id.source, rules.dead_man.source, rules.deadline.source, rules.quotas_source):
        assert len(source) > 8 or source == "none found", rules.name
    assert rules.client_id.fits(f"0x{ID}" if rules.name == "hyperliquid" else ID)
    assert not rules.client_id.fits("")
    assert not rules.client_id.fits("x" * 101)
    dead_man = rules.dead_man
    assert 0 <= dead_man.seconds_min < dead_man.seconds_max
    assert dead_man.kind is not DeadManKind.NONE
    assert all(quota.limit >= quota.cost for quota in rules.quotas.values())
    assert rules.self_trade


def test_venues_differ_in_what_ids_they_read() -> None:
    assert BYBIT.client_id.fits("hb-1")
    assert not OKX.client_id.fits("hb-1")
    assert not HYPERLIQUID.client_id.fits(ID)
    assert not BYBIT.client_id.fits("hb-1\n")


def test_an_unknown_venue_is_named() -> None:
    assert venue_rules("okx") is OKX
    with pytest.raises(ConfigError, match=r"mtgox.*bybit"):
        venue_rules("mtgox")


def test_a_scenario_can_shorten_the_ban(scenario: Scenario, start_ns: int) -> None:
    short = Exchange(msgspec.structs.replace(scenario, ban_s=30.0, rate_limits=True), start_ns)
    assert short.rules.ban is not None
    assert (short.rules.ban.ban_s, short.rules.ban.visits) == (30.0, 600)
    for _ in range(601):
        short.limits.visit("here", start_ns)
    assert short.limits.banned_until_ns("here") == start_ns + 30_000_000_000
    assert venue_rules("okx", ban_s=30.0) is OKX
    assert BYBIT.ban is not None
    assert BYBIT.ban.ban_s == 600.0


def test_a_request_is_dead_when_its_deadline_says_so() -> None:
    window = BYBIT.deadline
    assert window.kind is DeadlineKind.RECV_WINDOW
    assert [window.problem(sent, 100_000) is None for sent in (94_999, 95_000, 100_999, 101_000)] == [
        False,
        True,
        True,
        False,
    ]
    assert window.problem(94_999, 100_000, 6_000) is None
    until = DERIBIT.deadline
    assert until.problem(100_000, 105_000) is None
    assert "105000" in str(until.problem(100_000, 105_001))
    # A moment far ahead is no mistake where only the end counts.
    assert until.problem(200_000, 100_000) is None
    assert venue_rules("kraken_futures").deadline.problem(0, 10**12) is None


def resting(client_id: str, price: int = 80_000) -> OrderRequest:
    return OrderRequest(
        account="main",
        instrument=PERP,
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=Decimal("0.01"),
        limit_price=Decimal(price),
        client_id=client_id,
    )


@pytest.mark.parametrize("uniqueness", IdUniqueness)
def test_the_exchange_obeys_the_uniqueness_of_ids(scenario: Scenario, start_ns: int, uniqueness: IdUniqueness) -> None:
    name = {"always": "okx", "open_orders": "kraken_futures", "none": "deribit"}[uniqueness]
    assert venue_rules(name).client_id.uniqueness is uniqueness
    exchange = Exchange(msgspec.structs.replace(scenario, venue_rules=name), start_ns)

    def taken() -> bool:
        answer = exchange.place(resting(ID))
        if isinstance(answer, Refusal):
            assert answer.reason is RefusalReason.DUPLICATE_CLIENT_ID
        return isinstance(answer, Ack)

    assert taken()
    assert taken() is (uniqueness is IdUniqueness.NONE)
    while exchange.open_orders("main"):
        exchange.cancel("main", PERP, order_id=exchange.open_orders("main")[0].order_id)
    assert taken() is (uniqueness is not IdUniqueness.ALWAYS)
    # The newest is the one that a look-up by client id finds; all of them are remembered.
    newest = exchange.order("main", client_id=ID)
    assert newest is not None
    assert newest.status.is_terminal is (uniqueness is IdUniqueness.ALWAYS)
    counts = {"always": 1, "open_orders": 2, "none": 3}
    assert len(exchange.orders_labelled("main", ID)) == counts[uniqueness]


def test_an_id_that_the_venue_cannot_read_is_refused(scenario: Scenario, start_ns: int) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, venue_rules="okx"), start_ns)
    answer = exchange.place(resting("with-dash"))
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.BAD_CLIENT_ID
    assert exchange.open_orders("main") == ()
