import json
from pathlib import Path

from typer.testing import CliRunner

from hedgebot.console.main import app

GOOD = [
    {"id": "A-1", "venue": "v", "inputs": {"position_value": 3500, "tiers": [[5000, 0.02]]}, "expected": {"MM": 70}}
]


def run(folder: Path, content: object, *options: str) -> tuple[int, str]:
    file = folder / "cases.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    result = CliRunner().invoke(app, ["margin", "verify", "--cases", str(file), *options])
    return result.exit_code, result.output


def test_a_file_of_cases_is_recomputed(tmp_path: Path) -> None:
    code, output = run(tmp_path, GOOD, "--all")
    assert code == 0
    assert "1 of 1 cases reproduced, 1 numbers" in output
    assert "A-1 MM: printed 70, ours 70, 16 digits" in output


def test_a_case_that_differs_is_named_with_both_numbers(tmp_path: Path) -> None:
    wrong = [GOOD[0] | {"expected": {"MM": 71}}]
    code, output = run(tmp_path, wrong)
    assert code == 1
    assert "A-1 MM: printed 71, ours 70, 1 digits, DIFFERS" in output


def test_programs_get_every_number(tmp_path: Path) -> None:
    code, output = run(tmp_path, GOOD, "--json")
    (row,) = json.loads(output)
    assert (code, row["model"], row["checks"][0]["found"]) == (0, "Bybit marginal slabs", 70.0)
