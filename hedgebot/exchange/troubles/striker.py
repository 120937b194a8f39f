"""The door through which troubles come into the model: each member of the union goes to what makes it happen.

Owns the way from a value to its effect. Must not read a clock or draw a number: same troubles, same world.
"""

from typing import assert_never

from hedgebot.exchange.desk import Desk
from hedgebot.exchange.trouble import OffBookTrade, PriceShock, Trouble
from hedgebot.exchange.troubles.offbook import OffBook


class Striker:
    """Makes troubles happen in one exchange."""

    def __init__(self, desk: Desk) -> None:
        self._world = desk.world
        self._off_book = OffBook(desk.books, desk.orders)

    def strike(self, trouble: Trouble) -> None:
        """Make it happen now; ValueError says in a sentence what cannot be, and then nothing has changed."""
        match trouble:
            case PriceShock(underlying=name, ratio=ratio):
                self._coin(name)
                self._world.shock(name, ratio)
            case OffBookTrade():
                self._off_book.strike(trouble)
            case _:
                assert_never(trouble)

    def _coin(self, name: str) -> None:
        """ValueError unless this underlying is traded here."""
        if name not in self._world.coins:
            raise ValueError(f"underlying is {name!r}, it must be one of {', '.join(self._world.coins)}")
