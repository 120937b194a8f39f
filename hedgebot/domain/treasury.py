"""Collateral beside the trading account: what an operator allows to be moved, a move, and the facts about it.

Moves stay inside one user's own wallets at one venue, from the funding wallet into the trading account. Nothing here
can name an address or another user: withdrawals are never made.
"""

from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b

import msgspec

from hedgebot.domain.decimals import plain


class TreasurySettings(msgspec.Struct, frozen=True, kw_only=True):
    """How one account is topped up. Quantities are in `coin`; uses are maintenance margin / equity.

    Three segments: trading is the account itself, buffer the funding wallet less `emergency_qty`, emergency the rest.
    Above `top_up_use` a top-up is planned that brings the use to `target_use`. From the buffer up to `move_max_qty` at
    once and `day_max_qty` in 24 hours move by themselves; everything else waits for an operator for `proposal_s`.
    """

    account: str
    coin: str
    top_up_use: float
    target_use: float
    emergency_qty: Decimal = Decimal(0)
    move_min_qty: Decimal = Decimal(100)
    move_max_qty: Decimal = Decimal(0)
    day_max_qty: Decimal = Decimal(0)
    cool_down_s: float = 600.0
    proposal_s: float = 3_600.0


class CollateralMove(msgspec.Struct, frozen=True, kw_only=True):
    """One move from the funding wallet into the trading account; `qty` > 0 in `coin`.

    `transfer_id` is its identity at the venue, taken once; after `deadline_ns` the venue takes the request no more.
    """

    account: str
    number: int
    transfer_id: str
    coin: str
    qty: Decimal
    sent_at_ns: int
    deadline_ns: int


class FundingWalletRead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What may leave an account's funding wallet, by coin; None and a `problem` where it could not be read."""

    account: str
    balances: dict[str, Decimal] | None
    problem: str = ""


class MoveOutcome(StrEnum):
    """What an answer to a move proves."""

    DONE = "done"
    REFUSED = "refused"
    UNKNOWN = "unknown"


class MoveAnswered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The one answer to MoveCollateral. REFUSED only with a code that proves that nothing was moved."""

    account: str
    transfer_id: str
    outcome: MoveOutcome
    code: str
    message: str


class MoveFound(StrEnum):
    """What the venue's list of moves says about one."""

    SUCCESS = "success"
    PENDING = "pending"
    FAILED = "failed"
    ABSENT = "absent"
    UNREADABLE = "unreadable"


class MoveLookedUp(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Answer to QueryMove. `asked_at_ns` is hedgebot's clock, to hold absence against the deadline."""

    account: str
    transfer_id: str
    found: MoveFound
    asked_at_ns: int
    problem: str = ""


def move_id(install: int, epoch: int, number: int) -> str:
    """The venue's id of a move, as a UUID: a function of what the journal knows, the same for the same move."""
    text = f"hedgebot move {install:08x} {epoch} {number}"
    digits = list(blake2b(text.encode(), digest_size=16).hexdigest())
    digits[12], digits[16] = "8", "8"  # version and variant of an id that its maker defines (RFC 9562)
    made = "".join(digits)
    return "-".join((made[:8], made[8:12], made[12:16], made[16:20], made[20:]))


def words_of(move: CollateralMove) -> str:
    """A move in a few words."""
    return f"move {move.number}: {plain(move.qty)} {move.coin} from the funding wallet to {move.account}"
