"""All mishaps that the fault world plays, each under its id of the catalogue (a letter tells several ways apart).

Owns nothing but the list; what each is made of stands in the modules beside this one, by where it strikes.
"""

from hedgebot.lab.mishaps_decreed import DECREED
from hedgebot.lab.mishaps_inside import AT_HOME
from hedgebot.lab.mishaps_market import OF_THE_MARKET
from hedgebot.lab.mishaps_venue import AT_THE_VENUE
from hedgebot.lab.mishaps_wire import ON_THE_WIRE
from hedgebot.lab.stage import Mishap

MISHAPS: tuple[Mishap, ...] = (*ON_THE_WIRE, *AT_THE_VENUE, *DECREED, *AT_HOME, *OF_THE_MARKET)
BY_ID = {one.id: one for one in MISHAPS}
