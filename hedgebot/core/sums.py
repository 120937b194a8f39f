"""Parts of an underlying's exposure that count differently by convention or by time, beside its plain sums.

Plain numbers of the state, kept up to date by the ledger (what is held) and the valuation (what time does to it); owns
no arithmetic of prices. Deltas are in coin, long positive.
"""

from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import DeltaConvention


class Held(msgspec.Struct, kw_only=True):
    """A holding outside the exchanges as it was read last; `qty` None: never. `problem` is what is wrong since then."""

    qty: Decimal | None = None
    as_of_ns: int = 0
    problem: str = ""


class Sums(msgspec.Struct, kw_only=True):
    """`dated` are the positions of held dated futures, `coin_margined` those that settle in the coin itself.

    `options_outside` are held options that the scope leaves out. `holdings` are those outside the exchanges by name;
    `balance_coin` are coins in wallets and in them, tokens by what they stand for, with the `ratios` in force; those of
    the `unproven` no price has spoken for yet.
    Inverse contracts whose entry is known: `entry_coin` is their nominal at it,
    `entry_quote` the nominal. `convention` is the operator's choice. The rest is as of the last re-mark;
    `premium_coin` is the value in coin of coin-settled options, signed like their position.

    `settled_coin` is what averaged delivery prices have taken from the deltas of dated futures; `settling` says that
    something held is inside the averaging window before its expiry. `smile_coin` is what the skew adds to the options'
    delta, `smile_unknown` how many of them have no second strike to take a skew from.
    """

    dated: dict[str, InstrumentId] = {}
    coin_margined: dict[str, InstrumentId] = {}
    options_outside: dict[str, InstrumentId] = {}
    holdings: dict[str, Held] = {}
    ratios: dict[str, Decimal] = {}
    unproven: list[str] = []
    balance_coin: Decimal = ZERO
    entry_coin: Decimal = ZERO
    entry_quote: Decimal = ZERO
    convention: DeltaConvention | None = None
    premium_coin: float = 0.0
    settled_coin: float = 0.0
    settling: bool = False
    smile_coin: float = 0.0
    smile_unknown: int = 0
