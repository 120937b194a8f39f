import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hedgebot.console.errors import WrongUse
from hedgebot.console.main import app
from hedgebot.console.margin_frames import report_lines, shipped_records, verify_frames

POSITION = {
    "coin": "BTC",
    "szi": "0.5",
    "positionValue": "40000.0",
    "marginUsed": "4000.0",
    "maxLeverage": 40,
    "leverage": {"type": "cross", "value": 10},
}
STATE = {
    "crossMarginSummary": {
        "accountValue": "10000.0",
        "totalNtlPos": "40000.0",
        "totalRawUsd": "-30000.0",
        "totalMarginUsed": "4000.0",
    },
    "crossMaintenanceMarginUsed": "500.0",
    "assetPositions": [{"position": POSITION}],
}


def written(folder: Path, content: object, name: str = "state.json") -> Path:
    file = folder / name
    file.write_text(json.dumps(content), encoding="utf-8")
    return file


def test_a_folder_of_frames_is_judged_and_told_as_a_table(tmp_path: Path) -> None:
    written(tmp_path, STATE)
    written(tmp_path, {"hello": 1}, "other.json")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    result = CliRunner().invoke(app, ["margin", "verify", "--frames", str(tmp_path)])
    assert result.exit_code == 0
    assert "account maintenance margin" in result.output
    assert "not read: " in result.output
    assert "1 accounts in frames, 1 files without any: 3 reproduced" in result.output


@pytest.mark.parametrize(("changed", "code"), [("900.0", 1), ("500.0", 0)])
def test_a_number_that_differs_fails(tmp_path: Path, changed: str, code: int) -> None:
    file = written(tmp_path, STATE | {"crossMaintenanceMarginUsed": changed})
    result = CliRunner().invoke(app, ["margin", "verify", "--frames", str(file)])
    assert result.exit_code == code
    assert ("DIFFERS" in result.output.splitlines()[-2]) is (code == 1) or "1 DIFFERS" in result.output


def test_a_frame_that_contradicts_itself_is_degraded(tmp_path: Path) -> None:
    summary = STATE["crossMarginSummary"] | {"accountValue": "10001.0"}  # type: ignore[operator]
    file = written(tmp_path, STATE | {"crossMarginSummary": summary})
    result = CliRunner().invoke(app, ["margin", "verify", "--frames", str(file), "--json"])
    assert result.exit_code == 3
    assert json.loads(result.output)["accounts"] == 1


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUse, match="does not exist"):
        verify_frames([tmp_path / "nowhere"])


def test_all_shows_what_agrees_with_itself(tmp_path: Path) -> None:
    report = verify_frames([written(tmp_path, STATE)])
    assert not any("consistent" in line for line in report_lines(report, show_all=False)[:-1])
    assert any("consistent" in line for line in report_lines(report, show_all=True)[:-1])
    assert shipped_records().contracts.contracts
