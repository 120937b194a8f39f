from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.futures import CARRY_PER_YEAR, FutureState
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.settlement import SettlementAverage

S = 1_000_000_000
DAY = 86_400 * S


def state(expiry_ns: int) -> FutureState:
    return FutureState(SettlementAverage.of(expiry_ns, 0), Decimal(0))


def test_the_basis_dies_at_expiry() -> None:
    future = state(90 * DAY)
    far, near = (future.middle(100.0, 0.0, at) for at in (0, 89 * DAY))
    assert far == pytest.approx(100.0 * (1 + CARRY_PER_YEAR * 90 / 365), rel=1e-4)
    assert 100.0 < near < 100.02
    assert future.middle(100.0, 0.01, 0) == pytest.approx(far * 1.01)
    assert future.middle(100.0, 0.01, 90 * DAY) == pytest.approx(100.0)


def test_the_mark_goes_over_to_the_average() -> None:
    future = state(DAY)
    for second in range(DAY // S - 1_800, DAY // S + 1):
        future.average.sample(Decimal(100), second * S)
    marks = [future.remark(120.0, future.middle(120.0, 0.01, at), at, 0.1) for at in (DAY - 900 * S, DAY)]
    assert 100.0 < marks[0] < 111.0
    assert marks[1] == pytest.approx(100.0)


def test_books_and_marks_of_futures_stand_on_carry(exchange: Exchange, start_ns: int) -> None:
    exchange.advance(start_ns + 60 * S)
    index = exchange.index_price("BTC")
    for name in ("linear:BTCUSDT-25DEC26", "linear:BTC-25DEC26", "inverse:BTCUSDZ26"):
        ticker = exchange.ticker(InstrumentId(f"bybit:{name}"))
        assert ticker.mark is not None
        assert ticker.bid is not None
        assert ticker.ask is not None
        assert ticker.bid < ticker.ask
        assert float(ticker.mark) == pytest.approx(index * (1 + CARRY_PER_YEAR * 31.25 / 365), rel=5e-4)
        assert float(ticker.bid) == pytest.approx(float(ticker.mark), rel=5e-4)
        assert ticker.basis_rate is not None
        assert ticker.basis_rate_year == pytest.approx(ticker.basis_rate * 365 / 31.25, rel=0.01)
        assert ticker.basis == ticker.last - ticker.index
        assert (ticker.funding_rate, ticker.predicted_delivery_price) == (None, None)
