"""Orders over a restart: nothing without a proven end is dropped in silence, whatever left the configuration."""

import msgspec
import pytest

from hedgebot.core.restored import left_behind
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, SubmitOrder
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import AccountRole, AccountSettings, EngineSettings
from tests.support.playbook import Playbook, settings, the_order

ETH_PERP = InstrumentId("bybit:linear:ETHUSDT")


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def _hedge(book: Playbook) -> SubmitOrder:
    return the_order(book.send(book.fill(Side.BUY, "0.2")))


def _without_btc() -> EngineSettings:
    before = settings()
    eth = msgspec.structs.replace(before.underlyings[0], underlying="ETH", hedge_instrument=ETH_PERP)
    strategy = msgspec.structs.replace(before.strategies[0], underlyings=("ETH",))
    return msgspec.structs.replace(before, config_hash="beef", underlyings=(eth,), strategies=(strategy,))


def _on(account: AccountSettings) -> EngineSettings:
    return msgspec.structs.replace(settings(), config_hash="beef", accounts=(account,))


def test_what_an_order_misses_is_named(book: Playbook) -> None:
    intent = _hedge(book).approved.intent
    assert left_behind(settings(), intent) == ""
    assert left_behind(_without_btc(), intent) == "underlying BTC"
    other = AccountSettings(name="other", venue="bybit", role=AccountRole.SHARED)
    watched = AccountSettings(name="main", venue="bybit", role=AccountRole.WATCHED)
    assert left_behind(_on(other), intent) == "account main"
    assert left_behind(_on(watched), intent) == "account main", "a watched account tells of no order"
    read = AccountSettings(name="main", venue="bybit", role=AccountRole.BOOK)
    assert left_behind(_on(read), intent) == ""


def test_an_order_without_a_proven_end_is_not_dropped_in_silence(book: Playbook) -> None:
    order = _hedge(book)
    book.settings = _without_btc()
    book.start(epoch=2)
    assert (book.mode(), book.state.latched) == (Mode.HALTED, True)
    assert f"order {order.client_id} has no proven end, and underlying BTC left" in book.state.mode_reason
    assert book.is_up(AlertKind.KILL_ACTIVE)
    assert not book.state.orders
    assert not book.state.unsettled


def test_neither_is_one_that_only_the_journal_knows(book: Playbook) -> None:
    order = _hedge(book)
    fresh = Playbook()
    restored = ev.RestoredOrder(client_id=order.client_id, intent=order.approved.intent, sent_at_ns=book.at_ns)
    fresh.send(ev.RunStarted(run_id="r", epoch=2, settings=_without_btc(), version="t", restored=(restored,)))
    assert fresh.mode() is Mode.HALTED
    assert order.client_id not in fresh.state.orders


def test_a_settled_order_goes_with_its_underlying_and_nothing_is_said(book: Playbook) -> None:
    book.done(_hedge(book))
    book.settings = _without_btc()
    book.start(epoch=2)
    assert book.mode() is Mode.RECOVERING
    assert not book.state.orders
