"""What a recording of quotes costs: its own spread, in the fills and in the report."""

from pathlib import Path

import numpy as np
import pytest

from hedgebot.console.backtest_report import report_lines, report_page
from hedgebot.exchange.recording import load_paths, recorded_scenario
from hedgebot.lab.backtest import Result, Wish, run_backtest
from hedgebot.lab.worldspec import SETTINGS
from strategies.delta_neutral import STRATEGY
from tests.unit.lab.recorded import WORLD

pytest.importorskip("pyarrow")

MINUTES, WARM_UP = 60, 4
NARROW_BPS, WIDE_BPS = 2.0, 20.0


def quotes_file(folder: Path) -> Path:
    """An hour of quotes every ten seconds around a price that swings: 2 bp wide in its first half, 20 bp after it."""
    rows = ["date,bid,ask,bid_size,ask_size"]
    for number in range(6 * MINUTES):
        middle = 90_000.0 * (1.0 + 0.01 * np.sin(number / 48.0))
        half = 0.5e-4 * middle * (NARROW_BPS if number < 3 * MINUTES else WIDE_BPS)
        moment = f"2025-05-10T00:{number // 6:02d}:{10 * (number % 6):02d}"
        rows.append(f"{moment},{middle - half:.1f},{middle + half:.1f},5,5")
    path = folder / "BTCUSDT_quotes.csv"
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    file = quotes_file(tmp_path_factory.mktemp("quotes"))
    world = recorded_scenario(WORLD, [file], start=None, end=None, speed=1.0)
    wish = Wish(scenario=world, settings=SETTINGS, days=(MINUTES - WARM_UP) / 1_440.0, paths=load_paths(world))
    return run_backtest(wish, STRATEGY.build)


def test_fills_pay_the_recorded_spread_of_their_time(result: Result) -> None:
    """Cost less fees over what was traded, until the half hour and from it on: half of what the file has there."""
    (one,) = result.hedges
    columns = one.columns
    # Looks begin some minutes after midnight: 00:27 and 00:35 of the recording.
    before, after = (int(np.searchsorted(columns.days, minutes / 1_440.0)) for minutes in (23, 31))
    hedged = columns.delta_coin - columns.unhedged_coin
    fees = one.costs.fees / float(np.abs(np.diff(hedged)) @ columns.price[1:])

    def half_bps(first: int, last: int) -> float:
        traded = float(np.abs(np.diff(hedged[first:last])) @ columns.price[first + 1 : last])
        assert traded > 1_000.0
        paid = float(columns.trading_usd[last - 1] - columns.trading_usd[first])
        return 1e4 * (paid / traded - fees)

    assert half_bps(0, before) == pytest.approx(NARROW_BPS / 2.0, rel=0.05)
    assert half_bps(after, len(hedged)) == pytest.approx(WIDE_BPS / 2.0, rel=0.05)


def test_the_cost_split_is_the_recordings_and_the_report_says_so(result: Result) -> None:
    (one,) = result.hedges
    # Sizes of five coins are more than any hedge here: beyond the best price is what the market moved between a
    # decision and its fill, which goes both ways.
    assert abs(one.costs.impact) < 0.1 * one.costs.spread
    assert one.costs.trading == pytest.approx(one.costs.fees + one.costs.spread + one.costs.impact)
    assert result.spreads_bps == {"BTC perp": pytest.approx(0.5 * (NARROW_BPS + WIDE_BPS), rel=0.15)}
    told = "best bids and asks are the recording's, their mean spread: BTC perp"
    assert told in "\n".join(report_lines(result))
    assert "BTC perp" in report_page(result)
