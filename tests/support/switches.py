"""The playbook's book with instruments that its hedge may be switched to, and a market for them."""

from decimal import Decimal

import msgspec

from hedgebot.core.engine import LoadStrategy
from hedgebot.domain.settings import EngineSettings, FundingAction, HedgeLeg, HedgeRole
from strategies.delta_neutral import STRATEGY
from tests.support.playbook import BTC_INVERSE, BTC_USDC, MS, Playbook, settings

HOUR_MS = 3_600_000


def switchable(alternatives: int = 1, **changes: object) -> EngineSettings:
    """Hedged in the perpetual or in another; `changes` replace fields of the underlying."""
    # Nobody tells the playbook anew of streams, margins and positions: their ages are others' tests.
    day_ms = 24 * HOUR_MS
    ages = ("funding_age_ms_max", "private_silence_ms_max", "private_silence_ms_halt", "margin_age_ms_max")
    limits = dict.fromkeys((*ages, "reconcile_interval_ms", "reconcile_timeout_ms", "blind_ms_halt"), day_ms)
    made = settings(order_burst_max=100, pause_ms_max=day_ms, **limits)
    others = (BTC_USDC, BTC_INVERSE)[:alternatives]
    legs = tuple(HedgeLeg(instrument=one, role=HedgeRole.ALTERNATIVE) for one in others)
    given = {"other_hedges": legs, "funding_action": FundingAction.SWITCH, "hedge_hold_days": 7.0} | changes
    btc = msgspec.structs.replace(made.underlyings[0], **given)
    return msgspec.structs.replace(made, underlyings=(btc,))


def market(
    book: Playbook,
    *,
    perp_rate: float | None = 0.0001,
    usdc_rate: float | None = 0.0001,
    mid: str = "100000",
    after_ms: float = 1.0,
) -> None:
    """Fresh books and rates of both, then the timer."""
    book.at_ns += round(after_ms * MS)  # first, so that the venue's stamps are of then
    book.send(book.book(mid))
    book.send(book.ticker(mid, rate=perp_rate))
    book.send(book.book(mid, BTC_USDC))
    book.send(book.ticker(mid, rate=usdc_rate, name=BTC_USDC))
    book.tick()


def ready(
    made: EngineSettings,
    *,
    perp_rate: float | None = 0.0001,
    usdc_rate: float | None = 0.0001,
    perp: str = "0",
    usdc: str = "0",
    quiet: bool = False,
    load: LoadStrategy = STRATEGY.build,
) -> Playbook:
    """Ready with hedges that stand against coins, so that the net delta is zero; `quiet`: no market of the other."""
    book = Playbook(made, load)
    coins = -Decimal(perp) - Decimal(usdc)
    book.ready([book.position(perp), book.position(usdc, BTC_USDC)], btc=str(coins))
    if not quiet:
        market(book, perp_rate=perp_rate, usdc_rate=usdc_rate)
    return book
