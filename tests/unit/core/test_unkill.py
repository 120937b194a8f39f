"""The checklist of unkill: each line alone keeps a latch, all unmet lines are listed, and nothing half happens."""

from collections.abc import Callable

import msgspec
import pytest

from hedgebot.core.unkill import to_review
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode, RecordAdjustment, RecordOperator
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.operator_events import Resolution
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.venue_events import MarketsRead
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    Playbook,
    instrument,
    of_type,
    orders,
    the_order,
)
from tests.support.switches import market, ready, switchable


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


KILL = ev.OperatorKilled(operator="ann", reason="strange fills")
UNKILL = ev.OperatorUnkilled(operator="ann", reason="explained")


def said(commands: tuple[object, ...]) -> RecordOperator:
    return next(one for one in commands if isinstance(one, RecordOperator))


def test_unkill_goes_through_recovering_and_asks_the_venue_first(book: Playbook) -> None:
    book.send(KILL)
    assert said(book.send(UNKILL)).accepted
    assert book.mode() is Mode.RECOVERING
    book.tick(1_001)
    book.snapshot()
    book.send(book.book())
    book.tick()
    assert book.state.mode is Mode.ACTIVE


def _loss(book: Playbook) -> None:
    book.send(ev.WalletUpdated(report=book.wallet(equity="900000"), source=ev.Source.STREAM))


def _margin(book: Playbook, maintenance: str | None) -> None:
    book.send(ev.WalletUpdated(report=book.wallet(maintenance=maintenance), source=ev.Source.STREAM))


def _lose(book: Playbook) -> None:
    stream = ev.Stream.PRIVATE
    book.send(ev.FrameQuarantined(account=ACCOUNT, stream=stream, topic="execution", problem="unreadable", sample="?"))


CAUSES: dict[str, tuple[Callable[[Playbook], object], str]] = {
    "order": (lambda book: None, "is sent"),
    "stream": (
        lambda book: book.send(
            ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"),
        ),
        "the private stream of main is down",
    ),
    "reconciled": (_lose, "is not reconciled"),
    "margin": (lambda book: _margin(book, None), "margin use of main is unknown"),
    "margin above its clear level": (lambda book: _margin(book, "650000"), "clear level 60%"),
    "loss": (_loss, "lost 100000 USD today"),
    "mark": (lambda book: (book.tick(11_000), book.send(book.book())), "the mark price of"),
    "index": (
        lambda book: (
            book.tick(11_000),
            book.send(book.book()),
            book.send(msgspec.structs.replace(book.ticker(), index=None)),
        ),
        "the index of bybit:linear:BTCUSDT is lost",
    ),
    "clock not measured": (
        lambda book: (book.tick(301_000), book.send(book.book()), book.send(book.ticker())),
        "the clock of main is not measured",
    ),
    "book": (lambda book: book.tick(5_500), "the book of bybit:linear:BTCUSDT is not fresh"),
    "exposure": (lambda book: book.send(book.fill(Side.BUY, "1", BTC_CALL)), "the exposure is unknown"),
    "delta": (lambda book: book.send(book.fill(Side.BUY, "6")), "beyond its hard limit 5"),
    "clock": (
        lambda book: book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=1_500.0, round_trip_ms=1.0)),
        "the clock of main is too far off",
    ),
    "key": (
        lambda book: book.send(ev.AuthenticationFailed(account=ACCOUNT, code="10003", message="invalid")),
        "the key of main was refused",
    ),
    "task": (
        lambda book: book.send(ev.TaskFailed(task="clock", error="a bug", restarting=False)),
        "task:clock was not reviewed",
    ),
    "difference": (
        lambda book: (book.tick(16_000), book.snapshot([book.position("0.5", BTC_USDC)])),
        "was compared once only",
    ),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_o09_unkill_fails_closed_while_a_cause_persists(book: Playbook, cause: str) -> None:
    make, words = CAUSES[cause]
    if cause == "order":
        book.send(book.fill(Side.BUY, "0.2"))
    book.send(KILL)
    make(book)
    answer = said(book.send(UNKILL))
    assert not answer.accepted
    assert words in answer.explanation
    assert book.state.mode is Mode.HALTED
    assert list(book.state.latches) == ["all"]


def test_o09_every_unmet_line_is_listed_at_once(book: Playbook) -> None:
    book.send(KILL)
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=1_500.0, round_trip_ms=1.0))
    book.send(book.fill(Side.BUY, "6"))
    _margin(book, None)
    shell = ("the journal's chain is broken", "the configuration on disk is another one")
    asked = ev.OperatorUnkilled(operator="ann", reason="explained", unmet=shell)
    answer = said(book.send(asked)).explanation
    for words in (*shell, "the clock of main", "beyond its hard limit", "margin use of main is unknown"):
        assert words in answer


def test_causes_throttles_latches_and_differences_are_named_one_by_one(book: Playbook) -> None:
    book.send(ev.TaskFailed(task="clock", error="a bug", restarting=False))
    book.send(ev.OperatorKilled(operator="bob", reason="quiet", scope=KillScope.VENUE, name="bybit"))
    book.state.tripped["delta_neutral"] = "61 orders"
    for _ in range(2):
        book.tick(16_000)
        book.snapshot([book.position("0.5", BTC_USDC)])
    book.send(book.book())
    book.send(book.ticker())
    latch = book.state.latches["all"]
    names = [name for name, _ in to_review(book.state, latch)]
    assert names == [
        "task:clock",
        "throttle:delta_neutral",
        "venue:bybit",
        "difference:main:bybit:linear:BTCPERP",
    ]
    for left_out in names:
        reviewed = tuple(one for one in names if one != left_out)
        answer = said(book.send(ev.OperatorUnkilled(operator="ann", reason="r", reviewed=reviewed)))
        assert not answer.accepted
        assert answer.explanation.startswith(f"{left_out} was not reviewed")
    heard = book.send(ev.OperatorUnkilled(operator="ann", reason="r", reviewed=tuple(names)))
    assert said(heard).accepted, said(heard).explanation
    (adjustment,) = of_type(heard, RecordAdjustment)
    assert "accepted by ann" in adjustment.evidence
    assert book.state.underlyings["BTC"].linear_coin == pytest.approx(0.5)
    assert book.state.accounts[ACCOUNT].mismatches == {}
    assert list(book.state.latches) == ["venue:bybit"], "the others stay"
    assert "venue bybit is killed" in said(heard).explanation


def test_unkill_without_a_kill_is_refused(book: Playbook) -> None:
    assert not said(book.send(UNKILL)).accepted
    assert book.state.mode is Mode.ACTIVE


def test_one_latch_is_lifted_and_the_others_stay(book: Playbook) -> None:
    venue = ev.OperatorKilled(operator="ann", reason="r", scope=KillScope.VENUE, name="bybit")
    book.send(venue)
    book.send(ev.OperatorKilled(operator="ann", reason="r", scope=KillScope.UNDERLYING, name="BTC"))
    lift = ev.OperatorUnkilled(
        operator="ann", reason="r", scope=KillScope.VENUE, name="bybit", reviewed=("underlying:BTC",)
    )
    assert said(book.send(lift)).accepted
    assert list(book.state.latches) == ["underlying:BTC"]
    assert orders(book.send(book.fill(Side.BUY, "0.2"))) == []


def test_after_a_flatten_the_next_hedge_is_not_held_back_by_its_volume(book: Playbook) -> None:
    book.done(the_order(book.send(book.fill(Side.BUY, "1"))))
    book.send(ev.OperatorKilled(operator="ann", reason="r", action=KillAction.FLATTEN))
    for _ in range(3):
        book.send(book.book())
        for order in orders(book.tick(1_000)):
            book.done(order)
    book.send(book.book())
    book.send(book.ticker())
    assert book.state.latches["all"].done
    assert said(book.unkill()).accepted
    book.tick(1_001)
    held = [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]
    heard = [*book.snapshot(held), *book.send(book.book()), *book.tick(), *book.send(book.book())]
    assert len(orders(heard)) == 1


# --- orders that nobody can look up ----------------------------------------------------------------------------------


def unknown_order(book: Playbook) -> str:
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    client_id = order.client_id
    book.send(ev.OrderOutcomeUnknown(account=ACCOUNT, client_id=client_id, code="local:timeout", message="no answer"))
    return client_id


def word(client_id: str, resolution: Resolution, reason: str = "the venue's order page shows it") -> ev.OrderResolved:
    return ev.OrderResolved(operator="ann", reason=reason, client_id=client_id, resolution=resolution)


@pytest.mark.parametrize(
    ("resolution", "status"), [(Resolution.ADOPT, OrderStatus.CANCELLED), (Resolution.FORGET, OrderStatus.EXPIRED)]
)
def test_an_unknown_order_ends_by_an_operators_word_with_evidence(
    book: Playbook, resolution: Resolution, status: OrderStatus
) -> None:
    client_id = unknown_order(book)
    book.tick(8_001)
    heard = book.send(word(client_id, resolution))
    assert said(heard).accepted
    (adjustment,) = of_type(heard, RecordAdjustment)
    assert "the venue's order page shows it" in adjustment.evidence
    assert book.state.orders[client_id].status is status
    assert book.state.unsettled == {}
    assert not book.state.accounts[ACCOUNT].reconciled, "the venue's positions judge it"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda one: word(one, Resolution.FORGET), "may still accept"),
        (lambda one: word("4b00", Resolution.ADOPT), "no order 4b00"),
        (lambda one: word(one, Resolution.ADOPT, ""), "needs evidence"),
    ],
)
def test_a_word_without_evidence_or_too_early_is_refused(book: Playbook, make: object, words: str) -> None:
    client_id = unknown_order(book)
    answer = said(book.send(make(client_id)))  # type: ignore[operator]
    assert not answer.accepted
    assert words in answer.explanation
    assert book.state.unsettled == {client_id: "BTC"}


def test_an_order_that_was_filled_cannot_be_forgotten(book: Playbook) -> None:
    client_id = unknown_order(book)
    book.send(
        book.fill(Side.SELL, "0.05", instrument(book.settings.underlyings[0].hedge_instrument).id, client_id=client_id)
    )
    book.tick(8_001)
    assert not said(book.send(word(client_id, Resolution.FORGET))).accepted
    assert said(book.send(word(client_id, Resolution.ADOPT))).accepted


def test_a_restart_keeps_what_was_lifted_lifted(book: Playbook) -> None:
    book.send(KILL)
    book.send(UNKILL)
    book.start(epoch=2)
    book.ready()
    assert book.mode() is Mode.ACTIVE


def test_an_alternative_that_nobody_needs_keeps_no_latch() -> None:
    """One that was delivered has no book for ever; what is held or chosen is asked for, as at every start."""
    book = ready(switchable(), quiet=True)
    book.send(KILL)
    assert said(book.send(UNKILL)).accepted
    held = ready(switchable(), usdc="-0.3")
    held.send(KILL)
    held.tick(5_500)
    held.send(held.book())
    held.send(held.ticker())
    assert "the book of bybit:linear:BTCPERP is not fresh" in said(held.send(UNKILL)).explanation
    market(held)
    assert said(held.send(UNKILL)).accepted


def suspended() -> Playbook:
    """Hedged on in the other while the venue does not trade the main hedge, whose market is gone."""
    book = ready(switchable())
    book.send(MarketsRead(venue="bybit", shut={BTC_PERP: "Closed"}))
    for _ in range(8):
        other_lives(book)
    return book


def other_lives(book: Playbook) -> None:
    book.send(book.book(name=BTC_USDC), after_ms=2_000)
    book.send(book.ticker(name=BTC_USDC))
    book.tick()


def test_a_halt_is_lifted_while_the_main_hedge_is_suspended_and_the_other_hedges_on() -> None:
    book = suspended()
    book.send(KILL)
    other_lives(book)
    answer = said(book.send(UNKILL))
    assert answer.accepted, answer.explanation
    book.tick(1_001)
    book.snapshot()
    other_lives(book)
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason
    order = the_order(book.send(book.fill(Side.BUY, "0.2", BTC_SPOT)))
    assert order.approved.intent.instrument == BTC_USDC


def test_it_is_not_lifted_where_the_delta_is_valued_at_the_price_of_what_is_suspended() -> None:
    book = suspended()
    book.send(book.option())
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.send(KILL)
    other_lives(book)
    explanation = said(book.send(UNKILL)).explanation
    assert "the book of bybit:linear:BTCUSDT is not fresh" in explanation
    assert "the mark price of bybit:linear:BTCUSDT is not fresh" in explanation
