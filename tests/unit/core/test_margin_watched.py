"""Accounts that are only watched: their margin rules the book as any other's, and nothing waits for what they lack."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import venue_risk
from hedgebot.core.account_view import account_view
from hedgebot.core.margin_watched import needs_margin, read_book
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.view import book_view
from hedgebot.daemon.health import feed_problems
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RecordMargin, RequestSnapshot, StopNow
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.settings import MarginMode
from tests.support.playbook import BTC_CALL, Playbook, alerts, instrument, of_type, orders, snapshots
from tests.support.watched import RULES, WATCHED, held, read, watched_account, watched_book, with_watched


def subjects(book: Playbook, kind: AlertKind) -> set[str]:
    return {one.subject for one in book.state.alerts.values() if one.kind is kind}


def keep_fresh(book: Playbook, seconds: float) -> None:
    """Let time pass with everything of the traded account fresh, and the watched one silent."""
    for _ in range(int(seconds)):
        book.send(ev.StreamAlive(account="main", stream=ev.Stream.PRIVATE), after_ms=970)
        book.send(book.book())
        book.send(book.ticker())
        for request in snapshots(book.tick()):
            book.snapshot(wallet=book.wallet())
            assert request.account == "main", "a watched account is never asked for a snapshot"


def test_the_book_is_hedged_before_the_watched_account_was_ever_read() -> None:
    book = Playbook(with_watched())
    book.ready()
    assert book.mode() is Mode.ACTIVE
    sent = orders(book.send(book.fill(Side.BUY, "0.2")))
    assert len(sent) == 1
    assert feed_problems(book_view(book.state, book.at_ns), book.state.limits) == ()


def test_its_use_alerts_reduces_and_is_released() -> None:
    book = watched_book(liquidation_distance_min=0.0)
    view = account_view(book.state, watched_account(book), book.at_ns)
    assert view.margin_use == pytest.approx(0.0525)
    assert view.watched
    assert not view.streams
    read(book, maintenance="120000")
    book.tick(300.0)
    assert WATCHED in subjects(book, AlertKind.MARGIN_BUFFER_LOW)
    low = AlertKind.MARGIN_BUFFER_LOW
    (told,) = [one for one in book.state.alerts.values() if (one.kind, one.subject) == (low, WATCHED)]
    assert "60%" in told.summary
    assert "a top-up of 40,000 USD would cure it" in told.summary
    assert book.mode() is Mode.ACTIVE
    read(book, maintenance="170000")
    book.tick(300.0)
    assert book.mode() is Mode.REDUCING
    assert len(orders(book.send(book.fill(Side.BUY, "0.2")))) == 1, "what lowers the delta is never held back"
    read(book, maintenance="10500")
    book.tick(300.0)
    assert book.mode() is Mode.ACTIVE


def test_the_venues_own_ratio_counts_where_it_is_the_larger() -> None:
    book = watched_book()
    read(book, stated_use=0.83)
    book.tick(300.0)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(0.83)
    assert book.mode() is Mode.REDUCING


def test_one_that_is_not_read_any_more_is_unknown_and_told_and_hedging_goes_on() -> None:
    book = watched_book()
    keep_fresh(book, 70)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use is None
    assert WATCHED in subjects(book, AlertKind.MARGIN_BUFFER_LOW)
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason
    keep_fresh(book, 400)
    assert book.mode() is Mode.ACTIVE, f"one that is dead for minutes kills nothing: {book.state.mode_reason}"
    assert len(orders(book.send(book.fill(Side.BUY, "0.2")))) == 1
    read(book)
    keep_fresh(book, 12)
    assert WATCHED not in subjects(book, AlertKind.MARGIN_BUFFER_LOW)


def test_one_that_was_never_read_is_told_after_the_age_limit() -> None:
    book = Playbook(with_watched())
    book.ready()
    keep_fresh(book, 50)
    assert WATCHED not in subjects(book, AlertKind.MARGIN_BUFFER_LOW)
    keep_fresh(book, 15)
    assert WATCHED in subjects(book, AlertKind.MARGIN_BUFFER_LOW)


@pytest.mark.parametrize("mode", list(MarginMode))
@pytest.mark.parametrize("maintenance", [None, "0"])
def test_no_margin_is_unknown_while_something_is_held(mode: MarginMode, maintenance: str | None) -> None:
    book = watched_book(mode)
    read(book, maintenance=maintenance)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use is None
    read(book, maintenance=maintenance, positions=None)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use is None, "nobody knows what is held"
    read(book, maintenance="0", positions=())
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == 0.0


def test_equity_that_is_gone_is_infinite_use_and_a_missing_one_unknown() -> None:
    book = watched_book()
    read(book, equity="-1")
    book.tick(300.0)
    assert book.mode() is Mode.REDUCING
    read(book, equity=None)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use is None


def test_a_refused_key_is_told_and_halts_nothing() -> None:
    book = watched_book()
    heard = book.send(ev.AuthenticationFailed(account=WATCHED, code="13004", message="invalid_credentials"))
    assert alerts(heard) == {AlertKind.API_KEY_INVALID}
    assert book.mode() is Mode.ACTIVE
    read(book)
    assert not book.is_up(AlertKind.API_KEY_INVALID)
    book.send(ev.AuthenticationFailed(account="main", code="10003", message="invalid"))
    assert book.mode() is Mode.HALTED


def test_a_venue_that_does_not_answer_is_told_from_the_second_time_on() -> None:
    book = watched_book()
    assert not alerts(book.send(ev.WatchFailed(account=WATCHED, failures=1, problem="RequestTimeout")))
    heard = book.send(ev.WatchFailed(account=WATCHED, failures=2, problem="RequestTimeout"))
    assert alerts(heard) == {AlertKind.VENUE_UNREACHABLE}
    read(book)
    assert not book.is_up(AlertKind.VENUE_UNREACHABLE)
    assert not book.send(ev.WatchFailed(account="nobody", failures=9, problem="RequestTimeout"))


def test_all_of_its_pockets_count_for_the_cap_of_a_venue() -> None:
    book = watched_book()
    read(book, pockets=2, everything="1000000")
    assert venue_risk.share(book.state, "deribit", book.at_ns) == pytest.approx(0.5)
    view = account_view(book.state, watched_account(book), book.at_ns)
    assert view.pocket == "its worst pocket, segregated_sm BTC, of 2 that share no margin; all hold 1,000,000 USD"
    read(book, pockets=2, everything=None)
    assert venue_risk.share(book.state, "bybit", book.at_ns) is None, "unknown is never nothing"


def test_our_model_stands_beside_the_venues_number_and_is_journaled() -> None:
    book = watched_book()
    (row,) = [one for one in of_type(book.heard, RecordMargin) if one.account == WATCHED]
    # By Deribit's standard rates, 10 BTC: (1 % + 0.005 % x 10) and (2 % + 0.005 % x 10) of a million.
    assert row.model_maintenance_usd == pytest.approx(10_500.0)
    assert row.model_initial_usd == pytest.approx(20_500.0)
    assert row.gap_ratio == pytest.approx(0.0)
    for _ in range(3):
        read(book, maintenance="12600", after_ms=10_000.0)
    book.tick(300.0)
    assert WATCHED in subjects(book, AlertKind.MARGIN_MODEL_DIVERGED)
    assert "12600" in watched_account(book).margin.differs
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(0.063)


def test_how_far_it_is_from_liquidation_is_told_with_its_price() -> None:
    book = watched_book()
    # 12 BTC net against 10 of debt in USD: a fall of the price takes the coins and the contracts together.
    read(book, equity="30000", maintenance="10500", positions=(held(leverage=50.0),))
    book.tick(11_000.0)
    distance = watched_account(book).margin.distance
    assert distance is not None
    assert distance.underlying == "BTC"
    assert -0.05 < distance.move < 0.0
    assert distance.price == pytest.approx(100_000.0 * (1.0 + distance.move))


def test_a_mode_without_a_model_is_no_alarm() -> None:
    book = Playbook(with_watched(MarginMode.CROSS, "okx"))
    book.ready()
    read(book)
    book.tick(300.0)
    assert not book.is_up(AlertKind.MARGIN_MODEL_DIVERGED)
    assert "tiers are not in our records" in watched_account(book).margin.unknown


def test_a_venue_whose_clock_is_behind_ours_is_read_all_the_same() -> None:
    book = watched_book()
    book.send(ev.ClockMeasured(account=WATCHED, offset_ms=-60_000.0, round_trip_ms=1.0))
    read(book, maintenance="42000")
    wallet = watched_account(book).wallet
    assert wallet is not None
    assert wallet.maintenance_margin_usd == Decimal(42_000)


def test_what_needs_margin() -> None:
    book = watched_book()
    wallet = watched_account(book).wallet
    assert wallet is not None
    assert wallet.watched is not None
    assert needs_margin(wallet.watched)
    sold = msgspec.structs.replace(held(), rules=instrument(BTC_CALL, InstrumentKind.COIN_OPTION), contracts=-1.0)
    for position, needs in ((sold, True), (msgspec.structs.replace(sold, contracts=1.0), False)):
        assert needs_margin(msgspec.structs.replace(wallet.watched, positions=(position,))) is needs
    spot = msgspec.structs.replace(held(), rules=instrument(RULES.id, InstrumentKind.SPOT))
    assert not needs_margin(msgspec.structs.replace(wallet.watched, positions=(spot,)))


def test_what_is_unknown_of_a_book_is_said() -> None:
    book = Playbook(with_watched())
    book.ready()
    assert read_book(watched_account(book), MarginMode.CROSS) == "nothing was read of options yet"
    read(book, positions=None)
    assert "positions of options are unknown" in str(read_book(watched_account(book), MarginMode.CROSS))
    strange = msgspec.structs.replace(held(), rules=instrument(RULES.id, InstrumentKind.LINEAR_PERP, settle="EURR"))
    read(book, positions=(strange,))
    assert read_book(watched_account(book), MarginMode.CROSS) == "the price of EURR is unknown"


@pytest.mark.parametrize(("first", "second"), [(1_000_000.0, -10_000.0), (1_000_000.0, -900_000.0), (-5.0, 5.0)])
def test_what_is_held_both_ways_has_no_number_of_ours(first: float, second: float) -> None:
    book = watched_book()
    read(book, positions=(held(first), held(second)))
    assert "is held long and short at once" in watched_account(book).margin.unknown
    book.tick(11_000.0)
    assert watched_account(book).margin.distance is None
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(0.0525)


def test_two_rows_of_one_side_are_one_position() -> None:
    book = watched_book()
    both = tuple(msgspec.structs.replace(held(500_000.0), profit_settle=profit) for profit in (0.25, 0.5))
    read(book, positions=both)
    found = read_book(watched_account(book), MarginMode.CROSS)
    assert not isinstance(found, str)
    assert [(one.contracts, one.profit) for one in found.contracts.values()] == [(1_000_000.0, 0.75)]


def test_a_reading_is_as_old_as_its_first_question() -> None:
    book = watched_book()
    read(book, asked_before_ms=55_000.0, after_ms=60_000.0)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use == pytest.approx(0.0525)
    book.tick(6_000.0)
    assert account_view(book.state, watched_account(book), book.at_ns).margin_use is None


def test_the_price_at_liquidation_is_told_where_no_coin_of_the_underlying_is_owned() -> None:
    book = watched_book()
    linear = msgspec.structs.replace(RULES, kind=InstrumentKind.LINEAR_PERP, settle="USDC", quote="USDC")
    position = msgspec.structs.replace(held(), rules=linear, contracts=10.0)
    read(book, equity="60000", maintenance="10500", positions=(position,), coins={"USDC": "60000"}, prices={})
    book.tick(11_000.0)
    distance = watched_account(book).margin.distance
    assert distance is not None
    assert distance.underlying == "BTC"
    assert distance.price == pytest.approx(100_000.0 * (1.0 + distance.move))


def test_pauses_and_overflows_leave_it_alone_and_the_book_ends_without_it() -> None:
    book = watched_book()
    book.send(ev.InboxOverflowed(kind="FillReceived", dropped=1))
    assert watched_account(book).truth_lost_at_ns <= book.state.run_started_ns
    book.send(ev.TimerFired(), after_ms=30_000.0)
    for request in of_type(book.heard, RequestSnapshot):
        assert request.account == "main"
    book.snapshot()
    assert [one.account for one in snapshots(book.send(ev.StopRequested(reason="end")))] == ["main"]
    assert of_type(book.snapshot(), StopNow) or of_type(book.tick(), StopNow)


def test_its_loss_and_gain_are_no_ones() -> None:
    book = watched_book(daily_loss_usd_max=50_000.0)
    read(book, equity="100")
    book.tick(300.0)
    assert book.mode() is not Mode.HALTED
    assert not book.is_up(AlertKind.DAILY_LOSS)
    assert not book.is_up(AlertKind.DRAWDOWN)


def test_the_state_survives_a_snapshot() -> None:
    book = watched_book()
    state = decode_state(encode_state(book.state))
    assert encode_state(state) == encode_state(book.state)
    wallet = state.accounts[WATCHED].wallet
    assert wallet is not None
    assert wallet.watched is not None
    assert wallet.watched.equity_usd == Decimal(200_000)
