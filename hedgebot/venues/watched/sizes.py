"""An order in words as contracts of an instrument. Owns the rounding; asks nobody."""

from decimal import Decimal

from hedgebot.domain.decimals import plain
from hedgebot.domain.errors import VenueError
from hedgebot.domain.instrument import Instrument
from hedgebot.domain.whatif import WantedOrder


def contracts_of(order: WantedOrder, rules: Instrument, price: Decimal) -> Decimal:
    """Contracts (> 0) at a price of the underlying (> 0), floored to the lot; VenueError for less than one."""
    coins = order.qty / price if order.in_usd else order.qty
    found = rules.floor_qty(rules.contracts(coins, price))
    if found <= 0:
        msg = f"{order.qty:f} is less than one lot of {rules.symbol} ({plain(rules.lot_size)} contracts)"
        raise VenueError(msg)
    return found
