"""Kills as conversations: each scope and action, idempotent, latched across restarts, and what each lets through."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import latches
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import CancelOrder, Mode, RecordLatch, RecordMode, RecordOperator
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import FROM_FILE, KillAction, KillScope, scope_key
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import AccountRole
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    MS,
    Playbook,
    instrument,
    of_type,
    orders,
    settings,
    the_order,
)

SCOPES = {
    KillScope.ALL: "",
    KillScope.VENUE: "bybit",
    KillScope.ACCOUNT: ACCOUNT,
    KillScope.UNDERLYING: "BTC",
    KillScope.STRATEGY: "delta_neutral",
}


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def kill(
    scope: KillScope = KillScope.ALL, name: str | None = None, action: KillAction = KillAction.FREEZE, **more: str
) -> ev.OperatorKilled:
    words = {"operator": "ann", "reason": "strange fills"} | more
    return ev.OperatorKilled(scope=scope, name=SCOPES.get(scope, "") if name is None else name, action=action, **words)


def said(commands: tuple[object, ...]) -> RecordOperator:
    return next(one for one in commands if isinstance(one, RecordOperator))


def moved(book: Playbook, qty: str = "2") -> list[object]:
    """A client buys, the market ticks, time passes: whatever would be hedged is hedged now."""
    heard = [*book.send(book.fill(Side.BUY, qty)), *book.send(book.book()), *book.tick(300)]
    return list(orders(heard))


@pytest.mark.parametrize("scope", SCOPES)
def test_a_freeze_cancels_ours_and_lets_nothing_through(book: Playbook, scope: KillScope) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    heard = book.send(kill(scope))
    assert [one.client_id for one in of_type(heard, CancelOrder)] == [order.client_id]
    (latch,) = of_type(heard, RecordLatch)
    assert (latch.scope, latch.action, latch.operator, latch.reason, latch.held) == (
        scope,
        KillAction.FREEZE,
        "ann",
        "strange fills",
        True,
    )
    assert [one.latched for one in of_type(heard, RecordMode)] == ([True] if scope is KillScope.ALL else [])
    assert book.is_up(AlertKind.KILL_ACTIVE)
    book.done(order)
    assert moved(book) == []


@pytest.mark.parametrize("scope", SCOPES)
def test_a_kill_survives_a_restart(book: Playbook, scope: KillScope) -> None:
    book.send(kill(scope))
    book.start(epoch=2)
    book.ready()
    assert list(book.state.latches) == [scope_key(scope, SCOPES[scope])]
    assert book.mode() is (Mode.HALTED if scope is KillScope.ALL else Mode.ACTIVE)
    assert moved(book) == []


def test_the_first_reason_of_a_halt_stays_and_a_repeat_changes_nothing(book: Playbook) -> None:
    book.send(kill())
    heard = book.send(kill(operator="bob", reason="me too"))
    assert of_type(heard, RecordLatch) == []
    assert said(heard).accepted
    assert "already" in said(heard).explanation
    assert book.state.mode_reason == "ann: strange fills"


@pytest.mark.parametrize("scope", SCOPES)
def test_reduce_lets_only_out_what_lowers_the_delta(book: Playbook, scope: KillScope) -> None:
    book.send(kill(scope, action=KillAction.REDUCE))
    assert len(moved(book, "0.2")) == 1
    held = book.state.latches[scope_key(scope, SCOPES[scope])]
    assert not held.done


def test_what_is_not_proven_to_reduce_stays_in_under_reduce(book: Playbook) -> None:
    """Margin that is unknown cannot prove that an order which needs margin reduces risk."""
    book.send(kill(action=KillAction.REDUCE))
    book.send(ev.WalletUpdated(report=book.wallet(maintenance=None), source=ev.Source.STREAM))
    assert moved(book, "0.2") == []


@pytest.mark.parametrize("scope", SCOPES)
def test_hedge_to_flat_brings_the_delta_to_zero_and_freezes(book: Playbook, scope: KillScope) -> None:
    book.send(book.fill(Side.BUY, "0.04"))
    assert not orders(book.heard), "inside the band"
    heard = book.send(kill(scope, action=KillAction.HEDGE_TO_FLAT))
    order = the_order(heard)
    assert order.approved.intent.delta_effect_coin == pytest.approx(-0.04)
    book.done(order)
    book.send(book.book())
    (latch,) = of_type(book.tick(300), RecordLatch)
    assert latch.done
    assert moved(book) == [], "frozen once flat"
    assert "net delta of BTC is +0.0000" in book.state.latches[scope_key(scope, SCOPES[scope])].note


@pytest.mark.parametrize("scope", [one for one in SCOPES if one is not KillScope.STRATEGY])
def test_flatten_closes_our_hedges_in_clips_that_only_shrink_and_freezes(book: Playbook, scope: KillScope) -> None:
    hedge = the_order(book.send(book.fill(Side.BUY, "1")))
    book.done(hedge)
    held = book.state.positions[f"{ACCOUNT}|{BTC_PERP}"].contracts
    assert held < 0
    book.settings = msgspec.structs.replace(
        book.settings,
        underlyings=(msgspec.structs.replace(book.settings.underlyings[0], order_qty_coin_max=0.4),),
    )
    book.send(ev.ConfigApplied(settings=book.settings, changes=(), operator="ann", reason="smaller clips"))
    book.send(kill(scope, action=KillAction.FLATTEN))
    sent = []
    for _ in range(6):
        book.send(book.book())
        for order in orders(book.tick(1_000)):
            intent = order.approved.intent
            assert (intent.side, intent.reduce_only) == (Side.BUY, True)
            assert intent.qty_contracts <= abs(held)
            sent.append(intent.qty_contracts)
            book.done(order)
    assert sum(sent) == -held
    assert max(sent) == Decimal("0.4")
    latch = book.state.latches[scope_key(scope, SCOPES[scope])]
    assert latch.done
    assert "our hedge positions are closed; net delta of BTC is +1.0000" in latch.note
    assert not latch.causes, "no breaker took the flatten for a bad hedge"
    assert moved(book) == []


def test_flatten_waits_for_a_fresh_book_and_says_so(book: Playbook) -> None:
    book.done(the_order(book.send(book.fill(Side.BUY, "1"))))
    book.at_ns += 6_000 * MS
    book.connect()
    book.snapshot([book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()])
    book.send(kill(action=KillAction.FLATTEN))
    assert orders(book.tick()) == []
    assert "waiting: the book of" in book.state.latches["all"].note
    book.send(book.book())
    book.send(book.ticker())
    assert len(orders(book.tick(300))) == 1


@pytest.mark.parametrize("action", [KillAction.HEDGE_TO_FLAT, KillAction.FLATTEN])
def test_a_strategy_that_is_frozen_does_not_stop_what_an_operator_chose_for_the_book(
    book: Playbook, action: KillAction
) -> None:
    """One flag must never also block the way out: a strategy's freeze is over its own proposals."""
    book.done(the_order(book.send(book.fill(Side.BUY, "0.2"))))
    book.send(kill(KillScope.STRATEGY))
    heard = [*book.send(kill(action=action)), *book.send(book.book()), *book.tick(1_000)]
    assert len(orders(heard)) == 1


def test_a_rule_that_fires_ends_the_action_and_only_flatten_may_follow(book: Playbook) -> None:
    book.send(kill(action=KillAction.REDUCE))
    book.send(ev.TaskFailed(task="journal", error="disk full", restarting=False))
    latch = book.state.latches["all"]
    assert (latch.action, list(latch.causes)) == (KillAction.FREEZE, ["task:journal"])
    assert "reduce ended" in latch.note
    assert moved(book) == []
    for action in (KillAction.REDUCE, KillAction.HEDGE_TO_FLAT):
        assert not said(book.send(kill(action=action))).accepted
    assert said(book.send(kill(action=KillAction.FLATTEN))).accepted


def test_an_order_alone_is_cancelled_until_it_has_ended(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    book.send(
        ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="local:timeout", message="no answer")
    )
    assert len(of_type(book.send(kill(KillScope.ORDER, order.client_id)), CancelOrder)) == 1
    assert len(of_type(book.tick(2_100), CancelOrder)) == 1, "it may turn up at the venue until its deadline"
    book.send(ev.OrderUpdated(report=book.report(order, OrderStatus.CANCELLED)))
    (lifted,) = of_type(book.tick(), RecordLatch)
    assert not lifted.held
    assert book.state.latches == {}
    assert not book.is_up(AlertKind.KILL_ACTIVE)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (kill(KillScope.ORDER, "x", KillAction.FLATTEN), "an order can only be cancelled"),
        (kill(KillScope.STRATEGY, action=KillAction.FLATTEN), "positions are not kept by strategy"),
        (kill(KillScope.STRATEGY, "delta_netural"), "there are: delta_neutral"),
        (kill(KillScope.VENUE, "okx"), "there are: bybit"),
        (kill(KillScope.ORDER, "4b00"), "there are: none"),
        (kill(KillScope.ACCOUNT, ""), "needs its name"),
        (kill(KillScope.ALL, "bybit"), "has no name"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(book: Playbook, event: ev.OperatorKilled, words: str) -> None:
    answer = said(book.send(event))
    assert not answer.accepted
    assert words in answer.explanation
    assert book.state.latches == {}


def test_a_kill_file_that_names_nothing_here_stops_the_book(book: Playbook) -> None:
    """Nobody hears a refusal of a file: it fails closed."""
    book.send(kill(KillScope.STRATEGY, "delta_netural", operator=FROM_FILE))
    assert book.mode() is Mode.HALTED
    assert "delta_netural" in book.state.mode_reason


def test_a_kill_that_stands_for_what_left_the_configuration_stops_nothing_else(book: Playbook) -> None:
    """Its file repeats itself at every start: what it names is known, although nothing has that name any more."""
    book.send(kill(KillScope.STRATEGY, "delta_neutral"))
    gone = msgspec.structs.replace(book.state.settings.strategies[0], name="another")
    book.state.settings = msgspec.structs.replace(book.state.settings, strategies=(gone,))
    heard = book.send(kill(KillScope.STRATEGY, "delta_neutral", operator=FROM_FILE))
    assert book.mode() is Mode.ACTIVE
    assert list(book.state.latches) == ["strategy:delta_neutral"], "and it stays killed should it come back"
    assert said(heard).explanation.startswith("strategy delta_neutral is killed already")
    book.send(kill(KillScope.STRATEGY, "delta_netural", operator=FROM_FILE))
    assert book.mode() is Mode.HALTED, "another unknown name still fails closed"


def test_a_kill_file_with_an_action_that_makes_no_sense_freezes(book: Playbook) -> None:
    book.send(kill(KillScope.STRATEGY, action=KillAction.FLATTEN, operator=FROM_FILE))
    assert book.state.latches["strategy:delta_neutral"].action is KillAction.FREEZE


def test_a_file_neither_begins_an_action_anew_nor_loosens_a_freeze(book: Playbook) -> None:
    book.send(kill(action=KillAction.HEDGE_TO_FLAT))
    book.tick(300)
    assert book.state.latches["all"].done
    book.send(kill(action=KillAction.HEDGE_TO_FLAT, operator=FROM_FILE))
    assert book.state.latches["all"].done
    book.send(kill(action=KillAction.HEDGE_TO_FLAT))
    assert not book.state.latches["all"].done, "an operator may begin anew"
    book.send(kill(operator=FROM_FILE))
    assert book.state.latches["all"].action is KillAction.FREEZE, "a file may tighten"


def test_coins_cannot_be_flattened() -> None:
    spot = InstrumentId("bybit:spot:BTCUSDT")
    hedged = msgspec.structs.replace(settings().underlyings[0], hedge_instrument=spot)
    book = Playbook(msgspec.structs.replace(settings(), underlyings=(hedged,)))
    answer = said(book.send(kill(action=KillAction.FLATTEN)))
    assert not answer.accepted
    assert "hedge-to-flat" in answer.explanation


def test_a_latch_over_one_underlying_leaves_the_other_alone() -> None:
    eth = InstrumentId("bybit:linear:ETHUSDT")
    both = (
        settings().underlyings[0],
        msgspec.structs.replace(settings().underlyings[0], underlying="ETH", hedge_instrument=eth),
    )
    strategies = (msgspec.structs.replace(settings().strategies[0], underlyings=("BTC", "ETH")),)
    book = Playbook(msgspec.structs.replace(settings(), underlyings=both, strategies=strategies))
    usdc = InstrumentId("bybit:linear:ETHPERP")
    rules = (instrument(eth, underlying="ETH"), instrument(usdc, underlying="ETH", quote="USDC", settle="USDC"))
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=rules))
    book.ready()
    book.send(book.book(name=eth))
    book.send(book.ticker(name=eth))
    book.send(book.book())
    book.tick()
    assert book.mode() is Mode.ACTIVE
    book.send(kill(KillScope.UNDERLYING, "BTC"))
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []
    assert len(orders(book.send(book.fill(Side.BUY, "0.2", usdc)))) == 1


def test_an_option_that_is_unknown_keeps_hedge_to_flat_from_ending(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.send(kill(action=KillAction.HEDGE_TO_FLAT))
    book.tick(300)
    assert not book.state.latches["all"].done


def test_what_a_kill_leaves_open_is_named_until_it_is_proven(book: Playbook) -> None:
    order = the_order(book.send(book.fill(Side.BUY, "2")))
    book.send(
        ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=order.client_id, code="local:timeout", message="no answer")
    )
    book.send(kill())
    latch = book.state.latches["all"]
    assert latches.unproven(book.state, latch, 0) == [
        f"order {order.client_id} is unknown: its cancel is asked for, its end is not proven",
        f"dead man's switch of {ACCOUNT}: none is configured",
    ]
    account = book.state.accounts[ACCOUNT]
    account.private.up = False
    assert f"the private stream of {ACCOUNT} is down" in " ".join(latches.unproven(book.state, latch, 0))
    book.state.orders[order.client_id].status = OrderStatus.EXPIRED
    assert latches.unproven(book.state, latch, 0) == []


@pytest.mark.parametrize(
    ("role", "event", "whole"),
    [
        (AccountRole.HEDGE, kill(), True),
        (AccountRole.HEDGE, kill(KillScope.VENUE), True),
        (AccountRole.HEDGE, kill(KillScope.STRATEGY), False),
        (AccountRole.HEDGE, kill(action=KillAction.REDUCE), False),
        (AccountRole.SHARED, kill(), False),
    ],
)
def test_only_a_frozen_account_of_our_own_may_be_cancelled_as_a_whole(
    book: Playbook, role: AccountRole, event: ev.OperatorKilled, *, whole: bool
) -> None:
    the_order(book.send(book.fill(Side.BUY, "2")))
    book.state.accounts[ACCOUNT].role = role
    (cancel,) = of_type(book.send(event), CancelOrder)
    assert cancel.whole is whole
