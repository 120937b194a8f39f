"""Calls a handler as the wire would: the answer, or the code that it is refused with."""

from typing import Any

from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.codes import WireError
from hedgebot.exchange.wire.params import Params


def ask(handler: Any, api: Api, **values: Any) -> dict[str, Any]:
    content: dict[str, Any] = handler(api, "book", Params(values))
    return content


def code_of(handler: Any, api: Api, **values: Any) -> int | None:
    try:
        handler(api, "book", Params(values))
    except WireError as error:
        return error.code
    return None
