from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.exchange.scenario import ClientFlowSpec, RecordingSpec, Scenario, UnderlyingSpec, checked, problems


def test_the_scenario_of_defaults_makes_sense() -> None:
    assert list(problems(Scenario())) == []
    assert checked(Scenario(), "defaults") == Scenario()


def test_every_problem_names_its_key_and_the_first_is_raised() -> None:
    bad = Scenario(
        step_ms=5,
        underlyings=(UnderlyingSpec(name="BTC", start_price=0.0, correlation=2.0),),
        recordings=(RecordingSpec(underlying="SOL"),),
        client_flow=ClientFlowSpec(account="x"),
    )
    assert [path for path, _ in problems(bad)] == [
        ("step_ms",),
        ("underlyings", 0, "start_price"),
        ("underlyings", 0, "correlation"),
        ("recordings", 0, "underlying"),
        ("client_flow", "account"),
    ]
    with pytest.raises(ConfigError, match="scenario mine: step_ms is 5, it must be"):
        checked(bad, "mine")


def test_a_number_that_is_none_is_no_price() -> None:
    bad = msgspec.structs.replace(Scenario(), underlyings=(UnderlyingSpec(name="BTC", start_price=float("nan")),))
    assert [path for path, _ in problems(bad)] == [("underlyings", 0, "start_price")]


def test_an_insurance_fund_is_of_a_coin_that_something_settles_in() -> None:
    assert list(problems(Scenario(insurance={"USDT": Decimal(1), "ETH": Decimal(1)}))) == []
    ((path, sentence),) = problems(Scenario(insurance={"XRP": Decimal(1)}))
    assert path == ("insurance", "XRP")
    assert "known are USDT, USDC, BTC, ETH" in sentence
