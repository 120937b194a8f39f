"""The record of refusals: a line each, bounded, harmless."""

import json
from pathlib import Path
from typing import Any

import pytest

from hedgebot.console.dashboard import record as module
from hedgebot.console.dashboard.record import FILE, LINES_MAX, WINDOW_S, Record, harmless


def kept(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / FILE).read_text().splitlines()]


def test_a_refusal_is_one_harmless_line(tmp_path: Path) -> None:
    record = Record(tmp_path, now_ns=lambda: 7)
    record.keep(status=421, what="GET /\x1b[2J" + "x" * 999, why="Host evil", peer="127.0.0.1")
    (line,) = kept(tmp_path)
    assert (line["at_ns"], line["status"], line["why"], line["peer"]) == (7, 421, "Host evil", "127.0.0.1")
    assert line["what"].startswith("GET /\\x1b[2Jx")
    assert len(line["what"]) == 160
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_a_flood_is_counted_not_written(tmp_path: Path) -> None:
    now_s = [0.0]
    record = Record(tmp_path, now_s=lambda: now_s[0])

    def knock(operator: str = "") -> object:
        return record.keep(status=401, what="GET /", why="no token", peer="127.0.0.1", operator=operator)

    taken = [knock() for _ in range(LINES_MAX + 500)]
    assert sum(one is not None for one in taken) == len(kept(tmp_path)) == LINES_MAX
    assert knock("ada") is not None, "what somebody who is let in does is always written"
    assert kept(tmp_path)[-1]["left_out"] == 500
    now_s[0] = WINDOW_S
    assert knock() is not None
    assert kept(tmp_path)[-1]["left_out"] == 0


def test_a_full_disk_or_a_full_file_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Record(tmp_path / "gone").keep(status=401, what="w", why="y", peer="p") is not None
    monkeypatch.setattr(module, "BYTES_MAX", 10)
    record = Record(tmp_path)
    for _ in range(2):
        record.keep(status=401, what="w", why="y", peer="p")
    assert (tmp_path / (FILE + ".1")).exists()
    assert len(kept(tmp_path)) == 1


def test_harmless() -> None:
    assert harmless("a\nb\x00") == "a\\nb\\x00"
