"""A playbook of two underlyings, BTC and ETH, on one account; at one price, which nobody minds."""

from decimal import Decimal

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode
from tests.support.playbook import ACCOUNT, BTC_PERP, INSTRUMENTS, PRICE, Playbook, instrument, settings
from tests.support.stories import ETH_PERP, ETH_USDC

ETH = (instrument(ETH_PERP, underlying="ETH"), instrument(ETH_USDC, underlying="ETH", quote="USDC", settle="USDC"))


def two_underlyings(**limits: float) -> Playbook:
    """Ready; keyword arguments replace limits."""
    whole = settings(**limits)
    (btc,) = whole.underlyings
    eth = msgspec.structs.replace(btc, underlying="ETH", hedge_instrument=ETH_PERP)
    (strategy,) = whole.strategies
    strategy = msgspec.structs.replace(strategy, underlyings=("BTC", "ETH"))
    book = Playbook(msgspec.structs.replace(whole, underlyings=(btc, eth), strategies=(strategy,)))
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=ETH))
    show(book)
    book.ready()
    assert book.mode() is Mode.ACTIVE, book.state.mode_reason
    return book


def show(book: Playbook, *, btc: bool = True) -> list[object]:
    """A healthy market of both; without `btc` of ETH alone."""
    heard: list[object] = []
    for name in (BTC_PERP, ETH_PERP) if btc else (ETH_PERP,):
        heard += book.send(book.ticker(name=name))
        heard += book.send(book.book(PRICE, name))
    return [*heard, *book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))]


def begin_again(book: Playbook, epoch: int, held: dict[str, str], *, btc: bool = True) -> None:
    """The process is started anew; the venue tells what is held, by instrument."""
    book.start(epoch)
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=(*INSTRUMENTS[1:], *ETH)))
    book.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    book.connect()
    show(book, btc=btc)
    book.snapshot([book.position(str(Decimal(much)), name) for name, much in held.items()])  # type: ignore[arg-type]
    show(book, btc=btc)
    book.tick()
