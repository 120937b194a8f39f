"""Recorded prices: the gap filler, the sentence for what is missing, and every row on m25 in full."""

from pathlib import Path

import numpy as np
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.exchange.recordfile import Rows
from hedgebot.lab.experiment import Experiment, Setting
from hedgebot.lab.figures_history import EXPERIMENTS, FOLDER, closes, each_hour
from hedgebot.lab.reproduce import CASES, read_cases

HOUR_NS = 3_600_000_000_000


def test_a_missing_hour_has_the_last_close() -> None:
    rows = Rows("file", np.array([0, 1, 4]) * HOUR_NS, {"close": np.array([5.0, 6.0, 9.0])})
    assert each_hour(rows).tolist() == [5.0, 6.0, 6.0, 6.0, 9.0]


def test_absent_and_impossible_prices_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no recorded prices at .*BTC_h\.csv\.gz"):
        closes(tmp_path, "BTC_h.csv.gz")
    with pytest.raises(DataError, match="no recorded prices"):
        closes(None, "BTC_h.csv.gz")
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "x.csv").write_text("open_time,close\n2021-01-01 00:00:00,5\n2021-01-01 01:00:00,-1\n")
    with pytest.raises(DataError, match="close"):
        closes(tmp_path, "x.csv")


def test_the_two_coins_must_have_the_same_days(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    for name, day in (("BTC", 1), ("ETH", 2)):
        rows = "".join(f"2021-01-{day + number:02} 00:00:00,{100 + number}\n" for number in range(5))
        (tmp_path / FOLDER / f"{name}_d.csv.gz").write_text("open_time,close\n" + rows)
    cross = next(one for one in EXPERIMENTS if "cross-hedge-ewma" in one.ids)
    with pytest.raises(DataError):
        cross.find(Setting(data=tmp_path))


@pytest.mark.needs_data
@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda one: one.ids[0])
def test_every_row_on_recorded_prices_is_reproduced(experiment: Experiment, shared_data: Path) -> None:
    """In full: at a tracking error of 15 % ours is 35 % cheaper than band to zero on BTC's hours of 2021 to 2025."""
    known = {one.id: one for one in read_cases(CASES)}
    found = experiment.find(Setting(data=shared_data))
    assert set(found) == set(experiment.ids)
    assert [name for name, value in found.items() if not known[name].holds(value)] == []
    assert found.get("btc-real-ww-rho75-vs-zero", -35.0) < -30.0
