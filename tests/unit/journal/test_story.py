from decimal import Decimal
from pathlib import Path

import pytest

from hedgebot.domain import events as ev
from hedgebot.journal.query import JournalReader
from hedgebot.journal.tape import segment_paths
from tests.unit.journal.world import PERP, Run, book, fill


@pytest.fixture
async def journal(tmp_path: Path) -> Path:
    run = await Run.start(tmp_path)
    await run.take(book("99999", "100001"))
    await run.hedge("t0", "0.4")
    await run.journal.close()
    return tmp_path


def test_the_story_goes_from_the_cause_to_the_fill(journal: Path) -> None:
    with JournalReader(journal) as reader:
        (decision,) = reader.decisions()
        story = reader.explain(str(decision.number))
    assert isinstance(story.cause, ev.FillReceived)
    assert story.cause.trade_id == "t0"
    assert story.trigger == story.cause
    assert story.arrival == book("99999", "100001")
    assert story.arrival_mid == Decimal(100_000)
    assert story.average_price == Decimal("100000.5")
    # Sold half a dollar above the middle of the book: better than arrival, so a negative cost.
    assert story.slippage_bps == pytest.approx(-0.05)
    assert story.fees == {"USDT": Decimal("0.55")}
    assert (story.delta_before_coin, story.delta_after_coin) == (0.4, 0.0)
    assert story.cause_to_decision_ms == 0.0
    assert story.cause_to_fill_ms == story.decision_to_fill_ms == pytest.approx(2.0)
    assert [check.rule for check in story.checks] == ["order_notional"]
    assert len(story.timeline) == 3
    assert story.order is not None
    assert story.order.submit.approved.intent.instrument == PERP


def test_without_its_tape_the_story_says_what_it_does_not_know(journal: Path) -> None:
    for path in segment_paths(journal / "tape"):
        path.unlink()
    with JournalReader(journal) as reader:
        story = reader.explain(str(reader.decisions()[0].number))
    assert (story.arrival, story.arrival_mid, story.slippage_bps) == (None, None, None)
    assert isinstance(story.cause, ev.FillReceived)


async def test_a_hedge_in_flight_has_a_story_without_an_end(tmp_path: Path) -> None:
    run = await Run.start(tmp_path)
    await run.take(book())
    await run.take(fill("t0", qty="0.4"))
    with JournalReader(tmp_path) as reader:
        story = reader.explain(run.sent[0].client_id)
    await run.journal.close()
    assert (story.decision_to_fill_ms, story.average_price, story.slippage_bps, story.fees) == (None, None, None, {})
    assert story.delta_after_coin == story.delta_before_coin == 0.4
