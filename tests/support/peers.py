"""A playbook that lives through time with a venue that answers: what peers were measured by is counted on the way.

The figures are those of the survey (its section 2): largest USD delta, time outside the band, hedges, duplicated
volume, cost, alarms, recovered. Of a playbook they come from its fills, of a fault world from the exchange's side and
the journal.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import pairwise

import msgspec

from hedgebot.core.exposure import net_delta_coin
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, Mode, RaiseAlert, SubmitOrder
from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import Side
from hedgebot.domain.reports import PositionReport
from hedgebot.lab.faultworld import FaultWorld, in_band
from hedgebot.lab.outcome import Outcome
from tests.support.playbook import ACCOUNT, Playbook, of_type, orders

Answer = Callable[[Playbook, SubmitOrder], tuple[Command, ...]]
"""What the venue does about one order; returns what the engine said to it."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one scenario came to. `duplicated_coin`: filled hedge volume beyond what it was there for.

    `cost_usd`: a playbook has no spread to pay, it counts the settings' `cost_bps`; a world counts the venue's fees.
    """

    delta_usd_max: float
    outside_s: float
    hedges: int
    duplicated_coin: float
    cost_usd: float
    alarms: tuple[str, ...]
    recovered: bool

    @property
    def line(self) -> str:
        """In the order of the survey."""
        return (
            f"max {self.delta_usd_max:,.0f} USD, {self.outside_s:.1f} s outside the band, {self.hedges} hedges, "
            f"{self.duplicated_coin:.3f} duplicated, cost {self.cost_usd:.2f} USD, "
            f"alarms {', '.join(self.alarms) or 'none'}, recovered {'yes' if self.recovered else 'no'}"
        )


def say(what: str, theirs: str, ours: str, figures: Figures | None = None) -> None:
    """The line that a closing note quotes: the peer's number, ours beside it, and all that was measured of ours."""
    print(f"{what}: peer {theirs} | hedgebot {ours}" + (f" | {figures.line}" if figures else ""))


def world_figures(world: FaultWorld, outcome: Outcome) -> Figures:
    """Of a world that was run: deltas each second of a mishap, executions and ids as the exchange has them."""
    settings = world.settings.underlyings[0]
    samples = [one for evidence in world._evidence.values() for one in evidence.samples]
    own = world.oracle.own_executions
    price = float(max((one.price for one in own), default=Decimal(0)))
    sent = [one.command for one in world.host.journal.orders() if isinstance(one.command, SubmitOrder)]
    wanted = {one.client_id: one.approved.intent.qty_contracts for one in sent}
    filled: dict[str, Decimal] = {}
    for one in own:
        name = str(one.order.client_id)
        filled[name] = filled.get(name, Decimal(0)) + one.qty_contracts
    twice = sum((max(Decimal(0), qty - wanted.get(name, Decimal(0))) for name, qty in filled.items()), Decimal(0))
    return Figures(
        delta_usd_max=max((abs(one.delta_coin) for one in samples), default=0.0) * price,
        outside_s=float(sum(not in_band(settings, one.delta_coin) for one in samples)),
        hedges=outcome.hedges,
        duplicated_coin=float(twice),
        cost_usd=float(sum((one.fee for one in own), Decimal(0))),
        alarms=outcome.alerts,
        recovered=not outcome.stuck,
    )


def fills(book: Playbook, order: SubmitOrder) -> tuple[Command, ...]:
    """A healthy venue: the order is filled whole and reported."""
    return book.done(order)


def is_silent(book: Playbook, order: SubmitOrder) -> tuple[Command, ...]:
    """No answer and no news."""
    assert order.client_id in book.state.orders
    return ()


def refuses(book: Playbook, order: SubmitOrder) -> tuple[Command, ...]:
    """A proven refusal."""
    return book.send(ev.OrderRejected(account=ACCOUNT, client_id=order.client_id, code="110007", message="no funds"))


def held(book: Playbook) -> list[PositionReport]:
    """What a venue that agrees with the ledger would list."""
    return [book.position(str(one.contracts), one.instrument) for one in book.state.positions.values()]


class Life:
    """Time passes: book, mark, signs of life and the timer each quarter of a second, a snapshot whenever asked for."""

    def __init__(self, book: Playbook, answer: Answer = fills) -> None:
        """Go on with a book that is ready."""
        self.book = book
        self.answer = answer
        self.price = Decimal(100_000)
        self.sent: list[SubmitOrder] = []
        self.listed: Callable[[], list[PositionReport]] = lambda: held(book)
        self.quotes: Callable[[], tuple[Command, ...]] = tuple
        self.delta: Callable[[], float] = lambda: net_delta_coin(book.state.underlyings["BTC"])
        # At each look: when, the delta, what of it is the hedge, and the price.
        self.looks: list[tuple[int, float, float, float]] = []
        self._hedge_coin, self._traded_usd = 0.0, 0.0
        self._traded: set[str] = set()
        self._read = len(book.log)
        self.look()

    def hear(self, commands: tuple[Command, ...]) -> None:
        """Answer the orders among commands, and those that come of the answers."""
        waiting = orders(commands)
        while waiting:
            order = waiting.pop(0)
            self.sent.append(order)
            self.look()
            waiting += orders(self.answer(self.book, order))
        self.look()

    def trade(self, event: ev.FillReceived) -> None:
        """Somebody trades."""
        self.hear(self.book.send(event))

    def live(self, seconds: float, step_ms: float = 250.0) -> None:
        """Let time pass."""
        book = self.book
        for _ in range(round(seconds * 1000 / step_ms)):
            self.hear(book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), step_ms))
            self.hear(book.send(book.ticker(self.price)))
            self.hear(self.quotes())
            self.hear(book.send(book.book(self.price)))
            self.hear(book.tick())
            if book.state.accounts[ACCOUNT].request_open:
                self.hear(book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0), after_ms=0.0))
                self.hear(book.snapshot(self.listed()))

    def look(self) -> None:
        """Note how the book stands, by the fills of its log: each trade once, ours by their client ids."""
        for stamped in self.book.log[self._read :]:
            event = stamped.event
            if isinstance(event, ev.FillReceived) and event.client_id and event.trade_id not in self._traded:
                self._traded.add(event.trade_id)
                self._hedge_coin += float(event.qty_contracts) * (1.0 if event.side is Side.BUY else -1.0)
                self._traded_usd += float(event.qty_contracts * self.price)
        self._read = len(self.book.log)
        self.looks.append((self.book.at_ns, self.delta(), self._hedge_coin, float(self.price)))

    @property
    def figures(self) -> Figures:
        """What the scenario came to until now."""
        self.look()
        band = self.book.settings.underlyings[0].band_coin
        # What was there before the first look had moved as well.
        drift = abs(self.looks[0][1] - self.looks[0][2]) + sum(
            abs((d1 - h1) - (d0 - h0)) for (_, d0, h0, _), (_, d1, h1, _) in pairwise(self.looks)
        )
        volume = sum(abs(later[2] - one[2]) for one, later in pairwise(self.looks))
        outside_ns = sum(later[0] - one[0] for one, later in pairwise(self.looks) if abs(one[1]) > band + 1e-9)
        return Figures(
            delta_usd_max=max(abs(delta) * price for _, delta, _, price in self.looks),
            outside_s=outside_ns / NS_PER_S,
            hedges=len(self.sent),
            duplicated_coin=max(0.0, volume - drift),
            cost_usd=self._traded_usd * self.book.settings.underlyings[0].cost_bps / 1e4,
            alarms=tuple(sorted(self.alarms)),
            recovered=abs(self.looks[-1][1]) <= band + 1e-9 and not self.halted,
        )

    @property
    def volume_coin(self) -> float:
        """Coins of absolute delta that were sent."""
        return sum(abs(one.approved.intent.delta_effect_coin) for one in self.sent)

    @property
    def alarms(self) -> set[str]:
        """Kinds of the alerts that were raised."""
        return {one.kind.value for one in of_type(self.book.heard, RaiseAlert)}

    @property
    def halted(self) -> bool:
        """Whether the book is halted, latched."""
        return self.book.mode() is Mode.HALTED and self.book.state.latched
