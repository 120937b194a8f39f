"""Longer stories around a playbook: two accounts, a healthy market that goes on, answers for any account."""

import msgspec

from hedgebot.domain import events as ev
from hedgebot.domain.commands import Mode, SubmitOrder
from hedgebot.domain.instrument import InstrumentId
from hedgebot.domain.settings import (
    AccountRole,
    AccountSettings,
    EngineSettings,
)
from tests.support.playbook import (
    ACCOUNT,
    INSTRUMENTS,
    Playbook,
    orders,
    settings,
)

BOOK = "clients"
ETH_PERP = InstrumentId("bybit:linear:ETHUSDT")
ETH_USDC = InstrumentId("bybit:linear:ETHPERP")


def two_accounts() -> EngineSettings:
    """The book's own account beside ours."""
    one = settings()
    accounts = (
        AccountSettings(name=BOOK, venue="bybit", role=AccountRole.BOOK),
        AccountSettings(name=ACCOUNT, venue="bybit", role=AccountRole.HEDGE),
    )
    return msgspec.structs.replace(one, accounts=accounts)


def answer(book: Playbook, account: str, **changes: object) -> None:
    """A complete, empty snapshot of one account."""
    wallet = msgspec.structs.replace(book.wallet(), account=account)
    taken = ev.SnapshotTaken(
        account=account,
        request=book.state.accounts[account].request,
        complete=True,
        problem="",
        positions=(),
        open_orders=(),
        wallet=wallet,
        executions_since_ns=0,
        asked_at_ns=book.at_ns,
    )
    book.send(msgspec.structs.replace(taken, **changes), after_ms=5.0)


def ready_pair() -> Playbook:
    """Both accounts reconciled, the book ACTIVE."""
    book = Playbook(two_accounts())
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    for account in (BOOK, ACCOUNT):
        book.send(ev.ClockMeasured(account=account, offset_ms=0.0, round_trip_ms=1.0))
        book.send(ev.StreamChanged(account=account, stream=ev.Stream.PRIVATE, up=True, reason="connected"))
    book.send(book.book())
    book.send(book.ticker())
    for account in (BOOK, ACCOUNT):
        while not book.state.accounts[account].adopted:
            answer(book, account)
    book.send(book.book())
    book.tick()
    assert book.mode() is Mode.ACTIVE
    return book


def live(book: Playbook, seconds: float, *, private: bool = True, step_ms: float = 250.0) -> list[object]:
    """Time passes with a healthy market and, where asked for, a private stream that shows life."""
    heard: list[object] = []
    for _ in range(round(seconds * 1000 / step_ms)):
        heard += book.send(book.book(), after_ms=step_ms - 3)
        heard += book.send(book.ticker())
        if private:
            heard += book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard += book.tick()
    return heard


def next_order(book: Playbook, step_ms: float = 250.0) -> SubmitOrder | None:
    """The next order within a minute of a healthy market."""
    for _ in range(240):
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), step_ms)
        book.send(ev.WalletUpdated(report=book.wallet(), source=ev.Source.STREAM))
        book.send(book.ticker())
        found = orders(book.send(book.book()))
        if found:
            return found[0]
    return None
