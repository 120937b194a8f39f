"""Every event and every command survives the journal's two encodings, whatever values it holds."""

import math
import types
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalCorrupt, ProgrammingError
from hedgebot.domain.instrument import Instrument, OptionType
from hedgebot.journal import codec

EVENTS = get_args(ev.Event)
COMMANDS = get_args(cmd.Command)
INT64 = st.integers(-(2**63), 2**63 - 1)
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    int: INT64,
    float: st.floats(allow_nan=False),
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    bool: st.booleans(),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}


@cache
def values(kind: Any, /) -> st.SearchStrategy[Any]:
    """A strategy for a type as the domain uses them."""
    if isinstance(kind, NewType):
        return values(kind.__supertype__)
    if kind in PLAIN:
        return PLAIN[kind]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return st.one_of([values(one) for one in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is dict:
        return st.dictionaries(values(arguments[0]), values(arguments[1]), max_size=3)
    if origin is Literal:
        return st.sampled_from(arguments)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if kind is Instrument:
        return instruments()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return structs(kind)
    raise AssertionError(f"no strategy for {kind}")


def structs(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(kind)
    fields = {name: values(hints[name]) for name in kind.__struct_fields__}
    return st.builds(kind, **fields)


@st.composite
def instruments(draw: st.DrawFn) -> Instrument:
    """Instruments refuse rules that cannot be traded with: draw until one is taken."""
    hints = get_type_hints(Instrument)
    fields = {name: draw(values(hints[name])) for name in Instrument.__struct_fields__}
    for name in ("contract_size", "tick_size", "lot_size", "qty_min"):
        fields[name] = draw(st.decimals("0.0000001", 1000, places=7))
    try:
        return Instrument(**fields)
    except ProgrammingError:
        fields |= {"strike": Decimal(1), "option_type": OptionType.CALL, "expiry_ns": 1}
        return Instrument(**fields)


def same(one: object, other: object) -> bool:
    """Equal, with NaN equal to NaN, 0.0 unequal to -0.0, and 1 unequal to 1.0: what an engine could tell apart."""
    match one, other:
        case float(), float():
            return (math.isnan(one) and math.isnan(other)) or (
                one == other and math.copysign(1, one) == math.copysign(1, other)
            )
        case Decimal(), Decimal():
            return one.as_tuple() == other.as_tuple()
        case dict(), dict():
            return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
        case list() | tuple(), list() | tuple():
            return len(one) == len(other) and all(map(same, one, other))
        case msgspec.Struct(), msgspec.Struct():
            return type(one) is type(other) and all(
                same(getattr(one, name), getattr(other, name)) for name in one.__struct_fields__
            )
        case _:
            return one == other and isinstance(other, type(one))


def test_same_tells_apart_what_it_must() -> None:
    assert same({"a": 1.0, "b": math.nan}, {"a": 1.0, "b": math.nan})
    assert not same({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert not same(0.0, -0.0)
    assert not same(Decimal("1.0"), Decimal("1.00"))


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_events_survive(kind: type[Any], data: st.DataObject) -> None:
    event = data.draw(structs(kind))
    payload = codec.encode(event)
    again = codec.decode_event(payload)
    assert same(again, event)
    assert codec.encode(again) == payload
    with pytest.raises(JournalCorrupt):
        codec.decode_command(payload)


@pytest.mark.parametrize("kind", COMMANDS, ids=lambda kind: kind.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_commands_survive(kind: type[Any], data: st.DataObject) -> None:
    command = data.draw(structs(kind))
    payload = codec.encode(command)
    again = codec.decode_command(payload)
    assert same(again, command)
    assert codec.encode(again) == payload
    with pytest.raises(JournalCorrupt):
        codec.decode_event(payload)


@settings(max_examples=25)
@given(st.lists(values(ev.MarketEvent), max_size=5))
def test_the_tape_keeps_market_events(events: list[Any]) -> None:
    stamped = [ev.Stamped(seq=seq, at_ns=seq * 7, event=event) for seq, event in enumerate(events, start=1)]
    assert same(codec.decode_tape(codec.encode_tape(stamped)), stamped)


@settings(max_examples=25)
@given(st.sampled_from([math.nan, math.inf, -math.inf]), values(cmd.RecordDecision), values(ev.OptionQuote))
def test_numbers_that_json_lacks_survive(number: float, decision: cmd.RecordDecision, quote: ev.OptionQuote) -> None:
    odd = msgspec.structs.replace(decision, delta_coin=number, evidence={"a": number, "b": None})
    assert same(codec.decode_command(codec.encode(odd)), odd)
    event = msgspec.structs.replace(quote, iv=number, delta=None)
    assert same(codec.decode_event(codec.encode(event)), event)


@given(st.text(max_size=20), values(ev.FrameQuarantined))
def test_text_that_is_no_text_is_written_readably(sample: str, frame: ev.FrameQuarantined) -> None:
    odd = msgspec.structs.replace(frame, sample=sample, account="\ud800")
    again = codec.decode_event(codec.encode(odd))
    assert isinstance(again, ev.FrameQuarantined)
    assert again.account == "\\ud800"
    subject, _ = codec.keys_of(odd)
    assert subject.encode("utf-8")


@given(st.binary(max_size=60))
def test_garbage_is_a_corrupt_journal_and_nothing_else(garbage: bytes) -> None:
    with pytest.raises(JournalCorrupt):
        codec.decode_event(garbage)
    with pytest.raises(JournalCorrupt):
        codec.decode_command(b'{"type":"Packed","hex":"' + garbage + b'"}')
    with pytest.raises(JournalCorrupt):
        codec.decode_tape(b"\xc1" + garbage)
