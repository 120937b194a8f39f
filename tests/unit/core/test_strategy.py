"""The strategy protocol: values that cannot be changed, and a plug-in that fits."""

import msgspec
import pytest

from hedgebot.core.strategy import Proposal, Strategy, StrategyPlugin, UnderlyingView
from hedgebot.domain.settings import StrategySettings
from strategies.delta_neutral import STRATEGY
from tests.unit.domain.samples import sample


@pytest.mark.parametrize("kind", [UnderlyingView, Proposal])
def test_what_strategies_see_and_say_cannot_be_changed(kind: type[msgspec.Struct]) -> None:
    value = sample(kind, full=True)
    for name in value.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(value, name, 0)


def test_a_later_strategy_refines_an_earlier_one() -> None:
    plugin: StrategyPlugin = STRATEGY
    strategy: Strategy = plugin.build(StrategySettings(name=plugin.name, enabled=True, underlyings=("BTC",)))
    view = sample(UnderlyingView, full=True)
    first = strategy.propose(view, None)
    assert first is not None
    shifted = msgspec.structs.replace(first, centre_coin=3.0)
    second = strategy.propose(view, shifted)
    assert second is not None
    assert second.centre_coin == 3.0
