"""Dead-man's switches of every kind: what is cancelled, when, and what comes after."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, Scenario
from hedgebot.exchange.types import (
    Ack,
    DeadManFired,
    EndReason,
    Notice,
    OrderRequest,
    OrderType,
    Refusal,
    RefusalReason,
)
from hedgebot.exchange.venue_rules import VENUES

S = 1_000_000_000
PERP, ETH, SPOT = (InstrumentId(f"bybit:{name}") for name in ("linear:BTCUSDT", "linear:ETHUSDT", "spot:BTCUSDT"))
Make = Callable[[str], Exchange]


@pytest.fixture
def make(scenario: Scenario, start_ns: int) -> Make:
    first = msgspec.structs.replace(scenario.accounts[0], dead_man=True)
    # A coarse grid: switches fire between its steps too.
    allowed = msgspec.structs.replace(scenario, accounts=(first, *scenario.accounts[1:]), step_ms=1_000)
    return lambda venue: Exchange(msgspec.structs.replace(allowed, venue_rules=venue), start_ns)


def rest(exchange: Exchange, instrument: InstrumentId = PERP, account: str = "main", connection: str = "") -> str:
    price = 2_000 if instrument == ETH else 80_000
    answer = exchange.place(
        OrderRequest(
            account=account,
            instrument=instrument,
            side=Side.BUY,
            type=OrderType.LIMIT,
            qty_contracts=Decimal("0.1"),
            limit_price=Decimal(price),
        ),
        connection,
    )
    assert isinstance(answer, Ack)
    return answer.order_id


def later(exchange: Exchange, seconds: float) -> None:
    exchange.advance(exchange.now_ns + int(seconds * S))


def open_on(exchange: Exchange, account: str = "main") -> set[InstrumentId]:
    return {order.instrument for order in exchange.open_orders(account)}


def reason(answer: Refusal | None) -> RefusalReason | None:
    return None if answer is None else answer.reason


def test_a_timer_of_the_whole_account_fires_once_and_is_disarmed(make: Make) -> None:
    exchange, told = make("kraken_futures"), list[Notice]()
    first, second = rest(exchange), rest(exchange, SPOT)
    rest(exchange, account="other")
    assert exchange.dead_man.arm("main", 60) is None
    later(exchange, 40)
    assert exchange.dead_man.arm("main", 60) is None
    later(exchange, 59.9)
    assert len(exchange.open_orders("main")) == 2
    exchange.listen(told.append)
    later(exchange, 0.1)
    assert exchange.open_orders("main") == ()
    assert open_on(exchange, "other") == {PERP}
    ended = exchange.order("main", order_id=first)
    assert ended is not None
    assert ended.end_reason is EndReason.DEAD_MAN
    (fired,) = [one for one in told if isinstance(one, DeadManFired)]
    assert (fired.account, fired.key, set(fired.order_ids)) == ("main", "", {first, second})
    assert exchange.dead_man.states("main") == ()
    # It stays disarmed: what comes after lives on.
    rest(exchange)
    later(exchange, 300)
    assert open_on(exchange) == {PERP}


def test_a_timer_is_disarmed_by_zero_and_read_back(make: Make) -> None:
    exchange = make("kraken_futures")
    rest(exchange)
    assert exchange.dead_man.arm("main", 5) is None
    (state,) = exchange.dead_man.states("main")
    assert (state.seconds, state.fires_at_ns) == (5, exchange.now_ns + 5 * S)
    assert exchange.dead_man.due_ns() == state.fires_at_ns
    assert exchange.dead_man.arm("main", 0) is None
    assert exchange.dead_man.due_ns() is None
    later(exchange, 10)
    assert len(exchange.open_orders("main")) == 1


def test_a_timer_by_symbol_leaves_other_symbols_alone(make: Make) -> None:
    exchange = make("binance")
    rest(exchange), rest(exchange, ETH)
    assert exchange.dead_man.arm("main", 1.0005, PERP) is None
    (state,) = exchange.dead_man.states("main")
    # The venue looks every 10 ms.
    assert state.fires_at_ns is not None
    assert (state.fires_at_ns - exchange.now_ns) / 1e6 == 1_010
    later(exchange, 2)
    assert open_on(exchange) == {ETH}
    assert reason(exchange.dead_man.arm("main", 5, "bybit:linear:NOPE")) is RefusalReason.DEAD_MAN_REFUSED


def test_after_firing_a_market_makers_switch_locks_out_until_the_heartbeat(make: Make) -> None:
    exchange = make("binance_options")
    rest(exchange), rest(exchange, ETH)
    assert exchange.dead_man.arm("main", 5, "BTC") is None
    later(exchange, 4)
    exchange.dead_man.heartbeat("main")
    later(exchange, 4)
    assert open_on(exchange) == {PERP, ETH}
    later(exchange, 1)
    assert open_on(exchange) == {ETH}
    request = OrderRequest(
        account="main", instrument=PERP, side=Side.BUY, type=OrderType.MARKET, qty_contracts=Decimal(1)
    )
    answer = exchange.place(request)
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.LOCKED_OUT
    exchange.dead_man.heartbeat("main")
    rest(exchange)
    # The heartbeat has armed it anew.
    later(exchange, 5)
    assert open_on(exchange) == {ETH}
    assert reason(exchange.dead_man.arm("other", 5, "BTC")) is RefusalReason.NO_PERMISSION


def test_a_daily_budget_runs_out_and_comes_back_at_midnight(make: Make) -> None:
    exchange = make("hyperliquid")
    for number in range(10):
        assert exchange.dead_man.arm("main", 5) is None
        assert exchange.dead_man.states("main")[0].fires_left_today == 10 - number
        later(exchange, 5)
    refused = exchange.dead_man.arm("main", 5)
    assert refused is not None
    assert refused.reason is RefusalReason.DEAD_MAN_REFUSED
    assert "00:00 UTC" in refused.detail
    day = 86_400 * S
    exchange._world.step_number = ((exchange.now_ns // day + 1) * day - exchange._world.start_ns) // (
        exchange._world.step_ns
    )
    exchange._books.now_ns = exchange._world.now_ns
    assert exchange.dead_man.arm("main", 5) is None


@pytest.mark.parametrize(("venue", "seconds"), [("okx", 9), ("okx", 121), ("hyperliquid", 4.9), ("bybit", 2)])
def test_windows_out_of_range_are_refused(make: Make, venue: str, seconds: float) -> None:
    key = "options" if venue == "bybit" else ""
    assert reason(make(venue).dead_man.arm("main", seconds, key)) is RefusalReason.DEAD_MAN_REFUSED


def test_a_product_is_cancelled_when_the_last_of_its_sockets_is_gone_for_the_window(make: Make) -> None:
    exchange = make("bybit")
    rest(exchange), rest(exchange, SPOT)
    switch = exchange.dead_man
    assert switch.arm("main", 3, "derivatives") is None
    for name in ("a", "c"):
        switch.connected("main", name, "derivatives")
    # b never subscribed and does not count.
    switch.disconnected("main", "b")
    switch.disconnected("main", "a")
    later(exchange, 10)
    assert open_on(exchange) == {PERP, SPOT}
    switch.disconnected("main", "c")
    later(exchange, 2.9)
    assert open_on(exchange) == {PERP, SPOT}
    later(exchange, 0.1)
    assert open_on(exchange) == {SPOT}
    # It is armed for the next disconnection, and counts nothing now.
    assert switch.due_ns() is None
    rest(exchange)
    switch.connected("main", "d", "derivatives")
    switch.disconnected("main", "d")
    later(exchange, 3)
    assert open_on(exchange) == {SPOT}


def test_coming_back_counts_from_the_heartbeat(make: Make) -> None:
    exchange = make("bybit")
    rest(exchange)
    switch = exchange.dead_man
    switch.connected("main", "a", "derivatives")
    switch.disconnected("main", "a")
    later(exchange, 5)
    switch.connected("main", "b", "derivatives")
    assert switch.due_ns() is not None
    switch.heartbeat("main", "b")
    assert switch.due_ns() is None
    later(exchange, 60)
    assert open_on(exchange) == {PERP}
    # Without a ping in the default window of 10 s it fires although a socket is there.
    switch.disconnected("main", "b")
    switch.connected("main", "c", "derivatives")
    later(exchange, 10)
    assert open_on(exchange) == set()


def test_nothing_fires_for_those_who_never_subscribed_or_unsubscribed(make: Make) -> None:
    exchange = make("bybit")
    rest(exchange)
    exchange.dead_man.disconnected("main", "a")
    exchange.dead_man.connected("main", "b", "derivatives")
    assert [one.kept_alive_by for one in exchange.dead_man.states("main") if one.key == "derivatives"] == [("b",)]
    exchange.dead_man.released("main", "b", "derivatives")
    exchange.dead_man.disconnected("main", "b")
    later(exchange, 60)
    assert open_on(exchange) == {PERP}
    assert reason(exchange.dead_man.arm("other", 10, "options")) is RefusalReason.NO_PERMISSION
    assert exchange.dead_man.states("other") == ()


def test_a_connection_takes_its_own_orders_with_it_but_not_on_logout(make: Make) -> None:
    exchange = make("deribit")
    switch = exchange.dead_man
    for name in ("a", "b"):
        assert switch.arm("main", 0, name) is None
        switch.connected("main", name, name)
    rest(exchange, PERP, connection="a")
    rest(exchange, ETH, connection="b")
    rest(exchange, SPOT)
    switch.disconnected("main", "a")
    assert open_on(exchange) == {ETH, SPOT}
    switch.disconnected("main", "b", logout=True)
    assert open_on(exchange) == {ETH, SPOT}


def test_every_venue_with_a_switch_can_cancel_an_order_with_it(make: Make) -> None:
    for name, rules in VENUES.items():
        exchange = make(name)
        scope = rules.dead_man.scope.value
        key = {"symbol": str(PERP), "underlying": "BTC", "product": "derivatives", "connection": "a"}.get(scope, "")
        rest(exchange, connection="a")
        seconds = max(rules.dead_man.seconds_min, 5.0 if rules.dead_man.seconds_default is None else 3.0)
        assert exchange.dead_man.arm("main", seconds, key) is None, name
        exchange.dead_man.connected("main", "a", key)
        exchange.dead_man.disconnected("main", "a")
        later(exchange, seconds + 0.01)
        assert exchange.open_orders("main") == (), name


def test_an_unknown_account_is_a_mistake_of_the_caller(scenario: Scenario, start_ns: int) -> None:
    exchange = Exchange(scenario, start_ns)
    assert isinstance(scenario.accounts[0], AccountSpec)
    with pytest.raises(KeyError):
        exchange.dead_man.arm("nobody", 10)
