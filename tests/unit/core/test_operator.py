"""Operators as conversations: kill at once, unkill through a checklist that fails closed, switches, settings."""

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import CancelOrder, Mode, RecordMode, RecordOperator
from hedgebot.domain.instrument import Side
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_USDC, Playbook, of_type, orders, settings, the_order


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


KILL = ev.OperatorKilled(operator="ann", reason="strange fills")
UNKILL = ev.OperatorUnkilled(operator="ann", reason="explained")


def _said(commands: tuple[object, ...]) -> RecordOperator:
    return next(one for one in commands if isinstance(one, RecordOperator))


def test_kill_latches_cancels_and_lets_nothing_through(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    heard = book.send(KILL)
    assert [one.client_id for one in of_type(heard, CancelOrder)] == [order.client_id]
    assert of_type(heard, RecordMode)[0].latched
    book.done(order)
    assert orders([*book.send(book.fill(Side.BUY, "2")), *book.send(book.book()), *book.tick()]) == []


def test_kill_survives_a_restart(book: Playbook) -> None:
    book.send(KILL)
    book.start(epoch=2)
    book.ready()
    assert book.state.mode is Mode.HALTED
    assert book.state.mode_reason == "ann: strange fills"


def test_the_first_reason_of_a_halt_stays(book: Playbook) -> None:
    book.send(KILL)
    book.send(ev.OperatorKilled(operator="bob", reason="me too"))
    assert book.state.mode_reason == "ann: strange fills"


def test_unkill_goes_through_recovering_and_asks_the_venue_first(book: Playbook) -> None:
    book.send(KILL)
    heard = book.send(UNKILL)
    assert _said(heard).accepted
    assert book.mode() is Mode.RECOVERING
    book.tick(1_001)
    book.snapshot()
    book.send(book.book())
    book.tick()
    assert book.state.mode is Mode.ACTIVE


@pytest.mark.parametrize("cause", ["order", "stream", "margin", "loss", "mark", "exposure"])
def test_unkill_fails_closed_while_a_cause_persists(book: Playbook, cause: str) -> None:
    if cause == "order":
        book.send(book.fill(Side.BUY, "0.2"))
    book.send(KILL)
    if cause == "stream":
        book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"))
    elif cause == "margin":
        book.send(ev.WalletUpdated(report=book.wallet(maintenance=None), source=ev.Source.STREAM))
    elif cause == "loss":
        book.send(ev.WalletUpdated(report=book.wallet(equity="900000"), source=ev.Source.STREAM))
    elif cause == "mark":
        book.tick(11_000)
        book.send(book.book())
    elif cause == "exposure":
        book.send(book.fill(Side.BUY, "1", BTC_CALL))
    said = _said(book.send(UNKILL))
    assert not said.accepted
    assert said.explanation
    assert book.state.mode is Mode.HALTED


def test_unkill_without_a_kill_is_refused(book: Playbook) -> None:
    assert not _said(book.send(UNKILL)).accepted
    assert book.state.mode is Mode.ACTIVE


def test_unkill_takes_a_twice_seen_difference_over_with_evidence(book: Playbook) -> None:
    book.send(KILL)
    for _ in range(2):
        book.tick(16_000)
        book.snapshot([book.position("0.5", BTC_USDC)])
    book.send(book.book())
    book.send(book.ticker())
    assert _said(book.send(UNKILL)).accepted
    assert book.state.underlyings["BTC"].linear_coin == pytest.approx(0.5)
    assert book.state.accounts[ACCOUNT].mismatches == {}


def test_disable_stops_hedging_and_enable_resumes(book: Playbook) -> None:
    off = ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="ann", reason="maintenance")
    assert _said(book.send(off)).accepted
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    heard = book.send(msgspec.structs.replace(off, enabled=True))
    assert len(orders(heard)) == 1


def test_an_unknown_strategy_is_refused_with_the_known_ones(book: Playbook) -> None:
    said = _said(book.send(ev.StrategySwitched(strategy="delta_netural", enabled=True, operator="ann", reason="typo")))
    assert not said.accepted
    assert "delta_neutral" in said.explanation


def test_applied_settings_rule_the_next_decision(book: Playbook) -> None:
    wider = msgspec.structs.replace(settings().underlyings[0], band_coin=0.5)
    changed = msgspec.structs.replace(settings(), underlyings=(wider,), config_hash="beef")
    applied = ev.ConfigApplied(
        settings=changed, changes=("underlyings.BTC.band_coin: 0.05 -> 0.5",), operator="ann", reason="calm"
    )
    assert _said(book.send(applied)).accepted
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    assert len(orders(book.send(book.fill(Side.BUY, "0.4")))) == 1


def test_an_account_cannot_disappear_from_a_running_book(book: Playbook) -> None:
    gone = msgspec.structs.replace(settings(), accounts=())
    said = _said(book.send(ev.ConfigApplied(settings=gone, changes=(), operator="ann", reason="oops")))
    assert not said.accepted
    assert book.state.settings.config_hash == "cafe"
