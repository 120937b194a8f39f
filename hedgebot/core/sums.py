"""Parts of an underlying's exposure that count differently by convention or by time, beside its plain sums.

Plain numbers of the state, kept up to date by the ledger (what is held) and the valuation (what time does to it); owns
no arithmetic of prices. Deltas are in coin, long positive.
"""

import msgspec

from hedgebot.domain.instrument import InstrumentId


class Sums(msgspec.Struct, kw_only=True):
    """`dated` are the positions of held dated futures. The rest is as of the last re-mark.

    `settled_coin` is what averaged delivery prices have taken from the deltas of dated futures; `settling` says that
    something held is inside the averaging window before its expiry. `smile_coin` is what the skew adds to the options'
    delta, `smile_unknown` how many of them have no second strike to take a skew from.
    """

    dated: dict[str, InstrumentId] = {}
    settled_coin: float = 0.0
    settling: bool = False
    smile_coin: float = 0.0
    smile_unknown: int = 0
