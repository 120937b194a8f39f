import csv
import io
from pathlib import Path

import msgspec
import pytest

from hedgebot.domain.errors import ConfigError
from hedgebot.journal.export import export_rows
from hedgebot.journal.query import JournalReader
from hedgebot.journal.verify import verify
from tests.unit.journal.world import Run


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    run = await Run.start(tmp_path)
    await run.hedge('t,0\n"quoted"')
    await run.snapshot()
    await run.journal.close()
    return tmp_path


def exported(state_dir: Path, form: str) -> str:
    out = io.StringIO()
    with JournalReader(state_dir) as reader:
        reader.export(form, out)
    return out.getvalue()


def test_json_lines_hold_every_row_whole(journal: Path) -> None:
    lines = [msgspec.json.decode(line) for line in exported(journal, "jsonl").splitlines()]
    report = verify(journal)
    assert [line["row"] for line in lines] == list(range(1, report.rows + 1))
    assert lines[-1]["hash"] == report.head_hash
    assert lines[0]["payload"]["manifest"]["version"] == "1.2.3"
    assert lines[1]["client_id"] is None


def test_csv_holds_the_same_rows(journal: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(journal, "csv"))))
    assert len(rows) == verify(journal).rows
    payloads = [msgspec.json.decode(row["payload"]) for row in rows]
    assert any(payload.get("trade_id") == 't,0\n"quoted"' for payload in payloads)


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_an_export_repeats_to_the_byte(journal: Path, form: str) -> None:
    assert exported(journal, form) == exported(journal, form)


def test_another_format_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="jsonl, csv"):
        export_rows([], "xml", io.StringIO())
