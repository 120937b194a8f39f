"""What a venue says about us rather than about the market or an order: bans, rights of our key, silence. Facts only."""

import msgspec


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
