"""Waiting in tests for what nobody tells: as long as a busy machine may take, and no longer than it does."""

import asyncio
from collections.abc import Callable


async def until(met: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until something is true; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not met():  # noqa: ASYNC110  (nobody tells)
            await asyncio.sleep(0.01)
