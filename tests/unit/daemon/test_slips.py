"""The second step of a configuration that looks like a slip."""

import msgspec
import pytest

from hedgebot.daemon.slips import exposure_lines, second_step, slips
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import EngineSettings, LimitSettings, UnderlyingSettings

BTC = UnderlyingSettings(
    underlying="BTC",
    hedge_account="main",
    hedge_instrument=InstrumentId("bybit:linear:BTCUSDT"),
    band_coin=0.25,
    target_ratio=0.75,
    delta_limit_coin=5.0,
    collar_bps=20.0,
    spread_bps_max=20.0,
    order_qty_coin_max=1.0,
    order_notional_usd_max=100_000.0,
)
SETTINGS = EngineSettings(
    config_hash="c0ffee", install=7, accounts=(), underlyings=(BTC,), strategies=(), limits=LimitSettings()
)


@pytest.mark.parametrize(
    ("change", "unlikely"),
    [
        ("underlyings.BTC.band_coin: 0.25 -> 25.0", True),
        ("underlyings.BTC.order_notional_usd_max: 1000.0 -> 1000000.0", True),
        ("strategies.tilt.params.hedge_ratio: 1.0 -> -1.0", True),
        ("underlyings.BTC.band_coin: 0.25 -> 0.3", False),
    ],
)
def test_x100_x1000_and_a_turned_sign_are_slips(change: str, unlikely: bool) -> None:
    assert slips([change]) == [change] * unlikely


def test_the_exposure_is_told_in_coins_and_usd() -> None:
    wide = msgspec.structs.replace(BTC, band_coin=100 * BTC.band_coin)
    new = msgspec.structs.replace(SETTINGS, underlyings=(wide,))
    book = {"underlyings": [{"underlying": BTC.underlying, "delta_coin": -0.5, "delta_usd": -50_000.0}]}
    (line,) = exposure_lines(SETTINGS, new, book)
    assert line.startswith(f"{BTC.underlying}: net delta -0.5000 {BTC.underlying}; unhedged it may come to ")
    assert (
        f"{wide.band_coin:g} (about {wide.band_coin * 100_000:,.0f} USD, before {BTC.band_coin * 100_000:,.0f})" in line
    )
    assert exposure_lines(SETTINGS, SETTINGS, book) == []
    unknown = {"underlyings": [{"underlying": BTC.underlying, "delta_coin": None, "delta_usd": None}]}
    assert "net delta unknown; unhedged" in exposure_lines(SETTINGS, new, unknown)[0]


def test_the_word_names_one_configuration() -> None:
    assert second_step("0123456789abcdef") == "01234567"
