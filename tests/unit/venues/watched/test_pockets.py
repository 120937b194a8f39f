"""What was read, as one report: the worst pocket rules, an unknown one is the worst, profit is not counted twice."""

from decimal import Decimal

import ccxt
import pytest

from hedgebot.domain.health import AccountHealth
from hedgebot.domain.reports import WatchedPosition
from hedgebot.venues.reading import FrameProblem
from hedgebot.venues.watched.pockets import Pocket, Reading, known_or_why, profit_settle, report_of
from tests.support.watched import RULES


def health(unit: str, equity: float | None, maintenance: float | None) -> AccountHealth:
    return AccountHealth(
        venue="deribit", account="a", unit=unit, equity=equity, initial=maintenance, maintenance=maintenance
    )


def reading(*pockets: Pocket, positions: tuple[WatchedPosition, ...] | None = ()) -> Reading:
    return Reading(pockets, positions, "", {"BTC": 100_000.0}, {"BTC": 3.0, "ETH": 5.0}, 7)


def test_the_worst_pocket_is_the_report_and_all_of_them_the_equity() -> None:
    found = report_of(
        "options", reading(Pocket(health("USD", 1_000.0, 100.0)), Pocket(health("BTC", 0.5, 0.4), settles="BTC"))
    )
    assert (found.equity_usd, found.maintenance_margin_usd) == (Decimal(50_000), Decimal(40_000))
    assert found.watched is not None
    assert (found.watched.pocket, found.watched.equity_usd) == ("a BTC", Decimal(51_000))
    assert found.balances == {"BTC": Decimal(3)}


@pytest.mark.parametrize(
    "unknown",
    [health("USD", None, 1.0), health("USD", 1.0, None), health("ETH", 9.0, 1.0)],
    ids=["equity", "margin", "price"],
)
def test_an_unknown_pocket_makes_the_account_unknown(unknown: AccountHealth) -> None:
    found = report_of("options", reading(Pocket(health("BTC", 0.5, 0.01)), Pocket(unknown)))
    assert found.watched is not None
    assert None in (found.equity_usd, found.maintenance_margin_usd)


def test_an_account_that_was_never_used_is_flat_and_one_without_pockets_unknown() -> None:
    flat = report_of("options", reading(Pocket(health("BTC", 0.0, 0.0)), Pocket(health("ETH", 0.0, 0.0))))
    assert (flat.equity_usd, flat.maintenance_margin_usd) == (Decimal(0), Decimal(0))
    nothing = report_of("options", reading())
    assert (nothing.equity_usd, nothing.maintenance_margin_usd) == (None, None)


def test_open_profit_is_taken_out_of_the_coins_that_the_model_adds_it_to() -> None:
    position = WatchedPosition(rules=RULES, contracts=100_000.0, mark=100_000.0, profit_settle=0.25)
    pocket = Pocket(health("BTC", 3.0, 0.1), settles="BTC")
    assert report_of("options", reading(pocket, positions=(position,))).balances == {"BTC": Decimal("2.75")}
    alone = pocket._replace(alone="the position in X is isolated")
    found = report_of("options", reading(alone, positions=(position,)))
    assert found.watched is not None
    assert (found.watched.positions, found.watched.problem) == (None, "the position in X is isolated")


@pytest.mark.parametrize(
    ("entry", "is_inverse", "profit"),
    [(50_000.0, True, 1.0), (50_000.0, False, 5e9), (None, True, 0.0), (0.0, False, 0.0)],
)
def test_profit(entry: float | None, is_inverse: bool, profit: float) -> None:
    found = profit_settle(100_000.0, 1.0, entry, 100_000.0, is_inverse=is_inverse)
    assert found == pytest.approx(profit)


async def test_positions_that_cannot_be_read_say_why_and_a_dead_venue_is_raised() -> None:
    async def unreadable() -> tuple[WatchedPosition, ...]:
        raise FrameProblem("size is missing")

    async def dead() -> tuple[WatchedPosition, ...]:
        raise ccxt.RequestTimeout("no answer")

    assert await known_or_why(unreadable) == (None, "FrameProblem: size is missing")
    with pytest.raises(ccxt.RequestTimeout):
        await known_or_why(dead)
