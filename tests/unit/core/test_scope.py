"""A scope in the engine: what it leaves out moves no delta, is shown, and still counts for the margin."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import holdings, ledger
from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.holdings import HoldingReported, HoldingSettings
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import EngineSettings
from tests.support.playbook import (
    BTC_CALL,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    Playbook,
    instrument,
    orders,
    settings,
    the_order,
)


def scoped(*instruments: InstrumentId, accounts: tuple[str, ...] = ()) -> EngineSettings:
    made = settings()
    strategy = msgspec.structs.replace(made.strategies[0], instruments=instruments, accounts=accounts)
    return msgspec.structs.replace(made, strategies=(strategy,))


def ready(made: EngineSettings) -> Playbook:
    book = Playbook(made)
    book.ready()
    return book


def test_a_trade_outside_the_scope_is_not_hedged_and_is_shown() -> None:
    book = ready(scoped(BTC_USDC))
    assert not orders(book.send(book.fill(Side.BUY, "3", BTC_SPOT)))
    shown = book_view(book.state, book.at_ns).underlyings[0]
    assert (shown.delta_coin, shown.outside_coin, shown.scope) == (0.0, 3.0, "positions BTCPERP")
    assert [(row.instrument, row.in_scope) for row in shown.positions] == [("BTC", False)]
    assert shown.gap_coin == 0.0
    assert book.state.underlyings["BTC"].drift.flow == 0.0
    # Inside it is: the order counts for nothing else.
    order = the_order(book.send(book.fill(Side.BUY, "0.5", BTC_USDC)))
    assert order.approved.intent.qty_contracts == Decimal("0.462")
    book.done(order)
    assert net_delta_coin(book.state.underlyings["BTC"]) == pytest.approx(0.038)


def test_the_hard_limit_is_of_the_exposure_that_is_hedged() -> None:
    book = ready(scoped(BTC_USDC))
    book.send(book.fill(Side.BUY, "50", BTC_SPOT))  # ten times the limit, left to somebody else
    book.tick()
    assert not book.state.alerts


def test_an_option_outside_the_scope_moves_no_delta_but_stands_in_the_margin_model() -> None:
    book = ready(scoped(BTC_USDC))
    book.send(book.option())
    book.send(book.fill(Side.BUY, "2", BTC_CALL))
    book.send(book.option())
    underlying = book.state.underlyings["BTC"]
    assert net_delta_coin(underlying) == 0.0
    assert underlying.option_keys == {}
    assert list(underlying.sums.options_outside.values()) == [BTC_CALL]
    shown = book_view(book.state, book.at_ns).underlyings[0]
    assert shown.outside_coin == pytest.approx(2 * 0.55, abs=0.1)
    assert shown.positions[0].black_scholes_coin == pytest.approx(shown.outside_coin)
    assert not underlying.options_stale
    assert book.state.underlyings["BTC"].drift.flow == 0.0


def test_an_option_inside_the_scope_is_hedged() -> None:
    book = ready(scoped(BTC_CALL))
    book.send(book.option())
    book.send(book.fill(Side.BUY, "2", BTC_CALL))
    assert the_order(book.heard).approved.intent.side is Side.SELL


def test_a_changed_scope_counts_at_once_and_either_way_gives_the_same_sums() -> None:
    book = ready(scoped(BTC_USDC))
    book.send(book.fill(Side.BUY, "0.04", BTC_SPOT))
    book.send(book.fill(Side.BUY, "0.03", BTC_USDC))
    assert net_delta_coin(book.state.underlyings["BTC"]) == pytest.approx(0.03)
    book.send(ev.ConfigApplied(operator="ann", reason="scope", changes=(), settings=settings()))
    assert net_delta_coin(book.state.underlyings["BTC"]) == pytest.approx(0.07)
    book.send(ev.ConfigApplied(operator="ann", reason="scope", changes=(), settings=scoped(BTC_USDC)))
    before = book.state.underlyings["BTC"].linear_coin
    ledger.rebuild(book.state)
    assert book.state.underlyings["BTC"].linear_coin == before == Decimal("0.03")


def test_a_holding_outside_the_scope_is_neither_waited_for_nor_counted() -> None:
    vault = HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0)
    book = ready(msgspec.structs.replace(scoped(accounts=("main",)), holdings=(vault,)))
    book.send(HoldingReported(name="vault", qty=Decimal(9), as_of_ns=book.at_ns, problem=""))
    assert net_delta_coin(book.state.underlyings["BTC"]) == 0.0
    assert len(orders(book.send(book.fill(Side.BUY, "0.5", BTC_SPOT)))) == 1
    assert not holdings.doubted(book.state, "BTC", book.at_ns)  # it is in no delta, so nothing has to be proven of it
    named = ready(msgspec.structs.replace(scoped(accounts=("main", "vault")), holdings=(vault,)))
    named.send(HoldingReported(name="vault", qty=Decimal("0.02"), as_of_ns=named.at_ns, problem=""))
    assert net_delta_coin(named.state.underlyings["BTC"]) == pytest.approx(0.02)


def test_holdings_are_still_counted_after_the_venue_changed_what_a_contract_means() -> None:
    vault = HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0)
    book = ready(msgspec.structs.replace(settings(), holdings=(vault,)))
    book.send(HoldingReported(name="vault", qty=Decimal("0.02"), as_of_ns=book.at_ns, problem=""))
    changed = instrument(BTC_PERP, contract_size=Decimal(10))
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(changed,)))
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.02")
