"""A playbook that lives through time with a venue that answers: what peers were measured by is counted on the way."""

from collections.abc import Callable
from decimal import Decimal

from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, Mode, RaiseAlert, SubmitOrder
from hedgebot.domain.reports import PositionReport
from tests.support.playbook import ACCOUNT, Playbook, of_type, orders

Answer = Callable[[Playbook, SubmitOrder], tuple[Command, ...]]
"""What the venue does about one order; returns what the engine said to it."""


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

    def hear(self, commands: tuple[Command, ...]) -> None:
        """Answer the orders among commands, and those that come of the answers."""
        waiting = orders(commands)
        while waiting:
            order = waiting.pop(0)
            self.sent.append(order)
            waiting += orders(self.answer(self.book, order))

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
