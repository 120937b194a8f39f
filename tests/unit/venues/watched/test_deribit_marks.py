"""What options are marked at: a few by name, many by one list, and what is not told."""

from typing import Any

import ccxt
import pytest

from hedgebot.domain.reports import WatchedPosition
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.deribit_marks import ONE_BY_ONE_MAX, marked, with_marks
from tests.support.watched import held, option


def row(name: str) -> dict[str, str]:
    return {"instrument_name": name, "mark_price": "0.05", "mark_iv": "55.5", "underlying_price": "101000.5"}


class _Client:
    """Keeps what it was asked."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.asked: list[dict[str, str]] = []
        self.fault = fault

    async def publicGetTicker(self, asked: dict[str, str]) -> dict[str, Any]:  # noqa: N802  # ccxt's name
        return {"result": row(self._take(asked)["instrument_name"])}

    async def publicGetGetBookSummaryByCurrency(self, asked: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        self._take(asked)
        rows = [row(f"{asked['currency']}-{strike}000-C") for strike in range(50, 200)]
        return {"result": [*rows, {"instrument_name": "odd"}]}

    def _take(self, asked: dict[str, str]) -> dict[str, str]:
        self.asked.append(asked)
        if self.fault is not None:
            raise self.fault
        return asked


def sold(count: int, *, in_coin: bool = True) -> list[WatchedPosition]:
    return [option(-1.0, 100_000.0 + 1_000.0 * number, in_coin=in_coin) for number in range(count)]


async def test_a_few_are_asked_by_name_and_futures_not_at_all() -> None:
    client = _Client()
    found = await with_marks(client, [held(), *sold(2)])
    assert client.asked == [{"instrument_name": f"BTC-10{number}000-C"} for number in (0, 1)]
    assert found[0] == held()
    for one in found[1:]:
        assert (one.mark, one.forward) == (0.05, 101_000.5)
        assert one.vol == pytest.approx(0.555)
    assert await with_marks(_Client(ValueError()), [held()]) == (held(),)


async def test_many_are_one_question_for_each_currency() -> None:
    client = _Client()
    found = await with_marks(client, [*sold(ONE_BY_ONE_MAX), *sold(2, in_coin=False)])
    assert client.asked == [{"currency": one, "kind": "option"} for one in ("BTC", "USDC")]
    assert len(found) == ONE_BY_ONE_MAX + 2
    assert all(one.forward == 101_000.5 for one in found)


@pytest.mark.parametrize("fault", [ccxt.BadRequest("no"), FrameProblem("odd")])
async def test_what_is_not_told_stays_unknown(fault: Exception) -> None:
    some = sold(1)
    bare = [marked(one, {"mark_price": ""}) for one in some]
    found = await with_marks(_Client(fault), bare)
    assert (found[0].vol, found[0].forward, found[0].mark) == (None, None, some[0].mark)


async def test_marks_that_cannot_be_asked_for_now_leave_the_margins_a_reading() -> None:
    held = tuple(sold(1))
    assert await with_marks(_Client(ccxt.RateLimitExceeded("too many")), held) == held
