"""The file of hard limits: the defaults are the engine's own, and what is left out follows from what is not."""

import msgspec
import pytest

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.domain.settings import LimitSettings


def test_limits_are_those_of_the_engine_with_the_same_defaults() -> None:
    assert LimitsFile().model_dump(exclude={"open_orders_max"}) == msgspec.to_builtins(LimitSettings())


@pytest.mark.parametrize(
    ("given", "most"),
    [({}, 100), ({"repeat_orders_max": 400}, 666), ({"repeat_orders_max": 400, "strategy_orders_max": 50}, 50)],
)
def test_one_side_alone_does_not_come_to_the_limit_of_both_where_that_is_left_out(
    given: dict[str, int], most: int
) -> None:
    assert LimitsFile(**given).strategy_orders_max == most  # type: ignore[arg-type]
