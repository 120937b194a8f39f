import json
from importlib.resources import files
from typing import Any

import pytest

from hedgebot.domain.errors import DataError
from hedgebot.margin.parameters import ParameterSet, parse_parameters

FILE = "bybit_20261125.json"


def shipped() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files("hedgebot.margin").joinpath(FILE).read_bytes())
    return content


def parsed(content: dict[str, Any]) -> ParameterSet:
    return parse_parameters(json.dumps(content).encode(), "params.json")


def test_the_shipped_record_answers_for_every_coin_and_says_where_each_part_comes_from() -> None:
    parameters = parsed(shipped())
    assert parameters.ladder("BTC", is_inverse=False).deduction(1) == pytest.approx(1_200)  # as Bybit publishes it
    assert parameters.ladder("BTC", is_inverse=True).tiers[0].value_max_settle == 150
    assert parameters.ladder("DOGE", is_inverse=True) is parameters.inverse["*"]
    assert parameters.collateral_of("DOGE") is parameters.collateral["*"]
    assert not parameters.collateral_of("USDT").can_switch_off
    assert parameters.borrowing_of("BTC").amount_max == 3
    ladders = (*parameters.linear.values(), *parameters.inverse.values())
    assert all(ladder.status for ladder in ladders)
    assert all(terms.status for terms in parameters.borrowing.values())
    assert all(terms.status for terms in parameters.collateral.values())
    assert parameters.portfolio.status
    assert parameters.close_fee is not None
    assert (parameters.close_fee.taker_rate, bool(parameters.close_fee.status)) == (0.00055, True)


@pytest.mark.parametrize("rate", [-0.0001, 0.055])
def test_a_fee_to_close_in_percent_is_refused(rate: float) -> None:
    with pytest.raises(DataError, match=r"taker_rate is .*, it must be a fraction from 0 to 0\.01"):
        parsed(shipped() | {"close_fee": {"taker_rate": rate}})


def test_a_record_may_say_nothing_of_the_fee_to_close() -> None:
    content = shipped()
    del content["close_fee"]
    assert parsed(content).close_fee is None


def test_a_record_without_an_entry_for_every_other_coin_is_refused() -> None:
    content = shipped()
    del content["borrowing"]["*"]
    with pytest.raises(DataError, match=r"params\.json: borrowing needs an entry"):
        parsed(content)


@pytest.mark.parametrize(
    ("tiers", "what"),
    [
        ([], "rising qty_max"),
        ([{"qty_max": None, "ratio": 1.0}, {"qty_max": 5.0, "ratio": 0.5}], "rising qty_max"),
        ([{"qty_max": None, "ratio": 1.5}], "0 to 1"),
    ],
)
def test_collateral_tiers_that_make_no_sense_are_refused(tiers: list[Any], what: str) -> None:
    content = shipped()
    content["collateral"]["BTC"]["tiers"] = tiers
    with pytest.raises(DataError, match=what):
        parsed(content)


def test_a_broken_parameter_file_is_named_with_its_key() -> None:
    content = shipped()
    content["short_option"] = 1
    with pytest.raises(DataError, match=r"params\.json.*short_option"):
        parsed(content)
    with pytest.raises(DataError, match=r"params\.json"):
        parse_parameters(b"{", "params.json")
