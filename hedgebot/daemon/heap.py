"""What lives for long is set aside, what comes after is looked through, and what is free goes back to the system.

Lost connections leave rings of references behind (errors, their traces, futures). By its own thresholds the collector
would come for them every half an hour, and they would be a megabyte by then.

The C library's allocator gives each thread an arena of its own and keeps what is free in the middle of each. Measured
in soaks of the demo's book (glibc 2.36): what is in use stands still after twenty minutes, what is free went from
2.5 MB to 5 in ten minutes and to 8 in twenty; with one arena, trimmed, it stays at 1. Owns nothing but that.
"""

import asyncio
import ctypes
import gc

TIDY_S = 30.0
M_ARENA_MAX = -8
"""A parameter of mallopt. Source: glibc, malloc.h. Its thresholds stay as they are: a fixed one of 512 KB made the
expected shortfall of 500 options half as slow again (16 to 24 ms)."""


def share_arena() -> bool:
    """One arena for all threads. Before the first of them starts; whether it was done (only glibc need be told).

    The threads take turns anyway, for the interpreter's lock: none waits for another one's allocation.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and mallopt(M_ARENA_MAX, 1) == 1


def set_aside() -> None:
    """Set aside all that is alive now (ccxt is large: a full collection of it would stop the loop for 100 ms).

    Full collections wait until a quarter of what the last one saw has come anew. The second one sees next to nothing:
    without it that quarter was of the whole client.
    """
    gc.collect()
    gc.freeze()
    gc.collect()


def give_back() -> bool:
    """Give free pages back to the system, wherever they lie; whether the C library can (glibc).

    Takes 0.1 to 3 ms for the 50 MB of a daemon.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
    return trim is not None


async def keep_tidy() -> None:
    """Look through what has come since, for ever: some thousand objects, a millisecond or two."""
    while True:
        await asyncio.sleep(TIDY_S)
        gc.collect()
        give_back()
