"""The door through which troubles come into the model: each member of the union goes to what makes it happen.

Owns the way from a value to its effect. Must not read a clock or draw a number: same troubles, same world.
"""

from typing import assert_never

from hedgebot.exchange.books import Books
from hedgebot.exchange.trouble import PriceShock, Trouble


class Striker:
    """Makes troubles happen in one exchange."""

    def __init__(self, books: Books) -> None:
        self._world = books.world

    def strike(self, trouble: Trouble) -> None:
        """Make it happen now; ValueError says in a sentence what cannot be, and then nothing has changed."""
        match trouble:
            case PriceShock(underlying=name, ratio=ratio):
                self._coin(name)
                self._world.shock(name, ratio)
            case _:
                assert_never(trouble)

    def _coin(self, name: str) -> None:
        """ValueError unless this underlying is traded here."""
        if name not in self._world.coins:
            raise ValueError(f"underlying is {name!r}, it must be one of {', '.join(self._world.coins)}")
