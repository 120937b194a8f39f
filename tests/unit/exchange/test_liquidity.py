import msgspec
import pytest

from hedgebot.domain.errors import DataError
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.liquidity import LIQUIDITY_FILE, BookLaw, LiquiditySet, load_liquidity, parse_liquidity


@pytest.fixture
def laws() -> LiquiditySet:
    return load_liquidity()


def test_every_kind_but_options_has_a_law_for_every_coin(laws: LiquiditySet) -> None:
    for kind in InstrumentKind:
        for coin in ("BTC", "ETH", "SOL"):
            if kind.is_option:
                with pytest.raises(KeyError):
                    laws.book(kind, coin)
            else:
                assert 0 < laws.book(kind, coin).touch_usd < laws.book(kind, coin).depth_10bps_usd


def test_a_smaller_market_is_thinner_and_moves_more(laws: LiquiditySet) -> None:
    eth, sol = (laws.book(InstrumentKind.LINEAR_PERP, coin) for coin in ("ETH", "SOL"))
    assert sol.depth_10bps_usd == pytest.approx(0.3 * eth.depth_10bps_usd)
    assert sol.permanent_bps_per_musd == pytest.approx(eth.permanent_bps_per_musd / 0.3)
    volume = [law.trades_per_s * law.trade_mean_usd for law in (eth, sol)]
    assert volume[1] == pytest.approx(0.3 * volume[0])
    future = laws.book(InstrumentKind.LINEAR_FUTURE, "ETH")
    assert future.touch_usd == pytest.approx(0.1 * eth.touch_usd)
    assert future.spread_excess_bps > eth.spread_excess_bps


def test_the_file_names_day_source_and_assumptions(laws: LiquiditySet) -> None:
    assert laws.as_of.replace("-", "") in LIQUIDITY_FILE
    assert "m04" in laws.source
    assert any("assumption" in note for note in laws.notes)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("touch_usd", 0.0, "touch_usd is 0.0"),
        ("touch_usd", 1e9, "below depth_10bps_usd"),
        ("half_life_s", -1.0, "half_life_s is -1.0"),
        ("sign_persistence", 1.5, "sign_persistence at most 1"),
        ("trade_median_usd", 1e9, "at most trade_mean_usd"),
    ],
)
def test_a_law_that_no_book_can_have_is_refused(laws: LiquiditySet, key: str, value: float, problem: str) -> None:
    content = msgspec.to_builtins(laws)
    content["books"]["spot"]["BTC"][key] = value
    with pytest.raises(DataError, match=rf"laws\.json.*{problem}"):
        parse_liquidity(msgspec.json.encode(content), "laws.json")
    with pytest.raises(DataError, match="unknown field"):
        parse_liquidity(msgspec.json.encode({**msgspec.to_builtins(laws), "unknown": 1}), "laws.json")


def test_a_law_is_a_value(laws: LiquiditySet) -> None:
    law = laws.book(InstrumentKind.SPOT, "BTC")
    assert law.scaled(1.0) == law
    assert isinstance(law, BookLaw)
