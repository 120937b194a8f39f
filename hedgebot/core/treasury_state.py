"""What is remembered of top-ups: proposals, moves on their way and ended, what the funding wallets hold. Plain values.

Part of the engine's state, so that a proposal and a move outlive a restart. Decides nothing.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.durations import NS_PER_DAY

SETTLE_NS = 2_000_000_000
"""A report of equity this long after a move ended has it inside."""

UNSURE_NS_MAX = 60_000_000_000
"""A move without an answer for longer counts as not arrived where losses are measured."""


class MoveStatus(StrEnum):
    """How a top-up stands."""

    PROPOSED = "proposed"  # waits for an operator
    SENT = "sent"  # journaled and on its way
    UNKNOWN = "unknown"  # no answer that proves anything: looked up until there is proof
    DONE = "done"
    REFUSED = "refused"  # by the venue, with proof that nothing was moved
    ABSENT = "absent"  # looked up after its deadline and nowhere to be found: it never was
    FORGOTTEN = "forgotten"  # by an operator's word it never was: nothing here proves it
    REJECTED = "rejected"  # by an operator
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # not needed any more, or replaced by a larger one

    @property
    def is_moving(self) -> bool:
        """Whether coins may be on their way."""
        return self in (MoveStatus.SENT, MoveStatus.UNKNOWN)

    @property
    def counts_for_day(self) -> bool:
        """Whether it fills the day's limit: what was moved, what may have been, and what only a word says was not."""
        return self.is_moving or self in (MoveStatus.DONE, MoveStatus.FORGOTTEN)


class Move(msgspec.Struct, kw_only=True):
    """One top-up by its number; `emergency_qty` of `qty` is beyond the buffer.

    `operator` is who approved or rejected it, empty for one that moved by itself. `counted`: its amount is in what
    losses are measured from. `mark_usd` is the book's highest equity of the day when it was sent; 0 without one.
    """

    number: int
    account: str
    coin: str
    qty: Decimal
    emergency_qty: Decimal
    status: MoveStatus
    why: str
    made_ns: int
    expires_ns: int = 0
    operator: str = ""
    note: str = ""
    transfer_id: str = ""
    sent_at_ns: int = 0
    deadline_ns: int = 0
    query_at_ns: int = 0
    queries: int = 0
    absences: int = 0
    ended_ns: int = 0
    counted: bool = False
    mark_usd: float = 0.0


class Spare(msgspec.Struct, frozen=True, kw_only=True):
    """What another account at the venue holds above its own line, in the treasury's coin."""

    account: str
    qty: Decimal


class TopUp(msgspec.Struct, frozen=True, kw_only=True):
    """A plan: what brings an account back, and from where. Quantities in the treasury's coin.

    `own_qty` may move by itself now, `ask_qty` needs an operator's word, `outside_qty` is on no wallet here and must be
    brought from elsewhere by people; `spares` are accounts at the venue that could give it. `waits` says why nothing
    moves by itself.
    """

    need_usd: float
    need_qty: Decimal
    own_qty: Decimal
    ask_qty: Decimal
    outside_qty: Decimal
    why: str
    waits: str = ""
    spares: tuple[Spare, ...] = ()


class AccountTreasury(msgspec.Struct, kw_only=True):
    """One account's funding wallet as it was read last, its plan if one is needed, moves that failed in a row."""

    balances: dict[str, Decimal] | None = None
    read_at_ns: int = 0
    problem: str = ""
    looked_at_ns: int = 0
    plan: TopUp | None = None
    failures: int = 0


class TreasuryState(msgspec.Struct, kw_only=True):
    """Everything about top-ups. `moves` by number, oldest first; those that ended are forgotten by count."""

    next_number: int = 1
    moves: dict[int, Move] = {}
    accounts: dict[str, AccountTreasury] = {}

    def of(self, account: str) -> AccountTreasury:
        """What is known of one account's wallets."""
        return self.accounts.setdefault(account, AccountTreasury())

    def moving(self, account: str) -> Move | None:
        """The move that is on its way, if one is: there is at most one for each account."""
        return next((one for one in self.moves.values() if one.account == account and one.status.is_moving), None)

    def proposed(self, account: str) -> Move | None:
        """The proposal that waits, if one does."""
        waiting = (one for one in self.moves.values() if one.status is MoveStatus.PROPOSED)
        return next((one for one in waiting if one.account == account), None)

    def moved_by_itself(self, account: str, at_ns: int) -> Decimal:
        """What moved by itself, or may have, in the last 24 hours."""
        return sum(
            (
                one.qty
                for one in self.moves.values()
                if one.account == account
                and not one.operator
                and one.status.counts_for_day
                and at_ns - one.sent_at_ns < NS_PER_DAY
            ),
            ZERO,
        )

    def last_sent_ns(self, account: str) -> int:
        """When a move of an account was sent last; 0 for never."""
        return max((one.sent_at_ns for one in self.moves.values() if one.account == account), default=0)

    def unsettled(self, account: str, at_ns: int) -> bool:
        """Whether equity may or may not have a move inside: a loss cannot be told from it then."""
        return bool(self.moves) and any(
            one.account == account
            and (
                (one.status is MoveStatus.DONE and not one.counted)
                or (one.status.is_moving and at_ns - one.sent_at_ns < UNSURE_NS_MAX)
            )
            for one in self.moves.values()
        )
