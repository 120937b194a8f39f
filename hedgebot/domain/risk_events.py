"""A risk number as an event: what the shell computed beside the turn, from a snapshot of the engine's state."""

import msgspec


class RiskMeasured(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """VaR and ES of the book over a day at 97.5 %, and its worst stress. Losses in USD, positive; None is unknown.

    `book_at_ns` is the moment of the snapshot it was made from; `problem` says why a number is unknown. The stress is
    told with its name, and with the margin use that it would leave (infinite: liquidated).
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
