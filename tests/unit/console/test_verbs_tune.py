import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from hedgebot.config.loader import load_config
from hedgebot.console import verbs_tune
from hedgebot.console.assets import config_file
from hedgebot.console.errors import WrongUse
from hedgebot.console.verbs_tune import (
    Window,
    budget_strategies,
    chosen_window,
    journal_paths,
    tuned_lines,
    with_budget,
)
from hedgebot.core.exposure import net_delta_coin
from hedgebot.domain.settings import StrategySettings
from hedgebot.journal.query import JournalReader
from hedgebot.lab.sweep import BandChoice, BudgetChoice, Played
from hedgebot.lab.tune import Fold, Tuned
from tests.unit.console.conftest import recorded_book, write_journal


def played(cost: float) -> Played:
    return Played(
        choice=BandChoice(trigger_coin=0.2, target_ratio=0.75),
        tracking_error_usd=300.0,
        cost_usd_day=cost,
        orders_day=3.0,
        turnover_coin_day=1.0,
    )


def test_only_what_came_after_is_told() -> None:
    chosen = BandChoice(trigger_coin=0.2, target_ratio=0.75)
    fold = Fold(from_day=1.0, until_day=2.0, chosen=chosen, after=played(60.0), present=played(100.0))
    head, _, row, last = tuned_lines(
        Tuned(underlying="BTC", budget_usd=310.0, cost_bps=5.5, candidates=99, folds=(fold,), now=chosen)
    )
    assert "99 bands at 5.5 bps a hedge, " in head
    assert "out-of-sample figures only" in head
    assert "60.00" in row
    assert last == (
        "out of sample: -40% of the present band's cost; for the time after this history: band_coin = 0.2, "
        "target_ratio = 0.75"
    )


def test_a_budget_is_told_as_its_key() -> None:
    chosen = BudgetChoice(tracking_error_usd=450.0)
    fold = Fold(from_day=1.0, until_day=2.0, chosen=chosen, after=played(60.0), present=played(100.0))
    head, _, row, last = tuned_lines(
        Tuned(underlying="BTC", budget_usd=310.0, cost_bps=5.5, candidates=17, folds=(fold,), now=chosen)
    )
    assert "17 budgets" in head
    assert "budget 450" in row
    assert last.endswith("for the time after this history: tracking_error_usd = 450")


def test_a_history_of_minutes_is_told_in_minutes() -> None:
    chosen = BandChoice(trigger_coin=0.2, target_ratio=0.75)
    fold = Fold(from_day=0.01, until_day=0.02, chosen=chosen, after=played(60.0), present=played(100.0))
    lines = tuned_lines(
        Tuned(underlying="BTC", budget_usd=310.0, cost_bps=5.5, candidates=99, folds=(fold,), now=chosen)
    )
    assert lines[2].startswith("14.4 to 28.8 min")


def test_strategies_of_a_budget_are_found_and_built_with_another() -> None:
    config = load_config(config_file("backtest"))
    (one,) = budget_strategies(config, "BTC")
    assert budget_strategies(config, "ETH") == []
    assert budget_strategies(load_config(config_file("demo")), "BTC") == []
    assert with_budget(one)(700.0).name == "cost_aware"


def test_a_long_journal_keeps_every_second_look(journal_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = load_config(config_file("demo"))
    whole = journal_paths(config, journal_dir, every_ns=1)["BTC"]
    monkeypatch.setattr(verbs_tune, "LOOKS_MAX", 8)
    short = journal_paths(config, journal_dir, every_ns=1)["BTC"]
    assert len(short.days) < 8 <= len(whole.days)
    assert short.days[0] == 0.0
    assert short.seen is not None
    assert len(short.seen.gamma) == len(short.days)


def test_a_journal_gives_the_exposure_without_its_hedges(journal_dir: Path) -> None:
    paths = journal_paths(load_config(config_file("demo")), journal_dir, every_ns=1)
    found = paths["BTC"]
    assert len(found.days) == len(found.price) == len(found.unhedged_coin) > 1
    assert (np.diff(found.days) > 0.0).all()
    assert found.lot_coin == 0.001
    assert found.days[0] == 0.0
    assert found.cost_bps == load_config(config_file("demo")).file.underlyings["BTC"].cost_bps
    last = recorded_book().state.underlyings["BTC"]
    # What clients did and nobody hedged yet: the delta is that plus our own fills.
    assert last.tracking.hedged_coin != 0.0
    assert abs(found.unhedged_coin).max() > abs(net_delta_coin(last))


def test_a_journal_of_a_book_that_is_hedged_in_part_gives_that_part(journal_dir: Path, tmp_path: Path) -> None:
    tilt = StrategySettings(
        name="tilt", plugin="target", enabled=True, params={"hedge_ratio": 0.5}, underlyings=("BTC",)
    )
    asyncio.run(write_journal(tmp_path, recorded_book(tilt)))
    config = load_config(config_file("demo"))
    part, whole = (journal_paths(config, folder, every_ns=1)["BTC"] for folder in (tmp_path, journal_dir))
    assert np.ptp(part.unhedged_coin) == pytest.approx(0.5 * np.ptp(whole.unhedged_coin))
    assert np.ptp(part.unhedged_coin) > 0.0


def test_a_journal_of_another_book_is_told(journal_dir: Path) -> None:
    config = load_config(config_file("demo"))
    other = config.file.model_copy(update={"underlyings": {"SOL": config.file.underlyings["BTC"]}})
    with pytest.raises(WrongUse, match="no priced exposure of SOL"):
        journal_paths(replace(config, file=other), journal_dir)


def test_a_part_of_a_journal_is_chosen_and_only_that_is_thinned(
    journal_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_config(config_file("demo"))
    whole = journal_paths(config, journal_dir, every_ns=1)["BTC"]
    with JournalReader(journal_dir) as reader:
        (newest,) = (one.at_ns for one in reader.tail(1))
    last_days = (whole.days[-1] - whole.days[-5]) * 1.000001
    window = chosen_window(journal_dir, None, None, last_days)
    assert window == Window(newest - round(last_days * 86_400e9), None)
    monkeypatch.setattr(verbs_tune, "LOOKS_MAX", len(whole.days))
    part = journal_paths(config, journal_dir, every_ns=1, window=window)["BTC"]
    assert part.unhedged_coin.tolist() == whole.unhedged_coin[-len(part.days) :].tolist()
    assert 2 <= len(part.days) < len(whole.days)
    begun = journal_paths(config, journal_dir, every_ns=1, window=Window(None, newest - round(last_days * 86_400e9)))
    assert begun["BTC"].price.tolist() == whole.price[: len(begun["BTC"].days)].tolist()
    with pytest.raises(WrongUse, match=r"no priced exposure of BTC.* between --start and --end, or in the last --days"):
        journal_paths(config, journal_dir, window=Window(0, 1))


def test_a_window_is_of_utc_and_of_both_its_ends() -> None:
    start, end = datetime(2026, 1, 1), datetime(2026, 2, 1, tzinfo=UTC)  # noqa: DTZ001  (as an operator writes it)
    found = chosen_window(Path("nowhere"), start, end, None)
    assert found == Window(1_767_225_600_000_000_000, 1_769_904_000_000_000_000)
    assert [found.has(one) for one in (0, found.from_ns or 0, found.to_ns or 0, 2**62)] == [False, True, True, False]
    with pytest.raises(WrongUse, match=r"--start .* must be before --end"):
        chosen_window(Path("nowhere"), end, start, None)


def test_the_last_days_are_those_before_the_end(journal_dir: Path) -> None:
    with JournalReader(journal_dir) as reader:
        (newest,) = (one.at_ns for one in reader.tail(1))
    end = datetime.fromtimestamp(newest // 10**9 - 86_400, tz=UTC)
    found = chosen_window(journal_dir, None, end, 2.0)
    assert found.to_ns is not None
    assert found == Window(found.to_ns - 2 * 86_400 * 10**9, (newest // 10**9 - 86_400) * 10**9)
    late = chosen_window(journal_dir, end, None, 30.0)
    assert late == Window(found.to_ns, None)


def test_what_does_nothing_with_a_journal_is_refused(journal_dir: Path) -> None:
    with pytest.raises(WrongUse, match="with --journal --data and --seed would do nothing"):
        verbs_tune.tune(config_file("demo"), journal=journal_dir, data=[Path("x.csv")], seed=3)
    with pytest.raises(WrongUse, match="--scenario and --step-s would do nothing"):
        verbs_tune.tune(config_file("demo"), journal=journal_dir, scenario=Path("x.toml"), step_s=30.0)
