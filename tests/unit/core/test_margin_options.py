"""Options of a watched account as models take them: units, what is missing, and what is not of one moment."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.margin_options import CoinOptions, alone, moved, options_of
from hedgebot.domain.reports import WatchedPosition
from tests.support.watched import option

PRICES = {"BTC": 100_000.0, "USDC": 0.5, "USD": 1.0}


def only(*positions: WatchedPosition) -> CoinOptions:
    found = options_of(positions, PRICES, 0)
    assert not isinstance(found, str), found
    (one,) = found
    return one


def test_an_option_that_is_paid_in_coin_is_worth_its_mark_in_coins() -> None:
    sold = option(-10.0)
    found = only(sold)
    assert found.legs.base[0] == pytest.approx(sold.mark * 100_000.0)
    assert (found.legs.forward[0], found.legs.strike[0], found.coin_settled) == (101_000.0, 110_000.0, (True,))
    assert found.value_usd == pytest.approx(-10.0 * sold.mark * 100_000.0)


def test_a_stablecoin_is_what_its_venue_counts_it_at() -> None:
    sold = option(-10.0, in_coin=False)
    found = only(sold)
    assert found.legs.base[0] == pytest.approx(sold.mark / 2.0)
    assert (found.legs.forward[0], found.legs.strike[0], found.coin_settled) == (50_500.0, 55_000.0, (False,))


def test_a_move_carries_the_marks_own_difference_along() -> None:
    dear = option(-10.0)
    dear = msgspec.structs.replace(dear, mark=dear.mark * 1.01)
    plain, carried = only(option(-10.0)), only(dear)
    assert moved(plain, 0.0).legs.base == pytest.approx(plain.legs.base)
    up = moved(plain, 0.05).legs
    assert up.base[0] > plain.legs.base[0] * 1.2
    assert moved(carried, 0.05).legs.base == pytest.approx(up.base * 1.01)


def test_one_of_several_by_itself() -> None:
    both = only(option(-10.0), option(3.0, 90_000.0, is_call=False))
    second = alone(both, both.names[1])
    assert second is not None
    assert (second.legs.qty.tolist(), second.legs.strike.tolist()) == ([3.0], [90_000.0])
    assert second.coin_settled == (True,)
    assert alone(both, both.names[0].__class__("deribit:option:other")) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"vol": None}, "no volatility and forward of"),
        ({"vol": 0.0}, "no volatility and forward of"),
        ({"forward": None}, "no volatility and forward of"),
        ({"vol": 0.9}, "they are not of one moment"),
        ({"forward": 95_000.0}, "they are not of one moment"),
        ({"mark": 4_200.0}, "they are not of one moment"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_said(changes: dict[str, float | None], words: str) -> None:
    sold = msgspec.structs.replace(option(-10.0), **changes)
    assert words in str(options_of([option(1.0, 90_000.0), sold], PRICES, 0))


def test_sizes_prices_and_an_end_that_is_over() -> None:
    sold = option(-10.0)
    gone = msgspec.structs.replace(sold, rules=msgspec.structs.replace(sold.rules, expiry_ns=5))
    assert "has expired" in str(options_of([gone], PRICES, 5))
    assert options_of([sold], {"USD": 1.0}, 0) == "the price of BTC is unknown"
    assert options_of([], PRICES, 0) == ()
    twice = msgspec.structs.replace(sold, rules=msgspec.structs.replace(sold.rules, contract_size=Decimal("0.1")))
    assert only(twice).legs.qty.tolist() == [-1.0]
