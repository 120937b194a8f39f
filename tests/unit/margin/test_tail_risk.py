"""VaR and ES: against plain loops, in whole numbers of the tail, with joint dates, and unknown where unknown."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.daemon.risk_files import read_history
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.errors import DataError
from hedgebot.domain.riskbook import UnderlyingPoint
from hedgebot.margin.tail_risk import (
    History,
    Proxy,
    dated_returns,
    filtered_scenarios,
    parse_history,
    shortfall,
    tail_count,
    tail_risk,
)
from hedgebot.pricing.riskstats import forecast_variance
from tests.support.riskbooks import AT_NS, book, coins, option

TODAY = AT_NS // NS_PER_DAY


def history(days: int = 600, seed: int = 3) -> History:
    random = np.random.default_rng(seed)
    bitcoin = random.standard_t(4, days) * 0.02
    ether = 0.8 * bitcoin + random.standard_t(4, days) * 0.015
    closes = {name: tuple((100.0 * np.cumprod(1.0 + one)).tolist()) for name, one in (("BTC", bitcoin), ("ETH", ether))}
    return History(id="made", source="a seed", status="made", first_day="2024-05-12", closes=closes)


def test_the_tail_is_counted_in_whole_numbers() -> None:
    """(1 - .99) * 500 is 5.000000000000004 in floating point, whose ceiling is 6."""
    assert [tail_count(500, 10), tail_count(500), tail_count(1_000), tail_count(1)] == [5, 13, 25, 1]


def test_shortfall_is_the_mean_of_the_worst() -> None:
    profits = np.arange(1_000.0) - 100.0
    var_usd, es_usd = shortfall(profits)
    assert es_usd == pytest.approx(100.0 - 12.0)
    assert var_usd == pytest.approx(-np.quantile(profits, 0.025))


@given(st.lists(st.floats(-1e6, 1e6), min_size=250, max_size=600))
def test_the_shortfall_is_never_below_the_var(profits: list[float]) -> None:
    var_usd, es_usd = shortfall(np.array(profits))
    assert es_usd >= var_usd - 1e-6


def test_scenarios_are_standard_returns_times_the_deviation_of_now() -> None:
    one = history()
    points = (UnderlyingPoint(underlying="BTC", price_usd=1.0), UnderlyingPoint(underlying="ETH", price_usd=1.0))
    newest = max(dated_returns(points[0], one))
    moves, deviations, last = filtered_scenarios(points, one, newest)
    assert last == newest
    for number, point in enumerate(points):
        returns = np.array(list(dated_returns(point, one).values()))
        variance = forecast_variance(returns)
        now = np.sqrt(0.94 * variance[-1] + 0.06 * returns[-1] ** 2)
        assert moves[:, number] == pytest.approx(returns[-500:] / np.sqrt(variance[-500:]) * now)
        assert deviations[point.underlying] == pytest.approx(now)


def test_old_history_is_not_taken_for_a_calm_market() -> None:
    one = history()
    point = UnderlyingPoint(underlying="BTC", price_usd=1.0)
    newest = max(dated_returns(point, one))
    _, fresh, _ = filtered_scenarios((point,), one, newest + 5)
    _, old, _ = filtered_scenarios((point,), one, newest + 6)
    whole = np.std(list(dated_returns(point, one).values()))
    assert old["BTC"] == pytest.approx(max(fresh["BTC"], whole))


def test_what_the_daemon_saw_itself_takes_over() -> None:
    one, newest = history(), 10_000_000
    calm = UnderlyingPoint(underlying="BTC", price_usd=1.0, vol_day=0.5, vol_weight=1.0)
    assert filtered_scenarios((calm,), one, newest)[1]["BTC"] == pytest.approx(0.5)
    own = UnderlyingPoint(underlying="BTC", price_usd=1.0, closes=((30_000, 100.0), (30_001, 90.0), (30_003, 10.0)))
    returns = dated_returns(own, one)
    assert returns[30_001] == pytest.approx(-0.1)
    assert 30_003 not in returns, "a return over a gap is no return of a day"


def test_a_hedged_book_has_less_risk_than_its_legs_and_scales_with_its_size() -> None:
    long = tail_risk(book(coins("BTC", 1.0)), history())
    double = tail_risk(book(coins("BTC", 2.0)), history())
    hedged = tail_risk(book(coins("BTC", 1.0), coins("ETH", -20.0)), history())
    assert long.es_usd is not None
    assert double.es_usd is not None
    assert hedged.es_usd is not None
    assert double.es_usd == pytest.approx(2.0 * long.es_usd)
    assert 0.0 < hedged.es_usd < long.es_usd
    assert tail_risk(book(), history()).es_usd == 0.0


def test_short_options_lose_more_than_their_delta_says() -> None:
    """Full revaluation: a hedged short straddle has no delta and a risk all the same; a long one far less."""
    legs = [option("BTC", -10.0, price=100_000.0, strike=100_000.0, call=call) for call in (True, False)]
    short = tail_risk(book(*legs, coins("BTC", 0.7)), history())
    long = tail_risk(
        book(*[option("BTC", 10.0, price=100_000.0, strike=100_000.0, call=one) for one in (True, False)]), history()
    )
    assert short.es_usd is not None
    assert long.es_usd is not None
    assert short.es_usd > 10.0 * max(long.es_usd, 1.0)


def test_what_is_not_known_has_no_number_and_a_reason() -> None:
    sol = book(coins("SOL", 1.0), prices={"SOL": 100.0})
    unknown = tail_risk(sol, history(), proxy=Proxy(coin="XRP"))
    assert unknown.es_usd is None
    assert "no history of returns of SOL, and none of XRP" in unknown.problem
    with pytest.raises(DataError, match="no history of returns of SOL: made has BTC, ETH"):
        filtered_scenarios(sol.underlyings, history(), TODAY)
    assert "days of joint returns" in tail_risk(book(coins("BTC", 1.0)), history(100)).problem


def test_an_underlying_without_a_history_counts_by_the_declared_rule_and_says_so() -> None:
    prices = {"BTC": 50_000.0, "SOL": 100.0}
    bitcoin = tail_risk(book(coins("BTC", 1.0)), history())
    short = tail_risk(book(coins("BTC", -1.0)), history())
    assert bitcoin.es_usd is not None
    assert short.es_usd is not None
    worse = max(bitcoin.es_usd, short.es_usd)
    value = float(coins("BTC", 1.0).coins) * book(coins("BTC", 1.0)).underlyings[0].price_usd
    same = tail_risk(book(coins("SOL", value / 100.0), prices={"SOL": 100.0}), history())
    assert same.es_usd == pytest.approx(2.0 * worse, rel=1e-9)  # whichever way is worse
    (rule,) = same.assumed
    assert rule.startswith("SOL has no history of returns: it counts as 2 times the moves of BTC, either way")
    # What would hedge it is not believed to: the two are added.
    both = tail_risk(book(coins("BTC", 1.0), coins("SOL", -500.0), prices=prices), history())
    alone = tail_risk(book(coins("SOL", -500.0), prices={"SOL": 100.0}), history())
    known = tail_risk(book(coins("BTC", 1.0), prices={"BTC": 50_000.0}), history())
    assert both.es_usd == pytest.approx((alone.es_usd or 0.0) + (known.es_usd or 0.0))
    three = tail_risk(book(coins("SOL", 500.0), prices={"SOL": 100.0}), history(), proxy=Proxy(ratio=3.0))
    assert three.es_usd == pytest.approx(1.5 * (alone.es_usd or 0.0))


def test_what_the_daemon_saw_of_a_wild_coin_is_not_made_calmer_by_the_rule() -> None:
    made = book(coins("SOL", 500.0), prices={"SOL": 100.0})
    wild = msgspec.structs.replace(made.underlyings[0], vol_day=0.5, vol_weight=1.0)
    calm = tail_risk(made, history())
    seen = tail_risk(msgspec.structs.replace(made, underlyings=(wild,)), history())
    assert seen.vol_day["SOL"] == pytest.approx(0.5)
    assert (seen.es_usd or 0.0) > 3.0 * (calm.es_usd or 0.0)


def test_closes_of_an_operator_are_used_and_their_unit_is_checked() -> None:
    days = tuple((TODAY - 400 + number, 50_000.0 * (1.0 + 0.01 * (-1) ** number)) for number in range(400))
    own = History(id="own", source="f", status="", first_day="1970-01-01", dated={"BTC": days})
    assert own.coins == ("BTC",)
    found = tail_risk(book(coins("BTC", 1.0), prices={"BTC": 50_000.0}), own)
    assert found.es_usd == pytest.approx(1_000.0, rel=0.1)
    assert found.assumed == ()
    wrong = tail_risk(book(coins("BTC", 1.0), prices={"BTC": 500.0}), own)
    assert wrong.es_usd is None
    assert "another unit?" in wrong.problem


def test_a_file_that_is_no_history_is_named() -> None:
    with pytest.raises(DataError, match=r"history of returns x\.json"):
        parse_history(b'{"id": 1}', "x.json")
    with pytest.raises(DataError, match="above zero"):
        parse_history(b'{"id":"a","source":"","status":"","first_day":"2026-01-01","closes":{"BTC":[0]}}', "x.json")
    with pytest.raises(DataError, match="one length"):
        parse_history(
            b'{"id":"a","source":"","status":"","first_day":"2026-01-01","closes":{"A":[1],"B":[1,2]}}', "x.json"
        )


def test_the_shipped_history_has_enough_days() -> None:
    shipped = read_history()
    found = tail_risk(book(coins("BTC", 1.0)), shipped)
    assert found.scenarios == 500
    assert found.es_usd is not None
    assert 2_000.0 < found.es_usd < 15_000.0
