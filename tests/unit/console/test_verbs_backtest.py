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
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.exchange.playback import RecordedPath
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


def recorded_candles(folder: Path, minutes: int) -> Path:
    lines = ["timestamp,open,high,low,close"]
    for minute in range(minutes):
        price = 86_000.0 + 10.0 * (minute % 7)
        lines.append(f"{1_740_787_200_000 + minute * 60_000},{price},{price + 5},{price - 5},{price}")
    path = folder / "BTC_minutes.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def wish_of(candles: Path, step_s: float, days: float | None) -> Wish:
    world = backtest_world(scenario_file("options_book"), [candles], None, None, None)
    return make_wish(load_config(config_file("backtest")), world, step_s, days)


def test_a_run_over_a_recording_ends_with_its_last_price(tmp_path: Path) -> None:
    """The book is hedged first; that time was not taken off, so that the run ended on a price that stood still."""
    wish = wish_of(recorded_candles(tmp_path, 300), 60.0, None)
    (path,) = wish.paths.values()
    assert isinstance(path, RecordedPath)
    assert wish.end_ns == pytest.approx(path.origin_ns + path.days * NS_PER_DAY)
    assert wish.days == pytest.approx((300 - 8.5) / 1_440.0)
    assert wish_of(recorded_candles(tmp_path, 300), 60.0, 0.1).days == 0.1


def test_more_days_than_were_recorded_are_refused_with_what_there_is(tmp_path: Path) -> None:
    candles = recorded_candles(tmp_path, 300)
    words = (
        r"--days 5 is too long: the recording of BTC has 0\.2083 days, and the first 8\.5 minutes .* at most 0\.2024"
    )
    with pytest.raises(WrongUse, match=words):
        wish_of(candles, 60.0, 5.0)
    assert wish_of(candles, 60.0, 0.2024).days == 0.2024


def test_a_recording_that_ends_before_the_book_is_hedged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match=r"first 8\.5 minutes go to hedging the book .* nothing is left to look at"):
        wish_of(recorded_candles(tmp_path, 8), 60.0, None)
