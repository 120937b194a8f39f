from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.instrument import InstrumentKind
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import AccountSpec, HoldingSpec, Scenario, UnderlyingSpec
from hedgebot.lab.truth import coins, delta_coin, holdings

START_NS = 1_790_000_000 * NS_PER_S
WINDOW_S = 600


def exchange_with(position: str, contracts: str, **more: object) -> Exchange:
    account = AccountSpec(
        name="main",
        api_key="k",
        api_secret="s",
        coins={"USDT": Decimal(1_000_000), "BTC": Decimal(3)},
        positions=(HoldingSpec(instrument=position, contracts=Decimal(contracts)),),
    )
    spec = UnderlyingSpec(name="BTC", start_price=60_000.0, vol=0.01, jumps_per_day=0.0)
    scenario = Scenario(
        underlyings=(msgspec.structs.replace(spec, **more),), accounts=(account,), delivery_window_s=WINDOW_S
    )
    return Exchange(scenario, START_NS)


def test_coins_and_linear_contracts_count_whole() -> None:
    exchange = exchange_with("linear:BTCUSDT", "-2")
    assert coins(exchange, "main", "BTC") == 3.0
    assert coins(exchange, "main", "DOGE") == 0.0
    assert delta_coin(exchange, "main", "BTC") == pytest.approx(1.0)
    assert delta_coin(exchange, "main", "ETH") == 0.0


def test_an_inverse_contract_counts_with_its_unrealised_coins() -> None:
    exchange = exchange_with("inverse:BTCUSD", "-180000")
    before = delta_coin(exchange, "main", "BTC")
    exchange.shock("BTC", 1.05)
    exchange.advance(START_NS + 5 * NS_PER_S)
    # Against equity a one-to-one hedge drifts by nothing.
    assert before == pytest.approx(0.0, abs=0.01)
    assert delta_coin(exchange, "main", "BTC") == pytest.approx(before, abs=0.005)


def test_what_is_being_delivered_counts_by_the_share_still_to_come() -> None:
    exchange = exchange_with("linear:BTCUSDT", "1", future_expiries_s=(1_200.0,))
    future = next(
        one.instrument
        for one in exchange.listings()
        if one.instrument.kind is InstrumentKind.LINEAR_FUTURE
        and one.instrument.expiry_ns is not None
        and one.instrument.expiry_ns <= START_NS + 1_300 * NS_PER_S
    )
    expiring = exchange_with(f"{future.category}:{future.symbol}", "1", future_expiries_s=(1_200.0,))
    assert future.expiry_ns is not None
    (whole,) = holdings(expiring, "main")
    assert (whole.share, whole.delta_coin) == (1.0, 1.0)
    expiring.advance(future.expiry_ns - WINDOW_S // 2 * NS_PER_S)
    (half,) = holdings(expiring, "main")
    assert half.delta_coin == pytest.approx(0.5, abs=0.01)


def test_an_option_counts_by_the_exchanges_greeks() -> None:
    exchange = exchange_with("option:BTC/1/0/C", "2")
    (option,) = holdings(exchange, "main")
    quote = exchange.option_ticker(option.instrument.id)
    assert option.delta_coin == pytest.approx(2.0 * quote.delta)
    assert (option.gamma, option.vol) == (quote.gamma, quote.mark_iv)


def test_tokens_count_by_their_ratio() -> None:
    exchange = exchange_with("linear:BTCUSDT", "-2")
    assert delta_coin(exchange, "main", "ETH", {"BTC": Decimal("1.5")}) == pytest.approx(4.5)
