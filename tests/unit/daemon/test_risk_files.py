"""The records that ship are read whole; another file is read in their place, or named."""

from pathlib import Path

import pytest

from hedgebot.daemon.risk_files import read_history, read_stress, read_tiers
from hedgebot.domain.errors import DataError


def test_what_ships_is_sound() -> None:
    assert set(read_history().closes) == {"BTC", "ETH"}
    assert len(read_stress().days) == 8
    assert read_tiers().ladder("BTC", is_inverse=False).tiers
    assert all(day.status for day in read_stress().days), "each day says where its figures come from"


def test_another_file_is_read_or_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_stress(tmp_path / "none.json")
    bad = tmp_path / "bad.json"
    bad.write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match=r"bad\.json"):
        read_history(bad)
