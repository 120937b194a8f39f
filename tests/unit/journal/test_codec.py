import math
from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalCorrupt
from hedgebot.domain.instrument import Side
from hedgebot.domain.reports import WalletReport
from hedgebot.journal import codec
from tests.unit.journal.world import PERP, SPOT, book, decision_for, fill, order


def test_a_row_is_readable_json() -> None:
    payload = codec.encode(fill("7"))
    plain = msgspec.json.decode(payload)
    assert plain["type"] == "FillReceived"
    assert plain["qty_contracts"] == "0.1"
    assert codec.decode_event(payload) == fill("7")


def test_dictionaries_keep_their_order() -> None:
    report = WalletReport(
        account="main",
        balances={"USDT": Decimal(1), "BTC": Decimal(2), "AAVE": Decimal(3)},
        equity_usd=None,
        initial_margin_usd=None,
        maintenance_margin_usd=None,
        venue_at_ns=1,
    )
    again = codec.decode_event(codec.encode(ev.WalletUpdated(report=report, source=ev.Source.QUERY)))
    assert isinstance(again, ev.WalletUpdated)
    assert list(again.report.balances) == ["USDT", "BTC", "AAVE"]


def test_a_wallet_from_before_debts_were_told_owes_nothing() -> None:
    report = WalletReport(
        account="main",
        balances={},
        equity_usd=None,
        initial_margin_usd=None,
        maintenance_margin_usd=None,
        venue_at_ns=1,
        debts={"USDT": Decimal(5)},
    )
    payload = codec.encode(ev.WalletUpdated(report=report, source=ev.Source.QUERY))
    assert b',"debts":{"USDT":"5"}' in payload
    again = codec.decode_event(payload.replace(b',"debts":{"USDT":"5"}', b""))
    assert isinstance(again, ev.WalletUpdated)
    assert again.report == msgspec.structs.replace(report, debts={})


def test_not_a_number_does_not_become_unknown() -> None:
    decision = msgspec.structs.replace(decision_for(None, 0.1), delta_coin=math.nan)
    again = codec.decode_command(codec.encode(decision))
    assert math.isnan(getattr(again, "delta_coin", 0.0))


def test_what_a_row_is_about() -> None:
    submit = order("4b" + "0" * 30, Side.BUY, Decimal(1), Decimal(2), 3)
    assert codec.keys_of(fill("1", client_id="x")) == (SPOT, "x")
    assert codec.keys_of(submit) == (PERP, submit.client_id)
    assert codec.keys_of(decision_for("x", 0.1)) == ("BTC", "x")
    assert codec.keys_of(ev.TimerFired()) == ("", None)
    assert codec.keys_of(book()) == (PERP, None)


def test_a_long_subject_is_cut() -> None:
    failed = ev.TaskFailed(task="t" * 5_000, error="", restarting=True)
    subject, _ = codec.keys_of(failed)
    assert len(subject) == codec.COLUMN_CHARS_MAX


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b'{"type":"Unheard"}', b'{"type":"TimerFired"', b'{"type":"Packed","hex":"zz"}']
)
def test_foreign_bytes_are_a_corrupt_journal(payload: bytes) -> None:
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        codec.decode_event(payload)
    with pytest.raises(JournalCorrupt, match="cannot be read"):
        codec.decode_command(payload)
