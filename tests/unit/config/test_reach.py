"""A band, its centre or its hard edge beyond the delta limit is refused with its key, its value and the limit."""

from typing import Any

import pytest

from hedgebot.config.reach import check

BTC = {"BTC": {"band_coin": 0.3, "delta_limit_coin": 1.0}}


def told(underlyings: Any = BTC, enabled: bool = True, **strategies: Any) -> list[str]:
    sections = {
        name: {"enabled": enabled, "underlyings": ["BTC"], "params": params} for name, params in strategies.items()
    }
    return [one.sentence for one in check(sections, underlyings, "book.toml")]


@pytest.mark.parametrize(
    ("strategies", "part"),
    [
        ({"cost_aware": {"cap_coin": 50}}, "cost_aware.params.cap_coin = 50 must be below delta_limit_coin of BTC (1)"),
        ({"cost_aware": {"cap_coin": 1.0}}, "cap_coin = 1 must be below"),
        (
            {"target": {"target_coin": 50.0}},
            "target.params.target_coin = 50 must be within delta_limit_coin of BTC (1)",
        ),
        (
            {"target": {"target_coin": -0.8}},
            "target_coin = -0.8 is too near delta_limit_coin of BTC (1): the band of it is -1.1",
        ),
        ({"cost_aware": {"cap_coin": 0.8}, "target": {"target_coin": 0.3}}, "the band of it is -0.5 to 1.1"),
        ({"target": {"target_coin": 0.3}, "cost_aware": {"cap_coin": 0.8}}, "cap_coin = 0.8 around 0.3 must be below"),
        (
            {"target": {"up_ratio": 4.0}},
            "target.params.up_ratio = 4 takes the band to 1.2, beyond delta_limit_coin of BTC",
        ),
        ({"target": {"down_ratio": 4.0}}, "target.params.down_ratio = 4 takes the band to -1.2, beyond"),
        (
            {"patience": {"hard_coin": 1.5}},
            "patience.params.hard_coin = 1.5 must be at most delta_limit_coin of BTC (1)",
        ),
        (
            {"target": {"target_coin": 0.3}, "patience": {"hard_coin": 0.9}},
            "hard_coin = 0.9 around 0.3 must be at most",
        ),
    ],
)
def test_what_reaches_beyond_the_limit_is_told(strategies: dict[str, Any], part: str) -> None:
    (sentence,) = told(**strategies)
    assert sentence.startswith("book.toml: strategies.")
    assert part in sentence


def test_what_stays_within_it_or_is_switched_off_is_not() -> None:
    assert not told(
        cost_aware={"cap_coin": 0.6}, target={"target_coin": 0.1, "up_ratio": 1.2}, patience={"hard_coin": 0.9}
    )
    assert not told(enabled=False, cost_aware={"cap_coin": 50})
    assert not told({"ETH": BTC["BTC"]}, cost_aware={"cap_coin": 50})
    assert not told({"BTC": {"band_coin": 0.3}}, cost_aware={"cap_coin": 50})


def test_values_of_a_wrong_kind_are_left_to_their_own_sentence() -> None:
    assert not told(cost_aware={"cap_coin": "wide"}, target={"target_coin": True})
    wrong: Any = {
        "a": {"enabled": True, "underlyings": "BTC"},
        "b": {"enabled": True, "underlyings": ["BTC"], "params": 1},
    }
    assert check(wrong, BTC, "book.toml") == []
