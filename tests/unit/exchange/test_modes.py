from decimal import Decimal

import pytest

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.exchange.modes import PositionModes, as_understood, has_hedge_mode, reducible
from hedgebot.exchange.types import OrderRequest, OrderType, PositionIndex
from tests.unit.exchange.test_account import instrument

PERP = instrument(InstrumentKind.LINEAR_PERP)


@pytest.mark.parametrize(
    ("kind", "settle", "allowed"),
    [
        (InstrumentKind.LINEAR_PERP, "USDT", True),
        (InstrumentKind.LINEAR_PERP, "USDC", False),
        (InstrumentKind.LINEAR_FUTURE, "USDT", False),
        (InstrumentKind.INVERSE_PERP, "BTC", False),
        (InstrumentKind.SPOT, "USDT", False),
    ],
)
def test_only_usdt_perpetuals_have_a_hedge_mode(kind: InstrumentKind, settle: str, *, allowed: bool) -> None:
    one = instrument(kind, settle)
    assert has_hedge_mode(one) is allowed
    assert PositionModes(by_coin={settle: True}).is_hedged(one) is allowed


def test_a_symbols_choice_goes_before_its_coins() -> None:
    modes = PositionModes(by_coin={"USDT": True}, by_instrument={PERP.id: False})
    assert not modes.is_hedged(PERP)
    assert modes.indices(PERP) == (PositionIndex.ONE_WAY,)
    del modes.by_instrument[PERP.id]
    assert modes.indices(PERP) == (PositionIndex.LONG, PositionIndex.SHORT)
    copy = modes.copied()
    copy.by_coin["USDT"] = False
    assert modes.is_hedged(PERP)


@pytest.mark.parametrize(
    ("index", "side", "reduces"),
    [
        (PositionIndex.ONE_WAY, Side.SELL, False),
        (PositionIndex.LONG, Side.BUY, False),
        (PositionIndex.LONG, Side.SELL, True),
        (PositionIndex.SHORT, Side.SELL, False),
        (PositionIndex.SHORT, Side.BUY, True),
    ],
)
def test_the_other_side_of_a_leg_can_only_reduce(index: PositionIndex, side: Side, *, reduces: bool) -> None:
    request = OrderRequest(
        account="a",
        instrument=PERP.id,
        side=side,
        type=OrderType.MARKET,
        qty_contracts=Decimal(1),
        position_index=index,
    )
    assert as_understood(request).reduce_only is reduces


def test_what_an_order_can_take_off() -> None:
    assert reducible(Decimal(3), Side.SELL) == Decimal(3)
    assert reducible(Decimal(-3), Side.BUY) == Decimal(3)
    assert reducible(Decimal(3), Side.BUY) == reducible(ZERO, Side.SELL) == ZERO
