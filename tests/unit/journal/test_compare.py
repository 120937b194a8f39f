from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import Side
from hedgebot.journal.codec import encode
from hedgebot.journal.compare import same_command
from tests.unit.journal.world import decision_for, order

DECISION = decision_for("x", 0.3)


def test_the_same_bits_are_the_same() -> None:
    assert same_command(DECISION, encode(DECISION), exact=True)


@pytest.mark.parametrize(
    ("changed", "alike"),
    [
        ({"delta_coin": 0.3 * (1 + 1e-12)}, True),
        ({"delta_coin": 0.3 * (1 + 1e-6)}, False),
        ({"explanation": "delta 0.30000000000000004"}, True),
        ({"client_id": "y"}, False),
        ({"evidence": {"price": 0.0}}, False),
        ({"evidence": {"price": 1e-12, "age_ms": 3.0, "source": "book", "unknown": None}}, True),
        ({"evidence": {"price": None, "age_ms": 3.0, "source": "book", "unknown": None}}, False),
    ],
)
def test_across_machines_floats_and_prose_may_differ_a_little(changed: dict[str, object], *, alike: bool) -> None:
    other = encode(msgspec.structs.replace(DECISION, **changed))
    assert same_command(DECISION, other, exact=False) is alike
    assert not same_command(DECISION, other, exact=True)


def test_what_the_venue_is_told_has_no_tolerance() -> None:
    one = order("x", Side.BUY, Decimal("0.1"), Decimal(100), 1)
    other = order("x", Side.BUY, Decimal("0.1000000000001"), Decimal(100), 1)
    assert not same_command(one, encode(other), exact=False)
    assert not same_command(one, encode(DECISION), exact=False)
