"""What a venue says beside prices and orders: bans, rights of our key, silence, what it trades. Facts only."""

import msgspec

from hedgebot.domain.instrument import InstrumentId


class VenuePaused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The venue wants no requests from our address for `seconds`: a rate limit that was broken, or a ban."""

    account: str
    seconds: float
    reason: str


class KeyRightsAccepted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The account's key can move money out (`rights`, the venue's names), and an operator took that on them."""

    account: str
    venue: str
    rights: tuple[str, ...]
    operator: str


class WatchFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The margin of a watched account could not be read, `failures` times in a row; `problem` is a sentence."""

    account: str
    failures: int
    problem: str


class MarketsRead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whether the venue trades instruments that are watched, as read just now; others are as they were.

    `shut` are those that it does not trade, each with the venue's word for that ("not listed" where it has none).
    """

    venue: str
    trading: tuple[InstrumentId, ...] = ()
    shut: dict[InstrumentId, str] = {}


VenueEvent = VenuePaused | KeyRightsAccepted | WatchFailed | MarketsRead
