"""`hedgebot lab reproduce`: rows, counts, exit codes, and one sentence for wrong use."""

from collections.abc import Callable
from pathlib import Path

import orjson

Run = Callable[..., tuple[int, str, str]]


def test_rows_are_printed_with_their_verdict(hedgebot: Run) -> None:
    code, out, _ = hedgebot("lab", "reproduce", "--only", "example-*", "--only", "kupiec-250-10", "--workers", "1")
    assert code == 0
    lines = out.splitlines()
    assert len(lines) == 6
    assert "kupiec-250-10                inside         12.9555  expected 12.9555    abs:1e-4   Kupiec LR" in lines
    assert lines[-1].startswith("5 inside, 0 outside, 0 skipped, in ")


def test_a_wrong_claim_fails_and_says_so(hedgebot: Run, tmp_path: Path) -> None:
    cases = tmp_path / "cases.csv"
    cases.write_text("id,value,tolerance\nexample-w,0.6,rel:0.01\nmade-up,1,max\n")
    code, out, _ = hedgebot("lab", "reproduce", "--cases", str(cases), "--workers", "1")
    assert code == 1
    assert "made-up                      OUTSIDE  nothing here computes it" in out
    assert "example-w                    OUTSIDE       0.564622  expected 0.6" in out
    assert "0 inside, 2 outside, 0 skipped" in out


def test_rows_on_absent_prices_are_skipped_with_the_reason(hedgebot: Run, tmp_path: Path) -> None:
    code, out, _ = hedgebot("lab", "reproduce", "--only", "fhs-*", "--data", str(tmp_path), "--workers", "1")
    assert code == 0
    assert f"skipped  needs m25_binance_hourly_daily_closes: not in {tmp_path}" in out
    assert "0 inside, 0 outside, 1 skipped" in out


def test_programs_get_the_numbers(hedgebot: Run) -> None:
    code, out, _ = hedgebot("lab", "reproduce", "--only", "example-w", "--effort", "0.5", "--workers", "1", "--json")
    card = orjson.loads(out)
    assert (code, card["inside"], card["outside"], card["skipped"], card["effort"]) == (0, 1, 0, 0, 0.5)
    (row,) = card["rows"]
    assert (row["id"], row["value"], row["tolerance"], row["passed"]) == ("example-w", 0.56462, "rel:1e-4", True)
    assert abs(row["found"] - 0.56462) < 1e-4


def test_what_cannot_be_read_is_one_sentence(hedgebot: Run, tmp_path: Path) -> None:
    code, _, err = hedgebot("lab", "reproduce", "--only", "modelB-*")
    assert (code, "no case is named 'modelB-*'" in err) == (1, True)
    code, _, err = hedgebot("lab", "reproduce", "--data", str(tmp_path / "none"))
    assert (code, "is no folder" in err) == (2, True)
    code, _, err = hedgebot("lab", "reproduce", "--cases", str(tmp_path / "none.csv"))
    assert (code, "No such file" in err) == (1, True)
