from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from hedgebot.console.admin import Truth
from hedgebot.console.band import BandShare, Breach
from hedgebot.console.comparing import exchange_orders
from hedgebot.console.summary import summarise, summary_lines
from hedgebot.domain.commands import SubmitOrder
from tests.unit.console.conftest import recorded_book


def truth(**changes: Any) -> Truth:
    """The exchange's side of the recorded book."""
    order = next(one for one in recorded_book().heard if isinstance(one, SubmitOrder))
    account = {
        "orders": [
            {"instrument": "bybit:linear:BTCPERP", "client_id": None},
            {"instrument": "bybit:linear:BTCPERP", "client_id": "client-1"},
            {"instrument": "bybit:linear:BTCUSDT", "client_id": order.client_id},
        ],
        "positions": [
            {"instrument": "bybit:linear:BTCPERP", "contracts": "0.2"},
            {"instrument": "bybit:linear:BTCUSDT", "contracts": "-0.162"},
        ],
        "wallet": {"coins": [{"coin": "BTC", "wallet": "0"}, {"coin": "USDT", "wallet": "500000"}]},
    }
    return msgspec.convert({"accounts": {"main": account | changes}}, Truth, strict=False)


def test_a_run_that_kept_its_promises(journal_dir: Path) -> None:
    summary = summarise(journal_dir, seed=7, ran_s=120.0, truth=truth(), daemon_code=0)
    assert summary.complaints == ()
    assert summary.good
    assert summary.hedges_by_cause == {"fill": 1}
    assert (summary.intents, summary.exchange_orders, summary.orders_without_intent) == (1, 1, 0)
    assert summary.share_in_band == 1.0
    assert [one.hedged for share in summary.band for one in share.breaches] == [True]
    assert {one.what: one.ours for one in summary.positions}["bybit:linear:BTCUSDT"] == Decimal("-0.162")
    text = "\n".join(summary_lines(summary))
    for fact in (
        *("Demo of 2:00, seed 7", "hedges            1: 1 by fill", "time in band      100.00%", "Every promise held."),
        *("1 at the exchange, 1 intents in the journal", "2 compared with the exchange, 0 differ"),
        *("journal verify    0 problems", "journal replay    0 problems", f"--state-dir {journal_dir}"),
        f"hedgebot explain {summary.last_hedge}",
    ):
        assert fact in text


def test_what_differs_is_said(journal_dir: Path) -> None:
    twice = truth().accounts["main"].orders[2].client_id
    foreign = recorded_book()
    foreign.settings = msgspec.structs.replace(foreign.settings, install=8)
    wrong = truth(
        orders=[{"instrument": "x", "client_id": twice}] * 2,
        positions=[{"instrument": "bybit:linear:BTCPERP", "contracts": "0.2"}],
    )
    summary = summarise(journal_dir, seed=7, ran_s=1.0, truth=wrong, daemon_code=1)
    assert not summary.good
    assert summary.complaints == (
        "an order stands twice on the exchange's side",
        "bybit:linear:BTCUSDT: the ledger has -0.162, the exchange 0",
        "the daemon ended with exit code 1",
    )
    text = "\n".join(summary_lines(summary))
    assert "NOT GOOD: an order stands twice" in text
    assert "DIFFERS" in text


def test_an_order_without_an_intent_is_found(journal_dir: Path) -> None:
    from hedgebot.domain.client_id import ClientId

    stranger = ClientId(install=7, epoch=9, strategy=1, intent=1).encode()
    orders = [{"instrument": "x", "client_id": stranger}]
    summary = summarise(journal_dir, seed=7, ran_s=1.0, truth=truth(orders=orders), daemon_code=0)
    assert summary.orders_without_intent == 1
    assert "1 orders on the exchange's side have no intent in the journal" in summary.complaints


def test_without_the_exchanges_word_nothing_is_claimed(journal_dir: Path) -> None:
    summary = summarise(journal_dir, seed=7, ran_s=1.0, truth=None, daemon_code=0)
    assert summary.complaints == ("the exchange could not be asked for its side",)
    assert "? at the exchange" in "\n".join(summary_lines(summary))
    assert exchange_orders(None) is None


def test_a_wallet_that_no_execution_explains_is_a_complaint(journal_dir: Path) -> None:
    coins = {"coins": [{"coin": "BTC", "wallet": "0"}, {"coin": "USDT", "wallet": "500001"}]}
    summary = summarise(journal_dir, seed=7, ran_s=1.0, truth=truth(wallet=coins), daemon_code=0)
    assert summary.complaints == ("USDT: the ledger has 500000, the exchange 500001",)


def test_hundreds_of_breaches_stay_readable(journal_dir: Path) -> None:
    breaches = tuple(
        Breach(underlying="BTC", began_at_ns=number * 10**9, seconds=number / 1000, hedged=number != 150)
        for number in range(1, 251)
    )
    share = BandShare(underlying="BTC", counted_s=300.0, outside_s=0.0, excused_s=3.0, breaches=breaches)
    summary = summarise(journal_dir, seed=7, ran_s=1.0, truth=truth(), daemon_code=0)
    lines = summary_lines(msgspec.structs.replace(summary, band=(share,)))
    text = "\n".join(lines)
    assert "250 breaches" in text
    assert "(1 ended without a hedge, 0 longer than 2 s); the slowest 10:" in text
    assert "00:04:10  250.0 ms   00:04:09  249.0 ms   00:04:08  248.0 ms" in text
    assert "240.0 ms" not in text
    assert len(lines) < 40


def test_what_happened_to_others_is_told_and_not_compared(journal_dir: Path) -> None:
    there = truth()
    somebody = {
        "orders": [],
        "executions": [{"instrument": "bybit:linear:ETHUSDT", "kind": "bust", "qty_contracts": "60"}],
        "positions": [{"instrument": "bybit:linear:XRPUSDT", "contracts": "5"}],
        "wallet": {"coins": [{"coin": "USDT", "wallet": "1"}]},
    }
    both = msgspec.structs.replace(
        there,
        accounts={
            **there.accounts,
            **msgspec.convert({"accounts": {"somebody": somebody}}, Truth, strict=False).accounts,
        },
    )
    summary = summarise(journal_dir, seed=7, ran_s=120.0, truth=both, daemon_code=0)
    assert summary.good, summary.complaints
    assert summary.liquidations_elsewhere == ("somebody: 60 bybit:linear:ETHUSDT",)
    assert "somebody: 60 bybit:linear:ETHUSDT (another account" in "\n".join(summary_lines(summary))
