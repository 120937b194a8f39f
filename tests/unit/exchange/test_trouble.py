"""Troubles as values: tags, ranges and misspelt keys."""

import msgspec
import pytest

from hedgebot.exchange.trouble import PriceShock, Trouble


def test_a_trouble_is_found_by_its_tag() -> None:
    raw = {"type": "price_shock", "underlying": "BTC", "ratio": 0.9}
    assert msgspec.convert(raw, Trouble) == PriceShock(underlying="BTC", ratio=0.9)
    assert msgspec.to_builtins(PriceShock(underlying="BTC", ratio=0.9)) == raw


@pytest.mark.parametrize("raw", [{"ratio": 0.0}, {"ratio": 101}, {"ratio": 1, "ration": 1}, {}])
def test_a_mistake_is_an_error(raw: dict[str, float]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"type": "price_shock", "underlying": "BTC", **raw}, Trouble)
