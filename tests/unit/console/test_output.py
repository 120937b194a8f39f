from decimal import Decimal

import msgspec
import orjson
import pytest

from hedgebot.console.output import emit, plain, table, to_json


class Value(msgspec.Struct):
    qty: Decimal
    rate: float | None


def test_text_or_json_and_never_both(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"a": 1}, ["one", "two"], as_json=False)
    assert capsys.readouterr().out == "one\ntwo\n"
    emit({"a": 1}, ["one", "two"], as_json=True)
    assert orjson.loads(capsys.readouterr().out) == {"a": 1}


def test_exact_numbers_stay_exact() -> None:
    assert to_json([Value(qty=Decimal("0.10"), rate=None)]) == '[{"qty":"0.10","rate":null}]'


def test_columns_line_up() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "")]) == ["a    bb  c", "aaa  b"]
    assert table([]) == []


def test_control_characters_are_shown_and_not_obeyed() -> None:
    assert plain("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert plain("±0.25 → ok") == "±0.25 → ok"
