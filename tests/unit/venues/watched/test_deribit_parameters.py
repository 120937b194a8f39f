"""The parameters that Deribit names: by coin, in its coin or in USD, seldom asked, unknown where they are not told."""

import json
from typing import Any

import ccxt
import pytest

from hedgebot.domain.settings import MarginMode
from hedgebot.margin.registry import models_of
from hedgebot.margin.venue_records import parse_records
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.deribit_parameters import CROSS, EVERY_NS, ParameterReader, parameters_of
from tests.support.stub_venue import deribit_parameters
from tests.support.watched import shipped

ANSWER = json.loads(json.dumps({"result": {"model_params": deribit_parameters()}}), parse_float=str)
"""As the client hands it over."""


class _Client:
    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.answer: object = ANSWER

    async def request(self, *asked: Any) -> object:
        self.asked.append(asked)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("currency", "in_coin", "risk"), [("BTC", True, 0.075), (CROSS, False, 0.1), ("USDC", False, 0.1)]
)
def test_what_is_told_has_the_names_and_the_values_of_our_record(currency: str, in_coin: bool, risk: float) -> None:
    told = parameters_of(ANSWER, currency)["BTC"]
    assert told["annualised_move_risk"] == risk
    models = models_of(parse_records(shipped("deribit").content.encode(), "x"))
    (model,) = [one for one in models if one.mode is MarginMode.PORTFOLIO]
    ours = model.figures("BTC", in_coin)
    # Every figure of ours but the dampener, which is left out on purpose.
    assert set(ours) - set(told) == {"extended_dampener"}
    assert {name: ours[name] for name in told} == told
    assert model.figures("SOL", in_coin) == {}


async def test_it_is_asked_every_ten_minutes_and_what_was_said_stands_meanwhile() -> None:
    client, now_ns = _Client(), 1
    reader = ParameterReader(client, lambda: now_ns)
    first = await reader.read("BTC")
    assert first["BTC"]["price_range"] == 0.16
    assert await reader.read("BTC") == first
    assert client.asked == [("pme/simulate", ["private"], "GET", {"currency": "BTC"})]
    now_ns += EVERY_NS
    faults: list[object] = [ccxt.RequestTimeout("late"), ccxt.PermissionDenied("no"), {"result": {}}]
    for fault in faults:
        client.answer = fault
        assert await reader.read("BTC") == first
        now_ns += EVERY_NS
    assert len(client.asked) == 4
    assert await reader.read("ETH") == {}


def test_an_answer_without_parameters_is_none() -> None:
    with pytest.raises(FrameProblem):
        parameters_of({"result": {}}, "BTC")
