"""The cap on the delta of the whole book: what adds to it is refused, what lowers it passes, beyond it is told."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from hedgebot.core import book_delta, calm_bounds
from hedgebot.core.candidate import Candidate
from hedgebot.core.state import OrderRecord
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RecordOperator
from hedgebot.domain.events import OperatorKilled
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent, OrderStatus, TimeInForce
from tests.support import quiet_days as days
from tests.support.pairs import show, two_underlyings
from tests.support.playbook import ACCOUNT, BTC_PERP, PRICE, Playbook, of_type
from tests.support.stories import ETH_PERP
from tests.unit.core.test_calm_bounds import differs

# Nothing is hedged inside a band of 0.05: the books here stand in theirs, at a price of 100,000 USD.


def intent(underlying: str, coin: float) -> OrderIntent:
    return OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP if underlying == "BTC" else ETH_PERP,
        underlying=underlying,
        strategy="target",
        side=Side.of(coin),
        qty_contracts=Decimal(repr(abs(coin))),
        limit_price=PRICE,
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
        delta_effect_coin=coin,
        notional_usd=abs(coin) * float(PRICE),
        deadline_ns=1,
        reason="test",
    )


def verdict(book: Playbook, underlying: str, delta_coin: float, coin: float) -> tuple[float | str, str]:
    (settings,) = [one for one in book.state.settings.underlyings if one.underlying == underlying]
    one = Candidate.of(book.state, settings, intent(underlying, coin), book.at_ns, delta_coin=delta_coin)
    found = book_delta.book_delta(one)
    value = found.check.value
    return value if isinstance(value, str) else round(value, 6), found.problem


def holding(book: Playbook, btc: str, eth: str) -> Playbook:
    """Both deltas inside their bands."""
    for name, qty in ((BTC_PERP, btc), (ETH_PERP, eth)):
        book.send(book.fill(Side.BUY if Decimal(qty) > 0 else Side.SELL, qty.lstrip("-"), name))
    return book


def test_deltas_of_all_underlyings_count_together_whichever_way_they_point() -> None:
    book = holding(two_underlyings(book_delta_usd_max=7_000.0), "0.03", "-0.02")
    assert book_delta.delta_usd(book.state, book.at_ns) == pytest.approx(5_000.0)
    assert verdict(book, "BTC", 0.03, 0.01) == (6_000.0, "")
    value, problem = verdict(book, "BTC", 0.03, 0.03)
    assert value == 8_000.0
    assert problem == "the net deltas of the book could reach 8,000 USD together"


def test_what_lowers_a_delta_passes_beyond_the_cap() -> None:
    book = holding(two_underlyings(book_delta_usd_max=1_000.0), "0.03", "-0.02")
    assert verdict(book, "ETH", -0.02, 0.01) == (4_000.0, "")
    assert verdict(book, "ETH", -0.02, -0.001)[1]


def test_orders_that_may_still_fill_count_at_their_worst() -> None:
    book = holding(two_underlyings(book_delta_usd_max=7_000.0), "0.03", "-0.02")
    book.state.orders["out"] = OrderRecord(
        client_id="out",
        intent=intent("ETH", -0.02),
        status=OrderStatus.UNKNOWN,
        sent_at_ns=book.at_ns,
        arrival_mid=100_000.0,
        delta_before_coin=-0.02,
    )
    book.state.unsettled["out"] = "ETH"
    assert verdict(book, "BTC", 0.03, 0.01)[0] == 8_000.0


def test_an_unknown_underlying_refuses_what_adds_and_nothing_that_lowers() -> None:
    book = holding(two_underlyings(book_delta_usd_max=1e9), "0.03", "-0.02")
    book.state.underlyings["ETH"].price = 0.0
    value, problem = verdict(book, "BTC", 0.03, 0.01)
    assert (value, problem) == ("unknown", "the delta of another underlying is unknown, or its price")
    assert verdict(book, "BTC", 0.03, -0.01) == ("unknown", "")
    assert book_delta.delta_usd(book.state, book.at_ns) is None


def test_an_underlying_whose_book_is_old_is_unknown() -> None:
    book = holding(two_underlyings(book_delta_usd_max=1e9), "0.03", "-0.02")
    for _ in range(6):
        book.tick(1_000)
        book.send(book.book(PRICE, BTC_PERP))
    assert verdict(book, "BTC", 0.03, 0.01)[0] == "unknown"


def test_without_a_cap_nothing_is_refused_whatever_is_unknown() -> None:
    book = two_underlyings()
    assert not book_delta.is_capped(book.state)
    book.state.underlyings["ETH"].price = 0.0
    assert verdict(book, "BTC", 0.03, 100.0) == ("unknown", "")


def test_beyond_the_cap_is_told_until_it_is_over_and_keeps_the_book_killed() -> None:
    book = holding(two_underlyings(book_delta_usd_max=4_000.0), "0.03", "-0.02")
    book.tick()
    raised = book.state.alerts[f"{AlertKind.DELTA_OUTSIDE_LIMIT}|{book_delta.SUBJECT}"]
    assert raised.summary == "the net deltas of the book come to 5,000 USD together, limit 4,000"
    book.send(OperatorKilled(operator="ann", reason="look"))
    (word,) = of_type(book.unkill(), RecordOperator)
    assert not word.accepted
    assert "beyond book_delta_usd_max (4,000)" in word.explanation
    book.send(book.fill(Side.BUY, "0.02", ETH_PERP))
    for _ in range(60):
        show(book)
        book.tick(250)
    assert not book.is_up(AlertKind.DELTA_OUTSIDE_LIMIT)
    assert book.mode() is Mode.HALTED


def test_a_replay_with_claims_tells_it_at_the_same_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    play = days.beyond_the_cap()
    assert f"{AlertKind.DELTA_OUTSIDE_LIMIT}|{book_delta.SUBJECT}" in play.state.alerts
    assert not differs(play)
    monkeypatch.setattr(calm_bounds, "book_delta", SimpleNamespace(is_capped=lambda _: False))
    assert differs(play), "a mutant without the bound is caught"
