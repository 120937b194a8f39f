"""What the outside says loses its secrets before it is an event."""

import types
from collections.abc import Iterator
from decimal import Decimal
from enum import Enum
from typing import Any, Union, get_args, get_origin
from urllib.parse import quote

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.holdings import HoldingReported
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.reports import PositionReport
from hedgebot.journal.redaction import IDENTIFIERS, TEXTS, RedactingSink, Redactor
from tests.support.outside import looked_up, order_report, snapshot_taken, wallet_report
from tests.unit.daemon.fakes import BTC, ListSink

SECRET = "canary0123456789"
WORDS = f"refused: {SECRET}"
WORDS_OF_PEOPLE = {"message", "reason", "problem", "detail", "error", "sample", "cause", "unmet", "changes", "report"}


def through(event: ev.Event) -> ev.Event:
    sink = ListSink()
    RedactingSink(sink, Redactor([SECRET])).put(event)
    (heard,) = sink.events
    return heard


@pytest.mark.parametrize(
    "event",
    [
        ev.TaskFailed(task="main:orders", error=WORDS, restarting=True),
        ev.FrameQuarantined(account="main", stream=ev.Stream.PRIVATE, topic="order", problem=WORDS, sample=WORDS),
        ev.OrderRejected(account="main", client_id="4b", code="10004", message=WORDS),
        ev.OrderOutcomeUnknown(account="main", client_id="4b", code="t", message=WORDS),
        ev.AuthenticationFailed(account="main", code="10003", message=WORDS),
        ev.StreamChanged(account="main", stream=ev.Stream.TRADE, up=False, reason=WORDS),
        # These four once came into the journal as they were said.
        ev.VenuePaused(account="main", seconds=1.0, reason=WORDS),
        ExecutionsRead(account="main", executions=(), problem=WORDS, asked_at_ns=1),
        HoldingReported(name="cold", qty=None, as_of_ns=0, problem=WORDS),
        ev.OperatorKilled(operator="ann", reason=WORDS),
        # And these, whose words stand inside.
        ev.WalletUpdated(report=wallet_report(WORDS), source=ev.Source.QUERY),
        snapshot_taken(wallet=wallet_report(WORDS)),
        snapshot_taken(order_report(""), order_report(WORDS), order_report("")),
        ev.OrderUpdated(report=order_report(WORDS)),
        looked_up(order_report(WORDS)),
        ev.OperatorUnkilled(operator="ann", reason="", reviewed=("clock",), unmet=("all is well", WORDS)),
    ],
)
def test_every_text_from_outside_is_cleaned(event: ev.Event) -> None:
    clean = through(event)
    assert type(clean) is type(event)
    # All else is as it was.
    assert repr(clean) == repr(event).replace(SECRET, "***")


@pytest.mark.parametrize(
    "event",
    [
        ev.BookTop(instrument=BTC, bid=None, bid_qty=None, ask=None, ask_qty=None, venue_at_ns=1),
        ev.OrderRejected(account="main", client_id="4b", code="110007", message="insufficient balance"),
        ev.WalletUpdated(report=wallet_report(None), source=ev.Source.STREAM),
        ev.WalletUpdated(report=wallet_report("the position in ETH-USDT-SWAP is isolated"), source=ev.Source.QUERY),
        snapshot_taken(order_report("EC_PostOnlyWillTakeLiquidity"), order_report(""), wallet=wallet_report("")),
        looked_up(None),
    ],
)
def test_what_holds_no_secret_passes_as_it_is(event: ev.Event) -> None:
    assert through(event) is event


@pytest.mark.parametrize(
    "secret", [SECRET, "Zx9q+/4kQ7f3XwT1bY8m", "https://hooks.example.org/services/T000/B000/x1y2z3"]
)
def test_a_secret_that_somebody_cut_is_masked_from_half_of_it_on(secret: str) -> None:
    """Whoever reads an answer keeps so many characters of it, and may keep a piece of what it repeats."""
    redactor = Redactor([secret])
    for chars in range((len(secret) + 1) // 2, len(secret) + 1):
        for shape in (secret, secret.upper(), secret.encode().hex(), quote(secret, safe="")):
            piece = shape[: chars * len(shape) // len(secret) + 1]
            assert redactor.text(f"said {piece}") == "said ***"
            assert redactor.text(f"said {piece}: waits") == "said ***: waits"


def test_what_merely_begins_like_a_secret_stays() -> None:
    text = "https://api.example.org/v5 and canary0 are no secrets"
    assert Redactor([SECRET, "https://hooks.example.org/services/T000/B000/x1y2z3"]).text(text) == text


# --- all events, by their types ---------------------------------------------------------------------------------------


def filled(kind: Any, words: str = WORDS) -> Any:
    """A value of that type in which each text holds a secret, however deep it stands; names and ids do not."""
    if kind is str:
        return words
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return kind(**{one.name: filled(one.type, "id" if one.name in IDENTIFIERS else words) for one in fields})
    if get_origin(kind) in {Union, types.UnionType}:
        return filled(next(one for one in get_args(kind) if one is not types.NoneType), words)
    if get_origin(kind) is tuple:
        return (filled(get_args(kind)[0], words),)
    if get_origin(kind) is dict:
        return {"BTC": filled(get_args(kind)[1], words)}
    if kind is InstrumentId:
        return BTC
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind))
    return Decimal(1) if kind is Decimal else kind(1)


def structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for one in msgspec.structs.fields(kind):
            yield from structs_in(one.type)
    for one in get_args(kind):
        yield from structs_in(one)


@pytest.mark.parametrize("kind", get_args(ev.Event))
def test_no_text_of_any_event_is_left_out(kind: type[ev.Event]) -> None:
    """A new field that is a text, wherever in an event it stands, is cleaned by itself."""
    event = filled(kind)
    assert (SECRET in repr(event)) is (kind in TEXTS)
    assert repr(through(event)) == repr(event).replace(SECRET, "***")


def test_what_is_no_sentence_is_named_and_no_sentence_is_named_so() -> None:
    assert not IDENTIFIERS & WORDS_OF_PEOPLE
    assert {"error"} == set(TEXTS[ev.TaskFailed])
    assert TEXTS[ev.SnapshotTaken] == ("problem", "open_orders", "wallet")
    # The events of which there are many are never looked into.
    assert not {ev.BookTop, ev.Ticker, ev.OptionQuote, ev.FillReceived, PositionReport, ev.PositionUpdated} & set(TEXTS)


def test_each_identifier_is_a_field_of_some_event() -> None:
    """A name that is gone would hide a new text of that name."""
    fields = {one for event in get_args(ev.Event) for kind in structs_in(event) for one in kind.__struct_fields__}
    assert fields >= IDENTIFIERS
