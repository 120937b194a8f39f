from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import BookChanged, Notice, TickerChanged

S = 1_000_000_000


def test_every_live_contract_is_told_at_every_step_and_options_every_second(exchange: Exchange, start_ns: int) -> None:
    told: list[Notice] = []
    exchange.listen(told.append)
    exchange.advance(start_ns + 2 * S)
    moved = [one.instrument for one in told if isinstance(one, BookChanged)]
    assert moved == [one.instrument for one in told if isinstance(one, TickerChanged)]
    assert moved.count(InstrumentId("bybit:linear:BTCUSDT")) == 20
    option = next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)
    assert moved.count(option) == 2


def test_listeners_see_the_time_of_the_step(exchange: Exchange, start_ns: int) -> None:
    seen: list[int] = []
    exchange.listen(lambda _: seen.append(exchange.now_ns))
    exchange.advance(start_ns + S)
    assert sorted(set(seen)) == [start_ns + number * S // 10 for number in range(1, 11)]
