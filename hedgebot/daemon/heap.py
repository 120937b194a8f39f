"""The garbage collector's share of a start: what lives for long is set aside, what comes after is looked through.

Lost connections leave rings of references behind (errors, their traces, futures). By its own thresholds the collector
would come for them every half an hour, and they would be a megabyte by then. Owns nothing but that.
"""

import asyncio
import gc

TIDY_S = 30.0


def set_aside() -> None:
    """Set aside all that is alive now (ccxt is large: a full collection of it would stop the loop for 100 ms).

    Full collections wait until a quarter of what the last one saw has come anew. The second one sees next to nothing:
    without it that quarter was of the whole client.
    """
    gc.collect()
    gc.freeze()
    gc.collect()


async def keep_tidy() -> None:
    """Look through what has come since, for ever: some thousand objects, a millisecond or two."""
    while True:
        await asyncio.sleep(TIDY_S)
        gc.collect()
