from decimal import Decimal

import msgspec
import pytest

from hedgebot.domain.instrument import Side
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import (
    Ack,
    MarginMode,
    Notice,
    PositionChanged,
    PositionIndex,
    Refusal,
    RefusalReason,
    WalletChanged,
)
from tests.unit.exchange.margin_world import BTC_SPOT, BTCUSDT, account_of, holding, order

KEY = (BTCUSDT, PositionIndex.ONE_WAY)
MINUTE_NS = 60 * 1_000_000_000


def reasons(answers: tuple[Refusal, ...]) -> set[RefusalReason]:
    return {one.reason for one in answers}


def reason(answer: Refusal | None) -> RefusalReason:
    assert answer is not None
    return answer.reason


def test_an_account_that_can_afford_it_goes_through_all_modes(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"))
    told: list[Notice] = []
    exchange.listen(told.append)
    for mode in (MarginMode.ISOLATED, MarginMode.PORTFOLIO, MarginMode.CROSS, MarginMode.CROSS):
        assert exchange.margin.set_mode("main", mode) == ()
        assert exchange.margin.mode("main") is mode
        assert exchange.wallet("main").margin_mode is mode
    assert [one.position.margin_mode for one in told if isinstance(one, PositionChanged)] == [
        MarginMode.ISOLATED,
        MarginMode.PORTFOLIO,
        MarginMode.CROSS,
    ]
    assert sum(isinstance(one, WalletChanged) for one in told) == 3


def test_portfolio_margin_needs_a_minimum_of_equity(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDT": "999"})
    (refusal,) = exchange.margin.set_mode("main", MarginMode.PORTFOLIO)
    assert refusal.reason is RefusalReason.EQUITY_TOO_LOW
    assert "999.00" in refusal.detail
    assert exchange.margin.mode("main") is MarginMode.CROSS


def test_a_mode_that_would_end_in_liquidation_or_cannot_be_paid_is_refused(scenario: Scenario, start_ns: int) -> None:
    # 3 BTC are 270,000 USD: 10 % in portfolio margin, 0.5 % in cross margin.
    poor = holding(scenario, start_ns, ("linear:BTCUSDT", "3"), coins={"USDT": "20000"})
    assert reasons(poor.margin.set_mode("main", MarginMode.PORTFOLIO)) == {RefusalReason.WOULD_LIQUIDATE}
    tight = holding(scenario, start_ns, ("linear:BTCUSDT", "3"), coins={"USDT": "30000"})
    assert reasons(tight.margin.set_mode("main", MarginMode.PORTFOLIO)) == {RefusalReason.INSUFFICIENT_MARGIN}


def test_isolated_margin_knows_no_options_no_debts_and_no_other_coins_collateral(
    scenario: Scenario, start_ns: int
) -> None:
    positions = (("linear:BTCUSDT", "1"), ("option:BTC/1/0/C", "1"))
    exchange = holding(scenario, start_ns, *positions, coins={"USDT": "100", "USDC": "-10", "BTC": "5"})
    found = reasons(exchange.margin.set_mode("main", MarginMode.ISOLATED))
    assert found == {RefusalReason.POSITION_OPEN, RefusalReason.DEBTS_OPEN, RefusalReason.INSUFFICIENT_MARGIN}
    option = next(one.instrument for one in exchange.listings() if one.instrument.kind.is_option)
    waiting = holding(scenario, start_ns)
    assert isinstance(waiting.place(order(option.id, Side.BUY, "0.1", str(option.tick_size))), Ack)
    assert reasons(waiting.margin.set_mode("main", MarginMode.ISOLATED)) == {RefusalReason.ORDERS_OPEN}


def test_leaving_isolated_margin_forgets_what_was_added(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED)
    assert exchange.margin.add_margin("main", KEY, Decimal(500)) is None
    assert exchange.margin.set_auto_add("main", KEY, on=True) is None
    assert exchange.margin.set_mode("main", MarginMode.CROSS) == ()
    assert not account_of(exchange).margin.added
    assert not account_of(exchange).margin.auto_add


def test_margin_is_added_from_the_free_balance_and_taken_back(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED, coins={"USDT": "10000"})
    (before,) = exchange.positions("main")
    free = exchange.wallet("main").available_usd
    assert exchange.margin.add_margin("main", KEY, Decimal("600.5")) is None
    (after,) = exchange.positions("main")
    assert after.position_margin - before.position_margin == Decimal("600.5")
    assert after.liquidation_price is not None
    assert before.liquidation_price is not None
    assert before.liquidation_price - after.liquidation_price == pytest.approx(600.5 / 0.995)
    assert exchange.wallet("main").available_usd == pytest.approx(free - 600.5)
    assert exchange.wallet("main").wallet_usd == pytest.approx(10_000)  # set aside, not spent
    too_much = exchange.margin.add_margin("main", KEY, Decimal(1_000))
    assert reason(too_much) is RefusalReason.INSUFFICIENT_MARGIN
    assert reason(exchange.margin.add_margin("main", KEY, Decimal(-601))) is RefusalReason.INSUFFICIENT_MARGIN
    assert exchange.margin.add_margin("main", KEY, Decimal("-600.5")) is None
    assert exchange.positions("main") == (before,)


def test_margin_that_keeps_a_position_alive_cannot_be_taken(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED)
    assert exchange.margin.add_margin("main", KEY, Decimal(20_000)) is None
    exchange.shock("BTC", 0.85)
    exchange.advance(start_ns + 3 * MINUTE_NS)
    assert reason(exchange.margin.add_margin("main", KEY, Decimal(-19_000))) is RefusalReason.WOULD_LIQUIDATE


@pytest.mark.parametrize("amount", ["0", "NaN", "Infinity", "0.00001"])
def test_margin_that_is_no_amount_is_refused(scenario: Scenario, start_ns: int, amount: str) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED)
    assert reason(exchange.margin.add_margin("main", KEY, Decimal(amount))) is RefusalReason.BAD_QTY


def test_only_isolated_positions_have_margin_of_their_own(scenario: Scenario, start_ns: int) -> None:
    cross = holding(scenario, start_ns, ("linear:BTCUSDT", "1"))
    assert reason(cross.margin.add_margin("main", KEY, Decimal(1))) is RefusalReason.NOT_IN_MARGIN_MODE
    assert reason(cross.margin.set_auto_add("main", KEY, on=True)) is RefusalReason.NOT_IN_MARGIN_MODE
    flat = holding(scenario, start_ns, mode=MarginMode.ISOLATED)
    assert reason(flat.margin.add_margin("main", KEY, Decimal(1))) is RefusalReason.NO_POSITION


def test_free_coins_are_added_before_a_liquidation_only_where_asked_for(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED, coins={"USDT": "15000"})
    (before,) = exchange.positions("main")
    assert exchange.margin.set_auto_add("main", KEY, on=True) is None
    exchange.advance(start_ns + MINUTE_NS)
    assert exchange.positions("main")[0].position_margin == before.position_margin  # not needed yet
    exchange.shock("BTC", 0.9)
    exchange.advance(start_ns + 3 * MINUTE_NS)
    (after,) = exchange.positions("main")
    assert after.is_auto_add
    # All that was free: less than another initial margin.
    assert after.position_margin == 15_000
    assert after.liquidation_price is not None
    assert after.liquidation_price < float(after.mark_price)


def test_closing_half_of_a_position_frees_half_of_what_was_added(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), mode=MarginMode.ISOLATED)
    assert exchange.margin.add_margin("main", KEY, Decimal(800)) is None
    assert isinstance(exchange.place(order(BTCUSDT, Side.SELL, "0.5", reduce_only=True)), Ack)
    assert account_of(exchange).margin.added == {KEY: Decimal(400)}


def test_collateral_is_switched_off_only_where_the_rest_covers_everything(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:ETHUSDT", "10"), coins={"USDT": "2000", "BTC": "1"})
    assert reason(exchange.margin.set_collateral("main", "USDT", on=False)) is RefusalReason.NOT_COLLATERAL
    assert reason(exchange.margin.set_collateral("main", "BTC", on=False)) is RefusalReason.INSUFFICIENT_MARGIN
    rich = holding(scenario, start_ns, ("linear:ETHUSDT", "10"), coins={"USDT": "9000", "BTC": "1"})
    before = rich.wallet("main").margin_balance_usd
    assert rich.margin.set_collateral("main", "BTC", on=False) is None
    btc = next(coin for coin in rich.wallet("main").coins if coin.coin == "BTC")
    assert (btc.is_collateral, btc.is_collateral_on, btc.collateral_ratio) == (True, False, 0.0)
    assert rich.wallet("main").margin_balance_usd < before - 80_000
    assert rich.margin.set_collateral("main", "BTC", on=True) is None
    assert rich.wallet("main").margin_balance_usd == pytest.approx(before)


def test_spot_on_margin_borrows_what_is_missing_within_limit_and_margin(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDT": "30000"})
    plain = order(BTC_SPOT, Side.BUY, "1", "91000")
    on_margin = msgspec.structs.replace(plain, on_margin=True)
    refused = exchange.place(on_margin)
    assert isinstance(refused, Refusal)  # spot margin is not switched on
    assert refused.reason is RefusalReason.INSUFFICIENT_BALANCE
    assert exchange.margin.set_spot_margin("main", on=True) is None
    assert isinstance(exchange.place(plain), Refusal)  # and the order must ask for it
    assert isinstance(exchange.place(on_margin), Ack)
    usdt, btc = (next(coin for coin in exchange.wallet("main").coins if coin.coin == name) for name in ("USDT", "BTC"))
    assert usdt.borrowed == -usdt.wallet > 55_000
    assert btc.wallet > Decimal("0.99")
    more = exchange.place(msgspec.structs.replace(on_margin, qty_contracts=Decimal(3)))
    assert isinstance(more, Refusal)
    assert more.reason is RefusalReason.INSUFFICIENT_MARGIN
    short = exchange.place(msgspec.structs.replace(on_margin, side=Side.SELL, qty_contracts=Decimal(5)))
    assert isinstance(short, Refusal)
    assert short.reason is RefusalReason.BORROW_LIMIT  # 4 of 3 BTC


def test_isolated_margin_has_no_spot_margin(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns)
    assert exchange.margin.set_spot_margin("main", on=True) is None
    assert exchange.margin.set_mode("main", MarginMode.ISOLATED) == ()
    assert not account_of(exchange).margin.spot_margin
    assert reason(exchange.margin.set_spot_margin("main", on=True)) is RefusalReason.NOT_IN_MARGIN_MODE
    with pytest.raises(KeyError):
        exchange.margin.set_mode("nobody", MarginMode.CROSS)
