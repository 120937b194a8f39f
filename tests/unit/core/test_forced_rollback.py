"""What is nobody's trade: what the venue takes back, what has no kind of its own on a hedge, what it announces."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.ledger import execution_key
from hedgebot.core.unkill import to_review
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Mode, RaiseAlert, RecordAdjustment, RecordOperator
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import KillScope
from hedgebot.domain.orders import FORCED_REASON, OrderStatus
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    Playbook,
    alerts,
    of_type,
    orders,
    settings,
    the_order,
)


def hedged() -> Playbook:
    """A client bought, the hedge was sold."""
    book = Playbook()
    book.ready()
    book.done(the_order(book.send(book.fill(Side.BUY, "1.0", name=BTC_USDC))))
    return book


def test_whatever_moves_the_hedge_and_is_not_ours_is_told() -> None:
    """A block trade, a moved position, the leg of a spread: of no kind that has a policy of its own."""
    book = hedged()
    moved = msgspec.structs.replace(book.fill(Side.BUY, "0.3", name=BTC_PERP), kind=ev.ExecutionKind.OTHER)
    said = book.send(moved)
    assert AlertKind.FOREIGN_ACTIVITY in alerts(said)
    assert len(orders(said)) == 1
    client = msgspec.structs.replace(book.fill(Side.BUY, "0.3", name=BTC_USDC), kind=ev.ExecutionKind.OTHER)
    assert AlertKind.FOREIGN_ACTIVITY not in alerts(hedged().send(client)), (
        "a client's block trade is the book's business"
    )


@pytest.mark.parametrize("name", [BTC_PERP, BTC_USDC, BTC_SPOT])
def test_executions_that_the_venue_takes_back_halt_the_book_until_somebody_looked(name: InstrumentId) -> None:
    book = hedged()
    before = book.state.underlyings["BTC"].drift.flow_at_ns
    taken = msgspec.structs.replace(book.fill(Side.SELL, "0.6", name=name), kind=ev.ExecutionKind.ROLLBACK)
    said = book.send(taken)
    told = next(one for one in of_type(said, RaiseAlert) if one.kind is AlertKind.RECON_BREAK)
    assert told.subject == f"rollback:{ACCOUNT}|{name}"
    assert taken.trade_id in told.summary
    assert f"sell of 0.6 {name}" in told.summary
    row = of_type(said, RecordAdjustment)[0]
    assert (row.account, row.subject) == (ACCOUNT, execution_key(taken))
    assert "rollback" in row.evidence
    assert orders(said) == []
    assert book.mode() is Mode.HALTED
    assert book.state.latched
    assert book.state.underlyings["BTC"].drift.flow_at_ns == before, "it is nobody's trade"
    assert orders(book.send(msgspec.structs.replace(taken, trade_id="next"))) == []
    for _ in range(20):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        book.send(book.ticker(), after_ms=500)
        assert orders(book.send(book.book(), after_ms=1_000)) == []
    assert book.is_up(AlertKind.RECON_BREAK), "a clean snapshot does not take it away"


def test_whoever_looked_at_a_rollback_frees_the_book_and_ends_its_alert() -> None:
    book = hedged()
    taken = msgspec.structs.replace(book.fill(Side.BUY, "0.02", name=BTC_PERP), kind=ev.ExecutionKind.ROLLBACK)
    book.send(taken)
    held = [book.position("-0.942"), book.position("1", BTC_USDC)]
    assert to_review(book.state, book.state.latches[KillScope.ALL])[0][0] == f"rollback:{ACCOUNT}|{BTC_PERP}"
    book.tick(1_600)
    book.snapshot(held)
    book.send(book.book())
    book.send(book.ticker())
    refused = of_type(book.send(ev.OperatorUnkilled(operator="ann", reason="r")), RecordOperator)[0]
    assert not refused.accepted
    assert "was not reviewed" in refused.explanation
    assert of_type(book.unkill(), RecordOperator)[0].accepted
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_what_is_taken_back_is_no_fill_of_the_order_whose_id_it_carries() -> None:
    book = Playbook(settings())
    book.ready()
    sent = the_order(book.send(book.fill(Side.BUY, "1.0", name=BTC_USDC)))
    book.done(sent)
    back = msgspec.structs.replace(
        book.fill(Side.BUY, "1.0", name=BTC_PERP), kind=ev.ExecutionKind.ROLLBACK, client_id=sent.client_id
    )
    book.send(back)
    latch = book.state.latches[KillScope.ALL]
    assert list(latch.causes) == [f"rollback:{ACCOUNT}|{BTC_PERP}"], "no overfill"
    assert book.state.positions[f"{ACCOUNT}|{BTC_PERP}"].contracts == Decimal("0.038")


def test_an_order_that_makes_way_for_a_deleveraging_is_told_and_nobody_goes_in_at_once() -> None:
    book = Playbook()
    book.ready()
    sent = the_order(book.send(book.fill(Side.BUY, "1.0", name=BTC_USDC)))
    ended = msgspec.structs.replace(book.report(sent, OrderStatus.CANCELLED, "0.2"), reason=FORCED_REASON)
    said = book.send(ev.OrderUpdated(report=ended))
    assert AlertKind.ADL_OR_LIQUIDATION in alerts(said)
    assert BTC_PERP in book.state.underlyings["BTC"].forced
