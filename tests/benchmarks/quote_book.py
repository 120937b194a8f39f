"""The replay benchmark's workload: a million quotes, a book whose delta moves with them, and the plain way to hedge it.

A busy book's top comes every 10 ms (Bybit pushes level 1 of its books that often: v5 docs, websocket/public/orderbook).
The book holds USD 5 m of an inverse perpetual, hedged in a linear one: its delta q/S + h leaves the band by price
alone, so that every engine has to value it at every quote.
"""

import math
import time
from decimal import Decimal
from pathlib import Path

import msgspec
import numpy as np

from hedgebot.domain.instrument import InstrumentKind
from hedgebot.domain.settings import DeltaConvention, EngineSettings
from hedgebot.lab.quotedesk import Opening
from hedgebot.lab.quoteplay import QuotePlay, Way
from hedgebot.lab.quotes import Quotes
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import ACCOUNT, BTC_INVERSE, BTC_PERP, START_NS, instrument, settings

STEP_NS = 10_000_000
CARE_NS = 7_500_000_000
RECONCILE_MS = 60_000
VOL_YEAR = 0.6
USD, HEDGE, TARGET_RATIO = 5_000_000, -50, 0.75
LOT = Decimal("0.001")
INSTRUMENTS = (
    instrument(BTC_PERP),
    instrument(BTC_INVERSE, InstrumentKind.INVERSE_PERP, quote="USD", settle="BTC", lot_size=Decimal(1)),
)
Orders = list[tuple[int, Decimal]]


def quotes(count: int) -> Quotes:
    """A walk of 60 % a year around 100,000, a spread of one to four ticks of 0.1."""
    random = np.random.default_rng(1)
    year_share = STEP_NS / (365 * 86_400 * 1e9)
    price = 100_000.0 * np.exp(np.cumsum(random.standard_normal(count)) * VOL_YEAR * math.sqrt(year_share))
    bid = np.rint(price * 10).astype(np.int64)
    at_ns = START_NS + np.arange(count, dtype=np.int64) * STEP_NS
    return Quotes(BTC_PERP, Decimal("0.1"), at_ns, bid, bid + random.integers(1, 5, count))


def book_settings(band_coin: float) -> EngineSettings:
    """The daemon's default limits; an ideal venue is compared once a minute, not every 15 s."""
    chosen = settings(reconcile_interval_ms=RECONCILE_MS)
    one = msgspec.structs.replace(
        chosen.underlyings[0],
        band_coin=band_coin,
        target_ratio=TARGET_RATIO,
        delta_convention=DeltaConvention.COIN_NEUTRAL,
    )
    return msgspec.structs.replace(chosen, underlyings=(one,))


OPENING = Opening(
    account=ACCOUNT,
    venue="bybit",
    instruments=INSTRUMENTS,
    hedge=BTC_PERP,
    contracts={BTC_INVERSE: Decimal(USD), BTC_PERP: Decimal(HEDGE)},
)


def made(columns: Quotes, band_coin: float, way: Way) -> QuotePlay:
    """A run that has not begun."""
    return QuotePlay(
        quotes=columns,
        settings=book_settings(band_coin),
        opening=OPENING,
        load_strategy=STRATEGY.build,
        way=way,
        care_ns=CARE_NS,
    )


def ours(play: QuotePlay) -> Orders:
    """The orders of a run."""
    return [(one.at_ns, Decimal(one.contracts)) for one in play.orders]


def plain(columns: Quotes, band_coin: float) -> tuple[float, Orders]:
    """The reference in plain Python: quote by quote, no gate, no ledger, no journal. CPU seconds, orders."""
    rows = list(zip(columns.at_ns.tolist(), columns.bid.tolist(), columns.ask.tolist(), strict=True))
    hedge, found, inside = float(HEDGE), Orders(), band_coin * TARGET_RATIO
    start = time.process_time()
    for at_ns, bid, ask in rows:
        delta = hedge + USD / ((bid + ask) / 20)
        if abs(delta) > band_coin:
            lots = math.floor(Decimal(repr(abs(delta) - inside)) / LOT)
            if lots:
                signed = LOT * lots * (-1 if delta > 0.0 else 1)
                hedge = float(Decimal(repr(hedge)) + signed)
                found.append((at_ns, signed))
    return time.process_time() - start, found


def save(columns: Quotes, band_coin: float, path: Path) -> None:
    """The columns for an interpreter of its own."""
    terms = np.array([USD, HEDGE, band_coin, TARGET_RATIO])
    np.savez(path, at_ns=columns.at_ns, bid=columns.bid, ask=columns.ask, terms=terms)
