"""Forced closes, trades by hand and hedges that end: what is said, what waits, what halts."""

from collections.abc import Iterable

import msgspec
import pytest

from hedgebot.core.forced import NEVER_MS, settles_in_ms
from hedgebot.core.unkill import to_review
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, Mode, RaiseAlert, RecordOperator, RecordRefusal, SubmitOrder
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import FROM_FILE, KillAction, KillScope, scope_key
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import AccountRole, AdlPolicy
from tests.support.pairs import begin_again, show, two_underlyings
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    MS,
    Playbook,
    alerts,
    decisions,
    instrument,
    of_type,
    orders,
    settings,
    the_order,
)
from tests.support.stories import ETH_PERP, ETH_USDC
from tests.support.switches import market, ready, switchable

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


def struck(policy: AdlPolicy, **limits: float) -> tuple[Playbook, tuple[Command, ...]]:
    """One coin is hedged in the perpetual, with another instrument beside it, and 0.6 of the hedge are closed."""
    made = switchable()
    given = msgspec.structs.replace(made.limits, adl_policy=policy, adl_pause_ms=20_000, **limits)
    book = ready(msgspec.structs.replace(made, limits=given), perp="-1")
    return book, forced(book, Side.BUY, "0.6")


def placed(commands: Iterable[Command]) -> list[tuple[InstrumentId, Side, str]]:
    """What orders go where."""
    made = [one.approved.intent for one in orders(commands)]
    return [(one.instrument, one.side, f"{one.qty_contracts.normalize():f}") for one in made]


def client(book: Playbook, side: Side, qty: str) -> tuple[Command, ...]:
    return book.send(book.fill(side, qty, BTC_SPOT))


def test_v06_what_was_closed_is_hedged_elsewhere_and_not_opened_again_before_the_venue_is_quiet() -> None:
    book, heard = struck(AdlPolicy.REHEDGE_ELSEWHERE)
    assert AlertKind.ADL_OR_LIQUIDATION in alerts(heard)
    assert placed(heard) == [(BTC_USDC, Side.SELL, "0.562")]
    [told] = decisions(heard)
    assert told.evidence["hedge_why"] == "what is chosen cannot be traded now"
    book.done(the_order(heard))
    market(book, after_ms=15_000)
    # A stroke begins the time of its own instrument anew.
    again = forced(book, Side.BUY, "0.1")
    assert placed(again) == [(BTC_USDC, Side.SELL, "0.1")]
    book.done(the_order(again))
    market(book, after_ms=19_500)
    waits = client(book, Side.BUY, "0.2")
    assert placed(waits) == [(BTC_USDC, Side.SELL, "0.2")]
    book.done(the_order(waits))
    market(book, after_ms=1_000)
    assert placed(client(book, Side.BUY, "0.2")) == [(BTC_PERP, Side.SELL, "0.2")]


def test_v06_frozen_nothing_is_opened_elsewhere_either() -> None:
    book, heard = struck(AdlPolicy.FREEZE)
    assert placed(heard) == []
    assert [one.refused.check.rule for one in of_type(heard, RecordRefusal)] == ["forced_ms"]
    market(book, after_ms=19_900)
    assert not book.state.unsettled
    market(book, after_ms=200)
    assert placed(book.heard)[-1:] == [(BTC_PERP, Side.SELL, "0.562")]


def test_v06_a_stroke_in_both_instruments_leaves_nowhere_to_go() -> None:
    book, heard = struck(AdlPolicy.REHEDGE_ELSEWHERE)
    book.done(the_order(heard))
    both = book.send(msgspec.structs.replace(book.fill(Side.BUY, "0.5", BTC_USDC), kind=ev.ExecutionKind.ADL))
    assert placed(both) == []
    assert [one.refused.check.rule for one in of_type(both, RecordRefusal)] == ["forced_ms"]


def test_v06_what_is_left_of_the_struck_hedge_may_be_reduced_at_once() -> None:
    book, heard = struck(AdlPolicy.REHEDGE_ELSEWHERE)
    book.send(ev.OrderUpdated(report=book.report(the_order(heard), OrderStatus.CANCELLED)))
    client(book, Side.SELL, "0.9")
    market(book, after_ms=3_000)  # after a miss it is decided anew a moment later
    sent = orders(book.heard)[-1].approved.intent
    assert (sent.instrument, sent.side, sent.reduce_only) == (BTC_PERP, Side.BUY, True)


def test_v06_nothing_is_moved_back_into_what_was_closed_of_late() -> None:
    """The other instrument is dearer by far: but for the stroke its hedge would be moved into the first one."""
    book, heard = struck(AdlPolicy.REHEDGE_ELSEWHERE)
    book.done(the_order(heard))
    before = len(placed(book.heard))
    for _ in range(6):
        market(book, perp_rate=0.0001, usdc_rate=-0.0008, after_ms=3_000)
    assert placed(book.heard)[before:] == []
    market(book, perp_rate=0.0001, usdc_rate=-0.0008, after_ms=3_000)
    assert placed(book.heard)[before:] != []


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


def test_v10_the_end_of_a_hedge_is_told_a_day_before_and_freezes_its_underlying_in_time() -> None:
    book = hedged()
    assert settles_in_ms(book.state, BTC_PERP, book.at_ns) == NEVER_MS
    ends_ns = book.at_ns + DAY_NS + 5_000 * 1_000_000
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(instrument(BTC_PERP, expiry_ns=ends_ns),)))
    assert AlertKind.INSTRUMENT_SETTLING not in alerts(book.tick())
    assert AlertKind.INSTRUMENT_SETTLING in alerts(book.tick(after_ms=6_000))
    assert AlertKind.INSTRUMENT_SETTLING not in alerts(book.tick(after_ms=4_000)), "once"
    assert not book.state.latches
    near = instrument(BTC_PERP, expiry_ns=book.at_ns + 3_600_000 * 1_000_000)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(near,)))
    book.tick()
    latch = book.state.latches["underlying:BTC"]
    assert (latch.action, list(latch.causes)) == (KillAction.FREEZE, [f"settling:{BTC_PERP}"])
    assert "hedge with another instrument" in latch.reason
    assert book.mode() is Mode.ACTIVE
    assert f"InstrumentSettling|{BTC_PERP} ended" not in book.state.alerts
    ended = instrument(BTC_PERP, expiry_ns=book.at_ns + 1_000_000)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(ended,)))
    assert AlertKind.INSTRUMENT_SETTLING in alerts(book.tick()), "and once more at the event"
    assert f"InstrumentSettling|{BTC_PERP} ended" in book.state.alerts
    assert AlertKind.INSTRUMENT_SETTLING not in alerts(book.tick())


# --- the end of one main hedge, and another underlying


def ending(in_ms: float = 3_600_000.0) -> Playbook:
    """Both hold a hedge, and BTC's ends."""
    hour_ms = 3_600_000  # nobody tells of margins and positions anew here
    book = two_underlyings(blind_ms_halt=20_000, reconcile_interval_ms=hour_ms, margin_age_ms_max=hour_ms)
    for name in (BTC_USDC, ETH_USDC):
        book.done(the_order(book.send(book.fill(Side.BUY, "0.2", name))))
    end(book, in_ms)
    book.tick()
    return book


def end(book: Playbook, in_ms: float) -> None:
    ends_ns = book.at_ns + round(in_ms * MS)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(instrument(BTC_PERP, expiry_ns=ends_ns),)))


def hedges_eth(book: Playbook) -> bool:
    """Whether a trade in ETH is hedged, and one in BTC is not."""
    show(book, btc=False)
    heard = orders(book.send(book.fill(Side.BUY, "0.2", BTC_USDC)))
    order = the_order(book.send(book.fill(Side.BUY, "0.2", ETH_USDC)))
    book.done(order)
    return not heard and order.approved.intent.instrument == ETH_PERP


def test_v10_the_end_of_one_main_hedge_leaves_the_other_underlyings_hedged() -> None:
    book = ending()
    assert list(book.state.latches) == ["underlying:BTC"]
    told = [one.subject for one in of_type(book.heard, RaiseAlert) if one.kind is AlertKind.KILL_ACTIVE]
    assert told == ["underlying:BTC"]
    assert hedges_eth(book)
    # Its market is gone for minutes: that is no reason to halt the others, and nobody hedges BTC blindly.
    for _ in range(60):
        show(book, btc=False)
        book.tick(after_ms=1_000)
    assert (book.mode(), list(book.state.latches)) == (Mode.ACTIVE, ["underlying:BTC"])
    assert hedges_eth(book)


def test_v10_a_restart_keeps_the_freeze_and_does_not_wait_for_a_market_that_has_ended() -> None:
    book = ending()
    end(book, 0.0)
    held = {str(one.instrument): str(one.contracts) for one in book.state.positions.values() if one.contracts}
    begin_again(book, 2, held, btc=False)
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason
    assert list(book.state.latches) == ["underlying:BTC"]
    assert hedges_eth(book)


def unkill(book: Playbook, scope: KillScope, name: str = "") -> RecordOperator:
    latch = book.state.latches[scope_key(scope, name)]
    reviewed = tuple(one for one, _ in to_review(book.state, latch))
    word = ev.OperatorUnkilled(operator="ann", reason="seen", scope=scope, name=name, reviewed=reviewed)
    return of_type(book.send(word), RecordOperator)[-1]


def test_it_stays_frozen_until_another_instrument_hedges_it() -> None:
    book = ending()
    show(book)
    answer = unkill(book, KillScope.UNDERLYING, "BTC")
    assert not answer.accepted
    assert f"settling:{BTC_PERP} would fire again" in answer.explanation
    (btc, eth) = book.settings.underlyings
    btc = msgspec.structs.replace(btc, hedge_instrument=BTC_USDC)
    book.settings = msgspec.structs.replace(book.settings, config_hash="beef", underlyings=(btc, eth))
    held = {str(one.instrument): str(one.contracts) for one in book.state.positions.values() if one.contracts}
    begin_again(book, 2, held)
    book.send(book.ticker(name=BTC_USDC))
    book.send(book.book(name=BTC_USDC))
    book.tick()
    assert list(book.state.latches) == ["underlying:BTC"]
    assert unkill(book, KillScope.UNDERLYING, "BTC").accepted
    assert not book.state.latches
    assert "BTC" not in {one.subject for one in book.state.alerts.values() if one.kind is AlertKind.KILL_ACTIVE}


def test_a_halt_of_the_book_can_be_lifted_while_one_underlying_stays_frozen() -> None:
    book = ending()
    book.send(ev.OperatorKilled(operator="ann", reason="lunch"))
    show(book, btc=False)
    answer = unkill(book, KillScope.ALL)
    assert answer.accepted, answer.explanation
    assert list(book.state.latches) == ["underlying:BTC"]


def test_another_action_than_flatten_does_not_loosen_what_the_rule_has_frozen() -> None:
    book = ending()
    word = ev.OperatorKilled(
        operator="ann", reason="r", scope=KillScope.UNDERLYING, name="BTC", action=KillAction.REDUCE
    )
    answer = of_type(book.send(word), RecordOperator)[-1]
    assert not answer.accepted
    assert "a rule has halted underlying BTC (settling:" in answer.explanation


def test_a_kill_of_an_operator_for_the_underlying_is_tightened_by_the_rule() -> None:
    book = two_underlyings()
    book.send(
        ev.OperatorKilled(
            operator="ann", reason="r", scope=KillScope.UNDERLYING, name="BTC", action=KillAction.HEDGE_TO_FLAT
        )
    )
    end(book, 3_600_000.0)
    book.tick()
    latch = book.state.latches["underlying:BTC"]
    assert (latch.action, latch.operator, list(latch.causes)) == (KillAction.FREEZE, "ann", [f"settling:{BTC_PERP}"])


def kill_all(book: Playbook, action: KillAction, operator: str = "ann") -> RecordOperator:
    return of_type(book.send(ev.OperatorKilled(operator=operator, reason="r", action=action)), RecordOperator)[-1]


def closed(book: Playbook, looks: int = 6) -> list[str]:
    """What a flatten closes while both markets live, each order filled at once."""
    found = []
    for _ in range(looks):
        show(book)
        for order in orders(book.tick(300)):
            assert order.approved.intent.reduce_only
            found.append(str(order.approved.intent.instrument))
            book.done(order)
    return found


def test_v10_a_flatten_of_the_book_closes_what_the_rule_has_frozen_too() -> None:
    book = ending()
    assert kill_all(book, KillAction.FLATTEN).accepted
    assert set(closed(book)) == {BTC_PERP, ETH_PERP}
    latch = book.state.latches["all"]
    assert latch.done, latch.note
    assert "net delta of BTC is" in latch.note
    assert book.state.latches["underlying:BTC"].action is KillAction.FREEZE


def test_a_freeze_that_an_operator_chose_keeps_a_flatten_of_the_book_out() -> None:
    book = two_underlyings()
    book.done(the_order(book.send(book.fill(Side.BUY, "0.2", BTC_USDC))))
    book.send(ev.OperatorKilled(operator="ann", reason="r", scope=KillScope.UNDERLYING, name="BTC"))
    end(book, 3_600_000.0)
    book.tick()
    assert list(book.state.latches["underlying:BTC"].causes) == [f"settling:{BTC_PERP}"]
    assert kill_all(book, KillAction.FLATTEN).accepted
    assert closed(book) == []


def test_a_freeze_with_another_cause_keeps_a_flatten_of_the_book_out() -> None:
    book = ending()
    book.state.latches["underlying:BTC"].causes["other"] = "another rule"
    assert kill_all(book, KillAction.FLATTEN).accepted
    assert set(closed(book)) == {ETH_PERP}


def test_hedge_to_flat_is_refused_where_nothing_can_bring_the_delta_to_zero() -> None:
    book = ending()
    answer = kill_all(book, KillAction.HEDGE_TO_FLAT)
    assert not answer.accepted
    assert answer.explanation == (
        "BTC is frozen because its hedge ends, nothing can bring its delta to zero: choose flatten, which closes what "
        "is held there, or hedge-to-flat of each other underlying"
    )
    assert "all" not in book.state.latches
    eth = ev.OperatorKilled(
        operator="ann", reason="r", scope=KillScope.UNDERLYING, name="ETH", action=KillAction.HEDGE_TO_FLAT
    )
    assert of_type(book.send(eth), RecordOperator)[-1].accepted


def test_a_hedge_to_flat_that_a_file_asks_for_ends_with_the_others() -> None:
    book = ending()
    heard = book.send(ev.OperatorKilled(operator=FROM_FILE, reason="r", action=KillAction.HEDGE_TO_FLAT))
    order = the_order(heard)
    assert order.approved.intent.instrument == ETH_PERP
    book.done(order)
    show(book)
    book.tick(300)
    latch = book.state.latches["all"]
    assert latch.done
    assert "net delta of BTC is +0.0380 (its hedge ends)" in latch.note
