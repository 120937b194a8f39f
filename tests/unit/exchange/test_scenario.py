from datetime import UTC, datetime
from pathlib import Path

import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.exchange.scenario import load_scenario


def write(folder: Path, text: str) -> Path:
    path = folder / "world.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize("name", ["demo", "expiry", "quiet"])
def test_the_scenarios_that_ship_load(root: Path, name: str) -> None:
    scenario = load_scenario(root / "config" / "scenarios" / f"{name}.toml")
    assert scenario.name == name
    assert {"BTC"} <= {one.name for one in scenario.underlyings} <= {"BTC", "ETH"}
    assert scenario.accounts[0].coins["USDT"] > 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("sead = 1", "sead"),
        ("seed = 'x'", r"seed"),
        ("seed = [", "not valid TOML"),
        ("step_ms = 5", "step_ms is 5, it must be 10 to 1000"),
        ("funding_interval_s = 1", "funding_interval_s is 1, it must be at least 60"),
        ("[[underlyings]]\nname='BTC'\nstart_price=-1.0", "underlying BTC: start_price"),
        ("[client_flow]\naccount='x'", "client_flow.account is 'x', it must be one of"),
        ("[[recordings]]\nunderlying='SOL'", "recording of 'SOL'"),
        ("[[recordings]]\nunderlying='BTC'\nspeed=0.0", "speed is 0.0, it must be positive"),
        ("[weather]\nack_lost_probability=1.5", "ack_lost_probability is 1.5"),
        ("underlyings = []", "underlyings must be named"),
    ],
)
def test_bad_values_are_named_with_what_would_be_right(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        load_scenario(write(tmp_path, text))
    assert "world.toml" in str(caught.value)


def test_two_accounts_of_one_name_are_refused(tmp_path: Path) -> None:
    account = "[[accounts]]\nname='a'\napi_key='k'\napi_secret='s'\ncoins={USDT='1'}\n"
    with pytest.raises(ConfigError, match="two accounts have one name"):
        load_scenario(write(tmp_path, account * 2))


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load_scenario(tmp_path / "absent.toml")


def test_recordings_stand_beside_the_scenario_and_times_are_utc(tmp_path: Path) -> None:
    text = "[[recordings]]\nunderlying='BTC'\nperp_bars='bars.csv'\nstart=2025-10-10T21:00:00\n"
    (one,) = load_scenario(write(tmp_path, text)).recordings
    assert one.perp_bars == str(tmp_path / "bars.csv")
    assert one.minutes == ""
    assert one.start == datetime(2025, 10, 10, 21, tzinfo=UTC)
