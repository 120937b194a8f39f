"""A small world for the journal's tests: an engine of a few lines, events, and runs through the real turn."""

from decimal import Decimal
from pathlib import Path

import msgspec

from hedgebot.domain import commands as cmd
from hedgebot.domain import events as ev
from hedgebot.domain.client_id import ClientId
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.orders import Approved, OrderIntent, RuleCheck, TimeInForce
from hedgebot.domain.settings import EngineSettings, LimitSettings
from hedgebot.journal.manifest import build_manifest
from hedgebot.journal.recover import Recovered
from hedgebot.journal.store import Journal
from hedgebot.turn.inbox import Inbox
from hedgebot.turn.turn import Turn, TurnOutput

PERP = InstrumentId("bybit:linear:BTCUSDT")
SPOT = InstrumentId("bybit:spot:BTCUSDT")
SECOND = 10**9
START_NS = 1_760_000_000 * SECOND
SETTINGS = EngineSettings(
    config_hash="c0ffee", install=7, accounts=(), underlyings=(), strategies=(), limits=LimitSettings()
)


class State(msgspec.Struct):
    """Everything the small engine knows."""

    epoch: int = 0
    intents: int = 0
    seen: int = 0
    held: Decimal = Decimal(0)
    mid: Decimal | None = None
    orders: list[str] = []


class SmallEngine:
    """Hedges each foreign fill with one order at the last price it saw; counts everything."""

    def __init__(self, state: bytes | None = None) -> None:
        self.state = State() if state is None else msgspec.json.decode(state, type=State)

    def state_bytes(self) -> bytes:
        return msgspec.json.encode(self.state)

    def step(self, stamped: ev.Stamped) -> tuple[cmd.Command, ...]:
        self.state.seen += 1
        match stamped.event:
            case ev.RunStarted(epoch=epoch):
                self.state.epoch, self.state.intents = epoch, 0
                return (cmd.SetTimer(interval_ns=SECOND),)
            case ev.BookTop(bid=Decimal() as bid, ask=Decimal() as ask):
                self.state.mid = (bid + ask) / 2
            case ev.FillReceived(client_id=None) as fill:
                self.state.held += fill.side.sign * fill.qty_contracts
                return self._hedge(stamped.at_ns, fill)
            case ev.FillReceived() as fill:
                self.state.held += fill.side.sign * fill.qty_contracts
            case _:
                pass
        return ()

    def _hedge(self, at_ns: int, fill: ev.FillReceived) -> tuple[cmd.Command, ...]:
        client_id = ClientId(install=7, epoch=self.state.epoch, strategy=1, intent=self.state.intents).encode()
        self.state.intents += 1
        self.state.orders.append(client_id)
        decision = decision_for(client_id, float(self.state.held), ev_price=float(self.state.mid or 0))
        return (decision, order(client_id, fill.side.opposite, fill.qty_contracts, self.state.mid or Decimal(1), at_ns))


def decision_for(client_id: str | None, delta: float, *, ev_price: float = 0.0) -> cmd.RecordDecision:
    return cmd.RecordDecision(
        underlying="BTC",
        strategy="small",
        outcome=cmd.Outcome.HEDGE,
        cause=cmd.DecisionCause.FILL,
        delta_coin=delta,
        target_coin=0.0,
        band_coin=0.05,
        trade_coin=-delta,
        residual_coin=0.0,
        client_id=client_id,
        explanation=f"delta {delta} is outside of 0.05",
        evidence={"price": ev_price, "age_ms": 3.0, "source": "book", "unknown": None},
    )


def order(client_id: str, side: Side, qty: Decimal, price: Decimal, at_ns: int) -> cmd.SubmitOrder:
    intent = OrderIntent(
        account="main",
        instrument=PERP,
        underlying="BTC",
        strategy="small",
        side=side,
        qty_contracts=qty,
        limit_price=price,
        time_in_force=TimeInForce.IOC,
        reduce_only=False,
        delta_effect_coin=float(side.sign * qty),
        notional_usd=float(qty * price),
        deadline_ns=at_ns + 5 * SECOND,
        reason="delta outside of its band",
    )
    checks = (RuleCheck(rule="order_notional", value=float(qty * price), limit=1e6),)
    approved = Approved(intent=intent, checks=checks, risk_reducing=True)
    return cmd.SubmitOrder(approved=approved, client_id=client_id)


def book(
    bid: str = "100000", ask: str = "100001", at_ns: int = START_NS, instrument: InstrumentId = PERP
) -> ev.BookTop:
    return ev.BookTop(
        instrument=instrument,
        bid=Decimal(bid),
        bid_qty=Decimal(3),
        ask=Decimal(ask),
        ask_qty=Decimal(2),
        venue_at_ns=at_ns,
    )


def fill(
    trade_id: str,
    side: Side = Side.BUY,
    qty: str = "0.1",
    *,
    client_id: str | None = None,
    price: str = "100000",
    instrument: InstrumentId = SPOT,
) -> ev.FillReceived:
    return ev.FillReceived(
        account="main",
        instrument=instrument,
        trade_id=trade_id,
        order_id=f"order-{trade_id}",
        client_id=client_id,
        side=side,
        qty_contracts=Decimal(qty),
        price=Decimal(price),
        fee=Decimal("0.55"),
        fee_coin="USDT",
        kind=ev.ExecutionKind.TRADE,
        source=ev.Source.STREAM,
        venue_at_ns=START_NS,
    )


class Run:
    """One run of the small engine over a journal: what the daemon does, without a venue."""

    def __init__(self, journal: Journal, recovered: Recovered[SmallEngine]) -> None:
        self.journal = journal
        self.recovered = recovered
        self.engine = recovered.engine
        self.inbox = Inbox(1_000)
        self.turn = Turn(self.engine, self.inbox, recovered.next_seq)
        self.now_ns = START_NS
        self.sent: list[cmd.SubmitOrder] = []

    @classmethod
    async def start(cls, state_dir: Path | None, **options: object) -> "Run":
        journal = await Journal.open(state_dir, **options)  # type: ignore[arg-type]  # a test passes what it means
        try:
            run = cls(journal, await journal.recover(SmallEngine))
            header = await journal.begin_run(build_manifest(SETTINGS, version="1.2.3"))
        except BaseException:
            await journal.close()
            raise
        run.now_ns = START_NS + header.epoch * 1_000 * SECOND
        await run.take(ev.RunStarted(run_id=header.run_id, epoch=header.epoch, settings=SETTINGS, version="1.2.3"))
        return run

    async def take(self, *events: ev.Event) -> list[TurnOutput]:
        for event in events:
            self.inbox.put(event)
        outputs = []
        while len(self.inbox):
            self.now_ns += 1_000_000
            out = self.turn.run(self.now_ns, 100)
            await self.journal.write(out.entries, durable=out.durable)
            self.sent += [command for command in out.gated if isinstance(command, cmd.SubmitOrder)]
            outputs.append(out)
        return outputs

    async def hedge(self, trade_id: str, qty: str = "0.1") -> str:
        """A foreign fill, its hedge, the venue's answer and the hedge's fill; gives the client id."""
        await self.take(fill(trade_id, qty=qty))
        client_id = self.sent[-1].client_id
        await self.take(
            ev.OrderAccepted(account="main", client_id=client_id, order_id=f"o-{trade_id}", definitive=False)
        )
        await self.take(fill(f"h-{trade_id}", Side.SELL, qty, client_id=client_id, price="100000.5", instrument=PERP))
        return client_id

    async def snapshot(self) -> None:
        await self.journal.snapshot(self.turn.next_seq - 1, self.engine.state_bytes())
