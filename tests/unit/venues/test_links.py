from hedgebot.domain.events import Stream, StreamAlive, StreamChanged
from hedgebot.venues.links import Link, LinkStates
from tests.unit.venues.double import Sink


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def states(*links: Link) -> tuple[LinkStates, Sink, Clock]:
    sink, clock = Sink(), Clock()
    made = LinkStates("main", sink, clock)
    for link in links:
        made.add(link)
    return made, sink, clock


def changes(sink: Sink) -> list[tuple[Stream, bool]]:
    return [(event.stream, event.up) for event in sink.of(StreamChanged)]


def test_a_private_link_is_up_once_authenticated_and_subscribed() -> None:
    link = Link("u", Stream.PRIVATE, needs_auth=True)
    link.wanted = {"order", "execution"}
    made, sink, clock = states(link)
    link.confirm(["order", "execution"], clock())
    made.settle(link)
    assert changes(sink) == []
    link.authenticated = True
    made.settle(link)
    made.settle(link)
    assert changes(sink) == [(Stream.PRIVATE, True)]


def test_public_data_is_up_when_all_wanted_sockets_are_and_down_when_one_is_lost() -> None:
    spot, linear, idle = (Link(name, Stream.PUBLIC, category=name) for name in ("spot", "linear", "option"))
    spot.wanted, linear.wanted = {"a"}, {"b"}
    made, sink, clock = states(spot, linear, idle)
    spot.confirm(["a"], clock())
    made.settle(spot)
    assert changes(sink) == []
    linear.confirm(["b"], clock())
    made.settle(linear)
    made.lose(spot, "cut")
    made.lose(spot, "cut again")
    assert changes(sink) == [(Stream.PUBLIC, True), (Stream.PUBLIC, False)]
    assert "spot: cut" in sink.of(StreamChanged)[1].reason
    spot.begin()
    spot.confirm(["a"], clock())
    made.settle(spot)
    assert changes(sink)[-1] == (Stream.PUBLIC, True)


def test_life_is_told_at_most_once_a_second() -> None:
    link = Link("u", Stream.PRIVATE)
    made, sink, clock = states(link)
    for _ in range(30):
        made.alive(link)
        clock.now += 0.1
    assert len(sink.of(StreamAlive)) == 3


def test_a_muted_topic_is_seen_by_its_content_clock_only() -> None:
    link = Link("u", Stream.PUBLIC)
    link.wanted = {"orderbook.1.A", "tickers.A", "execution"}
    link.confirm(link.wanted, 10.0)
    link.seen_s["tickers.A"] = 14.0

    def limit(topic: str) -> float | None:
        return None if topic == "execution" else 5.0

    assert link.silent_topic(15.0, limit) is None
    assert link.silent_topic(15.1, limit) == "orderbook.1.A"
    link.seen_s["orderbook.1.A"] = 15.0
    assert link.silent_topic(19.5, limit) == "tickers.A"
