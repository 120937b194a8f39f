import random
from collections.abc import Iterable
from decimal import Decimal

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.orders import OrderStatus, TimeInForce
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.playback import Bars, RecordedPath
from hedgebot.exchange.scenario import ClientFlowSpec, Scenario
from hedgebot.exchange.types import (
    Ack,
    BookChanged,
    EndpointClass,
    Execution,
    FundingSettled,
    FundingSettlement,
    Notice,
    OrderChanged,
    OrderRequest,
    OrderType,
    PublicTrade,
    Refusal,
    RefusalReason,
    TickerChanged,
)
from tests.unit.exchange.conftest import START_NS, calm_scenario

STEP_NS = 100_000_000
S = 1_000_000_000
BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")
ETHPERP = InstrumentId("bybit:linear:ETHPERP")
SPOT = InstrumentId("bybit:spot:BTCUSDT")
INSTRUMENTS = (BTCUSDT, ETHPERP, SPOT, "option")
QTY = {BTCUSDT: Decimal("0.05"), ETHPERP: Decimal(1), SPOT: Decimal("0.01")}

# One action: account, instrument, side, style, steps to wait, price offset in basis points, multiple of quantity.
actions = st.lists(
    st.tuples(
        st.sampled_from(("main", "other")),
        st.sampled_from(INSTRUMENTS),
        st.sampled_from(tuple(Side)),
        st.sampled_from(("market", "ioc", "fok", "gtc", "post_only", "reduce", "cancel", "amend")),
        st.integers(0, 12),
        st.integers(-8, 8),
        st.integers(1, 400),
    ),
    max_size=25,
)


def small_scenario() -> Scenario:
    """The calm world with nothing listed but what the random days trade."""
    listed = (InstrumentKind.SPOT, InstrumentKind.LINEAR_PERP, InstrumentKind.LINEAR_OPTION)
    calm = calm_scenario()
    coins = tuple(msgspec.structs.replace(one, products=listed) for one in calm.underlyings)
    return msgspec.structs.replace(calm, underlyings=coins)


def first_option(exchange: Exchange) -> InstrumentId:
    return next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)


def drive(exchange: Exchange, rows: Iterable[tuple[str, str, Side, str, int, int, int]]) -> list[Notice]:
    """Carry out actions; every answer must be an Ack or a Refusal, never an exception."""
    told: list[Notice] = []
    exchange.listen(told.append)
    now = exchange.now_ns
    for account, word, side, style, wait, offset_bps, multiple in rows:
        now += wait * STEP_NS
        exchange.advance(now)
        instrument = first_option(exchange) if word == "option" else InstrumentId(word)
        if style == "cancel":
            for order in exchange.open_orders(account):
                exchange.cancel(account, order.instrument, order_id=order.order_id)
            continue
        book, listing = exchange.book(instrument, 1), exchange.listing(instrument)
        assert listing is not None
        middle = (book.asks or book.bids)[0][0]
        tick = listing.instrument.tick_size
        price = max((middle * (1 + Decimal(offset_bps) / 10_000) // tick) * tick, tick)
        if style == "amend":
            for order in exchange.open_orders(account):
                exchange.amend(
                    account,
                    order.instrument,
                    order_id=order.order_id,
                    qty_contracts=QTY.get(order.instrument, Decimal("0.1")) * multiple,
                    limit_price=price if order.instrument == instrument else None,
                )
            continue
        kinds = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK, "post_only": TimeInForce.POST_ONLY}
        exchange.place(
            OrderRequest(
                account=account,
                instrument=instrument,
                side=side,
                type=OrderType.MARKET if style in {"market", "reduce"} else OrderType.LIMIT,
                qty_contracts=QTY.get(instrument, Decimal("0.1")) * multiple,
                limit_price=None if style in {"market", "reduce"} else price,
                time_in_force=kinds.get(style, TimeInForce.GTC),
                reduce_only=style == "reduce",
            )
        )
    exchange.advance(now + 20 * STEP_NS)
    return told


@settings(max_examples=30)
@given(actions)
def test_money_and_contracts_are_conserved(rows: list[tuple[str, str, Side, str, int, int, int]]) -> None:
    """Executions sum to positions; cash flows - fees - funding sum to the wallet's change, to the last decimal."""
    check_conservation(rows)


@pytest.mark.parametrize("seed", [1, 2])
def test_money_is_conserved_over_long_runs(seed: int) -> None:
    """Drawn sequences are short; these turn positions over many times."""
    draw = random.Random(seed)
    styles = ("market", "market", "ioc", "fok", "gtc", "gtc", "post_only", "reduce", "cancel", "amend", "amend")
    rows = [
        (
            draw.choice(("main", "other")),
            draw.choice(INSTRUMENTS),
            draw.choice(tuple(Side)),
            draw.choice(styles),
            draw.randint(0, 12),
            draw.randint(-4, 4),
            draw.randint(1, 60),
        )
        for _ in range(200)
    ]
    exchange = check_conservation(rows)
    trades = [row for row in exchange.executions("main") if isinstance(row, Execution)]
    assert sum(bool(row.closed_contracts) for row in trades) > 10
    assert sum(row.is_maker for row in trades) > 1


def check_conservation(rows: list[tuple[str, str, Side, str, int, int, int]]) -> Exchange:
    """Drive a fresh exchange and audit both accounts from their executions alone."""
    scenario = msgspec.structs.replace(small_scenario(), funding_interval_s=60)
    exchange = Exchange(scenario, START_NS + 59 * S)
    drive(exchange, rows)
    exchange.advance(exchange.now_ns + 2 * S)
    for spec in scenario.accounts:
        contracts: dict[str, Decimal] = {}
        coins = dict(spec.coins)
        for row in exchange.executions(spec.name):
            match row:
                case FundingSettlement():
                    coins[row.coin] -= row.cost
                case Execution():
                    listing = exchange.listing(row.instrument)
                    assert listing is not None
                    signed = row.qty_contracts * row.side.sign
                    coins[row.fee_coin] -= row.fee
                    if listing.instrument.kind is InstrumentKind.SPOT:
                        coins["BTC"] += signed
                        coins["USDT"] -= signed * row.price
                        continue
                    contracts[row.instrument] = contracts.get(row.instrument, ZERO) + signed
                    if listing.instrument.kind.is_option:
                        coins["USDT"] -= signed * row.price
                    else:
                        coins[listing.instrument.settle] += row.realised_pnl
        held = {one.instrument: one.contracts for one in exchange.positions(spec.name)}
        assert held == {name: qty for name, qty in contracts.items() if qty}
        wallet = {coin.coin: coin.wallet for coin in exchange.wallet(spec.name).coins}
        assert wallet == coins
        for coin, amount in coins.items():
            changes = [entry for entry in exchange.ledger(spec.name) if entry.coin == coin]
            assert amount == spec.coins[coin] + sum((entry.change for entry in changes), ZERO)
            assert not changes or changes[-1].balance_after == amount
    return exchange


@settings(max_examples=25)
@given(actions)
def test_orders_end_and_books_never_cross(rows: list[tuple[str, str, Side, str, int, int, int]]) -> None:
    exchange = Exchange(small_scenario(), START_NS)
    told = drive(exchange, rows)
    last = {one.order.order_id: one.order for one in told if isinstance(one, OrderChanged)}
    for order in last.values():
        now = exchange.order(order.account, order_id=order.order_id)
        assert now == order, "the last notice says how the order stands"
        assert order.status in {OrderStatus.OPEN, OrderStatus.PARTIAL, OrderStatus.FILLED, OrderStatus.CANCELLED}
        if order.type is OrderType.MARKET or order.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}:
            assert order.status.is_terminal
        assert (order.end_reason is not None) is (order.status is OrderStatus.CANCELLED)
        if order.time_in_force is TimeInForce.FOK:
            assert order.filled_contracts in {ZERO, order.qty_contracts}
    for word in (BTCUSDT, ETHPERP, SPOT, first_option(exchange)):
        book = exchange.book(word, 10)
        assert not (book.bids and book.asks) or book.bids[0][0] < book.asks[0][0]
    seqs = [row.seq for row in exchange.executions("main")]
    assert seqs == sorted(set(seqs))


@settings(max_examples=15)
@given(actions, st.lists(st.integers(1, 30), max_size=10))
def test_same_seed_and_calls_same_everything(
    rows: list[tuple[str, str, Side, str, int, int, int]], pauses: list[int]
) -> None:
    """Also when the clock of one is advanced in other portions in between: time steps on a fixed grid."""
    flow = ClientFlowSpec(account="main", trades_per_minute=60.0)
    scenario = msgspec.structs.replace(small_scenario(), client_flow=flow)
    one, two = Exchange(scenario, START_NS), Exchange(scenario, START_NS)
    for pause in pauses:
        two.advance(two.now_ns + pause * 7_000_000)
    one.advance(two.now_ns)
    assert drive(one, rows) == drive(two, rows)
    assert one.executions("main") == two.executions("main")
    assert one.wallet("main") == two.wallet("main")


def market(side: Side = Side.BUY, qty: str = "0.1", **changes: object) -> OrderRequest:
    request = OrderRequest(
        account="main", instrument=BTCUSDT, side=side, type=OrderType.MARKET, qty_contracts=Decimal(qty)
    )
    return msgspec.structs.replace(request, **changes)


def test_a_duplicate_client_id_is_refused_even_after_the_order_ended(exchange: Exchange) -> None:
    assert isinstance(exchange.place(market(client_id="x1")), Ack)
    answer = exchange.place(market(client_id="x1"))
    assert isinstance(answer, Refusal)
    assert answer.reason is RefusalReason.DUPLICATE_CLIENT_ID
    assert isinstance(exchange.place(market(client_id="x1", account="other")), Ack)
    found = exchange.order("main", client_id="x1")
    assert found is not None
    assert found.status is OrderStatus.FILLED


def test_ids_differ_between_runs_of_one_scenario(scenario: Scenario) -> None:
    """A client that remembers the executions of an earlier run must not take new ones for known ones."""
    first, second = Exchange(scenario, START_NS), Exchange(scenario, START_NS + S)
    ids = []
    for exchange in (first, second):
        exchange.place(market())
        ids.append({row.exec_id for row in exchange.executions("main")})
    assert not ids[0] & ids[1]


def test_rate_limit_refuses_the_eleventh_order_of_a_second(scenario: Scenario) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, rate_limits=True), START_NS)
    answers = [exchange.place(market(qty="0.001")) for _ in range(12)]
    assert [isinstance(answer, Ack) for answer in answers] == [True] * 10 + [False] * 2
    assert all(one.reason is RefusalReason.RATE_LIMITED for one in answers[10:] if isinstance(one, Refusal))
    assert exchange.rate_state("main", EndpointClass.CREATE).remaining == 0
    exchange.advance(START_NS + S)
    assert isinstance(exchange.place(market(qty="0.001")), Ack)


def test_funding_is_paid_by_longs_when_positive(scenario: Scenario) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, funding_interval_s=60), START_NS)
    told: list[Notice] = []
    exchange.place(market())
    exchange.place(market(Side.SELL, account="other"))
    stop = exchange.listen(told.append)
    exchange.advance(START_NS + 61 * S)
    stop()
    settled = {one.settlement.account: one.settlement for one in told if isinstance(one, FundingSettled)}
    assert set(settled) == {"main", "other"}
    long = settled["main"]
    assert long.cost == (long.contracts * long.mark_price * Decimal(str(long.rate))).quantize(Decimal("1e-8"))
    assert (long.cost > 0) is (long.rate > 0)
    assert settled["other"].cost == -long.cost
    assert [rate for _, rate in exchange.funding_rates(BTCUSDT)] == [pytest.approx(long.rate, abs=1e-9)]
    count = len(told)
    exchange.advance(START_NS + 70 * S)
    assert len(told) == count, "a listener that left hears nothing"


def test_a_shock_fills_what_rests_below_and_moves_the_margin(exchange: Exchange) -> None:
    kept = exchange.place(market(type=OrderType.LIMIT, limit_price=Decimal(86_000)))
    assert isinstance(kept, Ack)
    before = exchange.index_price("BTC")
    exchange.shock("BTC", 0.9)
    exchange.advance(exchange.now_ns + S)
    assert exchange.index_price("BTC") / before == pytest.approx(0.9, abs=0.005)
    order = exchange.order("main", order_id=kept.order_id)
    assert order is not None
    assert (order.status, order.average_price) == (OrderStatus.FILLED, Decimal(86_000))
    (position,) = exchange.positions("main")
    assert position.unrealised_pnl < -400


def test_amendments_have_a_budget_of_their_own(scenario: Scenario) -> None:
    exchange = Exchange(msgspec.structs.replace(scenario, rate_limits=True), START_NS)
    kept = exchange.place(market(type=OrderType.LIMIT, limit_price=Decimal(88_000)))
    assert isinstance(kept, Ack)
    answers = [
        exchange.amend("main", BTCUSDT, order_id=kept.order_id, limit_price=Decimal(88_001 + number))
        for number in range(11)
    ]
    assert [isinstance(one, Ack) for one in answers] == [True] * 10 + [False]
    assert isinstance(exchange.place(market(qty="0.001")), Ack)


def test_time_does_not_run_backwards(exchange: Exchange) -> None:
    exchange.advance(START_NS + 5 * S)
    book = exchange.book(BTCUSDT)
    exchange.advance(START_NS)
    assert exchange.now_ns == START_NS + 5 * S
    assert exchange.book(BTCUSDT) == book


def test_cancel_all_takes_what_is_chosen(exchange: Exchange) -> None:
    price = Decimal(89_000)
    for instrument in (BTCUSDT, SPOT):
        exchange.place(market(instrument=instrument, type=OrderType.LIMIT, limit_price=price, qty_contracts=Decimal(1)))
    answers = exchange.cancel_all("main", lambda listing: listing.instrument.category == "linear")
    assert not isinstance(answers, Refusal)
    assert len(answers) == 1
    assert [order.instrument for order in exchange.open_orders("main")] == [SPOT]


def test_client_flow_can_be_switched(scenario: Scenario) -> None:
    flow = ClientFlowSpec(account="main", trades_per_minute=600.0)
    exchange = Exchange(msgspec.structs.replace(scenario, client_flow=flow), START_NS)
    exchange.advance(START_NS + 10 * S)
    count = len(exchange.executions("main"))
    assert count > 20
    exchange.set_client_flow(enabled=False)
    exchange.advance(START_NS + 20 * S)
    assert len(exchange.executions("main")) == count
    assert not exchange.client_flow_enabled
    exchange.set_client_flow(enabled=True)
    exchange.advance(START_NS + 30 * S)
    assert len(exchange.executions("main")) > count
    assert {row.order.origin for row in exchange.executions("main") if isinstance(row, Execution)} == {"client_flow"}


def test_a_gap_in_the_recording_stops_trading_but_not_cancels(scenario: Scenario) -> None:
    """No ticks and no orders in the gap; afterwards the market is back."""
    bars = Bars(
        times_ns=np.array([0, 60, 240, 300], dtype=np.int64) * S,
        step_ns=60 * S,
        opens=np.full(4, 90_000.0),
        highs=np.full(4, 90_100.0),
        lows=np.full(4, 89_900.0),
        closes=np.full(4, 90_000.0),
    )
    path = RecordedPath(perp=bars, spot=None, minutes=None, underlying=scenario.underlyings[0], speed=10.0, step_s=0.1)
    exchange = Exchange(scenario, START_NS, {"BTC": path})
    resting = market(type=OrderType.LIMIT, limit_price=Decimal(88_000))
    kept = exchange.place(resting)
    assert isinstance(kept, Ack)
    exchange.advance(START_NS + 13 * S)  # the gap is from second 12 to 24
    told: list[Notice] = []
    stop = exchange.listen(told.append)
    exchange.advance(START_NS + 20 * S)
    stop()
    assert not [one for one in told if "BTC" in str(getattr(one, "instrument", ""))]
    refused = exchange.place(market())
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.INSTRUMENT_NOT_TRADING
    assert isinstance(exchange.cancel("main", BTCUSDT, order_id=kept.order_id), Ack)
    exchange.advance(START_NS + 25 * S)
    assert isinstance(exchange.place(market()), Ack)


def test_who_does_not_want_the_market_hears_the_rest_in_the_same_order() -> None:
    exchange = Exchange(small_scenario(), START_NS)
    everything: list[Notice] = []
    private: list[Notice] = []
    stop = exchange.listen(everything.append)
    exchange.listen(private.append, market=False)
    exchange.place(market())
    exchange.advance(START_NS + 2 * S)
    of_market = (BookChanged, TickerChanged, PublicTrade)
    assert any(isinstance(one, of_market) for one in everything)
    assert private == [one for one in everything if not isinstance(one, of_market)]
    assert private
    stop()
    before = len(everything)
    exchange.place(market())
    assert len(everything) == before
    assert len(private) > 1
