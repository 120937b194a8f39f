"""One request that must not be made twice: its window, how long it is waited for, and what its failure proves.

Orders, cancels and moves of collateral leave by it. Never retries; the outcome is read from the venue's raw code, not
from the client's exception class. Must not know what is asked, nor decide what follows.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from hedgebot.venues.profile import Channel, VenueProfile, Verdict, classify
from hedgebot.venues.replies import MESSAGE_CHARS, RawReply, reply_in_error


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What came back for a request: the verdict, the code as a word, the venue's sentence, the venue's order id."""

    verdict: Verdict
    code: str
    message: str
    order_id: str = ""


NO_ANSWER = Said(verdict=Verdict.UNKNOWN, code="local:timeout", message="no answer in time")


async def ask(
    client: Any,  # noqa: ANN401  # ccxt is untyped
    call: Callable[[], Awaitable[Any]],
    *,
    window_ms: int,
    timeout_ms: int,
) -> Any:  # noqa: ANN401
    """Make one request; TimeoutError when no answer came in time, the client's errors as they are.

    The venue refuses a request that arrives later than its window: that makes absence after the deadline proof.
    """
    # Read when the request is signed, which happens before this task first waits: nobody comes in between.
    client.options["recvWindow"] = window_ms
    async with asyncio.timeout(timeout_ms / 1_000):
        return await call()


def said_in_error(profile: VenueProfile, channel: Channel, reply: RawReply, error: BaseException) -> Said:
    """What a failed request proves, by what came over the wire (`reply`) or by what the client quotes of it."""
    code, message = reply.code, reply.message
    if code is None:
        code, quoted = reply_in_error(error)
        message = message or quoted
    verdict = classify(profile, channel, code=code, status=reply.status)
    if verdict is Verdict.ACCEPTED:
        # The venue said yes and the client could not read the rest: what was asked for may be done.
        verdict = Verdict.UNKNOWN
    if code is None:
        code = f"local:{type(error).__name__}" if reply.status is None else f"http:{reply.status}"
    return Said(verdict=verdict, code=code, message=message[:MESSAGE_CHARS])
