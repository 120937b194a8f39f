"""The effectiveness breaker at the size of a lot: what rounding may do, and what adds up however small fills are."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import breakers, decide, policy
from hedgebot.core.state import OrderRecord, decode_state, encode_state
from hedgebot.core.step import Step
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, OrderStatus, TimeInForce
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_USDC, Playbook, orders, settings, the_order
from tests.support.stories import next_order


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


@pytest.mark.parametrize(
    ("order_lots", "fill_lots"), [(1, "0.001"), (100, "0.001"), (2, "0.002")], ids=["lot", "partial", "two lots"]
)
def test_wrong_way_fills_of_a_lot_halt_after_two(
    monkeypatch: pytest.MonkeyPatch, order_lots: int, fill_lots: str
) -> None:
    """An auditor's build with the sign flipped: 277 orders of one lot, or 61 fills of one lot, passed as rounding."""
    right = policy.wanted_trade_coin
    monkeypatch.setattr(decide, "wanted_trade_coin", lambda delta, proposal: -right(delta, proposal))
    whole = settings(order_burst_max=100)
    small = msgspec.structs.replace(whole.underlyings[0], order_qty_coin_max=order_lots / 1_000)
    book = Playbook(msgspec.structs.replace(whole, underlyings=(small,)))
    book.ready()
    order: SubmitOrder | None = the_order(book.send(book.fill(Side.BUY, "0.2")))
    fills = 0
    while order is not None and fills < 10:
        intent = order.approved.intent
        assert intent.side is Side.BUY, "this build hedges the wrong way"
        book.heard.clear()
        book.send(book.fill(intent.side, fill_lots, intent.instrument, client_id=order.client_id))
        fills += 1
        whole_fill = Decimal(fill_lots) == intent.qty_contracts
        ended = OrderStatus.FILLED if whole_fill else OrderStatus.CANCELLED
        book.send(ev.OrderUpdated(report=book.report(order, ended, fill_lots)))
        order = next(iter(orders(book.heard)), None) or next_order(book)
    assert (fills, book.mode()) == (2, Mode.HALTED)


def judged(book: Playbook, delta_coin: float, moved_lots: float, *, lot_coin: float = 0.001) -> None:
    """A fill that moved the delta by so many lots, as it was meant to; the instrument's lot is what `lot_coin` says."""
    name = BTC_PERP if lot_coin == 0.001 else BTC_USDC
    moved_coin, qty = moved_lots * lot_coin, Decimal(repr(abs(moved_lots * lot_coin)))
    intent = OrderIntent(
        account=ACCOUNT,
        instrument=name,
        underlying="BTC",
        side=Side.of(moved_coin),
        qty_contracts=qty,
        limit_price=Decimal(100_000),
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
        delta_effect_coin=moved_coin,
        notional_usd=1.0,
        strategy="delta_neutral",
        reason="a test",
        deadline_ns=book.at_ns + 1,
    )
    record = OrderRecord(
        client_id="one",
        intent=intent,
        status=OrderStatus.FILLED,
        sent_at_ns=book.at_ns,
        arrival_mid=100_000.0,
        delta_before_coin=delta_coin,
    )
    breakers.on_own_fill(Step(book.state, seq=1, at_ns=book.at_ns), record, moved_coin, 1.0)


def bad_fills(book: Playbook) -> int:
    return len(book.state.underlyings["BTC"].efficacy.bad_fills_ns)


def test_what_rounding_takes_through_zero_is_no_bad_fill_while_hedges_come_between(book: Playbook) -> None:
    """From 0.4 lots to 0.6 beyond zero, again and again, each followed by a hedge: no build goes astray by that."""
    for _ in range(20):
        judged(book, 0.0004, -1.0)
        judged(book, 0.01, -9.0)
    assert bad_fills(book) == 0


def test_less_than_a_lot_again_and_again_adds_up(book: Playbook) -> None:
    for expected in (0, 0, 1, 2):
        judged(book, 0.0003, -1.0)  # from 0.3 lots to 0.7 beyond: 0.4 lots further away
        assert bad_fills(book) == expected
    assert book.mode() is Mode.HALTED


def test_a_fill_that_hedges_takes_back_only_what_it_lowered(book: Playbook) -> None:
    for _ in range(2):
        judged(book, 0.0001, -1.0)  # 0.8 lots further away
        judged(book, 0.00055, -1.0)  # 0.1 lots nearer
    assert bad_fills(book) == 1


def test_hedges_of_different_lots_are_each_measured_in_their_own(book: Playbook) -> None:
    """Half a lot of a coarse hedge is fifty of a fine one: rounding there is no run of wrong fills here."""
    rules = book.state.instruments[BTC_USDC]
    book.state.instruments[BTC_USDC] = msgspec.structs.replace(rules, lot_size=Decimal("0.1"), qty_min=Decimal("0.1"))
    judged(book, 0.025, -1.0, lot_coin=0.1)  # 0.5 of its lots further away
    judged(book, 0.0004, -1.0)  # 0.2 of its own
    assert bad_fills(book) == 0
    judged(book, 0.025, -1.0, lot_coin=0.1)
    assert bad_fills(book) == 1


def test_what_went_astray_survives_a_restart(book: Playbook) -> None:
    for _ in range(2):
        judged(book, 0.0003, -1.0)
    efficacy = decode_state(encode_state(book.state)).underlyings["BTC"].efficacy
    assert efficacy.astray_lots == pytest.approx(0.8)
    book.start(epoch=2)
    book.ready()
    judged(book, 0.0003, -1.0)
    assert bad_fills(book) == 1
