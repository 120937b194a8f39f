"""One order on a book of legs: before, after, and the gate's own rules over it."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.what_if import account_of, joined, what_if
from hedgebot.daemon.risk_files import read_registry
from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import Side
from hedgebot.domain.riskbook import AccountPoint, LegKind, LinearLeg, RiskBook
from hedgebot.domain.settings import LimitSettings, MarginMode
from hedgebot.domain.whatif import OrderKind, Verdict, WantedOrder
from hedgebot.margin.positions import CoinBook, Line
from hedgebot.margin.registry import Registry
from tests.support.riskbooks import AT_NS, DAY_NS, book, coins, option

LIMITS = LimitSettings()


@pytest.fixture(scope="module")
def models() -> Registry:
    return read_registry()


def order(side: Side, qty: float, kind: OrderKind = OrderKind.PERP, **more: object) -> WantedOrder:
    fields = {"side": side, "qty": Decimal(repr(qty)), "in_usd": False, "underlying": "BTC", "kind": kind}
    return WantedOrder(**fields | {"venue": "bybit"} | more)  # type: ignore[arg-type]


def at(one: RiskBook, equity: float | None, venue: str = "bybit", mode: str = "cross") -> RiskBook:
    point = AccountPoint(account="main", equity_usd=equity, maintenance_margin_usd=100.0, venue=venue, margin_mode=mode)
    return msgspec.structs.replace(one, accounts=(point,))


def long_coins(equity: float | None, sold: float = 0.0) -> RiskBook:
    legs: list[LinearLeg] = [coins("BTC", 10.0, kind=LegKind.COINS)]
    legs += [coins("BTC", -sold)] if sold else []
    return at(book(*legs, prices={"BTC": 100_000.0}), equity)


def test_a_hedge_that_fits_passes_and_its_numbers_are_the_models(models: Registry) -> None:
    found = what_if(long_coins(1e6), order(Side.SELL, 4.0), models.of("bybit", MarginMode.CROSS), LIMITS)
    assert found.verdict is Verdict.PASS
    assert found.hedges
    assert found.before is not None
    assert found.after is not None
    assert found.before.maintenance == 0.0
    assert found.after.maintenance == pytest.approx(400_000.0 * 0.005)
    # It costs 5 bp, and stands between the coins and the market.
    assert found.after.equity == pytest.approx(1e6 - 200.0)
    assert found.after.use == pytest.approx(2_000.0 / (1e6 - 200.0))
    assert (found.before.distance_move, found.after.distance_move) == (None, None)


def test_a_hedge_that_the_buffer_does_not_hold_is_cut_to_the_part_that_fits(models: Registry) -> None:
    # Portfolio margin sees no coins: 10 % of what is sold, at most 80 % of the equity, initial margin 1.2 times.
    thin = at(long_coins(120_000.0), 120_000.0, mode="portfolio")
    model = models.of("bybit", MarginMode.PORTFOLIO)
    found = what_if(thin, order(Side.SELL, 10.0), model, LIMITS)
    assert found.verdict is Verdict.CUT
    assert 0.0 < float(found.fits) < 10.0
    assert "top-up" in found.explanation
    part = what_if(thin, order(Side.SELL, float(found.fits) * 0.999), model, LIMITS)
    more = what_if(thin, order(Side.SELL, float(found.fits) * 1.01), model, LIMITS)
    assert (part.verdict, more.verdict) == (Verdict.PASS, Verdict.CUT)


def test_what_adds_risk_is_refused_and_never_cut(models: Registry) -> None:
    found = what_if(long_coins(50_000.0), order(Side.BUY, 40.0), models.of("bybit", MarginMode.CROSS), LIMITS)
    assert (found.verdict, found.fits, found.hedges) == (Verdict.REFUSE, "0", False)
    assert found.explanation


def test_the_floor_is_that_of_the_accounts_regime(models: Registry) -> None:
    """In a wild market, or while an event is on, the gate would cut what it lets through in normal times."""
    normal = at(long_coins(150_000.0), 150_000.0, mode="portfolio")
    raised = msgspec.structs.replace(
        normal, accounts=tuple(msgspec.structs.replace(one, floor_raised=True) for one in normal.accounts)
    )
    model, wanted = models.of("bybit", MarginMode.PORTFOLIO), order(Side.SELL, 9.0)
    found = {one: what_if(one, wanted, model, one.limits).verdict for one in (normal, raised)}
    assert found == {normal: Verdict.PASS, raised: Verdict.CUT}
    elsewhere = msgspec.structs.replace(wanted, venue="okx")
    assert (account_of(normal, "okx").floor_raised, account_of(raised, elsewhere.venue).floor_raised) == (False, True)


def test_the_floor_is_held_after_the_collateral_shock_where_the_account_says_so(models: Registry) -> None:
    thin = at(long_coins(120_000.0), 120_000.0, mode="portfolio")
    model = models.of("bybit", MarginMode.PORTFOLIO)
    wanted = order(Side.SELL, 8.0)
    assert what_if(thin, wanted, model, LIMITS).verdict is Verdict.PASS
    shocked = msgspec.structs.replace(
        thin, accounts=(msgspec.structs.replace(thin.accounts[0], floor_shock_usd=40_000.0),)
    )
    found = what_if(shocked, wanted, model, LIMITS)
    assert found.verdict is Verdict.CUT
    assert "after the collateral shock" in found.explanation
    unknown = msgspec.structs.replace(thin, accounts=(msgspec.structs.replace(thin.accounts[0], floor_shock_usd=None),))
    assert what_if(unknown, wanted, model, LIMITS).verdict is Verdict.UNKNOWN


def test_where_the_venue_says_nothing_the_models_yes_is_not_the_gates(models: Registry) -> None:
    """The running gate waits for the venue's own number; zero in portfolio mode is none."""
    wanted, model = order(Side.SELL, 4.0), models.of("bybit", MarginMode.PORTFOLIO)
    plain = at(long_coins(1e6, sold=1.0), 1e6, mode="portfolio")
    assert what_if(plain, wanted, model, LIMITS).explanation == ""
    zero = msgspec.structs.replace(plain.accounts[0], maintenance_margin_usd=0.0)
    found = what_if(msgspec.structs.replace(plain, accounts=(zero,)), wanted, model, LIMITS)
    assert (found.verdict, found.fits) == (Verdict.UNKNOWN, "0")
    assert "main: the venue reports no margin for positions that need some: unknown, not zero" in found.explanation
    none = msgspec.structs.replace(plain.accounts[0], maintenance_margin_usd=None)
    found = what_if(msgspec.structs.replace(plain, accounts=(none,)), wanted, model, LIMITS)
    assert found.verdict is Verdict.PASS
    assert found.explanation == (
        "by the model alone: the venue's own margin of main is not in the book, and a running gate waits for it"
    )
    # Another mode than the account's own is a model's question alone.
    cross = models.of("bybit", MarginMode.CROSS)
    found = what_if(msgspec.structs.replace(plain, accounts=(zero,)), wanted, cross, LIMITS)
    assert (found.verdict, found.explanation) == (Verdict.PASS, "")


def test_an_order_that_lowers_the_margin_passes_although_the_use_is_too_high(models: Registry) -> None:
    deep = at(book(coins("BTC", -10.0), prices={"BTC": 100_000.0}), 5_100.0)
    found = what_if(deep, order(Side.BUY, 1.0), models.of("bybit", MarginMode.CROSS), LIMITS)
    assert found.before is not None
    assert found.before.use is not None
    assert found.before.use > LIMITS.margin_use_reduce
    assert found.verdict is Verdict.PASS


@pytest.mark.parametrize("equity", [0.0, -10.0])
def test_without_equity_nothing_that_needs_margin_is_let_through(models: Registry, equity: float) -> None:
    found = what_if(long_coins(equity), order(Side.SELL, 1.0), models.of("bybit", MarginMode.CROSS), LIMITS)
    assert (found.verdict, found.fits) == (Verdict.REFUSE, "0")
    assert found.after is not None
    assert found.after.use == float("inf")


def test_what_is_unknown_is_no_yes(models: Registry) -> None:
    cross = models.of("bybit", MarginMode.CROSS)
    assert what_if(long_coins(None), order(Side.SELL, 1.0), cross, LIMITS).verdict is Verdict.UNKNOWN
    binance = what_if(long_coins(1e6), order(Side.SELL, 1.0), models.of("binance", MarginMode.CROSS), LIMITS)
    assert "without a leverage" in binance.explanation
    isolated = what_if(long_coins(1e6), order(Side.SELL, 1.0), models.of("bybit", MarginMode.ISOLATED), LIMITS)
    assert (isolated.verdict, isolated.after.use if isolated.after else 0.0) == (Verdict.UNKNOWN, None)
    far = what_if(long_coins(1e9), order(Side.SELL, 1e6), models.of("binance", MarginMode.CROSS), LIMITS)
    assert far.before is None
    assert "known up to" in far.problem


def test_a_coin_that_the_book_does_not_have_is_an_error(models: Registry) -> None:
    with pytest.raises(DataError, match="SOL is not among the underlyings of the book: BTC"):
        what_if(long_coins(1.0), order(Side.BUY, 1.0, underlying="SOL"), models.of("bybit", MarginMode.CROSS), LIMITS)


def test_spot_needs_no_derivative_margin_and_moves_the_distance(models: Registry) -> None:
    short = long_coins(60_000.0, sold=10.0)
    found = what_if(short, order(Side.SELL, 5.0, OrderKind.SPOT), models.of("bybit", MarginMode.CROSS), LIMITS)
    assert (found.verdict, found.hedges) == (Verdict.PASS, False)
    assert found.before is not None
    assert found.after is not None
    assert found.after.maintenance == found.before.maintenance
    assert found.before.distance_move is None
    assert found.after.distance_move == pytest.approx(0.11, abs=0.01)


def test_an_order_nets_with_the_position_of_its_kind() -> None:
    perp, future = Line("perp", 1.0, 100.0), Line("future", 1.0, 100.0, years=0.25)
    held = CoinBook(100.0, (perp, future))
    netted = joined(held, order(Side.SELL, 3.0), -3.0, AT_NS)
    assert [one.coins for one in netted.lines] == [-2.0, 1.0]
    expiry_ns = AT_NS + round(0.5 * 365 * DAY_NS)
    beside = joined(held, order(Side.SELL, 3.0, OrderKind.FUTURE, expiry_ns=expiry_ns), -3.0, AT_NS)
    assert [(one.coins, one.years) for one in beside.lines] == [(1.0, None), (1.0, 0.25), (-3.0, pytest.approx(0.5))]
    any_one = joined(held, order(Side.SELL, 3.0, OrderKind.FUTURE), -3.0, AT_NS)
    assert [one.coins for one in any_one.lines] == [1.0, -2.0]
    with pytest.raises(DataError, match="holds no BTC future: say its expiry"):
        joined(CoinBook(100.0), order(Side.SELL, 3.0, OrderKind.FUTURE), -3.0, AT_NS)
    inverse = CoinBook(100.0, (perp._replace(is_inverse=True),))
    assert len(joined(inverse, order(Side.SELL, 3.0), -3.0, AT_NS).lines) == 2


def test_an_option_is_priced_from_its_words(models: Registry) -> None:
    sold = order(
        Side.SELL, 2.0, OrderKind.OPTION, strike=110_000.0, expiry_ns=AT_NS + 30 * DAY_NS, is_call=True, vol=0.6
    )
    wanted = at(book(option("BTC", -2.0, price=100_000.0, strike=110_000.0), prices={"BTC": 100_000.0}), 1e6)
    model = models.of("bybit", MarginMode.CROSS)
    found = what_if(at(book(prices={"BTC": 100_000.0}), 1e6), sold, model, LIMITS)
    held = what_if(wanted, order(Side.BUY, 1.0, OrderKind.SPOT), model, LIMITS)
    assert found.after is not None
    assert held.before is not None
    assert found.after.maintenance == pytest.approx(held.before.maintenance)
    with pytest.raises(DataError, match="an option needs a right, a strike"):
        joined(CoinBook(100.0), order(Side.SELL, 1.0, OrderKind.OPTION), -1.0, AT_NS)


def test_where_the_book_has_no_account_the_whole_of_it_is_taken() -> None:
    one = long_coins(5.0)
    assert account_of(one, "bybit").name == "main"
    assert account_of(one, "okx").name == "the whole book"
    assert account_of(one, "okx").equity == 5.0
