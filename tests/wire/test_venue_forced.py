"""What the venue does to a position of ours by force is told as that, whatever type its executions have on the wire."""

from decimal import Decimal

import pytest

from hedgebot.domain.events import ExecutionKind, FillReceived, Source, Stream
from hedgebot.domain.instrument import Side
from hedgebot.exchange.trouble import Adl, Liquidation, OffBookTrade, PriceShock, Trouble
from hedgebot.exchange.types import ExecKind, Execution, Origin
from tests.unit.venues.double import BTC
from tests.wire.venue_world import World, world

pytestmark = pytest.mark.wire


async def strike(found: World, trouble: Trouble) -> None:
    """Have a trouble happen, and its news sent."""
    found.server.api.exchange.strike(trouble)
    found.server.api.after_request()


async def given(found: World, contracts: int) -> None:
    """A long position of our own account, moved there by the venue."""
    await found.top()
    await found.until_stream(Stream.PRIVATE, up=True)
    before = len(found.sink.events)
    moved = ExecKind.MOVE_POSITION
    await strike(
        found,
        OffBookTrade(kind=moved, account="main", instrument=BTC, side=Side.BUY, contracts=Decimal(contracts)),
    )
    fill = await found.sink.one(FillReceived, after=before)
    assert isinstance(fill, FillReceived)
    assert fill.kind is ExecutionKind.OTHER


def told(found: World, kind: ExecutionKind) -> list[FillReceived]:
    """Pushed executions of a kind."""
    fills: list[FillReceived] = found.sink.of(FillReceived)
    return [fill for fill in fills if fill.kind is kind and fill.source is Source.STREAM]


async def until(found: World, kind: ExecutionKind, contracts: str) -> list[FillReceived]:
    """Wait until executions of a kind add up to a quantity."""
    await found.sink.until(lambda _: sum(fill.qty_contracts for fill in told(found, kind)) >= Decimal(contracts))
    return told(found, kind)


async def test_deleveraging_is_told_as_such() -> None:
    async with world() as found:
        await given(found, 2)
        await strike(found, Adl(account="main", instrument=BTC, contracts=Decimal("0.5")))
        fills = await until(found, ExecutionKind.ADL, "0.5")
        assert [(fill.side, fill.client_id, fill.qty_contracts) for fill in fills] == [
            (Side.SELL, None, Decimal("0.5"))
        ]
        await found.snapshot()
        pulled: list[FillReceived] = found.sink.of(FillReceived)
        kinds = {fill.kind for fill in pulled if fill.trade_id == fills[0].trade_id}
        assert kinds == {ExecutionKind.ADL}, "pushed and pulled say the same"


async def test_a_takeover_is_told_as_a_liquidation() -> None:
    async with world() as found:
        await given(found, 2)
        await strike(found, Liquidation(account="main", instrument=BTC))
        fills = await until(found, ExecutionKind.LIQUIDATION, "2")
        assert {fill.side for fill in fills} == {Side.SELL}


async def test_the_steps_of_a_ladder_are_trades_on_the_wire_and_liquidations_to_us() -> None:
    async with world() as found:
        await given(found, 100)
        exchange = found.server.api.exchange
        await strike(found, PriceShock(underlying="BTC", ratio=0.876))
        await found.sink.until(lambda _: bool(told(found, ExecutionKind.LIQUIDATION)), seconds=10.0)
        rows = [row for row in exchange.executions("main") if isinstance(row, Execution)]
        steps = [row for row in rows if row.order.origin is Origin.LIQUIDATION]
        assert {row.kind for row in steps} == {ExecKind.TRADE}
        wanted = {row.exec_id for row in steps}
        assert wanted
        await found.sink.until(lambda _: wanted <= {fill.trade_id for fill in told(found, ExecutionKind.LIQUIDATION)})
        fills: list[FillReceived] = found.sink.of(FillReceived)
        assert not [fill for fill in fills if fill.kind is ExecutionKind.TRADE], "nobody traded of himself"
