"""What lives for long is set aside, what comes after is looked through, and what is free goes back to the system.

Lost connections leave rings of references behind (errors, their traces, futures). By its own thresholds the collector
would come for them every half an hour, and they would be a megabyte by then.

The C library's allocator gives each thread an arena of its own, keeps what is free in the middle of each, and learns
from each large piece that is let go to take the next one from between the small ones, where it leaves a hole (a
snapshot's working memory, 2 MB). Measured in soaks of the demo's book (glibc 2.36): what is in use stands still after a
quarter of an hour, what is free went from 2.5 MB to 5 in ten minutes and to 8 in twenty; told otherwise it stays at 1.
Owns nothing but that.
"""

import asyncio
import ctypes
import gc

TIDY_S = 30.0
# Parameters of mallopt. Source: glibc, malloc.h.
M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
# Larger pieces are mapped by themselves and gone when they are let go; arrays of a margin run are not so large.
MAPPED_BYTES = 512 << 10
# What may be free at the arena's end before it shrinks: above it would shrink and grow with each busy moment.
END_BYTES = 1 << 20


def tame() -> bool:
    """One arena for all threads, and large pieces apart from it. Before the first thread starts; whether it was done.

    Only glibc can and need be told. The threads take turns anyway, for the interpreter's lock: none waits for another
    one's allocation.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    wishes = ((M_ARENA_MAX, 1), (M_MMAP_THRESHOLD, MAPPED_BYTES), (M_TRIM_THRESHOLD, END_BYTES))
    return mallopt is not None and all(mallopt(name, value) == 1 for name, value in wishes)


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
