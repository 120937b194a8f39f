from pathlib import Path

import msgspec
import pytest

from hedgebot.domain.errors import JournalCorrupt, JournalError
from hedgebot.journal.chain import KEY_FILE, Row, genesis, load_key, row_hash, row_problem

KEY = b"k" * 32


def row(**changed: object) -> Row:
    plain = Row(
        row=1,
        seq=1,
        idx=0,
        run_id="1-a",
        epoch=1,
        at_ns=5,
        kind="TimerFired",
        subject="",
        client_id=None,
        payload=b"{}",
        prev_hash=genesis(KEY),
        hash=b"",
    )
    row = msgspec.structs.replace(plain, **changed)
    return msgspec.structs.replace(row, hash=row_hash(KEY, row))


def test_a_sealed_row_follows_the_one_before() -> None:
    first = row()
    second = row(row=2, prev_hash=first.hash)
    assert row_problem(KEY, first, genesis(KEY)) is None
    assert row_problem(KEY, second, first.hash) is None
    assert "removed" in (row_problem(KEY, second, genesis(KEY)) or "")
    assert "another key" in (row_problem(b"z" * 32, first, genesis(KEY)) or "")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"subject": "ab", "kind": "c"}, {"subject": "a", "kind": "bc"}),
        ({"client_id": None}, {"client_id": ""}),
        ({"client_id": "a", "payload": b"b"}, {"client_id": "ab", "payload": b""}),
        ({"seq": 1, "idx": 2}, {"seq": 2, "idx": 1}),
    ],
)
def test_no_two_rows_look_alike(one: dict[str, object], other: dict[str, object]) -> None:
    assert row(**one).hash != row(**other).hash


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    key = load_key(tmp_path, create=True)
    assert len(key) == 32
    assert load_key(tmp_path, create=True) == load_key(tmp_path, create=False) == key
    assert (tmp_path / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == [KEY_FILE]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    load_key(tmp_path, create=True)
    (tmp_path / KEY_FILE).chmod(mode)
    with pytest.raises(JournalCorrupt, match="chmod 600"):
        load_key(tmp_path, create=True)


@pytest.mark.parametrize("text", [b"", b"abcd", b"zz" * 32, b"\xff" * 64])
def test_what_is_no_key_is_refused(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / KEY_FILE
    path.write_bytes(text)
    path.chmod(0o600)
    with pytest.raises(JournalCorrupt, match="journal key"):
        load_key(tmp_path, create=True)


def test_no_key_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read"):
        load_key(tmp_path, create=False)
    with pytest.raises(JournalError, match="cannot be made"):
        load_key(tmp_path / "nowhere", create=True)


def test_half_a_key_of_a_crash_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "journal.new").write_bytes(b"half")
    assert len(load_key(tmp_path, create=True)) == 32
