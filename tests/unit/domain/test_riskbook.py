"""A book that could not be valued is refused with the name of what is wrong."""

import msgspec
import pytest

from hedgebot.domain.riskbook import AccountPoint, LegKind, RiskBook, UnderlyingPoint
from tests.support.riskbooks import AT_NS, book, coins, option


def test_a_book_survives_a_file() -> None:
    one = book(coins("BTC", 1.5), option("ETH", -2.0, price=4_000.0, strike=5_000.0))
    assert msgspec.json.decode(msgspec.json.encode(one), type=RiskBook) == one


def test_an_unknown_key_in_a_file_is_an_error() -> None:
    content = msgspec.json.encode(msgspec.to_builtins(book()) | {"positons": []})
    with pytest.raises(msgspec.ValidationError, match="positons"):
        msgspec.json.decode(content, type=RiskBook)


@pytest.mark.parametrize(
    ("leg", "words"),
    [
        (coins("SOL", 1.0), "underlying SOL"),
        (coins("BTC", 1.0, account="other"), "account other"),
        (coins("BTC", float("nan")), "coins is nan"),
        (option("BTC", 1.0, price=0.0, strike=1.0), "forward is 0"),
        (option("BTC", 1.0, price=1.0, strike=-1.0), "strike is -1"),
    ],
)
def test_a_leg_that_cannot_be_valued_is_named(leg: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        book(leg)  # type: ignore[arg-type]


def test_a_price_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="price_usd of BTC"):
        RiskBook(at_ns=AT_NS, underlyings=(UnderlyingPoint(underlying="BTC", price_usd=0.0),))


def test_equity_is_unknown_while_one_account_is() -> None:
    points = (
        AccountPoint(account="a", equity_usd=5.0, maintenance_margin_usd=1.0),
        AccountPoint(account="b", equity_usd=None, maintenance_margin_usd=1.0),
    )
    assert RiskBook(at_ns=AT_NS, underlyings=(), accounts=points).equity_usd is None
    assert RiskBook(at_ns=AT_NS, underlyings=(), accounts=points[:1]).equity_usd == 5.0
    assert RiskBook(at_ns=AT_NS, underlyings=()).equity_usd is None


@pytest.mark.parametrize("name", ["price_usd", "leverage"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf")])
def test_a_price_or_leverage_that_is_none_is_refused(name: str, value: float) -> None:
    leg = msgspec.structs.replace(coins("BTC", 1.0), **{name: value})
    with pytest.raises(ValueError, match=f"{name} is .*, it must be above zero, or left out"):
        book(leg)


@pytest.mark.parametrize("reported", [0.0, None])
def test_no_margin_in_portfolio_mode_is_believed_only_where_nothing_needs_any(reported: float | None) -> None:
    short, owned = option("BTC", -1.0, price=1e5, strike=1e5), option("BTC", 1.0, price=1e5, strike=1e5)
    for legs, believed in (
        ((), True),
        ((coins("BTC", 1.0, kind=LegKind.COINS),), True),
        ((owned,), True),
        ((short,), False),
        ((coins("BTC", -1.0),), False),
    ):
        one = book(*legs, margin=reported)
        point = msgspec.structs.replace(one.accounts[0], margin_mode="portfolio", initial_margin_usd=5.0)
        found = one.believed(point)
        assert (found is point) is believed
        assert believed or (found.maintenance_margin_usd, found.initial_margin_usd) == (None, None)
        cross = msgspec.structs.replace(point, margin_mode="cross")
        assert one.believed(cross) is cross


def test_an_account_that_is_only_watched_stands_behind_no_risk_of_the_book() -> None:
    mine = AccountPoint(account="a", equity_usd=5.0, maintenance_margin_usd=1.0)
    theirs = AccountPoint(account="b", equity_usd=None, maintenance_margin_usd=1.0, watched=True)
    assert RiskBook(at_ns=AT_NS, underlyings=(), accounts=(mine, theirs)).equity_usd == 5.0
    assert RiskBook(at_ns=AT_NS, underlyings=(), accounts=(theirs,)).equity_usd is None
