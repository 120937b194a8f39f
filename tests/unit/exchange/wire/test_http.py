"""The envelope of HTTP; what else a request meets on its way is in the wire tests."""

from typing import Any

import orjson
import pytest
from aiohttp.test_utils import make_mocked_request

from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.http import HttpDoor


async def answer(api: Api, method: str, path: str) -> tuple[int, dict[str, Any]]:
    reply = await HttpDoor(api).answer(make_mocked_request(method, path), path)
    return reply.status, orjson.loads(reply.body)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/v5/market/nothing", 404, 10017), ("POST", "/v5/market/time", 400, 10001)],
)
async def test_paths_that_are_not_served(api: Api, method: str, path: str, status: int, code: int) -> None:
    got, content = await answer(api, method, path)
    assert (got, content["retCode"], content["result"]) == (status, code, {})
    assert set(content) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
