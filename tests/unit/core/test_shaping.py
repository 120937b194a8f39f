"""Shaping: tradable, within every ceiling, never across the target, and refused as a residual when below a lot."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core.hedges import Way
from hedgebot.core.ledger import set_position
from hedgebot.core.shaping import NoLot, collared_price, shape
from hedgebot.core.state import EngineState
from hedgebot.core.strategy import Proposal
from hedgebot.domain.instrument import Instrument, Side
from hedgebot.domain.orders import OrderIntent, TimeInForce
from hedgebot.domain.settings import UnderlyingSettings
from tests.support.playbook import ACCOUNT, BTC_INVERSE, BTC_PERP, PRICE, START_NS, Playbook, instrument, settings

PROPOSAL = Proposal(
    strategy="delta_neutral", centre_coin=0.0, trigger_coin=0.05, inside_coin=0.0, reason="keep", evidence={}
)


def _state() -> EngineState:
    book = Playbook()
    book.ready()
    return book.state


STATE = _state()


def _settings(**changes: object) -> UnderlyingSettings:
    return msgspec.structs.replace(settings().underlyings[0], **changes)


def _shape(
    trade_coin: float,
    underlying: UnderlyingSettings | None = None,
    *,
    rules: Instrument | None = None,
    mid: Decimal = PRICE,
    state: EngineState | None = None,
    contracts_max: Decimal | None = None,
) -> OrderIntent | NoLot:
    state = state or STATE
    kept = dict(state.instruments)
    if rules is not None:
        state.instruments[rules.id] = rules
    one = underlying or _settings()
    way = Way(one.hedge_instrument, contracts_max, "")
    shaped = shape(state, one, way, mid, PROPOSAL, trade_coin, START_NS)
    state.instruments.update(kept)
    return shaped


def _intent(shaped: OrderIntent | NoLot) -> OrderIntent:
    assert isinstance(shaped, OrderIntent), shaped
    return shaped


def test_an_order_says_everything_about_itself() -> None:
    intent = _intent(_shape(-0.1234))
    assert (intent.side, intent.qty_contracts, intent.time_in_force) == (Side.SELL, Decimal("0.123"), TimeInForce.IOC)
    assert intent.limit_price == Decimal(99_800)
    assert intent.delta_effect_coin == -0.123
    assert intent.notional_usd == pytest.approx(0.123 * 99_800)
    assert intent.deadline_ns == START_NS + 5_000_000_000
    assert (intent.account, intent.instrument, intent.underlying) == (ACCOUNT, BTC_PERP, "BTC")


def test_an_order_that_only_reduces_is_clipped_to_what_is_held() -> None:
    intent = _intent(_shape(-0.5, contracts_max=Decimal("0.2")))
    assert intent.qty_contracts == Decimal("0.2")
    assert intent.delta_effect_coin == pytest.approx(-0.2)


@given(trade=st.floats(0.001, 50), sign=st.sampled_from([1, -1]))
def test_an_order_never_crosses_its_target(trade: float, sign: int) -> None:
    intent = _intent(_shape(trade * sign))
    assert 0 < intent.delta_effect_coin * sign <= trade
    assert trade > 1.0 or trade - intent.delta_effect_coin * sign < 0.001 + 1e-12


@given(trade=st.floats(0.001, 1.0), sign=st.sampled_from([1, -1]))
def test_an_inverse_order_never_crosses_its_target_at_the_price_of_the_decision(trade: float, sign: int) -> None:
    # The delta to hedge was measured at the middle; a fill there must not move it further than what was asked for.
    intent = _intent(_shape(trade * sign, _settings(hedge_instrument=BTC_INVERSE), rules=_inverse()))
    assert intent.side is Side.of(sign)
    assert intent.qty_contracts / PRICE <= Decimal(repr(trade))


@pytest.mark.parametrize("trade", [0.5, -0.5])
def test_an_inverse_order_is_in_dollars(trade: float) -> None:
    intent = _intent(_shape(trade, _settings(hedge_instrument=BTC_INVERSE), rules=_inverse()))
    assert intent.qty_contracts == intent.qty_contracts.to_integral_value()
    assert float(intent.qty_contracts) == pytest.approx(50_000, rel=0.003)
    assert intent.notional_usd == float(intent.qty_contracts)
    assert intent.delta_effect_coin == pytest.approx(trade, rel=0.003)


def _inverse() -> Instrument:
    return msgspec.structs.replace(STATE.instruments[BTC_INVERSE], qty_max=Decimal(1_000_000))


@pytest.mark.parametrize(
    ("changes", "rules", "largest"),
    [
        ({"order_qty_coin_max": 0.25}, {}, Decimal("0.25")),
        ({"order_notional_usd_max": 30_000.0}, {}, Decimal("0.299")),
        ({}, {"qty_max": Decimal("0.7")}, Decimal("0.7")),
        ({"order_qty_coin_max": 9.0, "order_notional_usd_max": 9e9}, {"qty_max": None}, Decimal(5)),
        ({"order_qty_coin_max": 0.25}, {"contract_size": Decimal("0.01")}, Decimal(25)),
    ],
)
def test_a_large_hedge_is_clipped_to_the_least_ceiling(
    changes: dict[str, object], rules: dict[str, object], largest: Decimal
) -> None:
    intent = _intent(_shape(5.0, _settings(**changes), rules=msgspec.structs.replace(instrument(BTC_PERP), **rules)))
    assert intent.qty_contracts == largest
    assert intent.notional_usd <= _settings(**changes).order_notional_usd_max


@pytest.mark.parametrize(
    ("trade", "rules", "words"),
    [
        (0.0009, {}, "one lot"),
        (-0.0009, {}, "one lot"),
        (0.004, {"qty_min": Decimal("0.005")}, "one lot"),
        (0.01, {"min_notional_quote": Decimal(5_000)}, "below the minimum"),
    ],
)
def test_less_than_an_order_stays_as_a_residual(trade: float, rules: dict[str, Decimal], words: str) -> None:
    shaped = _shape(trade, rules=msgspec.structs.replace(instrument(BTC_PERP), **rules))
    assert isinstance(shaped, NoLot)
    assert shaped.residual_coin == trade
    assert words in shaped.explanation


@pytest.mark.parametrize(
    ("held", "trade", "reduce_only"),
    [
        ("0", -0.1, False),
        ("0.5", -0.1, True),
        ("0.1", -0.1, True),
        ("0.05", -0.1, False),
        ("-0.5", -0.1, False),
        ("-0.5", 0.1, True),
    ],
)
def test_reduce_only_is_said_exactly_when_the_position_only_shrinks(held: str, trade: float, reduce_only: bool) -> None:
    state = _state()
    set_position(state, ACCOUNT, BTC_PERP, Decimal(held), PRICE, START_NS)
    assert _intent(_shape(trade, state=state)).reduce_only is reduce_only


@given(
    mid=st.decimals(1_000, 200_000, places=1),
    collar=st.floats(0.1, 300),
    tick=st.sampled_from([Decimal("0.1"), Decimal("0.5"), Decimal("0.01")]),
    side=st.sampled_from(Side),
)
def test_a_limit_price_is_a_tick_within_the_collar(mid: Decimal, collar: float, tick: Decimal, side: Side) -> None:
    limit = collared_price(instrument(BTC_PERP, tick_size=tick), mid, side, collar)
    beyond_bps = (limit / mid - 1) * 10_000 * side.sign
    assert limit % tick == 0
    assert beyond_bps <= Decimal(repr(collar))
    assert abs(mid * (1 + side.sign * Decimal(repr(collar)) / 10_000) - limit) < tick
