from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.events import ExecutionKind, FillReceived, FundingPaid, Source
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.domain.reports import PositionReport
from hedgebot.exchange.position import Position
from hedgebot.journal.cashbook import CashBook, CoinCash

PERP = InstrumentId("bybit:linear:BTCUSDT")
INVERSE = InstrumentId("bybit:inverse:BTCUSD")
SPOT = InstrumentId("bybit:spot:BTCUSDT")
OPTION = InstrumentId("bybit:option:BTC-27NOV26-90000-C-USDT")


def rules(instrument: InstrumentId, kind: InstrumentKind, settle: str = "USDT", size: str = "1") -> Instrument:
    venue, category, symbol = instrument.split(":")
    option = kind.is_option
    return Instrument(
        id=instrument,
        venue=venue,
        category=category,
        symbol=symbol,
        kind=kind,
        underlying="BTC",
        quote="USDT",
        settle=settle,
        contract_size=Decimal(size),
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        strike=Decimal(90_000) if option else None,
        option_type=OptionType.CALL if option else None,
        expiry_ns=10**18 if option else None,
    )


RULES = {
    PERP: rules(PERP, InstrumentKind.LINEAR_PERP),
    INVERSE: rules(INVERSE, InstrumentKind.INVERSE_PERP, settle="BTC"),
    SPOT: rules(SPOT, InstrumentKind.SPOT),
    OPTION: rules(OPTION, InstrumentKind.LINEAR_OPTION),
}


def fill(
    instrument: InstrumentId, signed: str | Decimal, price: str | Decimal, fee: str = "0", fee_coin: str = "USDT"
) -> FillReceived:
    qty = Decimal(signed)
    return FillReceived(
        account="main",
        instrument=instrument,
        trade_id="t",
        order_id="o",
        client_id=None,
        side=Side.of(qty),
        qty_contracts=abs(qty),
        price=Decimal(price),
        fee=Decimal(fee),
        fee_coin=fee_coin,
        kind=ExecutionKind.TRADE,
        source=Source.STREAM,
        venue_at_ns=1,
    )


def held(instrument: InstrumentId, contracts: str, entry: str | None) -> PositionReport:
    price = None if entry is None else Decimal(entry)
    return PositionReport(
        account="main", instrument=instrument, contracts=Decimal(contracts), entry_price=price, venue_at_ns=1
    )


def book(*executions: FillReceived | FundingPaid, positions: tuple[PositionReport, ...] = ()) -> dict[str, CoinCash]:
    cash = CashBook(RULES)
    assert cash.open({"USDT": Decimal(1000), "BTC": Decimal(2)}, positions) == []
    assert [cash.take(one) for one in executions] == [None] * len(executions)
    return {one.coin: one for one in cash.coins()}


def test_spot_exchanges_coins_and_takes_its_fee_where_it_is_named() -> None:
    coins = book(fill(SPOT, "0.5", "100", "0.0005", "BTC"), fill(SPOT, "-0.1", "200", "0.02"))
    assert coins["BTC"].closing == Decimal("2.3995")
    assert coins["USDT"].closing == Decimal("969.98")
    assert coins["USDT"].spot == Decimal(-30)


def test_an_options_premium_is_paid_at_once_both_ways() -> None:
    coins = book(fill(OPTION, "2", "50", "1"), fill(OPTION, "-1", "80", "1"), positions=(held(OPTION, "3", None),))
    assert [coins["USDT"].premiums, coins["USDT"].profit, coins["USDT"].closing] == [
        Decimal(one) for one in (-20, 0, 978)
    ]


def test_a_perpetual_pays_only_when_it_closes_and_turns_at_the_new_price() -> None:
    coins = book(fill(PERP, "2", "100"), fill(PERP, "2", "200"), fill(PERP, "-1", "190"))
    assert coins["USDT"].profit == 40
    turned = book(fill(PERP, "1", "100"), fill(PERP, "-3", "110"), fill(PERP, "2", "105"))
    assert turned["USDT"].profit == 10 + 10


def test_an_opening_position_brings_its_own_cost() -> None:
    coins = book(fill(PERP, "1", "90"), positions=(held(PERP, "-4", "100"),))
    assert coins["USDT"].profit == 10
    assert coins["USDT"].rounding == 0


def test_a_rounded_entry_price_leaves_a_named_doubt_and_only_once() -> None:
    entry = "100.33333333"
    coins = book(fill(PERP, "-1", "101"), fill(PERP, "-1", "102"), positions=(held(PERP, "3", entry),))
    assert coins["USDT"].rounding == Decimal("3e-8")
    assert abs(coins["USDT"].profit - (Decimal(203) - 2 * Decimal(301) / 3)) <= coins["USDT"].rounding
    assert book(positions=(held(PERP, "3", entry),))["USDT"].rounding == 0


def test_a_trade_of_coins_is_rounded_once_where_it_is_booked() -> None:
    """100 / 30,000 is no decimal: three buys cost three rounded sums, not the rounded sum of them."""
    bought = [fill(INVERSE, "100", "30000") for _ in range(3)]
    coins = book(*bought, fill(INVERSE, "-300", "32000"))
    assert coins["BTC"].profit == 3 * Decimal("0.0033333333") - Decimal("0.009375")
    turned = book(fill(INVERSE, "100", "30000"), fill(INVERSE, "-300", "70000"), fill(INVERSE, "200", "64000"))
    # -300 / 70,000 is one sum: what closes takes 100 / 70,000 of it, the new position has what is left.
    sold, closing = Decimal("0.0042857143"), Decimal("0.0014285714")
    assert turned["BTC"].profit == (Decimal("0.0033333333") - closing) + (Decimal("0.003125") - (sold - closing))


def test_an_inverse_entry_price_that_pins_the_coins_leaves_no_doubt() -> None:
    coins = book(fill(INVERSE, "-300", "32000"), positions=(held(INVERSE, "300", "30000.00030000"),))
    assert coins["BTC"].profit == Decimal("0.0099999999") - Decimal("0.009375")
    assert coins["BTC"].rounding == 0
    vague = book(fill(INVERSE, "-1", "2"), positions=(held(INVERSE, "10000", "2.00000003"),))
    assert vague["BTC"].rounding == Decimal("0.000025")


@given(
    st.lists(
        st.tuples(
            st.integers(-5_000, 5_000).filter(bool),
            st.decimals(min_value=1_000, max_value=200_000, places=1),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_coins_agree_with_a_venue_that_books_each_trade_rounded(path: list[tuple[int, Decimal]]) -> None:
    """Against the simulated exchange's own books, which share nothing with this one, to the last decimal."""
    position, paid = Position(RULES[INVERSE]), Decimal(0)
    cash = CashBook(RULES)
    cash.open({"BTC": Decimal(2)}, ())
    for contracts, price in path:
        paid += position.trade(Decimal(contracts), price)[1]
        assert cash.take(fill(INVERSE, str(contracts), price)) is None
    assert cash.coins()[0].closing == Decimal(2) + paid
    assert cash.positions().get(INVERSE, Decimal(0)) == position.contracts


def test_funding_is_a_cost_of_its_own() -> None:
    payment = FundingPaid(
        account="main",
        instrument=PERP,
        trade_id="f",
        cost=Decimal("-0.25"),
        coin="USDT",
        rate=0.0001,
        source=Source.STREAM,
        venue_at_ns=1,
    )
    assert book(payment)["USDT"].closing == Decimal("1000.25")


def test_what_cannot_be_booked_is_said() -> None:
    cash = CashBook({})
    assert cash.take(fill(PERP, "1", "100")) == (
        "execution t is on bybit:linear:BTCUSDT, whose trading rules are not known"
    )
    assert cash.open({}, [held(PERP, "1", "100")]) == [
        "the trading rules of bybit:linear:BTCUSDT are not known: its cash cannot be checked"
    ]
    assert CashBook(RULES).open({}, [held(PERP, "1", None)]) == [
        "the entry price of bybit:linear:BTCUSDT is not known: its profit cannot be checked"
    ]
    assert cash.coins() == ()


lots = st.integers(-5_000, 5_000).filter(bool).map(lambda lots: Decimal(lots) / 1000)
prices = st.integers(1, 2_000_000).map(lambda ticks: Decimal(ticks) / 10)
trades = st.lists(st.tuples(lots, prices), min_size=1, max_size=30)


@given(trades, lots, prices, prices)
def test_once_flat_the_profit_is_what_was_received_minus_what_was_paid(
    path: list[tuple[Decimal, Decimal]], opening: Decimal, entry: Decimal, last: Decimal
) -> None:
    cash = CashBook(RULES)
    cash.open({}, [held(PERP, str(opening), str(entry))])
    total, paid = opening, opening * entry
    for qty, price in path:
        cash.take(fill(PERP, qty, price))
        total, paid = total + qty, paid + qty * price
    if total:
        cash.take(fill(PERP, -total, last))
        paid -= total * last
    assert cash.positions() == {}
    assert sum(one.profit for one in cash.coins()) == -paid


@given(trades, st.data())
def test_fees_and_the_order_of_coins_change_no_profit(path: list[tuple[Decimal, Decimal]], data: st.DataObject) -> None:
    plain, charged = CashBook(RULES), CashBook(RULES)
    fees = Decimal(0)
    for qty, price in path:
        fee = Decimal(data.draw(st.integers(-1_000, 1_000))) / 100
        plain.take(fill(PERP, qty, price))
        charged.take(fill(PERP, qty, price, str(fee)))
        fees += fee
    (before,), (after,) = plain.coins(), charged.coins()
    assert before.closing - after.closing == fees
    assert msgspec.structs.replace(after, fees=before.fees) == before


@pytest.mark.parametrize("instrument", [PERP, INVERSE])
@given(lots, prices, prices)
def test_a_round_trip_is_what_the_contract_says(
    instrument: InstrumentId, qty: Decimal, entry: Decimal, out: Decimal
) -> None:
    cash = CashBook(RULES)
    cash.take(fill(instrument, qty, entry))
    cash.take(fill(instrument, -qty, out))
    profit = sum(one.profit for one in cash.coins())
    assert abs(profit - RULES[instrument].pnl_settle(qty, entry, out)) <= Decimal("1e-10")
