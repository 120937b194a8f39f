from hedgebot.venues.caches import CACHE_ITEMS_MAX, NotifyingCache
from hedgebot.venues.reading import Raw


def test_each_item_is_told_when_it_is_stored_also_an_update_of_one_id() -> None:
    told: list[Raw] = []
    cache = NotifyingCache(told.append)
    cache.append({"symbol": "A", "id": "1", "info": {"n": 1}})
    cache.append({"symbol": "A", "id": "1", "info": {"n": 2}})
    assert told == [{"n": 1}, {"n": 2}]
    assert len(cache) == 1


def test_the_cache_is_bounded() -> None:
    told: list[Raw] = []
    cache = NotifyingCache(told.append)
    for number in range(CACHE_ITEMS_MAX + 10):
        cache.append({"symbol": "A", "id": str(number), "info": {"n": number}})
    assert len(cache) == CACHE_ITEMS_MAX
    assert len(told) == CACHE_ITEMS_MAX + 10


def test_few_items_are_kept_because_nobody_reads_them_again() -> None:
    # A thousand orders and a thousand executions took 8 MB, which for hours looked like a leak.
    assert CACHE_ITEMS_MAX <= 100


def test_an_item_without_its_raw_row_is_stored_in_silence() -> None:
    told: list[Raw] = []
    cache = NotifyingCache(told.append)
    cache.append({"symbol": "A", "id": "1", "info": None})
    assert told == []
    assert len(cache) == 1
