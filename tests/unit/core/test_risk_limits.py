"""Tail risk: soft limit an alert, hard limit REDUCING with hysteresis, unknown or old an alert and never a zero."""

import msgspec
import pytest

from hedgebot.core.risk_limits import es_ratio
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode
from hedgebot.domain.risk_events import RiskMeasured
from tests.support.playbook import ACCOUNT, Playbook

KIND = AlertKind.TAIL_RISK_LIMIT


def ready() -> Playbook:
    book = Playbook()
    book.ready(btc="0.01")
    return book


def measured(
    book: Playbook, es_usd: float | None, equity_usd: float | None = 1_000_000.0, problem: str = ""
) -> tuple[Command, ...]:
    return (
        book.send(
            RiskMeasured(
                book_at_ns=book.at_ns,
                es_usd=es_usd,
                var_usd=None,
                equity_usd=equity_usd,
                scenarios=500,
                stale_days=0,
                problem=problem,
            )
        )
        + book.tick()
    )


def keep_alive(book: Playbook, seconds: int) -> None:
    for _ in range(seconds // 2):
        book.send(book.book(), after_ms=1_000)
        book.send(book.ticker())
        book.connect()
        book.tick(after_ms=1_000)


def subjects(book: Playbook) -> list[str]:
    return [one.subject for one in book.state.alerts.values() if one.kind is KIND]


def test_a_small_risk_is_quiet() -> None:
    book = ready()
    measured(book, 39_000.0)
    assert (subjects(book), book.mode()) == ([], Mode.ACTIVE)
    assert es_ratio(book.state, book.at_ns) == pytest.approx(0.039)


def test_the_soft_limit_alerts_and_the_hard_one_reduces_until_the_risk_is_well_below() -> None:
    book = ready()
    measured(book, 45_000.0)
    assert (subjects(book), book.mode()) == (["book"], Mode.ACTIVE)
    measured(book, 51_000.0)
    assert book.mode() is Mode.REDUCING
    assert "expected shortfall of a day is 5.1% of equity" in book.state.mode_reason
    measured(book, 46_000.0)
    assert book.mode() is Mode.REDUCING, "below the limit is not yet well below it"
    measured(book, 30_000.0)
    assert (subjects(book), book.mode()) == ([], Mode.ACTIVE)


def test_a_number_around_the_soft_limit_is_one_alert() -> None:
    book = ready()
    measured(book, 41_000.0)
    since_ns = next(iter(book.state.alerts.values())).since_ns
    for _ in range(5):
        measured(book, 39_000.0)
        measured(book, 41_000.0)
    (up,) = [one for one in book.state.alerts.values() if one.kind is KIND]
    assert up.since_ns == since_ns
    measured(book, 36_000.0)
    assert subjects(book) == []


def test_no_equity_is_the_largest_ratio_and_no_error() -> None:
    book = ready()
    measured(book, 10.0, equity_usd=-5.0)
    assert es_ratio(book.state, book.at_ns) == float("inf")
    assert book.mode() is Mode.REDUCING


def test_unknown_is_an_alert_and_changes_nothing_else() -> None:
    book = ready()
    measured(book, 60_000.0)
    measured(book, None, problem="no history of returns of SOL")
    assert subjects(book) == ["book", "measurement"]
    assert book.mode() is Mode.REDUCING, "what was wrong is not known to be over"
    assert es_ratio(book.state, book.at_ns) is None
    measured(book, 10.0, equity_usd=None)
    assert "measurement" in subjects(book)


def test_a_number_that_is_never_made_or_too_old_is_an_alert_when_something_is_held() -> None:
    book = ready()
    keep_alive(book, 290)
    assert subjects(book) == []
    keep_alive(book, 20)
    assert subjects(book) == ["measurement"]
    measured(book, 1.0)
    assert subjects(book) == []
    keep_alive(book, 310)
    assert subjects(book) == ["measurement"]


def test_an_empty_book_needs_no_number() -> None:
    book = Playbook()
    book.ready()
    keep_alive(book, 310)
    assert subjects(book) == []


def test_an_older_number_is_ignored() -> None:
    book = ready()
    measured(book, 30_000.0)
    old = book.state.risk.measured
    assert old is not None
    book.send(old)
    assert book.state.risk.measured is old
    assert book.state.accounts[ACCOUNT].reconciled


def test_prices_become_closes() -> None:
    book = ready()
    book.tick()
    assert book.state.risk.closes["BTC"].price == 100_000.0


def test_a_number_made_by_an_assumption_is_used_and_told_until_there_is_a_history() -> None:
    book = ready()
    plain = RiskMeasured(
        book_at_ns=book.at_ns, es_usd=100.0, var_usd=90.0, equity_usd=1e6, scenarios=500, stale_days=0, problem=""
    )
    book.send(msgspec.structs.replace(plain, assumed="SOL has no history of returns: it counts as 2 times BTC"))
    book.tick()
    assert subjects(book) == ["history"]
    assert es_ratio(book.state, book.at_ns) == 1e-4
    book.send(msgspec.structs.replace(plain, book_at_ns=book.at_ns))
    book.tick()
    assert subjects(book) == []
