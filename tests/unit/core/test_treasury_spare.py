"""What another account could give: what is above its own line, its initial margin and the move it must bear."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import treasury_plan, treasury_spare
from hedgebot.core.treasury_state import Spare
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.reports import PositionReport
from hedgebot.domain.settings import AccountRole, MarginMode
from hedgebot.domain.treasury import FundingWalletRead, TreasurySettings
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import ACCOUNT, BTC_PERP, INSTRUMENTS, PRICE, Playbook
from tests.support.stories import answer

OTHER = "second"
SETTINGS = TreasurySettings(account=ACCOUNT, coin="USDT", top_up_use=0.6, target_use=0.4)


def book_of(
    contracts: str = "-10", equity: str = "30000", held_usdt: str = "30000", venue: str = "bybit", **limits: float
) -> Playbook:
    """Ten BTC short on a thin account, and as many (5,000 USD of maintenance) on another with an equity."""
    plain = margined(MarginMode.CROSS, hedges=False, **({"liquidation_distance_min": 0.0} | limits))
    own = plain.accounts[0]
    accounts = (own, msgspec.structs.replace(own, name=OTHER, venue=venue, role=AccountRole.BOOK))
    book = Playbook(msgspec.structs.replace(plain, accounts=accounts, treasury=(SETTINGS,)))
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    for account in (ACCOUNT, OTHER):
        book.send(ev.ClockMeasured(account=account, offset_ms=0.0, round_trip_ms=1.0))
        book.send(ev.StreamChanged(account=account, stream=ev.Stream.PRIVATE, up=True, reason="connected"))
    book.send(book.book())
    book.send(book.ticker())
    answer(book, ACCOUNT, positions=(held(book, "-10"),))
    theirs = PositionReport(
        account=OTHER,
        instrument=BTC_PERP,
        contracts=Decimal(contracts),
        entry_price=PRICE,
        leverage=100.0,
        venue_at_ns=book.at_ns,
    )
    wallet = msgspec.structs.replace(
        book.wallet(equity=equity, maintenance="5000"),
        account=OTHER,
        balances={"USDT": Decimal(held_usdt)},
        initial_margin_usd=Decimal(10_000),
    )
    answer(book, OTHER, positions=(theirs,) if Decimal(contracts) else (), wallet=wallet)
    book.send(FundingWalletRead(account=ACCOUNT, balances={"USDT": Decimal(1_500)}))
    report(book, 8_000.0)
    book.tick(after_ms=1_100)
    return book


def spares(book: Playbook, distance: float = 0.0) -> tuple[Spare, ...]:
    return treasury_spare.spares(book.state, account_of(book), SETTINGS, distance, book.at_ns)


def test_what_is_above_the_others_own_line_is_proposed_with_the_plan() -> None:
    book = book_of()
    # 5,000 over 0.6, at which REDUCING ends, are 8,333.33; 10,000 are set aside at first: 20,000 of 30,000 are free.
    assert spares(book) == (Spare(account=OTHER, qty=Decimal("20000.00")),)
    summaries = [one.summary for one in book.state.alerts.values() if one.kind is AlertKind.TOP_UP_WANTED]
    words = (
        "3000 USDT must be brought from outside, which hedgebot never does: above its own line second could give 20000"
    )
    assert any(f"{words}, moved at the venue by hand" in one for one in summaries), summaries


@pytest.mark.parametrize(
    ("changes", "qty"),
    [
        ({"equity": "12000"}, "2000.00"),
        ({"held_usdt": "7000"}, "7000.00"),
        ({"equity": "10050"}, None),  # less than the least move
        ({"equity": "9000"}, None),
        ({"held_usdt": "0"}, None),
        ({"venue": "deribit"}, None),
    ],
)
def test_an_account_gives_no_more_than_it_can_spare_and_holds(changes: dict[str, str], qty: str | None) -> None:
    expected = () if qty is None else (Spare(account=OTHER, qty=Decimal(qty)),)
    assert spares(book_of(**changes)) == expected  # type: ignore[arg-type]


def test_what_bears_the_market_stays() -> None:
    # Ten short coins lose 10,000 in a move of 1 %, and need 1 % more margin then.
    (found,) = spares(book_of(), 0.01)
    assert float(found.qty) == pytest.approx(30_000 - 10_000 - 5_050, abs=0.01)


def test_what_is_not_proven_gives_nothing() -> None:
    book = book_of()
    book.send(ev.StreamChanged(account=OTHER, stream=ev.Stream.PRIVATE, up=False, reason="cut"))
    assert spares(book) == ()
    old = book_of()
    at_ns = old.at_ns + 200_000_000_000
    assert treasury_spare.spares(old.state, account_of(old), SETTINGS, 0.0, at_ns) == ()


def test_a_treasury_of_its_own_says_the_others_line() -> None:
    book = book_of()
    mine = msgspec.structs.replace(SETTINGS, account=OTHER, target_use=0.2)
    book.state.settings = msgspec.structs.replace(book.state.settings, treasury=(SETTINGS, mine))
    assert spares(book) == (Spare(account=OTHER, qty=Decimal("5000.00")),)
    # A funding wallet that has enough needs nobody.
    book.send(FundingWalletRead(account=ACCOUNT, balances={"USDT": Decimal(20_000)}))
    wanted = treasury_plan.need(book.state, account_of(book), SETTINGS, book.at_ns)
    assert wanted is not None
    plan = treasury_plan.split(book.state, account_of(book), SETTINGS, wanted, book.at_ns, "")
    assert plan is not None
    assert plan.spares == ()
