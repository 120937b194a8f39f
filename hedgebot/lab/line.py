"""A line on which nothing goes wrong: every leg takes the same time, and order is kept."""

from collections.abc import Callable
from typing import TypeVar

from hedgebot.lab.agenda import Agenda

T = TypeVar("T")


class PlainLine:
    """`leg_ns` one way for requests, `push_ns` for news and market data."""

    def __init__(self, agenda: Agenda, *, leg_ns: int = 1_000_000, push_ns: int = 2_000_000) -> None:
        self._agenda = agenda
        self._leg_ns = leg_ns
        self._push_ns = push_ns

    def request(
        self, work: Callable[[], T], answered: Callable[[T], None], lost: Callable[[str], None], timeout_ns: int
    ) -> None:
        """Have work done at the venue and its result brought back."""

        def arrive() -> None:
            result = work()
            self._agenda.after(self._leg_ns, lambda: answered(result))

        self._agenda.after(self._leg_ns, arrive)

    def news(self, deliver: Callable[[], None]) -> None:
        """Bring private news."""
        self._agenda.after(self._push_ns, deliver)

    def market(self, deliver: Callable[[], None]) -> None:
        """Bring market data."""
        self._agenda.after(self._push_ns, deliver)

    @property
    def private_up(self) -> bool:
        """Always."""
        return True
