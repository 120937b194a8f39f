"""While a watched account's margin is unknown nothing that adds risk is sent, and nothing that lowers it waits."""

import pytest

from hedgebot.core.candidate import Candidate
from hedgebot.core.gate import RULES, judge
from hedgebot.core.state import AccountState, adopt_settings
from hedgebot.core.watched_rule import is_overdue, unread, watched_margin
from hedgebot.domain.orders import Approved, Refused
from tests.support.watched import WATCHED, watched_account, watched_book, with_watched
from tests.unit.core.test_gate import _candidate

NS = 1_000_000_000


def watching(delta_coin: float, trade_coin: float) -> tuple[Candidate, AccountState]:
    """A candidate in a book with a watched account that was never read."""
    one = _candidate(delta_coin, trade_coin)
    adopt_settings(one.state, with_watched(plain=one.state.settings))
    return one, one.state.accounts[WATCHED]


def test_what_adds_risk_waits_and_what_lowers_it_passes() -> None:
    adding, _ = watching(0.0, 0.1)
    found = watched_margin(adding)
    assert found.problem == "margin use of options, which is only watched, is unknown"
    assert (found.check.rule, found.check.value) == ("watched_margin", "options")
    verdict = judge(adding)
    assert isinstance(verdict, Refused)
    assert verdict.check.rule == "watched_margin"
    reducing, _ = watching(0.2, -0.1)
    assert watched_margin(reducing).problem == ""
    assert isinstance(judge(reducing), Approved)


def test_without_watched_accounts_it_is_content() -> None:
    one = _candidate(0.0, 0.1)
    assert watched_margin(one).check.value == "known"
    assert watched_margin(one).problem == ""
    assert watched_margin in RULES


def test_one_that_was_read_holds_nothing_up() -> None:
    book = watched_book()
    assert unread(book.state, book.at_ns) == ()
    assert unread(book.state, book.at_ns + 61 * NS) == (WATCHED,)


@pytest.mark.parametrize(("after_s", "overdue"), [(59, False), (61, True)])
def test_a_run_that_has_just_begun_waits_for_the_first_reading(after_s: int, overdue: bool) -> None:
    one, account = watching(0.0, 0.1)
    one.state.run_started_ns = one.at_ns
    assert is_overdue(one.state, account, one.at_ns + after_s * NS) is overdue
    assert not is_overdue(one.state, one.account, one.at_ns + after_s * NS)
    book = watched_book()
    assert is_overdue(book.state, watched_account(book), book.at_ns), "one that was read is missed at once"
