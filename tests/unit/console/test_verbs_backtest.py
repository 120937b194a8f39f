import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hedgebot.config.loader import load_config
from hedgebot.console.assets import config_file, scenario_file
from hedgebot.console.backtest_report import report_lines, report_page
from hedgebot.console.errors import WrongUse
from hedgebot.console.main import app
from hedgebot.console.verbs_backtest import Progress, backtest_world, make_wish
from hedgebot.lab.backtest import Result, Wish, run_backtest
from hedgebot.lab.worldspec import SCENARIO, SETTINGS
from strategies.delta_neutral import STRATEGY


@pytest.fixture(scope="module")
def result() -> Result:
    world = msgspec.structs.replace(SCENARIO, step_ms=10_000)
    return run_backtest(Wish(scenario=world, settings=SETTINGS, days=0.02, label="<b>mine"), STRATEGY.build)


def test_the_lines_say_what_it_cost_and_left_open(result: Result) -> None:
    text = "\n".join(report_lines(result))
    for words in ("tracking error, USD/sqrt(day)", "trading cost, USD/day", "efficiency E", "equity moved"):
        assert words in text


def test_the_page_stands_alone_and_escapes_names(result: Result) -> None:
    page = report_page(result)
    assert page.count("<svg") == 4
    assert "<b>mine" not in page
    assert "&lt;b&gt;mine" in page
    assert 'src="' not in page
    assert "<script" not in page


def test_the_verb_runs_the_demo_book(tmp_path: Path) -> None:
    report = tmp_path / "out.html"
    words = [
        "backtest",
        str(config_file("demo")),
        "--days",
        "0.01",
        "--step-s",
        "20",
        "--report",
        str(report),
        "--json",
    ]
    outcome = CliRunner().invoke(app, words)
    assert outcome.exit_code == 0, outcome.output
    data = json.loads(outcome.stdout)
    assert {one["underlying"] for one in data["hedges"]} == {"BTC", "ETH"}
    assert report.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_nothing_is_drawn_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress() as progress:
        progress.told(0.5)
    assert capsys.readouterr().err == ""


def test_a_recording_that_is_hurried_has_no_clock_of_its_own(tmp_path: Path) -> None:
    shipped = scenario_file("options_book").read_text(encoding="utf-8")
    hurried = tmp_path / "hurried.toml"
    hurried.write_text(shipped + '\n[[recordings]]\nunderlying = "BTC"\nperp_bars = "x.csv"\nspeed = 60.0\n')
    with pytest.raises(WrongUse, match="recording of BTC has a speed of its own"):
        backtest_world(hurried, [], None, None, None)


def test_looks_are_a_step_apart_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    world = backtest_world(scenario_file("options_book"), [], None, None, None)
    plain = load_config(config_file("backtest"))
    assert [one.check_interval_s for one in make_wish(plain, world, 20.0, 0.01).settings.underlyings] == [20.0]
    text = (
        config_file("backtest")
        .read_text(encoding="utf-8")
        .replace("[underlyings.BTC]\n", "[underlyings.BTC]\ncheck_interval_s = 3\n")
    )
    (tmp_path / "demo-limits.toml").write_bytes(config_file("demo-limits").read_bytes())
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    own = load_config(tmp_path / "own.toml")
    assert [one.check_interval_s for one in make_wish(own, world, 20.0, 0.01).settings.underlyings] == [3.0]
