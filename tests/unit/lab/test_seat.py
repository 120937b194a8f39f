"""The seat of an adapter's parts: what it holds is what the part works with, and one part may sit on another line."""

import msgspec

from hedgebot.domain.events import Event
from hedgebot.exchange.link import Link
from hedgebot.exchange.link_types import LinkSpec
from tests.unit.lab.bench import Bench


def test_a_part_may_have_a_link_of_its_own_and_shares_the_rest() -> None:
    bench, told = Bench(flow=False), list[Event]()
    seat = bench.seat(told.append)
    other = msgspec.structs.replace(seat, link=Link(bench.exchange, "main", bench.timeline, LinkSpec(), seed=11))
    assert other.link is not seat.link
    assert (other.exchange, other.timeline) == (seat.exchange, seat.timeline)
    bench.run(1)
    assert other.clock() == bench.timeline.now_ns
