"""Holdings: exposure by their ratio; late, empty, unreadable or jumped ones are told, only what is proven is sent."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.exposure import exposure_problem, net_delta_coin
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command
from hedgebot.domain.holdings import HoldingReported, HoldingSettings
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import DeltaConvention
from tests.support.playbook import BTC_USDC, MS, Playbook, orders, settings

VAULT = HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0, ratio=1.5)


def _book(convention: DeltaConvention | None = None) -> Playbook:
    made = settings()
    one = msgspec.structs.replace(made.underlyings[0], delta_convention=convention)
    book = Playbook(msgspec.structs.replace(made, underlyings=(one,), holdings=(VAULT,)))
    book.ready()
    return book


def _report(book: Playbook, qty: str | None, problem: str = "", age_s: float = 0.0) -> tuple[Command, ...]:
    at_ns = book.at_ns - round(age_s * 1e9)
    return book.send(
        HoldingReported(name="vault", qty=None if qty is None else Decimal(qty), as_of_ns=at_ns, problem=problem)
    )


def _told(book: Playbook) -> str:
    book.tick()
    return next((one.summary for one in book.state.alerts.values() if one.kind is AlertKind.HOLDING_UNTRUSTED), "")


def test_a_holding_is_exposure_by_its_ratio_and_is_hedged() -> None:
    book = _book()
    found = _report(book, "0.4")
    assert net_delta_coin(book.state.underlyings["BTC"]) == pytest.approx(0.6)
    assert orders(found)
    assert not _told(book)


def test_before_its_first_reading_the_exposure_is_unknown() -> None:
    book = _book()
    assert "vault was not read yet" in exposure_problem(book.state.underlyings["BTC"])
    assert not orders(book.send(book.fill(Side.BUY, "1", BTC_USDC)))
    assert not _told(book), "every start looks like this"
    assert orders(_report(book, "0"))


def test_a_holding_that_is_still_not_read_later_is_told() -> None:
    book = _book()
    book.at_ns += 16 * 1_000 * MS
    assert _told(book) == "holding vault was not read yet"


@pytest.mark.parametrize(
    ("qty", "problem", "age_s", "sentence"),
    [
        (
            None,
            "it is empty: it must be a number",
            0.0,
            "vault: it is empty: it must be a number; it counts with its last",
        ),
        ("NaN", "", 0.0, "its quantity is NaN, it must be a number of zero or more"),
        ("-1", "", 0.0, "its quantity is -1"),
        (
            "1E+9999999",
            "",
            0.0,
            "its quantity is 1E+9999999, it must be a number of zero or more, and of at most 1E+18",
        ),
        ("0.8", "", 0.0, "it changed from 0.02 to 0.8, 1.17 BTC at once, jump_coin_max is 1: raise it"),
        ("0.02", "", 61.0, "holding vault is 61 s old, age_s_max is 60; it counts with its last 0.02"),
        ("0.02", "", -3_600.0, "it is dated 3600 s in the future"),
    ],
)
def test_an_untrusted_reading_keeps_the_last_value_and_stops_hedging(
    qty: str | None, problem: str, age_s: float, sentence: str
) -> None:
    book = _book()
    _report(book, "0.02")
    found = _report(book, qty, problem, age_s)
    assert sentence in _told(book)
    assert net_delta_coin(book.state.underlyings["BTC"]) == pytest.approx(0.03)
    found += book.send(book.fill(Side.SELL, "1", BTC_USDC))
    assert not orders(found), "there may be more than was read: a purchase may add risk"
    (view,) = book_view(book.state, book.at_ns).underlyings
    assert "holding vault" in view.why_not
    # The next good reading ends it.
    assert orders(_report(book, "0.03"))
    assert not _told(book)


def test_what_lowers_the_delta_whatever_the_holding_is_goes_on() -> None:
    book = _book()
    _report(book, "0.02")
    _report(book, None, "it is empty: it must be a number")
    (order,) = orders(book.send(book.fill(Side.BUY, "1", BTC_USDC)))
    assert order.approved.intent.side is Side.SELL, "coins outside are never less than none"


def test_a_jump_that_is_true_passes_once_its_limit_is_raised() -> None:
    book = _book()
    _report(book, "0.02")
    _report(book, "3")
    assert _told(book)
    more = msgspec.structs.replace(book.settings, holdings=(msgspec.structs.replace(VAULT, jump_coin_max=10.0),))
    book.send(ev.ConfigApplied(settings=more, changes=(), operator="ann", reason="coins were moved"))
    _report(book, "3")
    assert not _told(book)
    assert net_delta_coin(book.state.underlyings["BTC"]) == pytest.approx(4.5, abs=1.1)


def test_coins_outside_do_not_count_where_coins_are_kept() -> None:
    book = _book(DeltaConvention.COIN_NEUTRAL)
    assert not orders(_report(book, "0.5"))
    assert net_delta_coin(book.state.underlyings["BTC"]) == 0.0


def test_the_row_shows_its_age_and_adds_up() -> None:
    book = _book()
    _report(book, "0.02", age_s=5.0)
    (view,) = book_view(book.state, book.at_ns).underlyings
    (row,) = [one for one in view.positions if one.kind == "holding"]
    assert row.delta_coin == pytest.approx(0.03)
    assert (row.account, row.age_ms) == ("vault", 5_001)
    assert view.gap_coin == pytest.approx(0.0)


def test_a_restart_keeps_what_was_read_and_a_holding_that_was_taken_out_is_gone() -> None:
    book = _book()
    _report(book, "0.02")
    book.start(epoch=2)
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.030")
    book.settings = msgspec.structs.replace(book.settings, holdings=())
    book.start(epoch=3)
    assert book.state.underlyings["BTC"].linear_coin == 0
    assert not book.state.underlyings["BTC"].sums.holdings


@pytest.mark.parametrize("qty", ["0.7", "500000", "1E+18", "1E+400", "1E+9999999"])
def test_a_first_reading_that_is_too_large_waits_for_the_operator_s_word(qty: str) -> None:
    book = _book()
    assert not orders(_report(book, qty))
    assert _told(book).startswith("holding vault: its ")
    assert "not read yet" in exposure_problem(book.state.underlyings["BTC"])
    assert not orders(book.send(book.fill(Side.BUY, "1", BTC_USDC)))


def test_the_operator_s_word_is_the_most_there_may_be_of_it() -> None:
    book = _book()
    _report(book, "2")
    assert "first reading is 2, 3 BTC at once, jump_coin_max is 1: say with coin_max what there may be" in _told(book)
    known = msgspec.structs.replace(book.settings, holdings=(msgspec.structs.replace(VAULT, coin_max=3.5),))
    book.send(ev.ConfigApplied(settings=known, changes=(), operator="ann", reason="three coins are there"))
    assert orders(_report(book, "2"))
    assert not _told(book)
    _report(book, "2.4")
    assert "it is 2.4, 3.6 BTC, coin_max is 3.5: raise it with `hedgebot config apply`" in _told(book)
    _report(book, "2.2")
    assert not _told(book)
