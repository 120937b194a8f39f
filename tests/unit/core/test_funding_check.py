"""The venue's log against the journal: equal sums are quiet, a difference that stays is a break, the past is not."""

from decimal import Decimal

from hedgebot.core.funding_check import KEPT_NS
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.risk_events import FundingRead, FundingRow
from tests.support.playbook import ACCOUNT, BTC_PERP, Playbook

MINUTE_NS = 60_000_000_000


def ready() -> Playbook:
    """A book whose first reading has been."""
    book = Playbook()
    book.ready()
    read(book)
    return book


def paid(book: Playbook, cost: str, trade: str) -> FundingRow:
    """A payment; the row that the venue's log has of it."""
    book.at_ns += MINUTE_NS
    at_ns = book.at_ns
    book.send(
        ev.FundingPaid(
            account=ACCOUNT,
            instrument=BTC_PERP,
            trade_id=trade,
            cost=Decimal(cost),
            coin="USDT",
            rate=None,
            source=ev.Source.STREAM,
            venue_at_ns=at_ns,
        )
    )
    return FundingRow(instrument=BTC_PERP, cost=Decimal(cost), at_ns=at_ns)


def read(book: Playbook, *rows: FundingRow) -> None:
    book.at_ns += MINUTE_NS
    book.send(FundingRead(account=ACCOUNT, since_ns=book.at_ns - 12 * 60 * MINUTE_NS, until_ns=book.at_ns, rows=rows))


def broken(book: Playbook) -> bool:
    return book.is_up(AlertKind.RECON_BREAK)


def test_equal_accounts_are_quiet_up_to_their_rounding() -> None:
    book = ready()
    row = paid(book, "1.23456789", "f1")
    rounded = FundingRow(instrument=row.instrument, cost=Decimal("1.234568"), at_ns=row.at_ns)
    for _ in range(3):
        read(book, rounded)
    assert not broken(book)


def test_a_payment_that_the_journal_has_not_is_a_break_at_the_second_reading() -> None:
    book = ready()
    one = paid(book, "1", "f1")
    missed = FundingRow(instrument=BTC_PERP, cost=Decimal(2), at_ns=book.at_ns)
    read(book, one, missed)
    assert not broken(book), "it may still come"
    read(book, one, missed)
    assert broken(book)
    summary = next(one.summary for one in book.state.alerts.values() if one.kind is AlertKind.RECON_BREAK)
    assert f"{BTC_PERP}: 3 by the venue's log, 1 in the journal" in summary
    late = ev.FundingPaid(
        account=ACCOUNT,
        instrument=BTC_PERP,
        trade_id="late",
        cost=Decimal(2),
        coin="USDT",
        rate=None,
        source=ev.Source.QUERY,
        venue_at_ns=missed.at_ns,
    )
    book.send(late)
    read(book, one, missed)
    assert not broken(book)


def test_a_payment_that_the_venue_has_not_is_a_break_too() -> None:
    book = ready()
    paid(book, "1", "f1")
    read(book)
    read(book)
    assert broken(book)


def test_what_was_paid_before_the_first_reading_is_not_compared() -> None:
    book = Playbook()
    book.ready()
    before = FundingRow(instrument=BTC_PERP, cost=Decimal(5), at_ns=book.at_ns)
    for _ in range(3):
        read(book, before)
    assert not broken(book)


def test_what_is_kept_is_bounded_by_age() -> None:
    book = ready()
    paid(book, "1", "f1")
    book.at_ns += KEPT_NS
    paid(book, "1", "f2")
    assert len(book.state.risk.payments) == 1
