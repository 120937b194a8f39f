"""What executes while nobody listens is found afterwards, once; and the proof that only the backfill finds it."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from hedgebot.domain.events import FillReceived, Source, Stream
from tests.wire.venue_world import USDC_PERP, World, world

pytestmark = pytest.mark.wire


async def executed_in_the_dark(found: World) -> None:
    """A trade of the account while the private socket is down, and the socket's return."""
    await found.until_stream(Stream.PRIVATE, up=True)
    before = len(found.sink.events)
    # The adapter dials again after a tenth of a second at the earliest; the trade takes some milliseconds.
    await found.admin("drop", channel="private")
    await found.admin("trade", instrument=USDC_PERP, side="buy", contracts="0.05", account="main")
    await found.until_stream(Stream.PRIVATE, up=False, after=before)
    await found.until_stream(Stream.PRIVATE, up=True, after=before)
    await asyncio.sleep(0.1)


def of_the_trade(found: World) -> list[FillReceived]:
    fills: list[FillReceived] = found.sink.of(FillReceived)
    return [fill for fill in fills if fill.instrument == USDC_PERP]


async def test_n01_a_fill_of_the_dark_appears_exactly_once_after_the_snapshot() -> None:
    async with world() as found:
        since_ns = time.time_ns()
        await executed_in_the_dark(found)
        assert of_the_trade(found) == []
        snapshot = await found.snapshot(since_ns)
        assert snapshot.complete
        fills = of_the_trade(found)
        assert [fill.source for fill in fills] == [Source.QUERY] * len(fills)
        assert sum(fill.qty_contracts for fill in fills) == sum(row.contracts for row in snapshot.positions)
        assert len({fill.trade_id for fill in fills}) == len(fills) >= 1


async def test_n01_without_the_backfill_it_is_never_seen() -> None:
    async with world() as found:
        # The same, but the snapshot asks for no executions: the test above must be able to fail.
        scope = found.venue._snapshots._scope
        profile = replace(scope.profile, executions=())
        found.venue._snapshots._scope = replace(scope, profile=profile)
        since_ns = time.time_ns()
        await executed_in_the_dark(found)
        snapshot = await found.snapshot(since_ns)
        assert snapshot.complete
        assert [str(row.contracts) for row in snapshot.positions] == ["0.05"]
        assert of_the_trade(found) == []


async def test_what_was_pushed_and_is_pulled_again_has_one_identity() -> None:
    async with world() as found:
        await found.until_stream(Stream.PRIVATE, up=True)
        since_ns = time.time_ns()
        await found.admin("trade", instrument=USDC_PERP, side="buy", contracts="0.05", account="main")
        await found.sink.one(FillReceived)
        await found.snapshot(since_ns)
        fills = of_the_trade(found)
        assert {fill.source for fill in fills} == {Source.STREAM, Source.QUERY}
        pushed = {fill.trade_id for fill in fills if fill.source is Source.STREAM}
        assert pushed == {fill.trade_id for fill in fills if fill.source is Source.QUERY}
