"""A risk number goes through the journal's words without loss, an infinite margin use too."""

from hedgebot.domain.risk_events import RiskMeasured
from hedgebot.journal.codec import decode_event, encode


def test_it_comes_back_from_the_journal() -> None:
    event = RiskMeasured(
        book_at_ns=7,
        es_usd=12.5,
        var_usd=None,
        equity_usd=100.0,
        scenarios=500,
        stale_days=3,
        problem="",
        stress="spot -40%",
        stress_loss_usd=3.0,
        stress_margin_use=float("inf"),
    )
    assert decode_event(encode(event)) == event
