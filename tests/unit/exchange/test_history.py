from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange import history
from hedgebot.exchange.history import Log, OrderStore
from hedgebot.exchange.types import OrderType, Origin, SimOrder


class Row(msgspec.Struct, frozen=True):
    at_ns: int


def order(number: int, status: OrderStatus = OrderStatus.OPEN, account: str = "a") -> SimOrder:
    return SimOrder(
        order_id=f"o{number}",
        account=account,
        instrument=InstrumentId("bybit:linear:X"),
        client_id=f"c{number}",
        origin=Origin.API,
        side=Side.BUY,
        type=OrderType.LIMIT,
        qty_contracts=Decimal(1),
        limit_price=Decimal(1),
        time_in_force=TimeInForce.GTC,
        reduce_only=False,
        status=status,
        fee_coin="USDT",
        created_at_ns=number,
        updated_at_ns=number,
        seq=number,
    )


def test_a_log_answers_half_open_windows_in_order() -> None:
    log: Log[Row] = Log()
    for at_ns in (1, 3, 3, 7):
        log.append(Row(at_ns))
    assert [row.at_ns for row in log.between(3, 7)] == [3, 3]
    assert [row.at_ns for row in log.between(0, None)] == [1, 3, 3, 7]
    assert log.between(8, None) == ()


def test_a_log_forgets_the_oldest_beyond_its_bound() -> None:
    log: Log[Row] = Log(limit=10)
    for at_ns in range(100):
        log.append(Row(at_ns))
    kept = [row.at_ns for row in log.between(0, None)]
    assert 10 <= len(kept) <= 11
    assert kept[-1] == 99


def test_an_order_is_found_by_both_ids_but_only_by_its_account() -> None:
    store = OrderStore()
    store.put(order(1))
    assert store.find("a", None, "c1") == store.find("a", "o1", None) == order(1)
    assert store.find("b", "o1", None) is None
    assert store.find("a", "o2", "c1") is None  # the order id comes first


def test_a_client_id_stays_used_after_its_order_ended() -> None:
    store = OrderStore()
    store.put(order(1))
    store.put(order(1, OrderStatus.FILLED))
    assert store.open_orders("a") == ()
    assert store.used("a", "c1")
    assert not store.used("b", "c1")


def test_ended_orders_are_bounded() -> None:
    store = OrderStore()
    for number in range(history.ENDED_MAX + 50):
        store.put(order(number, OrderStatus.CANCELLED))
    assert len(store.ended("a", 0, None)) == history.ENDED_MAX
    assert store.get("o0") is None
    assert store.ended("a", history.ENDED_MAX + 48, None)[0].order_id == f"o{history.ENDED_MAX + 48}"
