from decimal import Decimal

import pytest

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.borrowing import HOUR_NS, _next_due
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import Ack, LedgerKind, MarginMode
from tests.unit.exchange.margin_world import account_of, holding, order

MINUTE_NS = 60 * 1_000_000_000
STEP_MS = 10_000


def test_interest_is_due_five_minutes_past_each_hour(start_ns: int) -> None:
    assert start_ns % HOUR_NS == 0
    assert _next_due(start_ns) == start_ns + 5 * MINUTE_NS
    assert _next_due(start_ns + 5 * MINUTE_NS - 1) == start_ns + 5 * MINUTE_NS
    assert _next_due(start_ns + 5 * MINUTE_NS) == start_ns + 65 * MINUTE_NS


def test_an_hour_of_debt_is_charged_once_and_booked_to_the_last_decimal(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDC": "-123456.789", "BTC": "10"}, step_ms=STEP_MS)
    exchange.advance(start_ns + 4 * MINUTE_NS)
    assert exchange.interest("main") == ()
    exchange.advance(start_ns + 20 * MINUTE_NS)
    (charge,) = exchange.interest("main")
    assert charge.interest == Decimal("1.80513529")  # 123,456.789 x 0.000014621596
    assert (charge.borrowed, charge.bearing, charge.unrealised_loss) == (Decimal("123456.789"), charge.borrowed, ZERO)
    (entry,) = exchange.ledger("main")
    assert entry.kind is LedgerKind.INTEREST
    assert (entry.instrument, entry.cause) == (None, charge.charge_id)
    assert entry.change == -charge.interest == entry.cash_flow - entry.fee - entry.funding - entry.interest
    assert account_of(exchange).coins["USDC"] == Decimal("-123456.789") - charge.interest == entry.balance_after


def test_what_open_contracts_lost_is_lent_free_up_to_the_limit(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, ("linear:BTCUSDT", "1"), coins={"USDT": "100", "BTC": "10"}, step_ms=STEP_MS)
    exchange.shock("BTC", 0.9)
    exchange.advance(start_ns + 10 * MINUTE_NS)
    usdt = next(coin for coin in exchange.wallet("main").coins if coin.coin == "USDT")
    assert usdt.borrowed > 8_000
    assert exchange.interest("main") == ()  # about 9,000, all of it unrealised, of 30,000
    deep = holding(scenario, start_ns, ("linear:BTCUSDT", "5"), coins={"USDT": "100", "BTC": "10"}, step_ms=STEP_MS)
    deep.shock("BTC", 0.9)
    deep.advance(start_ns + 10 * MINUTE_NS)
    (charge,) = deep.interest("main")
    assert charge.borrowed - charge.bearing == 30_000
    assert charge.unrealised_loss == charge.borrowed + 100


def test_what_comes_in_repays_and_stops_the_interest(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, coins={"USDT": "-1000", "ETH": "10"}, step_ms=STEP_MS)
    sold = exchange.place(order(InstrumentId("bybit:spot:ETHUSDT"), Side.SELL, "1"))
    assert isinstance(sold, Ack)
    usdt = next(coin for coin in exchange.wallet("main").coins if coin.coin == "USDT")
    assert (usdt.borrowed, usdt.wallet > 1_500) == (ZERO, True)
    exchange.advance(start_ns + 20 * MINUTE_NS)
    assert exchange.interest("main") == ()


@pytest.mark.parametrize("hours", [3])
def test_the_wallet_moves_by_exactly_what_the_ledger_says(scenario: Scenario, start_ns: int, hours: int) -> None:
    coins = {"USDT": "-5000", "USDC": "-2000", "BTC": "3"}
    exchange = holding(scenario, start_ns, ("linear:ETHUSDT", "5"), coins=coins, step_ms=60_000)
    exchange.advance(start_ns + hours * HOUR_NS)
    ledger = exchange.ledger("main")
    assert len(exchange.interest("main")) == 2 * hours
    for coin, first in coins.items():
        changes = sum((entry.change for entry in ledger if entry.coin == coin), ZERO)
        assert account_of(exchange).coins[coin] == Decimal(first) + changes


def test_isolated_margin_is_lent_nothing(scenario: Scenario, start_ns: int) -> None:
    exchange = holding(scenario, start_ns, mode=MarginMode.ISOLATED, coins={"USDT": "-5", "BTC": "1"}, step_ms=STEP_MS)
    exchange.advance(start_ns + 10 * MINUTE_NS)
    assert exchange.interest("main") == ()
    assert next(coin for coin in exchange.wallet("main").coins if coin.coin == "USDT").borrowed == 0
