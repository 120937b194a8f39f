from datetime import UTC, datetime
from pathlib import Path

import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.exchange.scenario_file import load_scenario


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
        ("seed = [", "not valid TOML"),
        ("\nsead = 1\nsed = 2", r"line 2: sead is not a known key; did you mean seed\?\n.*line 3: sed is not"),
        ("name='a'\nseed = 'x'", r"line 2: seed = 'x' must be a whole number$"),
        ("name='a'\nrate_limits = 1", r"line 2: rate_limits = 1 must be true or false$"),
        ("[[underlyings]]\nname='BTC'", r"line 1: underlyings\[0\] has no start_price, which it needs$"),
        (
            "[[accounts]]\nname='a'\napi_key='k'\napi_secret='s'\n[accounts.coins]\nUSDT='1'\nBTC='much'",
            r"line 7: accounts\[0\].coins.BTC = 'much'",
        ),
        (
            "[[underlyings]]\nname='BTC'\nstart_price=1\n[[underlyings]]\nname='X'\nvoll=1",
            r"line 6: underlyings\[1\].voll",
        ),
        (
            "accounts = [\n  {name='a', api_key='k', api_secret='s', coins={}, leverage='x'},\n]",
            r"line 2: accounts\[0\].leverage",
        ),
        ("seed = 1\nseed = 2", r"line 2: is not valid TOML \(Cannot overwrite a value\)"),
        ("step_ms = 5", r"line 1: step_ms is 5, it must be 10 to"),
        ("funding_interval_s = 1", "funding_interval_s is 1, it must be at least 60"),
        ("[[underlyings]]\nname='BTC'\nstart_price=-1.0", "line 3: underlying BTC: start_price"),
        ("[client_flow]\naccount='x'", "client_flow.account is 'x', it must be one of"),
        ("[[recordings]]\nunderlying='SOL'", "recording of 'SOL'"),
        ("[[recordings]]\nunderlying='BTC'\nspeed=0.0", "speed is 0.0, it must be positive"),
        ("[weather]\nack_lost_probability=1.5", "ack_lost_probability is 1.5"),
        ("[[events]]\nat_s = 1.0\ntrouble = {type = 'price_shok'}", r"line 3: .*did you mean price_shock\?$"),
        (
            "[[events]]\nat_s = 1.0\n[events.trouble]\ntype = 'price_shock'\nunderlyin = 'BTC'\nratio = 1.0",
            r"line 5: events\[0\].trouble.underlyin is not a known key; did you mean underlying\?$",
        ),
        (
            "[[events]]\nat_s=1.0\n[events.trouble]\ntype='price_shock'\nunderlying='BTC'\nratio=-1.0",
            r"line 6: .*ratio",
        ),
        ("[[events]]\nat_s=1.0\n[events.trouble]\ntype='price_shock'\nunderlying='XRP'\nratio=1.0", r"line 5: .*'XRP'"),
        ("[[events]]\nat_s = 1.0\ntrouble = {ratio = 1.0}", r"line 3: events\[0\].trouble has no type, which it needs"),
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


def test_bytes_that_are_no_text_are_told_with_their_line(tmp_path: Path) -> None:
    path = tmp_path / "world.toml"
    path.write_bytes(b"name = 'a'\r\n# \xff\r\n")
    with pytest.raises(ConfigError, match=r"world.toml, line 2: is not UTF-8 text"):
        load_scenario(path)
