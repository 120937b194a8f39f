"""What must be known of a venue to trade there, as data: the shape of a profile and the pure lookups over it.

Must not: talk to anybody, know one venue's values (they stand in a module of their own per venue).
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from hedgebot.domain.events import ExecutionKind
from hedgebot.domain.orders import OrderStatus


class Channel(StrEnum):
    """The way a request took, because one code can mean different things on different ways."""

    REST = "rest"
    TRADE = "trade"
    PRIVATE = "private"
    TRANSFER = "transfer"


class Verdict(StrEnum):
    """What an answer to a request proves."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FUNDS = "funds"
    VENUE_STATE = "venue_state"
    AUTH = "auth"
    PERMISSION = "permission"
    CLOCK = "clock"
    THROTTLED = "throttled"
    DUPLICATE = "duplicate"
    ORDER_GONE = "order_gone"
    UNKNOWN = "unknown"

    @property
    def proves_refusal(self) -> bool:
        """Whether the request certainly had no effect. Throttling is not on this list: it is not verified per code."""
        return self in _PROOFS

    @property
    def is_passing(self) -> bool:
        """Whether the moment was refused and not the order: our clock, or a market that takes no orders just now."""
        return self in _PASSING

    @property
    def is_of_market(self) -> bool:
        """Whether another market may well take the order: this one's state or rules refused it, nothing of ours."""
        return self in _OF_MARKET


_PROOFS = frozenset({
    Verdict.REJECTED,
    Verdict.FUNDS,
    Verdict.VENUE_STATE,
    Verdict.AUTH,
    Verdict.PERMISSION,
    Verdict.CLOCK,
})  # fmt: skip
_PASSING = frozenset({Verdict.CLOCK, Verdict.VENUE_STATE})
_OF_MARKET = frozenset({Verdict.REJECTED, Verdict.VENUE_STATE})


class SubQuery(msgspec.Struct, frozen=True, kw_only=True):
    """One of the requests that together list everything of one sort: a category and what narrows it."""

    category: str
    narrow: dict[str, str] = {}

    @property
    def label(self) -> str:
        """A short name for problems and logs: `linear settleCoin=USDC`."""
        return " ".join((self.category, *(f"{key}={value}" for key, value in self.narrow.items())))


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A token bucket: `per_s` tokens a second, at most `burst` at once."""

    per_s: float
    burst: float


class CancelLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What the venue takes of cancels in each second, by way; categories of one `pool` share it (creations as well).

    Of a batch each order counts, or (`counts_batches`) the batch as one.
    """

    pool: str
    singles_per_s: int
    batched_per_s: int
    wholes_per_s: int
    batch_max: int
    counts_batches: bool = False


class VenueProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One venue as data. The source of each value is named where the value stands."""

    venue: str
    # enumeration
    positions: tuple[SubQuery, ...]
    open_orders: tuple[SubQuery, ...]
    executions: tuple[SubQuery, ...]
    position_page: int
    order_page: int
    execution_page: int
    execution_window_ms: int
    pages_max: int
    option_coins: tuple[str, ...]
    # outcomes: (channel or None for every one, code) and HTTP status
    codes: Mapping[str, Verdict]
    channel_codes: Mapping[Channel, Mapping[str, Verdict]]
    statuses: Mapping[int, Verdict]
    # executions and orders
    execution_kinds: Mapping[str, ExecutionKind]
    # What made the order behind an execution, where that says more than the execution's own type.
    creator_kinds: Mapping[str, ExecutionKind]
    funding_kinds: frozenset[str]
    order_statuses: Mapping[str, OrderStatus]
    # Why the venue ended an order, in its words for its dead-man's switch.
    dead_man_reasons: frozenset[str]
    # And in its words for making way for a deleveraging or a liquidation.
    forced_reasons: frozenset[str]
    # client ids
    client_id_pattern: str
    # streams
    topics_per_request: Mapping[str, int]
    content_ms_max: Mapping[str, int]
    # Whether the top of a book comes with how much stands there.
    shows_sizes: bool
    # clock and rate
    window_ahead_ms: int
    ip_rate: Rate
    ip_reserve_orders: float
    ip_reserve_cancels: float
    # Seconds that everything but cancels pauses after an HTTP status or a code, unless the answer names its own.
    pause_statuses_s: Mapping[int, float]
    pause_codes_s: Mapping[str, float]
    # Creations of a limit that are left to whoever else trades on the account.
    limit_left_to_others: float
    create_rates: Mapping[str, Rate]
    cancel_limits: Mapping[str, CancelLimit]
    # keys
    forbidden_wallet_rights: frozenset[str]
    # The one of them that moves between the user's own wallets need.
    move_right: str
    # hosts of the real addresses
    live_hosts: frozenset[str]
    testnet_hosts: frozenset[str]


def classify(profile: VenueProfile, channel: Channel, *, code: str | None, status: int | None = None) -> Verdict:
    """What the answer proves, from the venue's raw code and the HTTP status; UNKNOWN when nothing says otherwise.

    A 5xx is UNKNOWN whatever its body claims: the gateway that wrote it may not know what happened behind it.
    """
    if status is not None and status >= 500:
        return Verdict.UNKNOWN
    if code is not None:
        own = profile.channel_codes.get(channel, {})
        return own.get(code) or profile.codes.get(code, Verdict.UNKNOWN)
    if status is not None:
        return profile.statuses.get(status, Verdict.UNKNOWN)
    return Verdict.UNKNOWN
