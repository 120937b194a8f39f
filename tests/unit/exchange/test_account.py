from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.exchange.account import Account, Position, fee_coin, trade_fee


def instrument(kind: InstrumentKind, settle: str = "USDT") -> Instrument:
    return Instrument(
        id=InstrumentId(f"bybit:{kind}:X"),
        venue="bybit",
        category=str(kind),
        symbol="X",
        kind=kind,
        underlying="BTC",
        quote=settle,
        settle=settle,
        contract_size=Decimal(1),
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
    )


PERP = instrument(InstrumentKind.LINEAR_PERP)
SPOT = instrument(InstrumentKind.SPOT)

trades = st.lists(
    st.tuples(st.integers(-5_000, 5_000).filter(bool), st.integers(500_000, 1_500_000)), min_size=1, max_size=40
)


@given(trades)
def test_nothing_is_lost_by_averaging(rows: list[tuple[int, int]]) -> None:
    """Cash paid for contracts = cost of what is held - profit taken, to the last decimal, for every sequence."""
    position, paid, realised = Position(PERP), ZERO, ZERO
    for lots, ticks in rows:
        contracts, price = Decimal(lots) / 1_000, Decimal(ticks) / 10
        _, profit = position.trade(contracts, price)
        paid += contracts * price
        realised += profit
    assert paid == position.cost_quote - realised
    assert position.contracts == sum(Decimal(lots) / 1_000 for lots, _ in rows)
    assert position.realised_pnl == realised
    if not position.contracts:
        assert position.cost_quote == ZERO
        assert position.entry_price is None


def test_a_trade_through_zero_closes_first_and_opens_the_rest() -> None:
    position = Position(PERP)
    position.trade(Decimal(2), Decimal(100))
    closed, realised = position.trade(Decimal(-5), Decimal(110))
    assert (closed, realised) == (Decimal(2), Decimal(20))
    assert (position.contracts, position.entry_price) == (Decimal(-3), Decimal(110))


def test_a_spot_buyer_pays_the_fee_in_the_coin_bought() -> None:
    account = Account("a", 10, {"USDT": Decimal(1_000)})
    fee = trade_fee(SPOT, Side.BUY, Decimal("0.01"), Decimal(90_000), Decimal(90_000), Decimal("0.001"))
    assert (fee, fee_coin(SPOT, Side.BUY)) == (Decimal("0.00001"), "BTC")
    account.book_trade(SPOT, Side.BUY, Decimal("0.01"), Decimal(90_000), fee)
    assert account.coins == {"USDT": Decimal(100), "BTC": Decimal("0.00999")}
    assert fee_coin(SPOT, Side.SELL) == "USDT"


def test_a_perpetual_moves_cash_only_when_it_closes() -> None:
    account = Account("a", 10, {"USDT": Decimal(1_000)})
    assert account.book_trade(PERP, Side.BUY, Decimal(1), Decimal(100), ZERO).realised_pnl == ZERO
    assert account.coins["USDT"] == Decimal(1_000)
    account.book_trade(PERP, Side.SELL, Decimal(1), Decimal(107), Decimal(2))
    assert account.coins["USDT"] == Decimal(1_005)
    assert account.realised["USDT"] == Decimal(7)


def test_an_options_fee_is_capped_by_its_premium() -> None:
    cheap = trade_fee(_option(), Side.BUY, Decimal(1), Decimal(10), Decimal(90_000), Decimal("0.0003"))
    dear = trade_fee(_option(), Side.BUY, Decimal(1), Decimal(5_000), Decimal(90_000), Decimal("0.0003"))
    assert (cheap, dear) == (Decimal("0.7"), Decimal(27))


def _option() -> Instrument:
    fields = {**msgspec.structs.asdict(SPOT), "kind": InstrumentKind.LINEAR_OPTION}
    return Instrument(**{**fields, "expiry_ns": 1, "strike": Decimal(1), "option_type": OptionType.CALL})
