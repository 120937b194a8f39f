from pathlib import Path

import pytest

from hedgebot.domain.errors import JournalError
from hedgebot.journal.anchors import ANCHOR_FILE, append_anchor, make_anchor, read_anchors

KEY = b"k" * 32


def test_anchors_are_read_back_in_order(tmp_path: Path) -> None:
    anchors = [make_anchor(KEY, at_ns, at_ns * 2, b"head") for at_ns in (1, 2, 3)]
    for anchor in anchors:
        append_anchor(tmp_path, anchor)
    assert read_anchors(tmp_path, KEY) == (anchors, [])
    assert read_anchors(tmp_path / "none", KEY) == ([], [])


def test_a_torn_line_is_passed_over_and_the_next_stands_alone(tmp_path: Path) -> None:
    first, second = make_anchor(KEY, 1, 1, b"a"), make_anchor(KEY, 2, 2, b"b")
    append_anchor(tmp_path, first)
    path = tmp_path / ANCHOR_FILE
    path.write_bytes(path.read_bytes() + b'{"at_ns":2,"ro')
    assert read_anchors(tmp_path, KEY) == ([first], [])
    append_anchor(tmp_path, second)
    assert read_anchors(tmp_path, KEY) == ([first, second], [])


def test_an_anchor_without_the_key_is_named(tmp_path: Path) -> None:
    append_anchor(tmp_path, make_anchor(b"other", 1, 1, b"a"))
    anchors, problems = read_anchors(tmp_path, KEY)
    assert anchors == []
    assert "line 1" in problems[0]


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / ANCHOR_FILE).mkdir()
    with pytest.raises(JournalError, match="anchor cannot be written"):
        append_anchor(tmp_path, make_anchor(KEY, 1, 1, b"a"))
