"""`hedgebot lab`: rows, counts, exit codes, compared policies, and one sentence for wrong use."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

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


def _recording(folder: Path, days: int) -> tuple[Path, Path]:
    """Minutes of a seeded walk and their funding, as CSV."""
    random, price = Random(3), 60_000.0
    start = datetime(2025, 6, 1, tzinfo=UTC)
    rows = ["date,spot_mid,perp_mid,perp_mark,index_price"]
    for minute in range(days * 1_440 + 1):
        price *= 1.0 + random.gauss(0.0, 0.0009)
        moment = f"{start + timedelta(minutes=minute):%Y-%m-%d %H:%M:%S}"
        rows.append(f"{moment},{price:.2f},{price:.2f},{price:.2f},{price:.2f}")
    rates = [f"{start + timedelta(hours=8 * number):%Y-%m-%d %H:%M:%S},0.0001" for number in range(3 * days)]
    minutes, funding = folder / "minutes.csv", folder / "funding.csv"
    minutes.write_text("\n".join(rows) + "\n")
    funding.write_text("\n".join(["date,funding_rate", *rates]) + "\n")
    return minutes, funding


def test_policies_are_compared_on_recorded_minutes(hedgebot: Run, tmp_path: Path) -> None:
    minutes, funding = _recording(tmp_path, 8)
    words = ("lab", "frontier", "--minutes", str(minutes), "--funding", str(funding), "--days", "4", "--check", "15")
    picture = tmp_path / "out.svg"
    code, out, _ = hedgebot(*words, "--report", str(picture))
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == "5 calls of 4 days, one sold each day; checks every 15 min; 5 bp one way"
    assert [line.split("  ")[0] for line in lines[2:6]] == [
        "ours (width by gamma, to 0.75 of the trigger)",
        "fixed band to its edge",
        "fixed band to zero",
        "fixed time",
    ]
    assert "whatever the policy" in lines[-1]
    assert picture.read_text().startswith("<svg")
    code, out, _ = hedgebot(*words, "--json")
    card = orjson.loads(out)
    assert (code, card["windows"]) == (0, 5)
    costs = card["cost_percent"]
    assert costs["ours (width by gamma, to 0.75 of the trigger)"]["10"] < costs["fixed band to zero"]["10"]


def test_too_short_a_recording_is_one_sentence(hedgebot: Run, tmp_path: Path) -> None:
    minutes, funding = _recording(tmp_path, 2)
    code, _, err = hedgebot("lab", "frontier", "--minutes", str(minutes), "--funding", str(funding))
    assert (code, "a window has 30, give more of them" in err) == (1, True)
    code, _, err = hedgebot("lab", "frontier", "--minutes", str(minutes), "--funding", str(funding), "--check", "7")
    assert (code, "--check is 7, it must divide a day of 1440 minutes" in err) == (2, True)
    nowhere = str(tmp_path / "none" / "out.svg")
    code, _, err = hedgebot(
        "lab", "frontier", "--minutes", str(minutes), "--funding", str(funding), "--report", nowhere
    )
    assert (code, "there is no folder" in err) == (2, True)


def test_greeks_are_held_against_what_a_venue_published(hedgebot: Run, tmp_path: Path) -> None:
    code, _, err = hedgebot("lab", "greeks", "--data", str(tmp_path))
    assert (code, "name one with --data" in err) == (2, True)
    folder = tmp_path / "m18_deribit_btc_chain_full_greeks"
    folder.mkdir()
    _tickers(folder)
    code, out, _ = hedgebot("lab", "greeks", "--data", str(tmp_path))
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "largest error of delta, 2 rows of m18_deribit_btc_chain_full_greeks"
    assert lines[4].split() == ["7-30", "d", "2.50e-01", "-", "-", "-"]
    code, out, _ = hedgebot("lab", "greeks", "--data", str(tmp_path), "--json")
    assert list(orjson.loads(out)["m18_deribit_btc_chain_full_greeks"]) == ["delta", "gamma", "vega"]


def _tickers(folder: Path) -> None:
    """Two options a year's 20 days out at their forward; of a delta of one half a quarter is published."""
    at, forward = 1_768_000_000_000, 100.0
    deep = {"mark_iv": [1e-9, 1e-9], "greeks_gamma": [0.0, 0.0], "greeks_vega": [0.0, 0.0], "greeks_theta": [0.0, 0.0]}
    columns = {
        "strike": [forward, forward],
        "expiration_timestamp": [at + 20 * 86_400_000] * 2,
        "timestamp": [at] * 2,
        "underlying_price": [forward] * 2,
        "mark_price": [0.0, 0.0],
        "option_type": ["call", "put"],
        "greeks_delta": [0.25, -0.5],
        **deep,
    }
    pq.write_table(pa.table(columns), folder / "deribit_btc_options_1.parquet")
