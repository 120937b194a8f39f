"""What a start sets aside is not looked through again, and what rings hold afterwards is found soon."""

import asyncio
import ctypes
import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator

import pytest

from hedgebot.daemon import heap
from hedgebot.lab.vitals import private_bytes

# Beyond what the collector lets pass before it looks through everything: 11 times 11 times 700 and some more.
MADE = 120_000


class Ring:
    """Refers to itself, as an error and its own trace do."""

    def __init__(self) -> None:
        self.own = self


def full_collections() -> int:
    count: int = gc.get_stats()[2]["collections"]
    return count


def rings_looked_through(aside: list[list[int]]) -> int:
    """Full collections while rings come and outlive the young collections, beside a large heap that stays."""
    before = full_collections()
    kept: list[Ring] = []
    for _ in range(MADE):
        kept.append(Ring())
        if len(kept) > 20_000:
            kept.clear()
    assert len(aside) > 0
    return full_collections() - before


@pytest.fixture
def thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("thawed")
def test_after_a_start_full_collections_come_at_the_pace_of_what_is_new() -> None:
    large = [[number] for number in range(1_200_000)]
    gc.collect()
    gc.freeze()
    assert rings_looked_through(large) == 0, "what it was before: a quarter of the large heap is waited for"
    gc.unfreeze()
    heap.set_aside()
    assert gc.get_freeze_count() > len(large)
    assert rings_looked_through(large) > 0


@pytest.mark.usefixtures("thawed")
async def test_rings_are_gone_within_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "TIDY_S", 0.01)
    heap.set_aside()
    gc.disable()
    try:
        ring = weakref.ref(Ring())
        assert ring() is not None, "nothing but the collector frees it"
        tidy = asyncio.create_task(heap.keep_tidy())
        await asyncio.sleep(0.1)
        tidy.cancel()
    finally:
        gc.enable()
    assert ring() is None


glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library here is not glibc: it has no arenas to trim"
)
THREADS = """
import ctypes, sys, threading
from hedgebot.daemon import heap
if "shared" in sys.argv:
    assert heap.share_arena()
ready = threading.Barrier(5)
def work():
    kept = [bytes(10_000) for _ in range(50)]
    ready.wait()
    ready.wait()
threads = [threading.Thread(target=work) for _ in range(4)]
for one in threads: one.start()
ready.wait()
ctypes.CDLL(None).malloc_stats()
ready.wait()
"""


def arenas(*words: str) -> int:
    """How many arenas a process with four more threads has, by the C library's own statistics."""
    done = subprocess.run([sys.executable, "-c", THREADS, *words], capture_output=True, timeout=60, check=True)
    return sum(line.startswith(b"Arena ") for line in done.stderr.splitlines())


@glibc
def test_all_threads_share_one_arena() -> None:
    assert arenas() > 1, "what it would be"
    assert arenas("shared") == 1


@glibc
def test_free_pages_between_what_is_used_go_back_to_the_system() -> None:
    # Too small for a mapping of their own: they lie side by side in the arena, and every other one stays.
    pieces = [bytes(60_000) for _ in range(1_000)]
    del pieces[::2]
    before = private_bytes(os.getpid())
    assert heap.give_back()
    assert before - private_bytes(os.getpid()) > 20_000_000
    assert len(pieces) == 500
