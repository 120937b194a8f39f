from decimal import Decimal
from typing import Any

import msgspec

from hedgebot.console.admin import Truth, TruthFunding
from hedgebot.console.comparing import (
    Compared,
    compare_wallet,
    late_funding,
    liquidations_elsewhere,
    of_the_book,
)


def truth(**changes: Any) -> Truth:
    """One account with cash, on the exchange's side."""
    account: dict[str, Any] = {
        "orders": [],
        "positions": [],
        "wallet": {"coins": [{"coin": "BTC", "wallet": "0"}, {"coin": "USDT", "wallet": "500000"}]},
    }
    return msgspec.convert({"accounts": {"main": account | changes}}, Truth, strict=False)


def test_funding_after_the_stop_is_left_out_and_earlier_funding_is_not() -> None:
    late = {"exec_id": "late", "cost": "2", "coin": "USDT", "at_ns": 5_000_000_000}
    early = {"exec_id": "early", "cost": "1", "coin": "USDT", "at_ns": 1_000_000_000}
    there = truth(funding=[early, late])
    found = late_funding(there, (), 4_000_000_000)
    assert [one.exec_id for one in found] == ["late"]
    assert late_funding(there, (), None) == ()
    assert late_funding(None, (), 1) == ()
    (usdt,) = (one for one in compare_wallet((), there, found) if one.what == "USDT")
    assert usdt.exchange == Decimal(500_002)
    assert isinstance(found[0], TruthFunding)


def test_what_the_venue_rounded_away_is_equal() -> None:
    near = Compared(what="USDT", ours=Decimal("1.00000001"), exchange=Decimal(1), rounding=Decimal("1e-8"))
    assert near.equal
    assert not msgspec.structs.replace(near, rounding=Decimal(0)).equal


def test_without_a_state_nobody_is_a_stranger() -> None:
    assert of_the_book(None, truth()) == truth()
    assert of_the_book(None, None) is None
    assert liquidations_elsewhere(None, None) == ()
