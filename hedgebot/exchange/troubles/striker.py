"""The door through which troubles come into the model: each member of the union goes to what makes it happen.

Owns the way from a value to its effect. Must not read a clock or draw a number: same troubles, same world.
"""

from typing import assert_never

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.desk import Desk
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.scenario_checks import PEGGED
from hedgebot.exchange.trouble import (
    Adl,
    Delisting,
    Depeg,
    FundingChange,
    HaltedIndex,
    InsuranceFund,
    Liquidation,
    Maintenance,
    MarginHike,
    OffBookTrade,
    PriceShock,
    Regime,
    Rollback,
    SpecificationChange,
    Suspension,
    Trouble,
    WrongMark,
)
from hedgebot.exchange.troubles.adl import Deleveraging
from hedgebot.exchange.troubles.bent import BentWorld
from hedgebot.exchange.troubles.crowd import Crowd
from hedgebot.exchange.troubles.disturbances import Disturbances
from hedgebot.exchange.troubles.engine import Engine
from hedgebot.exchange.troubles.insurance import AdlAlert, Insurance
from hedgebot.exchange.troubles.liquidation import Liquidations
from hedgebot.exchange.troubles.maintenance import Maintenances
from hedgebot.exchange.troubles.offbook import VALUE_MAX, OffBook
from hedgebot.exchange.troubles.rollback import Rollbacks
from hedgebot.exchange.troubles.specification import Specifications
from hedgebot.exchange.troubles.spells import Spells
from hedgebot.exchange.troubles.watch import Watch


class Striker:
    """Makes troubles happen in one exchange."""

    def __init__(self, desk: Desk, world: BentWorld, scenario: Scenario) -> None:
        self._world, self._books = desk.world, desk.books
        books, self._spells = desk.books, Spells()
        self.disturbances = Disturbances(books, world, self._spells)
        self.maintenance = Maintenances(world, self._spells, lambda: books.now_ns, books.new_id)
        self._off_book = OffBook(books, desk.orders)
        self._specifications = Specifications(desk)
        self.insurance = Insurance(lambda: books.now_ns, scenario.insurance)
        self._deleveraging = Deleveraging(desk, self._off_book, Crowd(scenario.seed, scenario.other_holders))
        engine = Engine(desk, self.insurance, self._deleveraging)
        self._liquidations = Liquidations(desk, self._off_book, engine)
        self._rollbacks = Rollbacks(desk, self.insurance)
        self.watch = Watch(books, self._liquidations, self._deleveraging)

    def strike(self, trouble: Trouble) -> None:
        """Make it happen now; ValueError says in a sentence what cannot be, and then nothing has changed."""
        match trouble:
            case PriceShock(underlying=name, ratio=ratio):
                self._coin(name)
                self._world.shock(name, ratio)
            case OffBookTrade():
                self._off_book.strike(trouble)
            case Liquidation():
                self._liquidations.strike(trouble)
            case Adl():
                self._deleveraging.strike(trouble)
            case Rollback():
                self._rollbacks.strike(trouble)
                self.watch.alarm()
            case InsuranceFund(coin=coin, balance=balance):
                if coin not in (funds := (*PEGGED, *self._world.coins)):
                    raise ValueError(f"coin is {coin!r}, it must be one of {', '.join(funds)}")
                # More digits than this could not be counted to the last decimal of a payment.
                if not balance.is_finite() or abs(balance) > VALUE_MAX:
                    raise ValueError(f"balance is {balance}, it must be a number of at most {VALUE_MAX:f}")
                self.insurance.set_balance(coin, balance)
            case Depeg() | HaltedIndex() | WrongMark() | Regime() | MarginHike() | Suspension() | FundingChange():
                self.disturbances.strike(trouble)
                self.watch.alarm()
            case Maintenance():
                self.maintenance.strike(trouble)
                self.watch.alarm()
            case SpecificationChange():
                self._specifications.change(trouble)
            case Delisting():
                self._specifications.delist(trouble)
            case _:
                assert_never(trouble)

    @property
    def is_down(self) -> bool:
        """Whether the venue is in maintenance and takes no request."""
        return self.maintenance.is_down

    def adl_alert(self, instrument: InstrumentId) -> AdlAlert:
        """How near a contract is to auto-deleveraging, and what its insurance fund has. KeyError for an unknown one."""
        return self.insurance.alert(self._world.markets[instrument])

    def tick(self) -> None:
        """Once a second of the world: end what is due, then look after the accounts."""
        if self._spells.advance(self._books.now_ns):
            self.watch.alarm()
        self.watch.look()

    def _coin(self, name: str) -> None:
        """ValueError unless this underlying is traded here."""
        if name not in self._world.coins:
            raise ValueError(f"underlying is {name!r}, it must be one of {', '.join(self._world.coins)}")
