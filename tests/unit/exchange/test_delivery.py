"""Options that expire while accounts hold them, on virtual time."""

from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import HoldingSpec, Scenario
from hedgebot.exchange.types import (
    Ack,
    EndReason,
    ExecKind,
    Execution,
    InstrumentStatus,
    ListingChanged,
    Notice,
    OrderRequest,
    OrderType,
    PositionChanged,
    Refusal,
    RefusalReason,
)
from tests.unit.exchange.conftest import START_NS

S = 1_000_000_000
SPOT = InstrumentId("bybit:spot:BTCUSDT")


def order(instrument: InstrumentId, **changes: object) -> OrderRequest:
    request = OrderRequest(
        account="main", instrument=instrument, side=Side.BUY, type=OrderType.MARKET, qty_contracts=Decimal("0.1")
    )
    return msgspec.structs.replace(request, **changes)


def first_option(exchange: Exchange) -> InstrumentId:
    return next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)


def test_an_option_is_delivered_at_its_expiry(scenario: Scenario) -> None:
    accounts = (
        msgspec.structs.replace(
            scenario.accounts[0], positions=(HoldingSpec(instrument="option:BTC/0/-2/C", contracts=Decimal(-1)),)
        ),
    )
    chain = tuple(msgspec.structs.replace(one, option_expiries_days=(0.0,)) for one in scenario.underlyings)
    world = msgspec.structs.replace(scenario, accounts=accounts, underlyings=chain)
    # 08:00 UTC is six hours after the start; begin shortly before.
    exchange = Exchange(world, START_NS + (6 * 3_600 - 2) * S)
    told: list[Notice] = []
    exchange.listen(told.append)
    (position,) = exchange.positions("main")
    before = {coin.coin: coin.wallet for coin in exchange.wallet("main").coins}["USDT"]
    exchange.advance(exchange.now_ns + 3 * S)
    (delivery,) = exchange.executions("main")
    assert isinstance(delivery, Execution)
    listing = exchange.listing(position.instrument)
    assert listing is not None
    assert listing.status is InstrumentStatus.DELIVERING
    assert listing.instrument.strike is not None
    assert listing.settlement_price is not None
    assert delivery.price == listing.settlement_price - listing.instrument.strike
    assert exchange.positions("main") == ()
    after = {coin.coin: coin.wallet for coin in exchange.wallet("main").coins}["USDT"]
    assert after == before - delivery.price - delivery.fee
    refused = exchange.place(order(position.instrument))
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.INSTRUMENT_NOT_TRADING
    assert any(isinstance(one, ListingChanged) for one in told)


def expiring(scenario: Scenario, holdings: dict[str, int], seconds: float) -> Exchange:
    """A world whose options expire that soon, and an account that holds some."""
    held = tuple(HoldingSpec(instrument=name, contracts=Decimal(qty)) for name, qty in holdings.items())
    accounts = (msgspec.structs.replace(scenario.accounts[0], positions=held), scenario.accounts[1])
    chain = tuple(msgspec.structs.replace(one, option_expiries_s=(seconds,)) for one in scenario.underlyings)
    return Exchange(msgspec.structs.replace(scenario, accounts=accounts, underlyings=chain), START_NS)


def test_deliveries_in_and_out_of_the_money(scenario: Scenario) -> None:
    """A long call and a short put in the money, a short call worthless: each is delivered, cash moves by its value."""
    exchange = expiring(scenario, {"option:BTC/0/-2/C": 2, "option:BTC/0/2/P": -1, "option:BTC/0/2/C": -3}, 5)
    told: list[Notice] = []
    exchange.listen(told.append)
    before = exchange.wallet("main")
    resting = first_option(exchange)
    kept = exchange.place(order(resting, type=OrderType.LIMIT, limit_price=Decimal(5)))
    assert isinstance(kept, Ack)
    indices = []
    for second in range(1, 5):
        exchange.advance(START_NS + second * S)
        indices.append(exchange.ticker(SPOT).index)
    predicted = exchange.option_ticker(resting).predicted_delivery_price
    assert predicted == (sum(indices, ZERO) / 4).quantize(Decimal("1e-8"))
    assert len(exchange.positions("main")) == 3, "nothing is delivered before the expiry"
    assert exchange.executions("main") == ()
    exchange.advance(START_NS + 5 * S)
    indices.append(exchange.ticker(SPOT).index)
    assert exchange.positions("main") == ()
    rows = {row.instrument: row for row in exchange.executions("main") if isinstance(row, Execution)}
    assert [row.kind for row in rows.values()] == [ExecKind.DELIVERY] * 3
    average = (sum(indices, ZERO) / len(indices)).quantize(Decimal("1e-8"))
    cash = ZERO
    for name, row in rows.items():
        listing = exchange.listing(name)
        assert listing is not None
        assert listing.instrument.strike is not None
        assert listing.settlement_price == average
        above = average - listing.instrument.strike
        assert row.price == max(above if name.endswith("-C-USDT") else -above, ZERO)
        assert row.fee <= Decimal("0.07") * row.price * row.qty_contracts
        cash -= row.side.sign * row.value + row.fee
    assert sorted(row.price > 0 for row in rows.values()) == [False, True, True]
    wallet = {one.coin: one.wallet for one in exchange.wallet("main").coins}
    assert wallet["USDT"] == {one.coin: one.wallet for one in before.coins}["USDT"] + cash
    assert exchange.wallet("main").maintenance_margin_usd == 0.0
    flat = [one.position.contracts for one in told if isinstance(one, PositionChanged)]
    assert flat == [ZERO] * 3
    ended = exchange.order("main", order_id=kept.order_id)
    assert ended is not None
    assert ended.end_reason is EndReason.SETTLED
    # A later day's chain lives on, and nothing is delivered twice.
    exchange.advance(START_NS + 20 * S)
    assert len(exchange.executions("main")) == 3
    left = {one.status for one in exchange.listings() if one.instrument.kind.is_option}
    assert left == {InstrumentStatus.TRADING, InstrumentStatus.DELIVERING}


def test_futures_are_delivered_in_their_own_coin(scenario: Scenario) -> None:
    """A short inverse future in BTC, a long linear one in USDT: closed at the average, with the delivery fee."""
    coin = msgspec.structs.replace(scenario.underlyings[0], future_expiries_s=(20.0,))
    held = (
        HoldingSpec(instrument="inverse:BTCUSDX26", contracts=Decimal(-90_000)),
        HoldingSpec(instrument="linear:BTCUSDT-24NOV26", contracts=Decimal(2)),
    )
    account = msgspec.structs.replace(scenario.accounts[0], positions=held)
    world = msgspec.structs.replace(scenario, underlyings=(coin, scenario.underlyings[1]), accounts=(account,))
    exchange = Exchange(world, START_NS)
    before = {one.coin: one.wallet for one in exchange.wallet("main").coins}
    exchange.advance(START_NS + 19 * S)
    assert exchange.deliveries("main") == ()
    exchange.advance(START_NS + 20 * S)
    rows = {one.instrument: one for one in exchange.executions("main") if isinstance(one, Execution)}
    linear, inverse = (exchange.deliveries("main")[number] for number in (0, 1))
    assert [rows[one.instrument].kind for one in (linear, inverse)] == [ExecKind.DELIVERY, ExecKind.SETTLE]
    assert linear.delivery_price == inverse.delivery_price
    assert linear.entry_price is not None
    assert linear.realised_pnl == 2 * (linear.delivery_price - linear.entry_price)
    assert inverse.contracts == Decimal(-90_000)
    assert abs(inverse.fee - Decimal("0.0005") * 90_000 / inverse.delivery_price) <= Decimal("1e-9")
    after = {one.coin: one.wallet for one in exchange.wallet("main").coins}
    assert after["BTC"] == before["BTC"] + inverse.realised_pnl - inverse.fee
    assert after["USDT"] == before["USDT"] + linear.realised_pnl - linear.fee
    assert exchange.positions("main") == ()
    prices = {one.instrument: one.price for one in exchange.delivery_prices()}
    assert prices[inverse.instrument] == inverse.delivery_price
