"""The queue that moves an exchange along."""

from hedgebot.exchange.model import Exchange
from hedgebot.exchange.timeline import Timeline

MS = 1_000_000


def test_deeds_happen_at_their_moment_with_the_exchange_at_that_time(exchange: Exchange) -> None:
    timeline, start_ns = Timeline(exchange), exchange.now_ns
    seen: list[tuple[str, int, int]] = []

    def note(name: str) -> None:
        seen.append((name, (timeline.now_ns - start_ns) // MS, (exchange.now_ns - start_ns) // MS))

    def first() -> None:
        note("first")
        timeline.at(timeline.now_ns, lambda: note("at once"))
        timeline.at(start_ns, lambda: note("long ago"))

    timeline.at(start_ns + 150 * MS, lambda: note("second"))
    timeline.at(start_ns + 70 * MS, first)
    timeline.at(start_ns + 150 * MS, lambda: note("third"))
    assert timeline.next_event_ns() == start_ns + 70 * MS
    timeline.advance(start_ns + 149 * MS)
    assert seen == [("first", 70, 70), ("at once", 70, 70), ("long ago", 70, 70)]
    assert exchange.now_ns == start_ns + 149 * MS
    timeline.advance(start_ns + 150 * MS)
    assert [one[0] for one in seen[3:]] == ["second", "third"]
    timeline.advance(start_ns)
    assert timeline.now_ns == start_ns + 150 * MS


def test_without_deeds_the_next_event_is_the_exchanges(exchange: Exchange) -> None:
    timeline = Timeline(exchange)
    step_ns = exchange.scenario.step_ms * MS
    assert timeline.next_event_ns() == exchange.now_ns + step_ns
    timeline.advance(timeline.next_event_ns())
    assert timeline.next_event_ns() == exchange.now_ns + step_ns
