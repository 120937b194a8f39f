"""A what-if on a watched account: our model beside the venue's number, the larger of them against the line."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.state import encode_state
from hedgebot.core.what_if_watched import account_at, judge, unanswered
from hedgebot.domain.instrument import InstrumentKind, Side
from hedgebot.domain.settings import MarginMode
from hedgebot.domain.whatif import OrderKind, VenueNumbers, Verdict, WantedOrder, WatchedNumbers, WhatIf
from tests.support.playbook import BTC_CALL, Playbook, instrument
from tests.support.watched import held, option, read, watched_book, with_watched

ORDER = WantedOrder(
    side=Side.BUY, qty=Decimal(10), in_usd=False, underlying="BTC", kind=OrderKind.PERP, venue="deribit"
)


def ask(book: Playbook, after: float | None = 0.11, usd: float = 1_000_000.0) -> WhatIf:
    account = account_at(book.state, "deribit")
    assert account is not None
    theirs = VenueNumbers(maintenance_before=0.0525, maintenance_after=after)
    found = WatchedNumbers(position=held(usd), theirs=theirs)
    return judge(book.state, account, ORDER, found, book.at_ns)


def test_both_numbers_of_the_same_order_agree_where_the_venue_margins_by_the_model() -> None:
    book = watched_book()
    before = encode_state(book.state)
    found = ask(book)
    assert found.before is not None
    assert found.after is not None
    assert found.before.use == pytest.approx(0.0525)
    assert found.after.use == pytest.approx(0.11)
    assert found.after.initial == pytest.approx(0.021 * 2_000_000)
    assert (found.verdict, found.source, found.account) == (Verdict.PASS, "watched", "options")
    assert found.explanation == "a use of 11.0% after it, 70% is the line; hedgebot never orders there"
    assert encode_state(book.state) == before, "a look leaves no trace"


def test_the_larger_number_decides_and_what_lowers_it_passes() -> None:
    book = watched_book()
    assert ask(book, after=0.75).verdict is Verdict.REFUSE
    assert ask(book, usd=9_000_000.0).verdict is Verdict.REFUSE, "the model's, of a hundred BTC on two"
    read(book, equity="12000")
    found = ask(book, after=0.02, usd=-500_000.0)
    assert found.before is not None
    assert found.before.use == pytest.approx(0.875)
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("before", "after", "verdict"), [(0.5, 1.6, Verdict.REFUSE), (1.7, 1.6, Verdict.PASS), (0.5, 0.9, Verdict.PASS)]
)
def test_more_initial_margin_than_there_is_passes_only_where_it_falls(
    before: float, after: float, verdict: Verdict
) -> None:
    book = watched_book()
    account = account_at(book.state, "deribit")
    assert account is not None
    theirs = VenueNumbers(initial_before=before, initial_after=after, maintenance_before=0.0525, maintenance_after=0.11)
    found = judge(book.state, account, ORDER, WatchedNumbers(position=held(), theirs=theirs), book.at_ns)
    assert found.verdict is verdict
    assert ("initial margin of 160.0% of the equity" in found.explanation) is (verdict is Verdict.REFUSE)


def test_our_models_initial_margin_counts_too() -> None:
    book = watched_book()
    read(book, equity="60000")
    found = ask(book, usd=2_500_000.0)
    assert found.after is not None
    assert found.after.use is not None
    assert found.after.use < 0.7, "the maintenance margin alone would let it pass"
    assert found.verdict is Verdict.REFUSE


def test_without_a_model_the_venue_alone_decides_and_without_both_nobody_knows() -> None:
    book = Playbook(with_watched(MarginMode.CROSS, "okx"))
    book.ready()
    read(book)
    account = account_at(book.state, "okx")
    assert account is not None
    theirs = VenueNumbers(maintenance_before=0.1, maintenance_after=0.2)
    found = judge(book.state, account, ORDER, WatchedNumbers(position=held(), theirs=theirs), book.at_ns)
    assert (found.before, found.verdict) == (None, Verdict.PASS)
    assert "tiers are not in our records" in found.problem
    found = judge(book.state, account, ORDER, WatchedNumbers(position=held(), problem="no such call"), book.at_ns)
    assert (found.verdict, found.theirs_problem) == (Verdict.UNKNOWN, "no such call")


def test_an_option_is_judged_by_the_model_too() -> None:
    book = watched_book()
    account = account_at(book.state, "deribit")
    assert account is not None
    sold = option(-10.0, at_ns=book.at_ns)
    found = judge(book.state, account, ORDER, WatchedNumbers(position=sold), book.at_ns)
    assert found.before is not None
    assert found.after is not None
    more = 10.0 * (0.075 + sold.mark) * 1e5
    assert found.after.maintenance == pytest.approx(found.before.maintenance + more)


def test_an_option_and_a_coin_without_a_price_leave_it_to_the_venue() -> None:
    book = watched_book()
    account = account_at(book.state, "deribit")
    assert account is not None
    for rules, words in (
        (instrument(BTC_CALL, InstrumentKind.COIN_OPTION, settle="BTC"), "no volatility and forward"),
        (instrument(BTC_CALL, InstrumentKind.LINEAR_PERP, settle="EURR"), "the price of EURR is unknown"),
    ):
        position = msgspec.structs.replace(held(1.0), rules=rules)
        found = judge(book.state, account, ORDER, WatchedNumbers(position=position), book.at_ns)
        assert words in found.problem


def test_an_old_number_of_the_venue_is_none() -> None:
    book = watched_book()
    account = account_at(book.state, "deribit")
    assert account is not None
    found = judge(book.state, account, ORDER, WatchedNumbers(position=held()), book.at_ns + 61 * 10**9)
    assert (found.verdict, "too old" in found.problem) == (Verdict.UNKNOWN, True)


def test_who_is_asked() -> None:
    book = watched_book()
    assert account_at(book.state, "bybit") is None
    account = account_at(book.state, "deribit")
    assert account is not None
    found = unanswered(book.state, account, ORDER, "no answer")
    assert (found.verdict, found.theirs_problem, found.mode) == (Verdict.UNKNOWN, "no answer", "cross")
