from typing import Any

import pytest

from hedgebot.venues.buckets import Budget
from hedgebot.venues.bybit_profile import BYBIT
from hedgebot.venues.queries import Queries
from hedgebot.venues.reading import FrameProblem


class Client:
    """Answers pages in turn, for whichever listing is asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []

    async def answer(self, request: dict[str, Any]) -> Any:
        self.requests.append(request)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __getattr__(self, name: str) -> Any:
        assert name.startswith("privateGetV5")
        return self.answer


def page(rows: int, cursor: str | None) -> dict[str, Any]:
    return {"result": {"list": [{"n": number} for number in range(rows)], "nextPageCursor": cursor}}


def queries(client: Client) -> Queries:
    return Queries(client, BYBIT, Budget(BYBIT, lambda: 0.0))


async def test_all_pages_are_asked_for() -> None:
    client = Client(page(2, "one"), page(2, "two"), page(1, ""))
    assert len(await queries(client).executions("option", baseCoin="ETH")) == 5
    assert [request.get("cursor") for request in client.requests] == [None, "one", "two"]
    assert all(request["baseCoin"] == "ETH" and request["limit"] == 100 for request in client.requests)
    assert not any("execType" in request for request in client.requests)


@pytest.mark.parametrize("last", [page(0, "three"), page(1, "two"), page(1, None)])
async def test_an_empty_page_the_same_cursor_or_none_is_the_end(last: dict[str, Any]) -> None:
    client = Client(page(1, "two"), last)
    rows = await queries(client).orders("linear", settleCoin="USDT")
    assert len(rows) == 1 + len(last["result"]["list"])


async def test_a_listing_without_an_end_is_a_problem() -> None:
    numbers = iter(range(100_000))

    class Endless(Client):
        async def answer(self, request: dict[str, Any]) -> Any:
            return page(1, f"c{next(numbers)}")

    endless = Queries(Endless(), BYBIT, Budget(BYBIT, lambda: next(numbers) * 1.0))
    with pytest.raises(FrameProblem, match="more than 500 pages"):
        await endless.order_history("linear")


@pytest.mark.parametrize("answer", [None, "text", {"result": None}, {"result": {"list": "x"}}, {"result": {}}])
async def test_another_shape_is_a_problem_and_no_empty_list(answer: Any) -> None:
    with pytest.raises(FrameProblem):
        await queries(Client(answer)).positions("inverse")


async def test_a_wallet_without_an_account_is_a_problem() -> None:
    with pytest.raises(FrameProblem, match="names no account"):
        await queries(Client(page(0, ""))).wallet()
    row, answer = await queries(Client({**page(1, ""), "time": 5})).wallet()
    assert (row, answer["time"]) == ({"n": 0}, 5)
