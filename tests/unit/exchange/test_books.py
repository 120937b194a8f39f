from decimal import Decimal

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.exchange.account import Account
from hedgebot.exchange.books import Books
from hedgebot.exchange.scenario import Scenario
from hedgebot.exchange.types import FundingSettled, Notice, PublicTrade, WalletChanged
from hedgebot.exchange.world import World

BTCUSDT = InstrumentId("bybit:linear:BTCUSDT")


def books(scenario: Scenario, start_ns: int, told: list[Notice], salt: str = "1/1") -> Books:
    world = World(scenario, start_ns, {})
    accounts = {name: Account(name, 10, {"USDT": Decimal(1_000)}) for name in ("a", "b")}
    return Books(world, accounts, told.append, salt)


def test_ids_are_a_function_of_the_run(scenario: Scenario, start_ns: int) -> None:
    one, same, other = (books(scenario, start_ns, [], salt) for salt in ("1/1", "1/1", "1/2"))
    ids = [one.new_id("exec") for _ in range(100)]
    assert ids == [same.new_id("exec") for _ in range(100)]
    assert not set(ids) & {other.new_id("exec") for _ in range(100)}
    assert len(set(ids)) == 100
    assert all(len(word) == 36 for word in ids)


def test_funding_is_a_cost_of_longs_and_in_the_ledger(scenario: Scenario, start_ns: int) -> None:
    told: list[Notice] = []
    made = books(scenario, start_ns, told)
    market = made.world.markets[BTCUSDT]
    made.accounts["a"].position(market.instrument).trade(Decimal(2), Decimal(90_000))
    made.settle_funding(market, 0.0001)
    cost = (2 * made.world.mark(market) * Decimal("0.0001")).quantize(Decimal("1e-8"))
    assert made.accounts["a"].coins["USDT"] == Decimal(1_000) - cost
    assert made.accounts["b"].coins["USDT"] == Decimal(1_000), "who holds nothing pays nothing"
    (entry,) = made.logs["a"].ledger.between(0, None)
    assert (entry.funding, entry.change, entry.balance_after) == (cost, -cost, Decimal(1_000) - cost)
    assert [type(one) for one in told] == [FundingSettled, WalletChanged]


def test_a_print_counts_in_the_tape(scenario: Scenario, start_ns: int) -> None:
    told: list[Notice] = []
    made = books(scenario, start_ns, told)
    market = made.world.markets[BTCUSDT]
    before = market.tape.volume
    made.print(market, Side.SELL, Decimal(91_000), Decimal("0.5"))
    assert market.tape.volume == before + Decimal("0.5")
    assert (market.tape.last, market.tape.high) == (Decimal(91_000), Decimal(91_000))
    (notice,) = told
    assert isinstance(notice, PublicTrade)
    assert notice.trade.side is Side.SELL
