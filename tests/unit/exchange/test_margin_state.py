from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.margin_state import MarginState
from hedgebot.exchange.types import MarginMode, PositionIndex

KEY = (InstrumentId("bybit:linear:BTCUSDT"), PositionIndex.ONE_WAY)


@pytest.mark.parametrize(("share", "left"), [("0.25", "75"), ("0.3333333333333333", "66.6666666666"), ("1", None)])
def test_margin_added_to_what_is_closed_is_free_again(share: str, left: str | None) -> None:
    state = MarginState(added={KEY: Decimal(100)})
    state.closed(KEY, Decimal(share))
    assert state.added == ({} if left is None else {KEY: Decimal(left)})


def test_a_copy_is_apart() -> None:
    state = MarginState(mode=MarginMode.ISOLATED, added={KEY: Decimal(1)}, not_collateral={"BTC"})
    copy = state.copied()
    copy.added[KEY] = Decimal(2)
    copy.not_collateral.add("ETH")
    copy.auto_add.add(KEY)
    assert copy.mode is MarginMode.ISOLATED
    assert state.added == {KEY: Decimal(1)}
    assert state.not_collateral == {"BTC"}
    assert not state.auto_add
