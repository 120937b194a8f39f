import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from hedgebot.config import Config, diff, load_config
from hedgebot.config.changes import restart_needed
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import AccountRole, CostSource, FundingAction, HedgeRole, LimitSettings, MarginMode

HOLDING = """
[holdings.vault]
kind = "http"
coin = "BTC"
url = "http://127.0.0.1:9000/vault"
ratio = 1.05
age_s_max = 600
jump_coin_max = 2
"""


def test_a_holding_reaches_the_engine_and_its_reader_needs_a_restart(folder: Path) -> None:
    before = load_config(folder / "demo.toml")
    text = (folder / "demo.toml").read_text()
    (folder / "demo.toml").write_text(text + HOLDING)
    config = load_config(folder / "demo.toml")
    (holding,) = config.engine_settings(7).holdings
    assert (holding.name, holding.underlying, holding.ratio, holding.jump_coin_max) == ("vault", "BTC", 1.05, 2.0)
    assert holding.coin_max is None
    assert restart_needed(diff(before, config))
    (folder / "demo.toml").write_text(text + HOLDING.replace("jump_coin_max = 2", "jump_coin_max = 9\ncoin_max = 40"))
    more = load_config(folder / "demo.toml")
    assert more.engine_settings(7).holdings[0].coin_max == 40.0
    assert not restart_needed(diff(config, more))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('coin = "BTC"', 'coin = "SOL"', "holdings.vault.coin = 'SOL' is not one of the [underlyings]"),
        ('url = "http://127.0.0.1:9000/vault"', "", "holdings.vault.url is missing; a holding of kind http needs it"),
        ('kind = "http"', 'kind = "file"', "holdings.vault.url does nothing for a holding of kind file"),
        ("age_s_max = 600", "age_s_max = 20", "holdings.vault.age_s_max = 20 must be above every_s (30.0)"),
        ("ratio = 1.05", "ratio = -1", "holdings.vault.ratio"),
    ],
)
def test_a_holding_that_cannot_be_meant_is_refused(folder: Path, old: str, new: str, sentence: str) -> None:
    with (folder / "demo.toml").open("a") as file:
        file.write(HOLDING.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "demo.toml")
    assert sentence in str(caught.value)


EVENTS = """
[[margin.events]]
name = "FOMC"
start = 2026-12-09T18:00:00Z
end = 2026-12-09T21:00:00+01:00

[[margin.events]]
name = "expiry"
start = 2026-12-25T07:30:00Z
end = 2026-12-25T08:30:00Z
"""


def test_events_of_the_margin_are_windows_in_utc_and_may_change_while_the_daemon_runs(folder: Path) -> None:
    before = load_config(folder / "demo.toml")
    with (folder / "demo.toml").open("a") as file:
        file.write(EVENTS)
    config = load_config(folder / "demo.toml")
    first, second = config.engine_settings(7).margin_events
    assert (first.name, first.start_ns) == ("FOMC", 1_796_839_200_000_000_000)
    assert first.end_ns - first.start_ns == 2 * 3_600 * 1_000_000_000
    assert second.name == "expiry"
    assert not restart_needed(diff(before, config))
    assert before.hash != config.hash


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("end = 2026-12-25T08:30:00Z", "end = 2026-12-25T07:30:00Z", "margin.events.1.end = 2026-12-25 07:30"),
        ("start = 2026-12-09T18:00:00Z", "start = 2026-12-09T18:00:00", "margin.events.0.start"),
        ('name = "expiry"', 'name = ""', "margin.events.1.name"),
        ("start = 2026-12-09T18:00:00Z", "begin = 2026-12-09T18:00:00Z", "begin"),
    ],
)
def test_an_event_that_cannot_be_meant_is_refused(folder: Path, old: str, new: str, sentence: str) -> None:
    with (folder / "demo.toml").open("a") as file:
        file.write(EVENTS.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "demo.toml")
    assert sentence in str(caught.value)


TREASURY = """
[treasury.main]
top_up_use = 0.6
target_use = 0.45
emergency_qty = 5000
move_max_qty = 3000.5
day_max_qty = 8000
"""


def test_a_treasury_reaches_the_engine_and_the_connection_and_needs_a_restart(folder: Path) -> None:
    before = load_config(folder / "demo.toml")
    with (folder / "demo.toml").open("a") as file:
        file.write(TREASURY)
    config = load_config(folder / "demo.toml")
    (treasury,) = config.engine_settings(7).treasury
    assert (treasury.account, treasury.coin, treasury.top_up_use, treasury.target_use) == ("main", "USDT", 0.6, 0.45)
    assert (treasury.emergency_qty, treasury.move_max_qty) == (Decimal("5000.0"), Decimal("3000.5"))
    assert [one.moves_collateral for one in config.connections({})] == [True]
    assert [one.moves_collateral for one in before.connections({})] == [False]
    assert restart_needed(diff(before, config))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("[treasury.main]", "[treasury.mian]", "treasury.mian is not the name of one of the [accounts] (known: main)"),
        ("top_up_use = 0.6", "top_up_use = 0.4", "treasury.main.target_use = 0.45 must be below top_up_use (0.4)"),
        ("top_up_use = 0.6", "top_up_use = 0.8", "treasury.main.top_up_use = 0.8 must be below margin_use_reduce"),
        ("target_use = 0.45", "target_use = 0.6", "treasury.main.target_use = 0.6 must be below margin_use_clear"),
        ("top_up_use = 0.6", "coin = 'BTC'\ntop_up_use = 0.6", "treasury.main.coin is one of the [underlyings]"),
        ("day_max_qty = 8000", "day_max_qty = 800", "treasury.main.day_max_qty = 800 must be at least move_max_qty"),
        ("move_max_qty = 3000.5", "move_max_qty = 50", "treasury.main.move_max_qty = 50 must be at least move_min_qty"),
        ("move_max_qty = 3000.5", "move_max_qty = -1", "treasury.main.move_max_qty"),
    ],
)
def test_a_treasury_that_cannot_be_meant_is_refused(folder: Path, old: str, new: str, sentence: str) -> None:
    with (folder / "demo.toml").open("a") as file:
        file.write(TREASURY.replace(old, new))
    with pytest.raises(ConfigError) as caught:
        load_config(folder / "demo.toml")
    assert sentence in str(caught.value)


def test_the_demo_configuration_is_good(good: Config) -> None:
    settings = good.engine_settings(7)
    assert settings.install == 7
    assert settings.config_hash == good.hash
    assert settings.limits == LimitSettings()
    assert [one.underlying for one in settings.underlyings] == ["BTC", "ETH"]
    assert settings.underlyings[0].hedge_instrument == "bybit:linear:BTCUSDT"
    assert settings.accounts[0].role is AccountRole.SHARED


def test_other_hedge_instruments_become_legs_with_their_roles(root: Path, tmp_path: Path) -> None:
    text = (root / "config" / "demo.toml").read_text()
    main = 'hedge_instrument = "bybit:linear:BTCUSDT"'
    assert main in text
    own = tmp_path / "two.toml"
    keys = 'hedge_instrument_buy = "bybit:linear:BTCUSDT-25DEC26"\nopposed_coin_max = 0.5\nhedge_hold_days = 3'
    own.write_text(text.replace(main, f"{main}\n{keys}"))
    (tmp_path / "demo-limits.toml").write_text((root / "config" / "demo-limits.toml").read_text())
    btc, eth = load_config(own).engine_settings(install=1).underlyings
    assert btc.hedge_instruments == ("bybit:linear:BTCUSDT", "bybit:linear:BTCUSDT-25DEC26")
    assert btc.opened_with(Side.BUY) == "bybit:linear:BTCUSDT-25DEC26"
    assert btc.opened_with(Side.SELL) == "bybit:linear:BTCUSDT"
    assert (btc.opposed_coin_max, btc.hedge_hold_days) == (0.5, 3.0)
    assert eth.other_hedges == ()


VOLUMES_USD = {"bybit:linear:BTCUSDT": 8e9, "bybit:linear:BTCPERP": 2e9}


def test_what_hedges_cost_reaches_the_engine(root: Path, tmp_path: Path) -> None:
    text = (root / "config" / "demo.toml").read_text()
    main = 'hedge_instrument = "bybit:linear:BTCUSDT"'
    keys = """
hedge_instrument_buy = "bybit:linear:BTCPERP"
cost_source = "measured"
cost_prior_orders = 10
cost_factor_max = 1.5
hedge_fees_bps = { "bybit:linear:BTCUSDT" = 5.5 }
hedge_day_volumes_usd = { "bybit:linear:BTCUSDT" = 8e9, "bybit:linear:BTCPERP" = 2e9 }
hedge_basis_vols_day = { "bybit:linear:BTCUSDT" = 0.0002, "bybit:linear:BTCPERP" = 0 }
impact_ratio = 0.8
"""
    own = tmp_path / "costs.toml"
    own.write_text(text.replace(main, f"{main}{keys}", 1))
    (tmp_path / "demo-limits.toml").write_text((root / "config" / "demo-limits.toml").read_text())
    btc, eth = load_config(own).engine_settings(install=1).underlyings
    assert (btc.cost_source, btc.cost_prior_orders, btc.cost_factor_max) == (CostSource.MEASURED, 10.0, 1.5)
    assert btc.hedge_fees_bps == {"bybit:linear:BTCUSDT": 5.5}
    assert (btc.hedge_day_volumes_usd, btc.impact_ratio) == (VOLUMES_USD, 0.8)
    assert btc.hedge_basis_vols_day == {"bybit:linear:BTCUSDT": 0.0002, "bybit:linear:BTCPERP": 0.0}
    assert (eth.cost_source, eth.hedge_fees_bps) == (CostSource.CONFIGURED, {})


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (
            "hedge_fees_bps = { 'bybit:linear:BTCUSDT' = 0.00055 }",
            "BTCUSDT = 0.00055 looks like a fraction or percent;",
        ),
        ("hedge_fees_bps = { 'bybit:linear:BTCUSDT' = -0.5 }", "BTCUSDT = -0.5 must be at least 0"),
        ("hedge_fees_bps = { BTCUSDT = 5.5 }", "hedge_fees_bps.BTCUSDT: its name must be venue:category:symbol"),
        ("hedge_day_volumes_usd = { 'bybit:linear:BTCUSDT' = 0 }", "BTCUSDT = 0 must be at least 100000"),
        ("hedge_basis_vols_day = { 'bybit:linear:BTCUSDT' = 5 }", "BTCUSDT = 5 must be at most 0.05"),
        ("hedge_day_volumes_usd = { 'bybit:linear:BTCUSDT' = 80e3 }", "BTCUSDT = 80000.0 must be at least 100000"),
    ],
)
def test_a_figure_in_another_unit_is_told_by_name(root: Path, tmp_path: Path, line: str, part: str) -> None:
    text, main = (root / "config" / "demo.toml").read_text(), 'hedge_instrument = "bybit:linear:BTCUSDT"'
    own = tmp_path / "costs.toml"
    own.write_text(text.replace(main, f'{main}\nhedge_instrument_buy = "bybit:linear:BTCPERP"\n{line}', 1))
    (tmp_path / "demo-limits.toml").write_text((root / "config" / "demo-limits.toml").read_text())
    with pytest.raises(ConfigError) as refused:
        load_config(own)
    assert f"underlyings.BTC.{line.split(maxsplit=1)[0]}." in str(refused.value)
    assert part in str(refused.value)


def test_alternatives_keep_the_operators_order(root: Path, tmp_path: Path) -> None:
    text = (root / "config" / "demo.toml").read_text()
    own = tmp_path / "switch.toml"
    keys = (
        'hedge_alternatives = ["bybit:linear:BTCPERP", "bybit:linear:BTCUSDT-25DEC26"]\nfunding_saving_day_min = 0.001'
    )
    text = text.replace('funding_action = "no_risk"', f'funding_action = "switch"\n{keys}', 1)
    own.write_text(text)
    (tmp_path / "demo-limits.toml").write_text((root / "config" / "demo-limits.toml").read_text())
    btc = load_config(own).engine_settings(install=1).underlyings[0]
    assert [one.instrument for one in btc.other_hedges] == ["bybit:linear:BTCPERP", "bybit:linear:BTCUSDT-25DEC26"]
    assert {one.role for one in btc.other_hedges} == {HedgeRole.ALTERNATIVE}
    assert (btc.funding_action, btc.funding_saving_day_min) == (FundingAction.SWITCH, 0.001)
    assert btc.opened_with(Side.BUY) == btc.opened_with(Side.SELL) == "bybit:linear:BTCUSDT"


def test_the_example_for_the_testnet_is_good_but_for_its_keys(root: Path) -> None:
    config = load_config(root / "config" / "bybit.example.toml")
    with pytest.raises(
        ConfigError, match=r"accounts\.main: no API key in the file .*bybit_api_key \(it does not exist\)"
    ):
        config.connections({})


def test_every_key_is_documented_where_it_is_first_met(root: Path) -> None:
    """A comment stands above each key of the demo's file and of the limits, in the block where the key comes first."""
    for name in ("demo.toml", "limits.toml"):
        seen: set[str] = set()
        lines = (root / "config" / name).read_text("utf-8").splitlines()
        for before, line in pairwise(lines):
            key = re.match(r"(\w+) = ", line)
            if key and key[1] not in seen:
                seen.add(key[1])
                assert before.startswith("#"), f"{name}: {key[1]} has no comment"


def test_the_state_folder_is_by_xdg_unless_said_otherwise(
    folder: Path, good: Config, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert good.state_dir.parts[-2:] == ("hedgebot", "demo")
    assert load_config(folder / "demo.toml", state_dir=tmp_path / "x").state_dir == tmp_path / "x"
    monkeypatch.setenv("HEDGEBOT_BOOK__STATE_DIR", "~/here")
    assert load_config(folder / "demo.toml").state_dir == Path.home() / "here"


def test_the_environment_overrides_key_by_key_and_is_named_when_wrong(
    folder: Path, good: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEDGEBOT_UNDERLYINGS__BTC__BAND_COIN", "0.5")
    changed = load_config(folder / "demo.toml")
    assert diff(good, changed) == ["underlyings.BTC.band_coin: 0.25 -> 0.5"]
    monkeypatch.setenv("HEDGEBOT_UNDERLYINGS__BTC__BAND_COIN", "-1")
    with pytest.raises(ConfigError, match="environment variable HEDGEBOT_UNDERLYINGS__BTC__BAND_COIN: underlyings"):
        load_config(folder / "demo.toml")
    monkeypatch.setenv("HEDGEBOT_UNDERLYINGS__BTC__BAND_COIN", "0.25")
    monkeypatch.setenv("HEDGEBOT_DAEMON", "5")
    with pytest.raises(ConfigError):
        load_config(folder / "demo.toml")


def test_every_setting_moves_the_hash_and_no_secret_does(folder: Path, good: Config) -> None:
    limits = folder / "limits.toml"
    limits.write_text(limits.read_text("utf-8").replace("daily_loss_usd_max = 50000.0", "daily_loss_usd_max = 40000.0"))
    changed = load_config(folder / "demo.toml")
    assert changed.hash != good.hash
    assert diff(good, changed) == ["limits.daily_loss_usd_max: 50000.0 -> 40000.0"]
    assert load_config(folder / "demo.toml", state_dir=folder).hash == changed.hash


def test_secrets_are_nowhere_but_in_the_connection(folder: Path, good: Config) -> None:
    (connection,) = good.connections({})
    secret = connection.api_secret.get_secret_value()
    assert secret
    for text in (repr(good), str(good.tree()), repr(connection), repr(good.engine_settings(1))):
        assert secret not in text


def test_a_limits_file_on_the_command_line_wins(folder: Path, root: Path) -> None:
    other = folder / "other.toml"
    other.write_text("order_burst_max = 3\n")
    assert load_config(folder / "demo.toml", other).limits.order_burst_max == 3


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"limits = [", "is not valid TOML"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"", "limits is missing; it must be the file of hard limits"),
    ],
)
def test_files_that_cannot_be_read_are_named(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "book.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    assert part in str(caught.value)


def test_absent_files_are_named(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file"):
        load_config(tmp_path / "no.toml")
    with pytest.raises(ConfigError, match="is a folder"):
        load_config(tmp_path)
    (folder / "limits.toml").unlink()
    with pytest.raises(ConfigError, match=r"limits\.toml: there is no such file"):
        load_config(folder / "demo.toml")


def test_the_engine_is_told_the_margin_mode_and_the_parameters_whole(folder: Path, good: Config) -> None:
    settings = good.engine_settings(7)
    assert settings.accounts[0].margin_mode is MarginMode.CROSS
    (shipped,) = settings.margin_parameters
    assert shipped.venue == "bybit"
    assert len(shipped.hash) == 16
    assert '"id": "bybit-20261125"' in shipped.content
    main = folder / "demo.toml"
    main.write_text('margin_parameters = "own.json"\n' + main.read_text("utf-8"), "utf-8")
    with pytest.raises(ConfigError, match=r"margin_parameters .*own\.json cannot be read"):
        load_config(main).engine_settings(7)
    (folder / "own.json").write_text("{}", "utf-8")
    (own,) = load_config(main).engine_settings(7).margin_parameters
    assert own.content == "{}"
    assert own.hash != shipped.hash


def test_a_kill_asks_for_no_key_of_an_account_that_is_only_watched(folder: Path) -> None:
    main = folder / "demo.toml"
    other = '[accounts.options]\nvenue = "deribit"\nrole = "watched"\napi_key_file = "gone"\napi_secret_file = "gone"\n'
    main.write_text(main.read_text("utf-8") + "\n" + other, "utf-8")
    config = load_config(main)
    assert [one.account for one in config.connections({}, trading=True)] == ["main"]
    with pytest.raises(ConfigError, match=r"accounts\.options: no API key in the file .*gone"):
        config.connections({})
