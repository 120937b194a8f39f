"""Facts behind limits of money as events: a risk number of the shell, and the venue's own account of funding."""

from decimal import Decimal

import msgspec

from hedgebot.domain.instrument import InstrumentId


class RiskMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """VaR and ES of the book over a day at 97.5 %, and its worst stress. Losses in USD, positive; None is unknown.

    `book_at_ns` is the moment of the snapshot it was made from; `problem` says why a number is unknown. The stress is
    told with its name, and with the margin use that it would leave (infinite: liquidated). `assumed` says what was not
    known and counts by a rule.
    """

    book_at_ns: int
    es_usd: float | None
    var_usd: float | None
    equity_usd: float | None
    scenarios: int
    stale_days: int
    problem: str
    stress: str = ""
    stress_loss_usd: float | None = None
    stress_margin_use: float | None = None
    assumed: str = ""


class FundingRow(msgspec.Struct, frozen=True, kw_only=True):
    """One settlement of the venue's transaction log; `cost` > 0 was paid by us, in the settlement coin."""

    instrument: InstrumentId
    cost: Decimal
    at_ns: int


class FundingRead(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """All funding of an account from `since_ns` up to `until_ns` (the venue's clock), by its transaction log."""

    account: str
    since_ns: int
    until_ns: int
    rows: tuple[FundingRow, ...]
