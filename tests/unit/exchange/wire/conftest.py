"""A small exchange behind the wire face's shared state, without any socket."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import orjson
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, ClientFlowSpec, HoldingSpec, Scenario, UnderlyingSpec, WeatherSpec
from hedgebot.exchange.types import Ack, Execution, OrderRequest, OrderType, SimOrder
from hedgebot.exchange.wire.api import Api
from hedgebot.exchange.wire.faults import FaultPlane
from hedgebot.exchange.wire.sessions import Session

SCENARIO = Scenario(
    underlyings=(
        UnderlyingSpec(name="BTC", start_price=90_000.0, option_strikes=3, option_expiries_days=(2.0, 9.0)),
        UnderlyingSpec(name="ETH", start_price=3_000.0, option_strikes=1, option_expiries_days=(2.0,)),
    ),
    accounts=(
        AccountSpec(
            name="book",
            api_key="key",
            api_secret="secret",
            coins={"USDT": Decimal(500_000), "USDC": Decimal(200_000), "BTC": Decimal(2)},
            dead_man=True,
            positions=(
                HoldingSpec(instrument="linear:BTCPERP", contracts=Decimal("-0.5")),
                HoldingSpec(instrument="option:BTC/1/0/C", contracts=Decimal(1)),
            ),
        ),
        AccountSpec(name="other", api_key="key-2", api_secret="secret-2", coins={"USDT": Decimal(1_000)}),
    ),
    client_flow=ClientFlowSpec(account="book", enabled=False),
    weather=WeatherSpec(ack_delay_ms=0.0, ack_delay_jitter_ms=0.0, push_delay_ms=0.0),
    rate_limits=False,
)
PERP, SPOT = InstrumentId("bybit:linear:BTCUSDT"), InstrumentId("bybit:spot:BTCUSDT")


@pytest.fixture
def exchange() -> Exchange:
    """A fresh world that opened now."""
    return Exchange(SCENARIO, time.time_ns())


@pytest.fixture
def api(exchange: Exchange) -> Api:
    """The state that handlers share."""
    return Api(exchange, FaultPlane(SCENARIO.weather, 7))


def trade(api: Api, instrument: InstrumentId, side: Side = Side.BUY) -> tuple[SimOrder, Execution]:
    """Fill a market order; it and its execution."""
    answer = api.exchange.place(
        OrderRequest(
            account="book",
            instrument=instrument,
            side=side,
            type=OrderType.MARKET,
            qty_contracts=Decimal("0.01"),
            client_id=f"c-{instrument.split(':')[1]}-{side}",
        )
    )
    assert isinstance(answer, Ack)
    order = api.exchange.order("book", order_id=answer.order_id)
    assert order is not None
    execution = api.exchange.executions("book")[-1]
    assert isinstance(execution, Execution)
    return order, execution


class FakeSocket:
    """Keeps what a session sends."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed_with: int | None = None

    async def send_frame(self, payload: bytes, _kind: object) -> None:
        """Take a frame."""
        self.frames.append(payload)

    async def close(self, *, code: int) -> None:
        """Remember the code."""
        self.closed_with = code

    @property
    def messages(self) -> list[dict[str, Any]]:
        """Frames as values."""
        return [orjson.loads(frame) for frame in self.frames]


class FakeRequest:
    """A request whose connection can be cut."""

    def __init__(self) -> None:
        self.aborted = False
        self.transport = self

    def abort(self) -> None:
        """Note the cut."""
        self.aborted = True


class Wired:
    """A session on a fake socket."""

    def __init__(self, api: Api, channel: str, number: int = 1) -> None:
        self.socket, self.request = FakeSocket(), FakeRequest()
        self.session = Session(number, channel, self.socket, self.request, api)  # type: ignore[arg-type]

    async def drain(self) -> list[dict[str, Any]]:
        """Let the pump send what waits; all messages so far."""
        pump = asyncio.create_task(self.session.pump())
        for _ in range(2_000):
            if not self.session.waiting:
                break
            await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        pump.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await pump
        return self.socket.messages


@pytest.fixture
def wired(api: Api) -> Callable[[str], Wired]:
    """Makes sessions of a channel."""
    return lambda channel: Wired(api, channel)
