"""What a second, independent reader of the venue's trade history found. Owns values only."""

import msgspec


class ExecutionsRead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One reading of the drop copy. `executions` are identities that no reading told before, as the ledger keeps them.

    Each is "account|venue:category|trade id". `problem` says what could not be read, empty when all was; `asked_at_ns`
    is when the first query left (hedgebot's clock), `since_ns` from when on the venue listed (its clock; None: not
    told).
    """

    account: str
    executions: tuple[str, ...]
    problem: str
    asked_at_ns: int
    since_ns: int | None = None
