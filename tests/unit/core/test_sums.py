"""Sums: they start empty and survive a snapshot."""

from hedgebot.core.state import EngineState, UnderlyingState, decode_state, encode_state
from hedgebot.core.sums import Sums
from hedgebot.domain.instrument import InstrumentId
from tests.support.playbook import settings


def test_sums_survive_a_snapshot() -> None:
    one = UnderlyingState(name="BTC", sums=Sums(dated={"a|b": InstrumentId("b")}, settled_coin=-0.5, settling=True))
    state = EngineState(settings=settings(), epoch=1, run_id="r", underlyings={"BTC": one})
    assert decode_state(encode_state(state)).underlyings["BTC"].sums == one.sums


def test_nothing_is_settling_at_first() -> None:
    assert Sums() == Sums(dated={}, settled_coin=0.0, settling=False, smile_coin=0.0, smile_unknown=0)
