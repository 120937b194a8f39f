from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Ack, MarginMode, OrderRequest, PositionIndex, Refusal, RefusalReason
from tests.unit.exchange.margin_world import BTC_SPOT, BTCUSDT, ETHUSDT, account_of, holding, order


def reason(answer: Ack | Refusal | None) -> RefusalReason:
    assert isinstance(answer, Refusal)
    return answer.reason


def option_of(exchange: Exchange) -> InstrumentId:
    return next(one.instrument.id for one in exchange.listings() if one.instrument.kind.is_option)


@pytest.mark.parametrize(("mode", "most"), [(MarginMode.CROSS, "10"), (MarginMode.PORTFOLIO, "8")])
def test_an_order_may_use_the_whole_balance_and_no_more(
    scenario: Scenario, start_ns: int, mode: MarginMode, most: str
) -> None:
    # 10x leverage against 12 % (1.2 x 10 % + contingency) of portfolio margin.
    exchange = holding(scenario, start_ns, mode=mode, coins={"USDT": "90200"})
    too_much = order(BTCUSDT, Side.BUY, str(Decimal(most) + 1), "89000")
    assert reason(exchange.place(too_much)) is RefusalReason.INSUFFICIENT_MARGIN
    assert isinstance(exchange.place(order(BTCUSDT, Side.BUY, most, "89000")), Ack)


def test_what_needs_no_more_than_before_passes_however_poor_the_account(scenario: Scenario, start_ns: int) -> None:
    for mode in (MarginMode.CROSS, MarginMode.PORTFOLIO, MarginMode.ISOLATED):
        exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "2"), mode=mode, coins={"USDT": "1"})
        assert isinstance(exchange.place(order(BTCUSDT, Side.SELL, "2", "91000")), Ack), mode
        more = exchange.place(order(BTCUSDT, Side.BUY, "1", "85000"))
        assert reason(more) is RefusalReason.INSUFFICIENT_MARGIN, mode


def test_isolated_margin_comes_out_of_the_settlement_coin_alone(scenario: Scenario, start_ns: int) -> None:
    coins = {"USDT": "10000", "USDC": "0", "BTC": "50"}
    exchange = holding(scenario, start_ns, mode=MarginMode.ISOLATED, coins=coins)
    assert isinstance(exchange.place(order(BTCUSDT, Side.BUY, "0.6", "89000")), Ack)  # 5,340 of 10,000 at 10x
    assert reason(exchange.place(order(ETHUSDT, Side.BUY, "20", "2900"))) is RefusalReason.INSUFFICIENT_MARGIN
    assert isinstance(exchange.place(order(ETHUSDT, Side.BUY, "10", "2900")), Ack)
    assert reason(exchange.place(order(option_of(exchange), Side.BUY, "0.1", "5"))) is RefusalReason.NOT_IN_MARGIN_MODE
    spot = exchange.place(order(BTC_SPOT, Side.BUY, "0.05", "89000"))
    assert reason(spot) is RefusalReason.INSUFFICIENT_BALANCE  # 4,450 USDT are no longer free


def test_a_premium_may_be_borrowed_up_to_the_coins_limit(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDT": "0", "BTC": "5000"})
    options = [one for one in exchange.listings() if one.instrument.kind.is_option]
    listing = max(options, key=lambda one: exchange.option_ticker(one.instrument.id).mark)
    tick = listing.instrument.tick_size
    price = str(exchange.option_ticker(listing.instrument.id).mark // tick * tick)

    def premium(total: int) -> OrderRequest:
        lots = Decimal(total) / Decimal(price) // listing.instrument.lot_size
        return order(listing.instrument.id, Side.BUY, str(lots * listing.instrument.lot_size), price)

    assert exchange.what_if(premium(2_490_000)).refusal is None
    assert reason(exchange.what_if(premium(2_520_000)).refusal) is RefusalReason.BORROW_LIMIT


def test_leverage_in_isolated_margin_moves_coins_and_must_leave_the_position_alive(
    scenario: Scenario, start_ns: int
) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED, coins={"USDT": "20000"})
    too_low = exchange.set_leverage("main", BTCUSDT, Decimal(3))
    assert reason(too_low) is RefusalReason.INSUFFICIENT_MARGIN  # 30,000 of 20,000
    assert exchange.set_leverage("main", BTCUSDT, Decimal(5)) is None
    (position,) = exchange.positions("main")
    assert position.position_margin == (position.entry_price or 0) / 5
    exchange.shock("BTC", 0.96)
    exchange.advance(start_ns + 120_000_000_000)
    dead = exchange.set_leverage("main", BTCUSDT, Decimal(50))
    assert reason(dead) is RefusalReason.WOULD_LIQUIDATE


def test_portfolio_margin_has_no_leverage_to_set(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, mode=MarginMode.PORTFOLIO)
    assert reason(exchange.set_leverage("main", BTCUSDT, Decimal(5))) is RefusalReason.LEVERAGE_FIXED
    assert exchange.leverage("main", BTCUSDT) == 10


def test_what_if_answers_in_every_mode_and_changes_nothing(scenario: Scenario, start_ns: int) -> None:
    for mode in MarginMode:
        exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=mode)
        before = exchange.wallet("main")
        answer = exchange.what_if(order(BTCUSDT, Side.BUY, "1", "90000"))
        assert answer.refusal is None
        assert answer.maintenance_rate_before is not None
        assert answer.maintenance_rate_after == pytest.approx(2 * answer.maintenance_rate_before, rel=0.02)
        assert exchange.wallet("main") == before
        assert account_of(exchange).margin.mode is mode


def test_a_market_order_is_afforded_at_the_market_whatever_price_it_names(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDT": "100"})
    priced = msgspec.structs.replace(order(BTC_SPOT, Side.BUY, "10"), limit_price=Decimal("0.5"))
    assert reason(exchange.place(priced)) is RefusalReason.INSUFFICIENT_BALANCE
    assert exchange.what_if(priced).refusal is not None
    perp = msgspec.structs.replace(priced, instrument=BTCUSDT, limit_price=Decimal(5000))
    assert reason(exchange.place(perp)) is RefusalReason.INSUFFICIENT_MARGIN


@pytest.mark.parametrize("number", ["1e30", "-1e30", "sNaN", "Infinity", "1e-30"])
def test_numbers_beyond_all_bounds_are_refused(scenario: Scenario, start_ns: int, number: str) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED)
    huge = Decimal(number)
    asked = order(BTCUSDT, Side.BUY, "1", "89000")
    sized = msgspec.structs.replace(asked, qty_contracts=huge)
    assert reason(exchange.place(sized)) in {RefusalReason.BAD_QTY, RefusalReason.QTY_TOO_LARGE}
    priced = msgspec.structs.replace(asked, limit_price=huge)
    assert reason(exchange.place(priced)) is RefusalReason.BAD_PRICE
    key = (BTCUSDT, PositionIndex.ONE_WAY)
    assert reason(exchange.margin.add_margin("main", key, huge)) is RefusalReason.BAD_QTY
