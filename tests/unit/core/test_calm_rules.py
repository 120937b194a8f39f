"""What a claim holds against each event: rooms of mark and index, quantities, ages on our clock."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.calm_rules import is_within, mark_until_ns, room_around, rules_of, stand_there
from tests.support.playbook import MS, PRICE, Playbook
from tests.unit.core.test_calm_look import look


def test_a_value_is_within_its_room_and_what_was_unknown_stays_so() -> None:
    room = room_around(PRICE, 0.001)
    assert is_within(PRICE * Decimal("1.0009"), room)
    assert is_within(PRICE * Decimal("0.9991"), room)
    assert not is_within(PRICE * Decimal("1.0011"), room)
    assert not is_within(PRICE * Decimal("0.9989"), room)
    assert not is_within(Decimal("NaN"), room)
    assert not is_within(None, room)
    assert is_within(None, room_around(None, 0.001))
    assert not is_within(PRICE, None)


@pytest.mark.parametrize(("qty", "somebody"), [(None, True), ("1", True), ("0", False), ("NaN", False)])
def test_quantities_of_a_book_are_those_of_somebody(qty: str | None, somebody: bool) -> None:
    book = Playbook().book()
    assert stand_there(msgspec.structs.replace(book, bid_qty=None if qty is None else Decimal(qty))) is somebody


def test_a_mark_counts_until_it_is_too_old_by_its_own_stamp() -> None:
    one = look()
    account = one.state.accounts["main"]
    account.clock_offset_ms = 40.0
    rules = rules_of(one)
    assert (rules.has_offset, rules.offset_ns) == (True, 40 * MS)
    least_ns = min(one.quote.mark_at_ns, one.quote.mark_venue_ns - 40 * MS)
    assert mark_until_ns(one, rules) == least_ns + (one.state.limits.mark_age_ms_max + 1) * MS
    one.quote.mark_at_ns = 0
    assert mark_until_ns(one, rules) == 0
