"""How far the venue's clock is from ours. Measured, never assumed; requests are signed with the venue's time."""

from collections.abc import Callable
from typing import Any

from hedgebot.domain.durations import NS_PER_MS
from hedgebot.domain.events import ClockMeasured
from hedgebot.venues.reading import FrameProblem


async def measure(account: str, client: Any, now_ns: Callable[[], int]) -> ClockMeasured:  # noqa: ANN401  # ccxt is untyped
    """Ask the venue for its time. Raises the client's error, or FrameProblem when the answer names none."""
    before_ns = now_ns()
    venue_ms = await client.fetch_time()
    after_ns = now_ns()
    if not isinstance(venue_ms, int):
        msg = "the venue's answer names no time"
        raise FrameProblem(msg)
    middle_ms = (before_ns + after_ns) / 2 / NS_PER_MS
    # The venue cuts its time to milliseconds: half of one is the best guess of what it cut.
    return ClockMeasured(
        account=account,
        offset_ms=venue_ms + 0.5 - middle_ms,
        round_trip_ms=(after_ns - before_ns) / NS_PER_MS,
    )


def sign_with(measured: ClockMeasured, *clients: Any) -> None:  # noqa: ANN401
    """Let the clients sign HTTP requests with the venue's time. Their sockets take the local clock regardless."""
    for client in clients:
        client.options["timeDifference"] = -round(measured.offset_ms)
