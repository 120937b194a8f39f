"""Liquidation and deleveraging of contracts that are margined and settled in coin: prices and money, in coin."""

from decimal import Decimal

import pytest

from hedgebot.domain.instrument import InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.trouble import InsuranceFund, Liquidation
from hedgebot.exchange.types import ExecKind, LedgerKind, Liquidated, MarginMode, Origin, PublicTrade
from tests.unit.exchange.troubles.conftest import Weak, listen, shock, trades

D = Decimal
PERP = InstrumentId("bybit:inverse:BTCUSD")


def made(weak: Weak, qty: str, coin: str, name: str = "inverse:BTCUSD", **more: object) -> Exchange:
    """An account that holds an inverse contract with nothing but coin behind it."""
    exchange = weak((name, qty), usdt="0", **more)
    exchange._accounts["weak"].coins = {"BTC": D(coin)}
    return exchange


def coins(exchange: Exchange, account: str = "weak") -> Decimal:
    return next((one.wallet for one in exchange.wallet(account).coins if one.coin == "BTC"), D(0))


def audited(exchange: Exchange, start: str) -> Decimal:
    """The account's coin, which must be what its executions and its ledger say."""
    now, mine = coins(exchange), trades(exchange, "weak")
    assert now == D(start) + sum((one.realised_pnl - one.fee for one in mine), D(0))
    assert now == D(start) + sum((line.change for line in exchange.ledger("weak")), D(0))
    assert {line.coin for line in exchange.ledger("weak")} == {"BTC"}
    return now


def worth(exchange: Exchange, instrument: InstrumentId, contracts: Decimal, price: Decimal) -> Decimal:
    listing = exchange.listing(instrument)
    assert listing is not None
    return listing.instrument.value_settle(contracts, price)


@pytest.mark.parametrize("name", ["inverse:BTCUSD", "inverse:BTCUSDZ26"])
@pytest.mark.parametrize(("qty", "ratio"), [("270000", 0.9), ("-270000", 1.1)])
def test_a_gap_uses_up_the_coin_and_the_fund_pays_coin(weak: Weak, name: str, qty: str, ratio: float) -> None:
    exchange = made(weak, qty, "0.12", name)
    instrument = InstrumentId(f"bybit:{name}")
    entry = exchange.positions("weak")[0].entry_price
    assert entry is not None
    before = exchange.troubles.insurance.balance("BTC")
    told = listen(exchange)
    shock(exchange, ratio, seconds=1)
    (bust,) = trades(exchange, "weak")
    assert (bust.kind, bust.order.origin, bust.qty_contracts) == (ExecKind.BUST, Origin.TAKEOVER, D(270_000))
    assert exchange.positions("weak") == ()
    # Coin counts for less than it is worth as collateral; that part, and a tick's, is what is left.
    left = audited(exchange, "0.12")
    assert D(0) <= left < D("0.012")
    assert [line.kind for line in exchange.ledger("weak")] == [LedgerKind.LIQUIDATION]
    gained = worth(exchange, instrument, D(270_000), bust.price) - worth(exchange, instrument, D(270_000), entry)
    assert float(bust.realised_pnl) == pytest.approx(float(-gained if qty[0] != "-" else gained), abs=2e-8)
    fund = exchange.troubles.insurance.balance("BTC") - before
    last = exchange.ticker(instrument).last
    assert last is not None
    missed = worth(exchange, instrument, D(270_000), last) - worth(exchange, instrument, D(270_000), bust.price)
    assert fund < 0, "the market was beyond the bankruptcy price"
    assert float(fund) == pytest.approx(-abs(float(missed)), rel=0.05)
    assert [one.price for one in told if isinstance(one, Liquidated)] == [bust.price]


def test_what_the_fund_gains_is_what_the_takeover_was_better_than_the_market(weak: Weak) -> None:
    exchange = made(weak, "270000", "1")
    before = exchange.troubles.insurance.balance("BTC")
    told: list[object] = []
    exchange.listen(told.append)
    exchange.strike(Liquidation(account="weak"))
    (bust,) = trades(exchange, "weak")
    fills = [one.trade for one in told if isinstance(one, PublicTrade)]
    assert sum(one.qty_contracts for one in fills) == D(270_000)
    step = D("1e-10")
    expected = sum(
        worth(exchange, PERP, one.qty_contracts, bust.price).quantize(step)
        - worth(exchange, PERP, one.qty_contracts, one.price).quantize(step)
        for one in fills
    )
    assert exchange.troubles.insurance.balance("BTC") - before == expected > 0


def test_an_isolated_one_loses_its_own_margin_and_no_more(weak: Weak) -> None:
    exchange = made(weak, "270000", "2")
    exchange._accounts["weak"].margin.mode = MarginMode.ISOLATED
    entry = exchange.positions("weak")[0].entry_price
    assert entry is not None
    shock(exchange, 0.97)
    (bust,) = trades(exchange, "weak")
    assert bust.kind is ExecKind.BUST
    lost = D(2) - audited(exchange, "2")
    margin = worth(exchange, PERP, D(270_000), entry) / 50
    assert lost <= margin
    assert float(lost) == pytest.approx(float(margin), rel=1e-3)


@pytest.mark.parametrize(("qty", "other", "ratio"), [("270000", "-300000", 0.9), ("-270000", "300000", 1.1)])
def test_without_a_fund_the_other_side_is_deleveraged_in_coin(weak: Weak, qty: str, other: str, ratio: float) -> None:
    exchange = made(weak, qty, "0.12", main=(("inverse:BTCUSD", other),))
    exchange.strike(InsuranceFund(coin="BTC", balance=D(0)))
    start = coins(exchange, "main")
    told = listen(exchange)
    shock(exchange, ratio, seconds=1)
    (bust,), closed = trades(exchange, "weak"), trades(exchange, "main")
    assert {one.kind for one in closed} == {ExecKind.ADL}
    assert {one.price for one in closed} == {bust.price}
    assert sum(one.qty_contracts for one in closed) == bust.qty_contracts
    assert sum(one.value for one in closed) == bust.value
    assert all(one.realised_pnl > 0 and one.fee_coin == "BTC" for one in closed)
    assert coins(exchange, "main") - start == sum(one.realised_pnl - one.fee for one in closed)
    assert exchange.troubles.insurance.balance("BTC") == 0
    assert any(isinstance(one, Liquidated) for one in told)
    assert abs(exchange.positions("main")[0].contracts) == D(30_000)


@pytest.mark.parametrize(("qty", "ratio"), [("9000000", 0.943), ("-9000000", 1.065)])
def test_a_large_one_goes_down_step_by_step(weak: Weak, qty: str, ratio: float) -> None:
    exchange = made(weak, qty, "6.5")
    shock(exchange, ratio)
    steps = trades(exchange, "weak")
    assert steps
    assert {(one.kind, one.order.origin) for one in steps} == {(ExecKind.TRADE, Origin.LIQUIDATION)}
    rate = exchange.wallet("weak").maintenance_margin_rate
    assert rate is not None
    assert 0.5 < rate < 1.0
    assert 0 < sum(one.qty_contracts for one in steps) < D(9_000_000)
    audited(exchange, "6.5")
