from typing import Any

import pytest
from pydantic import ValidationError

from hedgebot.config.limitsfile import LimitsFile
from hedgebot.config.model import AccountSection, UnderlyingSection
from hedgebot.domain.settings import AccountRole


def test_every_field_says_what_it_is() -> None:
    for model in (AccountSection, UnderlyingSection, LimitsFile):
        assert all(field.description for field in model.model_fields.values())


@pytest.mark.parametrize(
    "endpoint",
    ["https://127.0.0.1:1", "http://example.org:80", "http://127.0.0.1", "http://127.0.0.1:99999", "127.0.0.1:80"],
)
def test_an_endpoint_is_a_simulated_exchange_on_this_machine(endpoint: str) -> None:
    with pytest.raises(ValidationError):
        AccountSection(venue="bybit", role=AccountRole.SHARED, endpoint=endpoint)


def test_a_loopback_endpoint_is_taken_without_its_slash() -> None:
    assert (
        AccountSection(venue="bybit", role=AccountRole.SHARED, endpoint="http://[::1]:8080/").endpoint
        == "http://[::1]:8080"
    )


@pytest.mark.parametrize(
    "instrument", ["BTCUSDT", "bybit:linear:", "bybit:linear: BTCUSDT", "bybit:option:BTC-27NOV26-90000-C-USDT"]
)
def test_a_hedge_instrument_is_a_linear_one_by_its_full_name(instrument: str) -> None:
    values: dict[str, Any] = {
        "band_coin": 1.0,
        "delta_limit_coin": 2.0,
        "hedge_account": "main",
        "order_qty_coin_max": 1.0,
        "order_notional_usd_max": 1.0,
    }
    with pytest.raises(ValidationError):
        UnderlyingSection(**values, hedge_instrument=instrument)
    assert UnderlyingSection(**values, hedge_instrument="bybit:linear:BTCUSDT").target_ratio == 0.75
