"""The cap on what stands at one venue: shares, the alert, the rule of the gate, and the raise of a soft limit."""

from decimal import Decimal
from types import SimpleNamespace
from typing import cast

import msgspec
import pytest

from hedgebot.core import venue_risk
from hedgebot.core.candidate import Candidate, Finding
from hedgebot.core.state import AccountState
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RecordRefusal, SubmitOrder
from hedgebot.domain.holdings import HoldingReported, HoldingSettings
from hedgebot.domain.instrument import Side
from hedgebot.domain.operator_events import LimitRaised
from hedgebot.domain.settings import AccountRole, AccountSettings
from tests.support.margins import report
from tests.support.playbook import ACCOUNT, Playbook, of_type, settings

VAULT = HoldingSettings(name="vault", underlying="BTC", ratio=1.0, age_s_max=3_600.0, jump_coin_max=100.0)


def book_with(equity: float, vault: str | None = None, **limits: float) -> Playbook:
    plain = settings(**{"daily_loss_usd_max": 1e9, "drawdown_ratio_max": 1e9, "drawdown_ratio_alert": 1e8} | limits)
    holdings = (VAULT,) if vault is not None else ()
    book = Playbook(msgspec.structs.replace(plain, holdings=holdings, strategies=()))
    book.ready()
    if vault is not None:
        book.send(HoldingReported(name="vault", qty=Decimal(vault), as_of_ns=book.at_ns))
    for _ in range(6):  # what the first wallet told is over after a steady while
        report(book, equity, maintenance=0.0, initial=0.0)
        book.tick(after_ms=2_000)
    return book


def judged(book: Playbook, *, reduces: bool) -> Finding:
    """What the gate's rule finds of an order on the playbook's account."""
    account = book.state.accounts[ACCOUNT]
    one = SimpleNamespace(state=book.state, account=account, at_ns=book.at_ns, reduces_risk=reduces)
    return venue_risk.equity_cap(cast("Candidate", one))


def test_the_share_counts_what_is_held_outside() -> None:
    alone = book_with(100_000.0)
    assert venue_risk.share(alone.state, "bybit", alone.at_ns) == 1.0
    book = book_with(100_000.0, vault="3")  # 300,000 USD
    assert venue_risk.share(book.state, "bybit", book.at_ns) == pytest.approx(0.25, rel=1e-3)
    assert venue_risk.outside_usd(book.state) == pytest.approx(300_000.0, rel=1e-3)


@pytest.mark.parametrize(
    ("limits", "up"),
    [
        ({}, False),
        ({"venue_equity_share_max": 0.2}, True),
        ({"venue_equity_share_max": 0.3}, False),
        ({"venue_equity_usd_max": 99_999.0}, True),
        ({"venue_equity_usd_max": 100_001.0}, False),
    ],
)
def test_beyond_its_cap_a_venue_is_told(limits: dict[str, float], up: bool) -> None:
    book = book_with(100_000.0, vault="3", **limits)
    assert book.is_up(AlertKind.VENUE_EQUITY_CAP) is up
    assert AlertKind.VENUE_EQUITY_CAP.runbook == "RB-53"


def test_unknown_equity_is_no_share() -> None:
    book = book_with(100_000.0, venue_equity_share_max=0.5)
    later_ns = book.at_ns + 120_000_000_000
    assert venue_risk.share(book.state, "bybit", later_ns) is None
    assert venue_risk.problem(book.state, "bybit", later_ns)[0] == ""
    assert venue_risk.venues(book.state) == ("bybit",)


def test_the_cap_is_soft_and_may_be_raised_for_a_while() -> None:
    book = book_with(100_000.0, vault="3", venue_equity_share_max=0.2)
    raised = LimitRaised(operator="ann", reason="moving", limit="venue_equity_share_max", to=0.4, for_ms=3_600_000)
    book.send(raised)
    assert venue_risk.problem(book.state, "bybit", book.at_ns)[0] == ""


def test_a_hedge_that_reduces_risk_passes_the_cap() -> None:
    book = Playbook(settings(venue_equity_share_max=0.5))
    book.ready()
    book.send(book.fill(Side.BUY, "0.5"))
    assert of_type(book.heard, SubmitOrder)
    assert of_type(book.heard, RecordRefusal) == []
    assert book.state.accounts[ACCOUNT].venue == "bybit"


def test_an_unknown_share_of_a_capped_venue_adds_no_risk_and_ends_no_alert() -> None:
    """A vault that nobody read makes no venue small: the cap does not lift by itself."""
    book = book_with(100_000.0, vault="3", venue_equity_share_max=0.2)
    assert book.is_up(AlertKind.VENUE_EQUITY_CAP)
    assert judged(book, reduces=True).problem == ""
    book.state.underlyings["BTC"].sums.holdings.clear()
    assert venue_risk.share(book.state, "bybit", book.at_ns) is None
    found = judged(book, reduces=False)
    assert found.check.value == "unknown"
    assert found.problem == "what share of all equity bybit holds is not known, limit 20%"
    assert judged(book, reduces=True).problem == ""
    for _ in range(6):
        report(book, 100_000.0, maintenance=0.0, initial=0.0)
        book.tick(after_ms=2_500)
    assert book.is_up(AlertKind.VENUE_EQUITY_CAP)


def test_without_a_cap_an_unknown_share_is_nobodys_business() -> None:
    book = book_with(100_000.0, vault="3")
    book.state.underlyings["BTC"].sums.holdings.clear()
    assert judged(book, reduces=False).problem == ""


def neighboured(*, regions: tuple[str, str] = ("tokyo", "tokyo"), vault: str = "4", **limits: float) -> Playbook:
    """100,000 USD at bybit, 100,000 on a watched account at deribit, and 400,000 in a vault."""
    book = book_with(100_000.0, vault=vault, **limits)
    made = book.state.settings
    first = msgspec.structs.replace(made.accounts[0], region=regions[0])
    second = AccountSettings(name="far", venue="deribit", role=AccountRole.WATCHED, region=regions[1])
    book.state.settings = msgspec.structs.replace(made, accounts=(first, second))
    account = AccountState(name="far", venue="deribit", role=AccountRole.WATCHED)
    account.wallet, account.wallet_at_ns = book.state.accounts[ACCOUNT].wallet, book.at_ns
    book.state.accounts["far"] = account
    return book


def test_venues_of_one_region_count_as_one() -> None:
    book = neighboured(venue_equity_share_max=0.2)
    assert venue_risk.share(book.state, "bybit", book.at_ns) == pytest.approx(1 / 6, rel=1e-3)
    assert venue_risk.region_share(book.state, "bybit", book.at_ns) == pytest.approx(1 / 3, rel=1e-3)
    assert venue_risk.neighbours(book.state, "bybit") == ("bybit", "deribit")
    for venue in ("bybit", "deribit"):
        words, value, most = venue_risk.problem(book.state, venue, book.at_ns)
        assert words == "bybit and deribit, hosted in tokyo, hold 33% of all equity, limit 20%"
        assert value == pytest.approx(1 / 3, rel=1e-3)
        assert most == 0.2
    assert judged(book, reduces=False).problem.startswith("bybit and deribit, hosted in tokyo")
    assert not judged(book, reduces=True).problem
    book.tick()
    assert book.is_up(AlertKind.VENUE_EQUITY_CAP)


@pytest.mark.parametrize("regions", [("tokyo", "frankfurt"), ("", "")])
def test_venues_of_different_or_untold_regions_count_by_themselves(regions: tuple[str, str]) -> None:
    book = neighboured(regions=regions, venue_equity_share_max=0.2)
    assert venue_risk.problem(book.state, "bybit", book.at_ns)[0] == ""
    assert venue_risk.neighbours(book.state, "bybit") == ("bybit",)
    expected = pytest.approx(1 / 6, rel=1e-3) if regions[0] else None
    assert venue_risk.region_share(book.state, "bybit", book.at_ns) == expected


def test_the_usd_cap_stays_a_venues_own() -> None:
    book = neighboured(venue_equity_usd_max=150_000.0)
    assert venue_risk.problem(book.state, "bybit", book.at_ns)[0] == ""
