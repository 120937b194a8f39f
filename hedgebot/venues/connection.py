"""What it takes to reach one account at one venue. Owns no behaviour and shows no secret."""

from typing import Literal

import msgspec

from hedgebot.domain.settings import AccountRole


class VenueConnection(msgspec.Struct, frozen=True, kw_only=True):
    """One account at one venue, with the deadlines of its connections.

    `endpoint` is the base address of a simulated exchange on loopback (`http://127.0.0.1:8700`); None stands for the
    venue's own addresses, the test network's when `testnet`. `order_entry` says how orders leave: signed HTTP requests
    or the venue's trade websocket. Keys never appear in `repr`.
    """

    account: str
    venue: str
    role: AccountRole
    endpoint: str | None = None
    testnet: bool = False
    api_key: str = ""
    api_secret: str = ""
    api_passphrase: str = ""
    # Who takes it on them that the key may move money out; empty: such a key is refused.
    rights_accepted_by: str = ""
    # Whether collateral is moved in from the user's own funding wallet, for which the key needs a right.
    moves_collateral: bool = False
    recv_window_ms: int = 5_000
    order_timeout_ms: int = 3_000
    order_entry: Literal["rest", "ws"] = "rest"
    # A second reader of executions, with a client of its own.
    drop_copy: bool = False
    query_timeout_ms: int = 10_000
    # A ping each `keep_alive_ms`; a socket without any frame for `silence_ms_max` is dropped and dialled again.
    keep_alive_ms: int = 5_000
    silence_ms_max: int = 15_000
    # From dialling to authenticated and subscribed.
    ready_ms_max: int = 10_000
    # Market topics without content: the socket is dropped although it answers pings (a muted stream).
    # None: as the venue's profile says.
    content_ms_max: int | None = None
    clock_interval_s: float = 60.0
    reload_interval_s: float = 3_600.0
    # Of an account that is only watched: between two readings of its margin, and how it nets what it holds.
    watch_interval_s: float = 10.0
    portfolio_margin: bool = False

    def __repr__(self) -> str:
        """Name the account and the address, never the key."""
        where = self.endpoint or ("testnet" if self.testnet else "live")
        return f"VenueConnection({self.account!r}, {self.venue!r}, {self.role.value!r}, {where!r})"

    __str__ = __repr__

    @property
    def has_key(self) -> bool:
        """Whether the account can be spoken for."""
        return bool(self.api_key and self.api_secret)
