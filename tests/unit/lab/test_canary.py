"""Canaries: what a careless library says is found wherever it stands, and a redaction that works leaves none."""

import json

import msgspec
import pytest

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.deadman import DEAD_MAN_REASON
from hedgebot.journal.redaction import RedactingSink, Redactor
from hedgebot.lab.canary import KEY, SAID, SECRETS, SHAPES, CarelessSink, leaks, spoken
from tests.support.outside import looked_up, order_report, snapshot_taken, wallet_report
from tests.unit.daemon.fakes import BTC, ListSink

REFUSED = ev.OrderRejected(account="main", client_id="4b", code="10004", message="refused")


def through(event: ev.Event, *, redacted: bool) -> ev.Event:
    sink = ListSink()
    CarelessSink(RedactingSink(sink, Redactor(SECRETS)) if redacted else sink).put(event)
    (heard,) = sink.events
    return heard


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_said_and_found(shape: bytes) -> None:
    assert shape.decode() in SAID
    (found,) = leaks("the log", (f"before {shape.decode()} after",))
    assert found == "a canary secret stands in the log, behind '\"before '"


def test_what_a_library_says_is_found_unless_it_is_redacted() -> None:
    assert list(leaks("it", (through(REFUSED, redacted=False),)))
    clean = through(REFUSED, redacted=True)
    assert isinstance(clean, ev.OrderRejected)
    assert clean.message.startswith("refused POST /v5/order/create?api_key=***&sign=")
    assert not list(leaks("it", (clean,)))


def test_only_words_are_spoilt_and_nothing_where_nothing_is_wrong() -> None:
    empty = ev.CancelAnswered(account="main", client_id="4b", accepted=True, code="", message="")
    top = ev.BookTop(instrument=BTC, bid=None, bid_qty=None, ask=None, ask_qty=None, venue_at_ns=1)
    for event in (empty, top):
        assert through(event, redacted=False) is event
    rejected = through(REFUSED, redacted=False)
    assert isinstance(rejected, ev.OrderRejected)
    assert (rejected.code, rejected.client_id, rejected.account) == ("10004", "4b", "main")


@pytest.mark.parametrize(
    "event",
    [
        ev.OrderUpdated(report=order_report("no fill")),
        looked_up(order_report("no fill")),
        ev.WalletUpdated(report=wallet_report("isolated"), source=ev.Source.QUERY),
        snapshot_taken(order_report(""), order_report("no fill")),
        snapshot_taken(wallet=wallet_report("isolated")),
    ],
)
def test_words_that_stand_inside_are_spoilt_too_and_cleaned(event: ev.Event) -> None:
    spoilt = through(event, redacted=False)
    assert list(leaks("it", (spoilt,)))
    assert repr(spoilt).count(KEY) == SAID.count(KEY)
    assert not list(leaks("it", (through(event, redacted=True),)))


def test_a_code_of_ours_and_what_says_nothing_inside_are_left_alone() -> None:
    for event in (
        ev.OrderUpdated(report=order_report(DEAD_MAN_REASON)),
        snapshot_taken(order_report(""), wallet=wallet_report("")),
    ):
        assert through(event, redacted=False) is event


def test_a_journal_speaks_by_its_commands_and_by_all_events_but_the_markets() -> None:
    told = cmd.RaiseAlert(kind=AlertKind.TASK_FAILED, subject="x", summary=KEY)
    top = ev.BookTop(instrument=BTC, bid=None, bid_qty=None, ask=None, ask_qty=None, venue_at_ns=1)
    entries = (
        ev.Stamped(seq=1, at_ns=1, event=top),
        ev.Stamped(seq=1, at_ns=1, event=REFUSED),
        cmd.Issued(seq=1, index=1, at_ns=1, command=told),
    )
    assert list(spoken(entries)) == [REFUSED, told]
    assert list(leaks("the journal", spoken(entries)))
    assert not list(leaks("the journal", spoken(entries[:2])))


def test_values_are_read_as_whoever_reads_them_would() -> None:
    """As JSON, which is what answers and exports are."""
    value = json.loads(msgspec.json.encode({"a": [KEY]}))
    assert list(leaks("an answer", (value,)))
