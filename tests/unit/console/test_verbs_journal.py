import csv
import io
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import orjson

from hedgebot.journal.anchors import ANCHOR_FILE


def test_tail_shows_what_happened_in_words(hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path) -> None:
    code, out, _ = hedgebot("journal", "tail", "--count", 50, "-s", journal_dir)
    assert code == 0
    assert "RecordDecision" in out
    assert "left its band of 0.05" in out
    assert "buy 0.2 at 100000, order not ours" in out
    rows = orjson.loads(hedgebot("journal", "tail", "-n", 3, "-s", journal_dir, "--json")[1])
    assert len(rows) == 3
    assert rows[-1]["row"] == rows[0]["row"] + 2


def test_export_writes_every_row(
    hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path, tmp_path: Path
) -> None:
    code, out, _ = hedgebot("journal", "export", "--format", "csv", "-s", journal_dir)
    assert code == 0
    lines = list(csv.reader(io.StringIO(out)))
    code, out, _ = hedgebot("journal", "export", "-o", tmp_path / "j.jsonl", "-s", journal_dir, "--json")
    assert orjson.loads(out)["rows"] == len(lines) - 1
    assert len((tmp_path / "j.jsonl").read_text("utf-8").splitlines()) == len(lines) - 1
    code, _, err = hedgebot("journal", "export", "--format", "xml", "-s", journal_dir)
    assert (code, "format 'xml' is not known" in err) == (6, True)


def test_a_cut_end_shows_by_a_copy_of_the_anchors_and_the_remedy_is_told(
    hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path, tmp_path: Path
) -> None:
    copy, cut = tmp_path / "kept-elsewhere.log", tmp_path / "cut"
    shutil.copytree(journal_dir, cut)
    (cut / ANCHOR_FILE).rename(copy)
    link = sqlite3.connect(cut / "journal.db")
    link.execute("DELETE FROM rows WHERE row > (SELECT max(row) - 2 FROM rows)")
    link.commit()
    link.close()
    code, out, _ = hedgebot("journal", "verify", "-s", cut, "--anchors", copy)
    assert code == 6
    assert "its end was cut off" in out
    assert "restore a backup of the whole one" in out
    code, _, err = hedgebot("journal", "verify", "-s", cut, "--anchors", tmp_path / "absent")
    assert code == 1
    assert "the anchors cannot be read" in err


def test_a_whole_journal_verifies_and_replays(hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path) -> None:
    code, out, _ = hedgebot("journal", "verify", "-s", journal_dir)
    assert code == 0
    assert out.startswith("0 problems: ")
    code, out, _ = hedgebot("journal", "replay", "--verify", "-s", journal_dir, "--json")
    assert code == 0
    assert orjson.loads(out)["problems"] == []


def test_a_changed_journal_is_refused(
    hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(journal_dir, copy)
    raw = (copy / "journal.db").read_bytes()
    assert b"left its band" in raw
    (copy / "journal.db").write_bytes(raw.replace(b"left its band", b"left his band"))
    code, out, _ = hedgebot("journal", "verify", "-s", copy)
    assert code == 6
    assert "problem: " in out


def test_a_hedge_is_explained_by_any_part_of_its_id(
    hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path
) -> None:
    rows = orjson.loads(hedgebot("journal", "tail", "-n", 50, "-s", journal_dir, "--json")[1])
    client_id = next(row["client_id"] for row in rows if row["kind"] == "SubmitOrder")
    code, out, _ = hedgebot("explain", client_id[-8:], "-s", journal_dir)
    assert code == 0
    for fact in (
        "left its band of 0.05",
        "cause     fill: fill t1: buy 0.2",
        "gate",
        client_id,
        "slippage",
        "evidence",
    ):
        assert fact in out
    code, _, err = hedgebot("explain", "ffff", "-s", journal_dir)
    assert code == 1
    assert "no hedge 'ffff' in this journal" in err


def test_no_journal_is_one_sentence(hedgebot: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    for words in (("tail",), ("verify",), ("replay",), ("export",)):
        code, _, err = hedgebot("journal", *words, "-s", tmp_path)
        assert code == 1
        assert err.count("\n") == 1
        assert "there is no journal here" in err


def test_the_cash_audit_says_equal(
    hedgebot: Callable[..., tuple[int, str, str]], journal_dir: Path, tmp_path: Path
) -> None:
    code, out, _ = hedgebot("journal", "audit", "-s", journal_dir, "--json")
    answer = orjson.loads(out)
    # The first of the snapshots that an empty account takes opens the book, the others say the same.
    assert (code, answer["equal"]) == (0, True)
    assert answer["accounts"][0]["account"] == "main"
    code, _, err = hedgebot("journal", "audit", "-s", tmp_path)
    assert code == 1
    assert "there is no journal here" in err
