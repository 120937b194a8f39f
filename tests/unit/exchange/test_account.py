from decimal import Decimal

import msgspec

from hedgebot.domain.decimals import ZERO
from hedgebot.domain.instrument import Instrument, InstrumentId, InstrumentKind, OptionType, Side
from hedgebot.exchange.account import Account, fee_coin, trade_fee
from hedgebot.exchange.requests import PositionIndex


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


def test_an_inverse_contract_pays_profit_and_fee_in_coin() -> None:
    inverse = instrument(InstrumentKind.INVERSE_PERP, "BTC")
    account = Account("a", 10, {"BTC": Decimal(1)})
    fee = trade_fee(inverse, Side.BUY, Decimal(10_000), Decimal(50_000), Decimal(50_000), Decimal("0.00055"))
    assert (fee, fee_coin(inverse, Side.BUY)) == (Decimal("0.00011"), "BTC")
    account.book_trade(inverse, Side.BUY, Decimal(10_000), Decimal(50_000), fee)
    assert account.coins == {"BTC": Decimal("0.99989")}
    booking = account.book_trade(inverse, Side.SELL, Decimal(10_000), Decimal(80_000), ZERO)
    assert booking.realised_pnl == Decimal("0.075")
    assert account.coins == {"BTC": Decimal("1.07489")}
    assert account.realised == {"BTC": Decimal("0.075")}


def test_the_two_positions_of_hedge_mode_are_apart() -> None:
    account = Account("a", 10, {"USDT": Decimal(1_000)})
    account.book_trade(PERP, Side.BUY, Decimal(2), Decimal(100), ZERO, PositionIndex.LONG)
    account.book_trade(PERP, Side.SELL, Decimal(3), Decimal(110), ZERO, PositionIndex.SHORT)
    assert [(one.index, one.contracts) for one in account.held(PERP.id)] == [
        (PositionIndex.LONG, Decimal(2)),
        (PositionIndex.SHORT, Decimal(-3)),
    ]
    assert account.coins == {"USDT": Decimal(1_000)}
    assert account.contracts(PERP.id) == ZERO
