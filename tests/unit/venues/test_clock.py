from typing import Any

import pytest

from hedgebot.venues.clock import measure, sign_with
from hedgebot.venues.reading import FrameProblem


class Client:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.options: dict[str, Any] = {}

    async def fetch_time(self) -> Any:
        return self.answer


async def test_half_the_round_trip_is_removed() -> None:
    moments = iter([1_000_000_000_000, 1_000_040_000_000])
    measured = await measure("main", Client(1_000_000 + 520), lambda: next(moments))
    assert measured.round_trip_ms == 40.0
    assert measured.offset_ms == 500.5


async def test_an_answer_without_a_time_is_a_problem() -> None:
    with pytest.raises(FrameProblem):
        await measure("main", Client(None), lambda: 0)


async def test_the_clients_sign_with_the_venues_time() -> None:
    client = Client(2_000)
    sign_with(await measure("main", client, lambda: 1_000 * 1_000_000), client)
    # The client subtracts it from its own clock, which is behind here.
    assert client.options["timeDifference"] == -1_000
