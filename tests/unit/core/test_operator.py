"""Operators as conversations: strategies on and off, changed settings."""

import msgspec
import pytest

from hedgebot.domain import events as ev
from hedgebot.domain.commands import RecordOperator
from hedgebot.domain.instrument import Side
from tests.support.playbook import Playbook, orders, settings


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def _said(commands: tuple[object, ...]) -> RecordOperator:
    return next(one for one in commands if isinstance(one, RecordOperator))


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
