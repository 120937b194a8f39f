"""State: what is written is read back, equal states have equal digests, and no two records share a dictionary."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.quotes import Quote
from hedgebot.core.state import (
    AccountState,
    AlertState,
    EngineState,
    Mismatch,
    OrderRecord,
    StreamState,
    UnderlyingState,
    adopt_settings,
    decode_state,
    encode_state,
    settings_of,
    state_digest,
)
from hedgebot.domain.commands import RecordDecision
from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import AccountRole, AccountSettings
from tests.support.playbook import ACCOUNT, BTC_INVERSE, PRICE, Playbook, settings, the_order
from tests.unit.domain.samples import sample


def _busy() -> EngineState:
    """A state with everything in it: positions, an option, an order in flight, an alert, a decision."""
    book = Playbook()
    book.ready(positions=[book.position("1")], btc="2")
    book.send(book.option())
    book.send(book.fill(Side.BUY, "1", BTC_INVERSE, fee="0.001", fee_coin="BTC"))
    the_order(book.heard)
    book.send(book.book("10", spread="0.1"))
    return book.state


def test_what_is_written_is_read_back() -> None:
    state = _busy()
    assert state.orders
    assert state.alerts
    assert state.decisions
    again = decode_state(encode_state(state))
    assert again == state
    assert encode_state(again) == encode_state(state)
    assert state_digest(again) == state_digest(state)


@pytest.mark.parametrize("full", [True, False])
def test_every_field_survives(full: bool) -> None:
    state = sample(EngineState, full=full)
    assert decode_state(encode_state(state)) == state


@given(st.floats(allow_nan=False))
def test_numbers_survive_to_the_last_bit(value: float) -> None:
    state = EngineState(settings=settings(), epoch=1, run_id="r", tokens=value)
    assert decode_state(encode_state(state)).tokens == value


def test_a_change_changes_the_digest() -> None:
    one, other = _busy(), _busy()
    assert state_digest(one) == state_digest(other)
    other.underlyings["BTC"].linear_coin += 1
    assert state_digest(one) != state_digest(other)


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x80", b"garbage"])
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_state(data)


def test_records_share_nothing() -> None:
    one, other = (EngineState(settings=settings(), epoch=1, run_id="r") for _ in range(2))
    one.alerts["x"] = sample(AlertState, full=True)
    one.totals.fees["BTC"] = ZERO
    one.decisions.append(sample(RecordDecision, full=True))
    assert (other.alerts, other.totals.fees, other.decisions) == ({}, {}, [])
    first, second = (
        AccountState(
            name=name,
            venue="bybit",
            role=AccountRole.SHARED,
            public=StreamState(),
            private=StreamState(),
            trade=StreamState(),
        )
        for name in "ab"
    )
    first.mismatches["BTC"] = sample(Mismatch, full=True)
    assert not second.mismatches


def test_new_settings_keep_what_is_known() -> None:
    state = _busy()
    before = state.underlyings["BTC"]
    changed = settings()
    ether = msgspec.structs.replace(changed.underlyings[0], underlying="ETH")
    account = AccountSettings(name=ACCOUNT, venue="bybit", role=AccountRole.HEDGE)
    adopt_settings(
        state, msgspec.structs.replace(changed, underlyings=(*changed.underlyings, ether), accounts=(account,))
    )
    assert state.underlyings["BTC"] is before
    assert state.underlyings["ETH"] == UnderlyingState(name="ETH")
    assert state.accounts[ACCOUNT].role is AccountRole.HEDGE
    assert state.accounts[ACCOUNT].wallet is not None
    assert settings_of(state, "ETH") == ether
    assert settings_of(state, "DOGE") is None


def test_the_middle_needs_two_sides() -> None:
    assert Quote(bid=PRICE, ask=PRICE + 2).mid == PRICE + 1
    assert Quote(bid=PRICE).mid is None
    assert Quote(ask=PRICE).mid is None


@pytest.mark.parametrize(
    ("status", "filled", "reported", "settled"),
    [
        (OrderStatus.FILLED, "1", "1", True),
        (OrderStatus.FILLED, "0", "1", False),
        (OrderStatus.CANCELLED, "0", "0", True),
        (OrderStatus.CANCELLED, "0.4", "0.5", False),
        (OrderStatus.OPEN, "1", "1", False),
        (OrderStatus.UNKNOWN, "0", "0", False),
    ],
)
def test_an_order_is_settled_when_ended_and_every_execution_is_booked(
    status: OrderStatus, filled: str, reported: str, settled: bool
) -> None:
    record: OrderRecord = sample(OrderRecord, full=True)
    record.status, record.listed = status, False
    record.filled_contracts, record.reported_contracts = Decimal(filled), Decimal(reported)
    assert record.is_settled is settled
    record.listed = True
    assert not record.is_settled, "the venue lists it"
