"""The journal's words: events and commands to bytes and back, without loss. Owns no file and no order.

Rows hold JSON, so that people and other programs can read them; the tape holds MessagePack, which is smaller.
Dictionaries keep the order in which they were given: the engine may walk them, and a replay must walk the same way.
JSON has no NaN or infinity (msgspec writes null); a value that holds one is written as MessagePack in a JSON envelope.
"""

import re
from collections.abc import Sequence

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.errors import JournalCorrupt

_json = msgspec.json.Encoder(decimal_format="string")
_pack = msgspec.msgpack.Encoder(decimal_format="string")
_event_json: msgspec.json.Decoder[ev.Event] = msgspec.json.Decoder(ev.Event)
_command_json: msgspec.json.Decoder[cmd.Command] = msgspec.json.Decoder(cmd.Command)
_event_pack: msgspec.msgpack.Decoder[ev.Event] = msgspec.msgpack.Decoder(ev.Event)
_command_pack: msgspec.msgpack.Decoder[cmd.Command] = msgspec.msgpack.Decoder(cmd.Command)
_tape_pack = msgspec.msgpack.Decoder(list[ev.Stamped])

# A float64 is 0xcb and eight bytes; an exponent of all ones is NaN or infinity. A chance hit costs nothing.
_NOT_FINITE = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
COLUMN_CHARS_MAX = 200
_ENVELOPE = b'{"type":"Packed","hex":"'


def kind_of(value: ev.Event | cmd.Command) -> str:
    """The row's kind: the name of the event's or command's type."""
    return type(value).__name__


def encode(value: ev.Event | cmd.Command) -> bytes:
    """Write one event or command as canonical JSON: the same value gives the same bytes in every process."""
    try:
        payload = _json.encode(value)
        if b"null" in payload:
            packed = _pack.encode(value)
            if _NOT_FINITE.search(packed):
                return _ENVELOPE + packed.hex().encode() + b'"}'
    except UnicodeEncodeError:
        # Half a surrogate pair in a venue's message: text that no encoding can hold must not stop the journal.
        return _json.encode(_readable(msgspec.to_builtins(value, builtin_types=())))
    return payload


def decode_event(payload: bytes) -> ev.Event:
    """Read an event; raises JournalCorrupt where the bytes are not one of ours."""
    try:
        if payload.startswith(_ENVELOPE):
            return _event_pack.decode(_unwrap(payload))
        return _event_json.decode(payload)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalCorrupt(f"an event in the journal cannot be read ({error}): {_sample(payload)}") from error


def decode_command(payload: bytes) -> cmd.Command:
    """Read a command; raises JournalCorrupt where the bytes are not one of ours."""
    try:
        if payload.startswith(_ENVELOPE):
            return _command_pack.decode(_unwrap(payload))
        return _command_json.decode(payload)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalCorrupt(f"a command in the journal cannot be read ({error}): {_sample(payload)}") from error


def encode_tape(stamped: Sequence[ev.Stamped]) -> bytes:
    """Write market events as one MessagePack array."""
    try:
        return _pack.encode(stamped)
    except UnicodeEncodeError:
        return _pack.encode(_readable(msgspec.to_builtins(list(stamped), builtin_types=())))


def decode_tape(raw: bytes) -> list[ev.Stamped]:
    """Read what `encode_tape` wrote; raises JournalCorrupt where it is something else."""
    try:
        return _tape_pack.decode(raw)
    except (msgspec.MsgspecError, ValueError) as error:
        raise JournalCorrupt(f"a frame of the tape cannot be read ({error})") from error


def keys_of(value: ev.Event | cmd.Command) -> tuple[str, str | None]:
    """Subject and client id of a row as its columns hold them: short, and text that every encoding can hold."""
    client_id = client_id_of(value)
    return _column(subject_of(value)), None if client_id is None else _column(client_id)


def client_id_of(value: ev.Event | cmd.Command) -> str | None:
    """The order that a row speaks of, if it speaks of one that has our kind of id."""
    match value:
        case ev.OrderUpdated(report=report):
            return report.client_id
        case (
            ev.FillReceived()
            | ev.OrderAccepted()
            | ev.OrderRejected()
            | ev.OrderOutcomeUnknown()
            | ev.OrderLookedUp()
            | ev.CancelAnswered()
            | cmd.SubmitOrder()
            | cmd.CancelOrder()
            | cmd.QueryOrder()
            | cmd.RecordDecision()
        ):
            return value.client_id
        case _:
            return None


def subject_of(value: ev.Event | cmd.Command) -> str:
    """What a row is about, for people who search: an instrument, underlying, account, strategy; empty if none."""
    match value:
        case ev.OrderUpdated(report=order):
            return order.instrument
        case ev.PositionUpdated(report=position):
            return position.instrument
        case ev.WalletUpdated(report=wallet):
            return wallet.account
        case cmd.SubmitOrder(approved=approved):
            return approved.intent.instrument
        case cmd.RecordRefusal(refused=refused):
            return refused.intent.instrument
        case _:
            for name in ("instrument", "underlying", "subject", "account", "strategy", "venue", "operator", "task"):
                found = getattr(value, name, None)
                if isinstance(found, str):
                    return found
            return ""


def _column(text: str) -> str:
    return text[:COLUMN_CHARS_MAX].encode("utf-8", "backslashreplace").decode("utf-8")


def _readable(value: object) -> object:
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode("utf-8")
        case dict():
            return {_readable(key): _readable(item) for key, item in value.items()}
        case list() | tuple():
            return [_readable(item) for item in value]
        case _:
            return value


def _unwrap(payload: bytes) -> bytes:
    return bytes.fromhex(payload[len(_ENVELOPE) : -2].decode("ascii"))


def _sample(payload: bytes) -> str:
    return repr(payload[:80])
