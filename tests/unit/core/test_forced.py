"""Forced closes, trades by hand and hedges that end: what is said, what waits, what halts."""

import msgspec
import pytest

from hedgebot.core.forced import NEVER_MS, settles_in_ms
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RecordRefusal, SubmitOrder
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import AccountRole, AdlPolicy
from tests.support.playbook import ACCOUNT, BTC_PERP, BTC_USDC, Playbook, alerts, instrument, of_type, orders, settings

DAY_NS = 86_400 * 1_000_000_000


def forced(book: Playbook, side: Side, qty: str, kind: ev.ExecutionKind = ev.ExecutionKind.ADL) -> tuple[Command, ...]:
    """The venue closes a part of the hedge."""
    fill = book.fill(side, qty, name=BTC_PERP)
    return book.send(msgspec.structs.replace(fill, kind=kind))


def passed(book: Playbook, seconds: float) -> list[SubmitOrder]:
    """What is sent while the market lives on for a while."""
    sent: list[SubmitOrder] = []
    for _ in range(round(seconds / 1.5)):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        book.send(book.ticker(), after_ms=500)
        sent += orders(book.send(book.book(), after_ms=1_000))
    return sent


def hedged(**limits: float) -> Playbook:
    """A client bought, the hedge was sold."""
    book = Playbook(settings(**limits))
    book.ready()
    sent = orders(book.send(book.fill(Side.BUY, "1.0", name=BTC_USDC)))
    book.done(sent[0])
    return book


@pytest.mark.parametrize("kind", [ev.ExecutionKind.ADL, ev.ExecutionKind.LIQUIDATION])
def test_v06_nobody_goes_in_again_before_the_venue_is_quiet(kind: ev.ExecutionKind) -> None:
    book = hedged(adl_pause_ms=20_000)
    said = forced(book, Side.BUY, "0.6", kind)
    assert AlertKind.ADL_OR_LIQUIDATION in alerts(said)
    assert orders(said) == []
    assert of_type(said, RecordRefusal)[0].refused.check.rule == "forced_ms"
    assert not passed(book, 9.0)
    assert orders(forced(book, Side.BUY, "0.1", kind)) == []
    assert not passed(book, 18.0), "each stroke begins the time anew"
    assert len(passed(book, 3.0)) == 1


def test_what_only_reduces_passes() -> None:
    book = hedged(adl_pause_ms=20_000)
    forced(book, Side.BUY, "0.1")
    sent = orders(book.send(book.fill(Side.SELL, "1.0", name=BTC_USDC)))
    assert [one.approved.intent.reduce_only for one in sent] == [True]


def test_the_other_policy_halts() -> None:
    base = settings()
    limits = msgspec.structs.replace(base.limits, adl_policy=AdlPolicy.HALT)
    book = Playbook(msgspec.structs.replace(base, limits=limits))
    book.ready()
    forced(book, Side.BUY, "0.6")
    assert book.mode() is Mode.HALTED
    assert book.state.latched
    assert "adl_policy is halt" in book.state.mode_reason


def test_o03_a_trade_by_hand_in_the_hedge_is_told_and_hedged_once() -> None:
    book = hedged()
    by_hand = book.send(book.fill(Side.BUY, "0.3", name=BTC_PERP))
    assert AlertKind.FOREIGN_ACTIVITY in alerts(by_hand)
    assert len(orders(by_hand)) == 1
    assert AlertKind.FOREIGN_ACTIVITY not in alerts(hedged().send(book.fill(Side.BUY, "0.3", name=BTC_USDC)))


@pytest.mark.parametrize(("kind", "foreign"), [(ev.ExecutionKind.DELIVERY, False), (ev.ExecutionKind.TRADE, True)])
def test_a_delivery_on_a_hedge_account_is_nobodys_trade(kind: ev.ExecutionKind, foreign: bool) -> None:
    made = settings()
    accounts = tuple(msgspec.structs.replace(one, role=AccountRole.HEDGE) for one in made.accounts)
    book = Playbook(msgspec.structs.replace(made, accounts=accounts))
    book.ready()
    ended = msgspec.structs.replace(book.fill(Side.BUY, "0.3", name=BTC_USDC), kind=kind)
    assert (AlertKind.FOREIGN_ACTIVITY in alerts(book.send(ended))) is foreign


def test_v10_the_end_of_a_hedge_is_told_a_day_before_and_halts_in_time() -> None:
    book = hedged()
    assert settles_in_ms(book.state, BTC_PERP, book.at_ns) == NEVER_MS
    ends_ns = book.at_ns + DAY_NS + 5_000 * 1_000_000
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(instrument(BTC_PERP, expiry_ns=ends_ns),)))
    assert AlertKind.INSTRUMENT_SETTLING not in alerts(book.tick())
    assert AlertKind.INSTRUMENT_SETTLING in alerts(book.tick(after_ms=6_000))
    assert AlertKind.INSTRUMENT_SETTLING not in alerts(book.tick(after_ms=4_000)), "once"
    assert not book.state.latched, book.state.mode_reason
    near = instrument(BTC_PERP, expiry_ns=book.at_ns + 3_600_000 * 1_000_000)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(near,)))
    book.tick()
    assert book.mode() is Mode.HALTED
    assert "hedge with another instrument" in book.state.mode_reason
    assert f"InstrumentSettling|{BTC_PERP} ended" not in book.state.alerts
    ended = instrument(BTC_PERP, expiry_ns=book.at_ns + 1_000_000)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(ended,)))
    assert AlertKind.INSTRUMENT_SETTLING in alerts(book.tick()), "and once more at the event"
    assert f"InstrumentSettling|{BTC_PERP} ended" in book.state.alerts
    assert AlertKind.INSTRUMENT_SETTLING not in alerts(book.tick())
