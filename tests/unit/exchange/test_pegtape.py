from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.pegtape import RecordedPeg, written_peg
from hedgebot.exchange.recording import load_paths, load_pegs
from hedgebot.exchange.scenario import AccountSpec, PegSpec, RecordingSpec, Scenario
from hedgebot.exchange.several import open_exchange
from tests.unit.exchange.conftest import START_NS

S = 1_000_000_000
DOLLARS = AccountSpec(name="main", api_key="k", api_secret="s", coins={"USDC": Decimal(1_000)})


def test_written_points_are_joined_and_the_last_is_held() -> None:
    tape = written_peg("USDC", ((10.0, 1.0), (20.0, 0.9)), START_NS)
    assert [tape.at(START_NS + at * S) for at in (0, 10, 15, 20, 99)] == pytest.approx([1.0, 1.0, 0.95, 0.9, 0.9])


def test_recorded_moments_are_held_until_the_next() -> None:
    peg = RecordedPeg(
        coin="USDC", times_ns=np.array([0.0, 60e9]), usd=np.array([1.0, 0.88]), origin_ns=-60 * S, speed=2.0
    )
    tape = peg.played(START_NS)
    assert [tape.at(START_NS + at * S) for at in (0, 30, 59, 60, 99)] == [1.0, 1.0, 1.0, 0.88, 0.88]


def bars(folder: Path, name: str, rows: list[str]) -> str:
    path = folder / name
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n", "utf-8")
    return str(path)


def test_a_recorded_peg_is_a_ratio_and_silent_minutes_say_nothing(tmp_path: Path, scenario: Scenario) -> None:
    usd = bars(
        tmp_path, "BTCUSD.csv", [f"2023-03-11T07:{at:02d}:00Z,{p},{p},{p},{p},1" for at, p in enumerate((100, 90, 80))]
    )
    coin = bars(
        tmp_path,
        "BTCUSDC.csv",
        [f"2023-03-11T07:{at:02d}:00Z,100,100,100,100,{volume}" for at, volume in enumerate((1, 0, 1))],
    )
    world = msgspec.structs.replace(
        scenario,
        step_ms=1_000,
        underlyings=(msgspec.structs.replace(scenario.underlyings[0], start_price=100.0),),
        accounts=(DOLLARS,),
        recordings=(RecordingSpec(underlying="BTC", spot_bars=usd),),
        pegs=(PegSpec(coin="USDC", usd_bars=usd, coin_bars=coin),),
    )
    (peg,) = load_pegs(world, load_paths(world))
    assert peg.usd.tolist() == [1.0, 0.8]
    exchange = open_exchange(world, START_NS)
    worth = {}
    for at_s in (1, 90, 119, 121):
        exchange.advance(START_NS + at_s * S)
        worth[at_s] = next(one.usd_price for one in exchange.wallet("main").coins if one.coin == "USDC")
    assert worth == {1: 1.0, 90: 1.0, 119: 1.0, 121: 0.8}
    with pytest.raises(DataError, match="needs a recording whose clock"):
        load_pegs(world, {})


@pytest.mark.needs_data
def test_the_depeg_of_march_2023_is_played(shared_data: Path, scenario: Scenario) -> None:
    """USDC at 0.875 USD on 2023-03-11 07:50 (FACTS.md, m13)."""
    folder = shared_data / "m13_usdc_depeg_202303_1m"
    start = datetime(2023, 3, 11, 7, 0, tzinfo=UTC)
    recording = RecordingSpec(
        underlying="BTC",
        spot_bars=str(folder / "binanceus_BTCUSD_1m.parquet"),
        start=start,
        end=datetime(2023, 3, 11, 9, 0, tzinfo=UTC),
    )
    peg = PegSpec(
        coin="USDC",
        usd_bars=str(folder / "binanceus_BTCUSD_1m.parquet"),
        coin_bars=str(folder / "binanceus_BTCUSDC_1m.parquet"),
    )
    world = msgspec.structs.replace(
        scenario,
        step_ms=60_000,
        underlyings=scenario.underlyings[:1],
        accounts=(DOLLARS,),
        recordings=(recording,),
        pegs=(peg,),
    )
    exchange = open_exchange(world, START_NS)
    lowest = 1.0
    for minute in range(1, 110):
        exchange.advance(START_NS + minute * 60 * S)
        lowest = min(lowest, next(one.usd_price for one in exchange.wallet("main").coins if one.coin == "USDC"))
    assert 0.86 < lowest < 0.89
