"""A cold wallet's file, read by the real daemon: hedged while it can be trusted, not hedged on while it cannot."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import World

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SECTION = """
[holdings.vault]
kind = "file"
coin = "BTC"
path = "vault.txt"
every_s = 0.2
age_s_max = 600
jump_coin_max = 2
"""


@pytest.fixture
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="hb") as folder, World(Path(folder)) as made:
        made.config.write_text(made.config.read_text() + SECTION)
        (made.config.parent / "vault.txt").write_text("1.5")
        yield made


def _told(book: dict[str, Any]) -> list[str]:
    return [one["summary"] for one in book["alerts"] if one["kind"] == "HoldingUntrusted"]


def _write(vault: Path, text: str) -> None:
    """As a careful keeper does it: a reader sees the old file or the new one."""
    fresh = vault.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(vault)


def _in_band(book: dict[str, Any]) -> bool:
    (btc,) = book["underlyings"]
    return btc["delta_coin"] is not None and abs(btc["delta_coin"]) <= btc["band_coin"]


def test_a_cold_wallets_file_is_hedged_while_it_can_be_trusted(world: World) -> None:
    daemon = world.daemon()
    daemon.until_active()
    daemon.until("the vault is hedged", _in_band)
    code, data = world.verb("greeks", "BTC", "--state-dir", str(world.state_dir))
    assert code == 0
    (row,) = [one for one in data["BTC"]["by_instrument"] if one["kind"] == "holding"]
    assert (row["account"], row["delta_coin"]) == ("vault", 1.5)
    vault = world.config.parent / "vault.txt"
    _write(vault, "12.5")
    book = daemon.until("the jump is told", lambda book: bool(_told(book)))
    assert _told(book)[0].startswith("holding vault: it changed from 1.5 to 12.5, 11 BTC at once, jump_coin_max is 2")
    _write(vault, "2.5")
    daemon.until("the next reading ends it, and it is hedged", lambda book: not _told(book) and _in_band(book))
    assert daemon.stop() == 0
