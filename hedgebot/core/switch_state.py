"""Which hedge instrument an underlying's hedges go to, and what of a move between two is under way. A record."""

import msgspec

from hedgebot.domain.instrument import InstrumentId

MOVE_STRATEGY = "funding_switch"
"""Who asks for the orders of a move, in the journal and to the breakers."""


class SwitchState(msgspec.Struct, kw_only=True):
    """`chosen` is the instrument by side ("buy", "sell") where it is not the configured one, since `chosen_at_ns`.

    `cheaper` is the one that has been cheaper by side at each look since `cheaper_since_ns`, its trades counted.
    `displaced_coin` is the delta that a move's closing orders brought about and its opening orders have not yet taken
    back (or the other way round). `moved_at_ns` is when the last pair's first order left, in the instrument `first`;
    the second one belongs into `second`. `undone_at_ns` is when one was last taken back in `first` instead;
    `refused` is the rule that stopped an order of a move, told at `refused_at_ns`, and `left_out` how often since.
    """

    chosen: dict[str, InstrumentId] = {}
    chosen_at_ns: dict[str, int] = {}
    cheaper: dict[str, InstrumentId] = {}
    cheaper_since_ns: dict[str, int] = {}
    displaced_coin: float = 0.0
    moved_at_ns: int = 0
    first: InstrumentId = InstrumentId("")
    second: InstrumentId = InstrumentId("")
    undone_at_ns: int = 0
    refused: str = ""
    refused_at_ns: int = 0
    left_out: int = 0
