from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import OptionType
from hedgebot.exchange.chaintape import Capture, ChainTape, OptionSeen, Smile
from hedgebot.exchange.playback import Bars, Beside, Minutes, RecordedPath
from hedgebot.exchange.recordunits import check_chain, check_prices, check_rates
from hedgebot.exchange.scenario import RecordingSpec, UnderlyingSpec

MINUTE, HOUR = 60_000_000_000, 3_600_000_000_000
BEGAN = round(datetime(2025, 5, 10, tzinfo=UTC).timestamp()) * 1_000_000_000
BTC = UnderlyingSpec(name="BTC", start_price=60_000.0)
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
        f"perp.csv: column close is about {price:.0f}, where the scenario has BTC at 60000; prices must be quote "
        rf"currency for one coin \(these look like {unit}\); where they are, name a --scenario whose start_price"
    )
    with pytest.raises(DataError, match=sentence):
        check_prices(SPEC, bars(price), None, None, BTC)
    near = msgspec.structs.replace(BTC, start_price=price * 1.5)
    check_prices(SPEC, bars(price), None, None, near)


@pytest.mark.parametrize("price", [420.0, 3_500.0, 126_000.0, 400_000.0])
def test_what_a_coin_was_and_may_be_worth_is_played(price: float) -> None:
    check_prices(SPEC, bars(price), bars(price * 1.01), None, BTC)


def test_two_files_of_one_time_have_one_unit() -> None:
    with pytest.raises(
        DataError, match=r"spot.csv: column close is about 10300, where column close of perp.csv is about 1030000 "
    ):
        check_prices(SPEC, bars(1_030_000.0), bars(10_300.0), None, msgspec.structs.replace(BTC, start_price=1e6))
    # Another time says nothing of this one's prices.
    check_prices(SPEC, bars(103_000.0), bars(10_300.0, since=600), None, BTC)


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
