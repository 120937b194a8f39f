import io
from decimal import Decimal
from pathlib import Path

import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalError
from hedgebot.domain.orders import OrderStatus
from hedgebot.journal.query import JournalReader
from tests.unit.journal.world import Run, book, fill


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    run = await Run.start(tmp_path)
    for number in range(3):
        await run.take(book(str(50_000 + number), "60000"))
        await run.hedge(f"t{number}")
    await run.take(ev.OperatorKilled(operator="eve", reason="drill"), fill("h-t0", client_id=run.sent[0].client_id))
    await run.journal.close()
    return tmp_path


def test_the_tail_is_the_end_in_order(journal: Path) -> None:
    with JournalReader(journal) as reader:
        tail = reader.tail(3)
        assert [row.row for row in tail] == sorted(row.row for row in tail)
        assert tail[-1].kind == "OperatorKilled" or isinstance(tail[-1].value, ev.FillReceived)
        assert len(reader.tail(1_000)) == len(reader.since(0))
        assert reader.since(tail[-1].row) == []


def test_decisions_carry_the_number_that_explain_takes(journal: Path) -> None:
    with JournalReader(journal) as reader:
        decisions = reader.decisions()
        assert len(decisions) == 3
        assert reader.decisions(1) == decisions[-1:]
        assert reader.decisions(underlying="ETH") == []
        by_number = reader.explain(f"#{decisions[1].number}")
        client_id = decisions[1].decision.client_id
        assert client_id is not None
        assert by_number == reader.explain(str(decisions[1].number)) == reader.explain(client_id)
        assert reader.explain(client_id[-8:].upper()) == by_number


def test_a_name_of_no_hedge_or_of_many_is_one_sentence(journal: Path) -> None:
    with JournalReader(journal) as reader:
        for unknown in ("99999", "4bffff", "nonsense", "", "1"):
            with pytest.raises(JournalError, match=r"no hedge|fits"):
                reader.explain(unknown)
        with pytest.raises(JournalError, match="fits 3 hedges"):
            reader.explain("4b")


def test_orders_come_with_what_became_of_them(journal: Path) -> None:
    with JournalReader(journal) as reader:
        orders = reader.orders()
        assert [order.status for order in orders] == [OrderStatus.FILLED] * 3
        assert orders[0].filled_contracts == Decimal("0.1")
        assert [step.what.split()[0] for step in orders[0].steps] == ["sell", "request", "filled"]
        assert reader.orders(2) == orders[1:]
        assert reader.order("unknown") is None


def test_fills_are_listed_once_and_know_whose_they_are(journal: Path) -> None:
    with JournalReader(journal) as reader:
        fills = reader.fills()
        assert [found.ours for found in fills if found.fill.instrument.endswith(":BTCUSDT")].count(True) == 4
        assert len({(found.fill.instrument, found.fill.trade_id) for found in fills}) == len(fills)
        assert len(reader.fills(2)) == 2


def test_runs(journal: Path) -> None:
    with JournalReader(journal) as reader:
        (run,) = reader.runs()
        assert run.record.manifest.version == "1.2.3"
        assert (run.first_seq, run.epoch) == (1, 1)


def test_the_reader_follows_a_running_daemon_and_writes_nothing(journal: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in journal.iterdir() if path.suffix == ".db"}
    with JournalReader(journal) as reader, pytest.raises(JournalError):
        reader._guard(lambda: reader._connection.execute("DELETE FROM rows"))
    assert before == {path.name: path.stat().st_mtime_ns for path in journal.iterdir() if path.suffix == ".db"}


async def test_a_reader_sees_new_rows(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    with JournalReader(tmp_path) as reader:
        assert reader.decisions() == []
        await run.take(fill("1"))
        assert len(reader.decisions()) == 1
        assert isinstance(reader.tail(1)[0].value, cmd.SubmitOrder)
    await run.journal.close()


def test_export_and_summary_go_through(journal: Path) -> None:
    with JournalReader(journal) as reader:
        out = io.StringIO()
        assert reader.export("jsonl", out) == out.getvalue().count("\n")
        assert reader.summary().hedges == 3


def test_who_sent_each_of_the_newest_orders(journal: Path) -> None:
    with JournalReader(journal) as reader:
        orders = reader.orders()
        sent = reader.strategies()
        assert list(sent) == [one.client_id for one in reversed(orders)]
        assert set(sent.values()) == {"small"}
        assert list(reader.strategies(1)) == [orders[-1].client_id]
