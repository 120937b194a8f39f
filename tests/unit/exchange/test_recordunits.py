from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.chaintape import Capture, ChainTape, OptionSeen, Smile
from hedgebot.exchange.playback import Bars, Beside, Minutes, RecordedPath
from hedgebot.exchange.recordfile import Rows
from hedgebot.exchange.recordunits import check_chain, check_columns, check_prices, check_rates, paid_price
from hedgebot.exchange.scenario import RecordingSpec, UnderlyingSpec

MINUTE, HOUR = 60_000_000_000, 3_600_000_000_000
BEGAN = round(datetime(2025, 5, 10, tzinfo=UTC).timestamp()) * 1_000_000_000
BTC = UnderlyingSpec(name="BTC", start_price=60_000.0)
SOL = UnderlyingSpec(name="SOL", start_price=60_000.0)
OTHER = RecordingSpec(underlying="SOL", perp_bars="perp.csv", spot_bars="spot.csv")
SPEC = RecordingSpec(underlying="BTC", perp_bars="perp.csv", spot_bars="spot.csv", minutes="minutes.csv", chain="c.csv")


def bars(price: float, since: int = 0) -> Bars:
    prices = np.full(30, price)
    times = BEGAN + (since + np.arange(30, dtype=np.int64)) * MINUTE
    return Bars(times_ns=times, step_ns=MINUTE, opens=prices, highs=prices, lows=prices, closes=prices)


def minutes(perp: float = 103_000.0, mark: float = 103_000.0) -> Minutes:
    flat = np.ones(30)
    times = BEGAN + np.arange(30, dtype=np.int64) * MINUTE
    return Minutes(
        times_ns=times,
        step_ns=MINUTE,
        spot=flat * 103_000.0,
        perp=flat * perp,
        mark=flat * mark,
        index=flat * 103_000.0,
    )


@pytest.mark.parametrize(("price", "unit"), [(103.0, "thousands"), (10_300_000.0, "cents")])
def test_a_whole_file_in_another_unit_is_told(price: float, unit: str) -> None:
    sentence = (
        f"perp.csv: column close is about {price:.0f}, where the scenario has SOL at 60000; prices must be quote "
        rf"currency for one coin \(these look like {unit}\); where they are, name a --scenario whose start_price"
    )
    with pytest.raises(DataError, match=sentence):
        check_prices(OTHER, bars(price), None, None, SOL)
    near = msgspec.structs.replace(SOL, start_price=price * 1.5)
    check_prices(OTHER, bars(price), None, None, near)


@pytest.mark.parametrize("price", [420.0, 3_500.0, 126_000.0, 400_000.0])
def test_what_a_coin_was_and_may_be_worth_is_played(price: float) -> None:
    check_prices(OTHER, bars(price), bars(price * 1.01), None, SOL)


@pytest.mark.parametrize("price", [103.0, 1_030.0, 10_300.0, 1_030_000.0, 10_300_000.0])
def test_a_year_that_is_known_knows_its_prices(price: float) -> None:
    """Factors of ten to a thousand from 103,000 in 2025, of which the scenario's start alone let three pass."""
    sentence = rf"column close is about {price:.0f}, where BTC was worth 74508 to 126200 USD in 2025; prices must be"
    with pytest.raises(DataError, match=sentence):
        check_prices(SPEC, bars(price), None, None, BTC)
    # A scenario that begins there says that they are meant, as of a market that was made up.
    check_prices(SPEC, bars(price), None, None, msgspec.structs.replace(BTC, start_price=price * 0.95))
    check_prices(SPEC, bars(103_000.0), None, None, BTC)


@pytest.mark.parametrize(
    ("price", "known"), [(9_000.0, True), (20_000.0, False), (400_000.0, False), (900_000.0, True)]
)
def test_the_year_after_the_last_one_knows_factors_of_ten(price: float, known: bool) -> None:
    year_ns = 365 * 24 * HOUR
    later = replace(bars(price), times_ns=bars(price).times_ns + year_ns)
    far = msgspec.structs.replace(BTC, start_price=price * 2.0)
    if known:
        with pytest.raises(DataError, match=r"where BTC was worth 74508 to 126200 USD in 2025"):
            check_prices(SPEC, later, None, None, far)
    else:
        check_prices(SPEC, later, None, None, far)
    check_prices(SPEC, replace(later, times_ns=later.times_ns + year_ns), None, None, far)


def test_each_year_of_a_file_is_held_against_its_own() -> None:
    """Bitcoin in cents of 2018 is near what a scenario of today has."""
    times = round(datetime(2018, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000_000 + np.arange(500) * 24 * HOUR
    real = np.where(times < round(datetime(2019, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000_000, 6_400.0, 8_000.0)

    def played(ratio: np.ndarray) -> Bars:
        prices = real * ratio
        return Bars(times_ns=times, step_ns=24 * HOUR, opens=prices, highs=prices, lows=prices, closes=prices)

    check_prices(SPEC, played(np.ones(500)), None, None, BTC)
    with pytest.raises(DataError, match=r"is about 25600, where BTC was worth 3156 to 17177 USD in 2018"):
        check_prices(SPEC, played(np.full(500, 4.0)), None, None, BTC)
    with pytest.raises(DataError, match=r"is about 80000, where BTC was worth 3349 to 13970 USD in 2019"):
        check_prices(SPEC, played(np.where(real == 8_000.0, 10.0, 1.0)), None, None, BTC)


@pytest.mark.parametrize("tens", [-3, -1, 1, 2])
def test_what_was_paid_is_a_price_too(tens: int) -> None:
    """Volume and turnover of a coin at 150 whose file has another unit; nobody knows what it was worth."""
    spec = msgspec.structs.replace(SOL, start_price=200.0)
    volume = np.array([10.0, 0.0, 30.0])
    paid = paid_price(volume, volume * 151.0)
    assert paid == pytest.approx(151.0)
    wrong = replace(bars(150.0 * 10.0**tens), paid=paid)
    with pytest.raises(DataError, match=r"column close is about [\d.]+, where turnover over volume is about 151;"):
        check_prices(OTHER, wrong, None, None, spec)
    check_prices(OTHER, replace(bars(150.0), paid=paid), None, None, spec)
    # Volume in contracts of a hundredth, or of 100 USD with its turnover in coins, says nothing of right prices.
    check_prices(OTHER, replace(bars(150.0), paid=paid * 0.01), None, None, spec)
    check_prices(OTHER, replace(bars(150.0), paid=100.0 / 150.0), None, None, spec)
    assert np.isnan(paid_price(None, volume))
    assert np.isnan(paid_price(np.zeros(3), volume))


@pytest.mark.parametrize("ratio", [0.01, 0.5, 0.9, 1.1, 100.0])
@pytest.mark.parametrize("name", ["mark", "index"])
def test_marks_and_indices_of_a_file_have_its_unit(ratio: float, name: str) -> None:
    prices = 90_000.0 + np.arange(100.0)
    times = BEGAN + np.arange(100, dtype=np.int64) * MINUTE
    values = prices * ratio
    values[:10] = np.nan
    check_columns(Rows("q.csv", times, {name: prices * 1.03}), "bid", prices)
    check_columns(Rows("q.csv", times, {name: np.full(100, np.nan)}), "bid", prices)
    with pytest.raises(DataError, match=rf"q.csv: column bid is about 90054.5, where column {name} of q.csv is about"):
        check_columns(Rows("q.csv", times, {name: values}), "bid", prices)


def test_a_crash_of_minutes_is_no_other_unit() -> None:
    check_prices(OTHER, bars(150.0), bars(183.0), None, msgspec.structs.replace(SOL, start_price=200.0))
    hour = np.full(120, 150.0)
    times = BEGAN + np.arange(120, dtype=np.int64) * MINUTE
    long = Bars(times_ns=times, step_ns=MINUTE, opens=hour, highs=hour, lows=hour, closes=hour)
    fallen = np.where(np.arange(120) < 20, 125.0, 150.0)
    with_crash = replace(long, opens=fallen, highs=fallen, lows=fallen, closes=fallen)
    check_prices(OTHER, long, with_crash, None, msgspec.structs.replace(SOL, start_price=200.0))
    euro = replace(long, opens=hour * 0.9, highs=hour * 0.9, lows=hour * 0.9, closes=hour * 0.9)
    with pytest.raises(
        DataError, match=r"spot.csv: column close is about 135, where column close of perp.csv is about"
    ):
        check_prices(OTHER, long, euro, None, msgspec.structs.replace(SOL, start_price=200.0))


def test_two_files_of_one_time_have_one_unit() -> None:
    with pytest.raises(
        DataError, match=r"spot.csv: column close is about 10300, where column close of perp.csv is about 1030000 "
    ):
        check_prices(SPEC, bars(1_030_000.0), bars(10_300.0), None, msgspec.structs.replace(BTC, start_price=1e6))
    # Another time says nothing of this one's prices.
    check_prices(OTHER, bars(103_000.0), bars(10_300.0, since=600), None, SOL)


def test_columns_of_one_file_have_one_unit() -> None:
    with pytest.raises(
        DataError, match=r"minutes.csv: column perp_mark is about 103, where column index_price of minutes.csv"
    ):
        check_prices(SPEC, None, None, minutes(mark=103.0), BTC)
    with pytest.raises(
        DataError, match=r"minutes.csv: column index_price is about 103000, where column close of perp.csv"
    ):
        check_prices(SPEC, bars(10_000.0), None, minutes(), BTC)
    check_prices(SPEC, bars(103_500.0), None, minutes(), BTC)


def path_with(forward: float, strikes: tuple[float, ...]) -> RecordedPath:
    expiry = BEGAN + 24 * HOUR
    smile = Smile(forward, np.array([-0.1, 0.0, 0.1]), np.array([0.5, 0.5, 0.5]))
    options = tuple(OptionSeen(expiry, Decimal(str(one)), OptionType.CALL, BEGAN) for one in strikes)
    tape = ChainTape((Capture(BEGAN, {expiry: smile}),), options)
    return RecordedPath(
        perp=bars(103_000.0),
        spot=None,
        minutes=None,
        underlying=BTC,
        speed=1.0,
        step_s=1.0,
        beside=Beside(origin_ns=BEGAN, chain=tape),
    )


def test_a_chain_has_the_unit_of_the_prices() -> None:
    check_chain(SPEC, path_with(104_000.0, (80_000.0, 100_000.0, 250_000.0)))
    with pytest.raises(DataError, match=r"c.csv: its forward is about 104, where the recorded price is about 1030"):
        check_chain(SPEC, path_with(104.0, (80.0, 100.0, 250.0)))
    with pytest.raises(DataError, match=r"c.csv: column strike is about 100, where its forwards are about 104000"):
        check_chain(SPEC, path_with(104_000.0, (80.0, 100.0, 250.0)))


@pytest.mark.parametrize("hours", [1, 4, 8])
def test_rates_in_percent_are_told_by_their_median(hours: int) -> None:
    times = BEGAN + np.arange(12, dtype=np.int64) * hours * HOUR
    usual = np.full(12, 0.0001 * hours / 8.0)
    check_rates("f.csv", "fundingRate", times, usual)
    check_rates("f.csv", "fundingRate", times, np.append(usual[:-2], [0.03, -0.03]))
    with pytest.raises(
        DataError, match=r"f.csv: column fundingRate is about 0.\d+ in its middle, every \d hours: 1,095 % a year"
    ):
        check_rates("f.csv", "fundingRate", times, usual * 100.0)
