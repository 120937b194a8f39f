"""A start that loosens a hard limit takes a second step, for exactly that configuration, and once."""

from pathlib import Path

import msgspec
import pytest

from hedgebot.config.loader import Config, load_config
from hedgebot.daemon.loosened import FILE, Confirmation, check_loosened, confirm, loosened_since, phrase, take_over
from hedgebot.domain.errors import ConfigError
from hedgebot.domain.events import ConfigApplied
from hedgebot.domain.settings import EngineSettings
from tests.unit.daemon.fakes import ListSink, write_config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(write_config(tmp_path), state_dir=tmp_path)


def settings(config: Config, **limits: float) -> EngineSettings:
    found = config.engine_settings(7)
    return msgspec.structs.replace(found, limits=msgspec.structs.replace(found.limits, **limits))


def test_what_is_looser_is_told_by_limit_and_by_underlying(config: Config) -> None:
    before = settings(config, book_age_ms_max=1_000, es_ratio_alert=0.01)
    (btc,) = before.underlyings
    before = msgspec.structs.replace(
        before, underlyings=(msgspec.structs.replace(btc, collar_bps=10.0, band_coin=0.1),)
    )
    assert loosened_since(before, settings(config)) == [
        "limits.book_age_ms_max: 1000 -> 5000",
        "underlyings.BTC.collar_bps: 10.0 -> 20.0",
    ]
    assert loosened_since(settings(config), before) == []


def test_nothing_looser_and_no_run_before_need_no_word(config: Config) -> None:
    assert check_loosened(None, settings(config), config) is None
    assert check_loosened(settings(config), settings(config), config) is None
    assert check_loosened(settings(config, book_age_ms_max=9_000), settings(config), config) is None


def test_the_refusal_shows_the_limits_and_names_the_words_of_the_second_step(config: Config) -> None:
    before = settings(config, book_age_ms_max=1_000)
    with pytest.raises(ConfigError) as caught:
        check_loosened(before, settings(config), config)
    told = str(caught.value)
    assert caught.value.exit_code == 6
    assert "limits.book_age_ms_max: 1000 -> 5000" in told
    assert f'--confirm "{phrase(config)}"' in told
    assert phrase(config) == f"loosen test {config.hash[:8]}"


def test_a_word_is_good_for_this_configuration_alone(config: Config) -> None:
    before = settings(config, book_age_ms_max=1_000)
    for other in (b"", b"{}", msgspec.json.encode(Confirmation(config_hash="beef", operator="ann", reason="x"))):
        (config.state_dir / FILE).write_bytes(other)
        with pytest.raises(ConfigError):
            check_loosened(before, settings(config), config)
    (config.state_dir / FILE).unlink()
    confirm(config.state_dir, Confirmation(config_hash=config.hash, operator="ann", reason="a slow feed"))
    word = check_loosened(before, settings(config), config)
    assert word is not None
    assert (word.operator, word.reason) == ("ann", "a slow feed")
    assert word.changes == ("limits.book_age_ms_max: 1000 -> 5000",)
    assert (config.state_dir / FILE).stat().st_mode & 0o777 == 0o600


def test_a_word_is_journaled_and_good_for_one_start(config: Config) -> None:
    sink = ListSink()
    confirm(config.state_dir, Confirmation(config_hash=config.hash, operator="ann", reason="a slow feed"))
    word = ConfigApplied(settings=settings(config), changes=("x: 1 -> 2",), operator="ann", reason="a slow feed")
    take_over(word, sink, config.state_dir)
    assert sink.events == [word]
    assert not (config.state_dir / FILE).exists()
    take_over(None, sink, config.state_dir)
    assert sink.events == [word]
