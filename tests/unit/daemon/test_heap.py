"""What a start sets aside is not looked through again, and what rings hold afterwards is found soon."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from hedgebot.daemon import heap

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
