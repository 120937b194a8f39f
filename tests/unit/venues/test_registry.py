import subprocess
import sys
import time

import ccxt
import ccxt.pro
import pytest
from ccxt.base.exchange import BaseExchange

from hedgebot.domain.errors import ConfigError
from hedgebot.venues.bybit import BybitVenue
from hedgebot.venues.registry import open_venue, take_time_from
from tests.unit.venues.double import Sink, connection


async def test_bybit_is_opened_by_its_name() -> None:
    assert isinstance(open_venue(connection("http://127.0.0.1:1"), Sink(), time.time_ns), BybitVenue)


def test_another_name_says_what_would_be_right() -> None:
    with pytest.raises(ConfigError, match="'bybitt', it must be one of: bybit"):
        open_venue(connection("http://127.0.0.1:1", venue="bybitt"), Sink(), time.time_ns)


async def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="account main: no API key"):
        open_venue(connection("http://127.0.0.1:1", api_key=""), Sink(), time.time_ns)


def test_the_client_library_takes_our_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseExchange, "milliseconds", staticmethod(BaseExchange.milliseconds))
    take_time_from(lambda: 1_760_000_000_123_999_999)
    assert ccxt.pro.bybit().nonce() == 1_760_000_000_123
    # What the sockets of the library ask, for the age of a pong.
    assert ccxt.Exchange.milliseconds() == 1_760_000_000_123


def test_the_client_library_is_imported_only_when_needed() -> None:
    code = "import sys, hedgebot.venues.registry; sys.exit('ccxt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
