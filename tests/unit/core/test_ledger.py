"""The ledger: once is once, averages and profits by hand, coins that move with fees, and sums that never drift."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core import ledger
from hedgebot.core.state import EngineState, Position, UnderlyingState
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.errors import ProgrammingError
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_INVERSE,
    BTC_PERP,
    BTC_SPOT,
    BTC_USDC,
    START_NS,
    Playbook,
    alerts,
    instrument,
)

ETH_BTC = InstrumentId("bybit:spot:ETHBTC")


def _ready() -> Playbook:
    book = Playbook()
    book.ready()
    return book


def _book(state: EngineState, fill: ev.FillReceived) -> set[str]:
    return ledger.book_fill(state, fill, START_NS)


def _position(book: Playbook, name: InstrumentId) -> Position:
    return book.state.positions[ledger.position_key(ACCOUNT, name)]


# --- once is once --------------------------------------------------------------------------------------------------


def _is_new(state: EngineState, account: str, name: InstrumentId, trade_id: str) -> bool:
    fill = msgspec.structs.replace(
        Playbook().fill(Side.BUY, "1"), account=account, instrument=name, trade_id=trade_id, venue_at_ns=START_NS + 7
    )
    return ledger.is_new_execution(state, fill, START_NS)


def test_an_execution_is_its_account_category_and_trade_id() -> None:
    state = _ready().state
    assert _is_new(state, ACCOUNT, BTC_PERP, "t1")
    assert not _is_new(state, ACCOUNT, BTC_PERP, "t1")
    assert not _is_new(state, ACCOUNT, BTC_USDC, "t1"), "the same category"
    assert _is_new(state, ACCOUNT, BTC_SPOT, "t1"), "another category"
    assert _is_new(state, "other", BTC_PERP, "t1"), "another account"
    assert _is_new(state, ACCOUNT, BTC_PERP, "t2")


def test_the_later_of_the_two_clocks_is_remembered() -> None:
    state = _ready().state
    assert _is_new(state, ACCOUNT, BTC_PERP, "t1")
    assert state.executions[f"{ACCOUNT}|bybit:linear|t1"] == START_NS + 7
    old = msgspec.structs.replace(Playbook().fill(Side.BUY, "1"), trade_id="t2", venue_at_ns=START_NS - 7)
    assert ledger.is_new_execution(state, old, START_NS)
    assert state.executions[f"{ACCOUNT}|bybit:linear|t2"] == START_NS


def test_ids_made_of_odd_characters_do_not_run_into_each_other() -> None:
    state = _ready().state
    assert _is_new(state, "a", InstrumentId("b:c:X"), "d|e")
    assert _is_new(state, "a|b:c", InstrumentId("d:e:X"), "e")
    assert _is_new(state, "a", InstrumentId("b:c:X"), "e")


def test_the_same_fill_by_stream_and_by_query_is_one() -> None:
    book = _ready()
    fill = book.fill(Side.BUY, "0.01")
    book.send(fill)
    before = book.state.underlyings["BTC"].linear_coin
    assert book.send(msgspec.structs.replace(fill, source=ev.Source.QUERY)) == ()
    assert book.state.underlyings["BTC"].linear_coin == before


# --- entries and profits -------------------------------------------------------------------------------------------


def test_the_average_entry_of_a_linear_position() -> None:
    book = _ready()
    for side, qty, price in [(Side.BUY, "1", 100_000), (Side.BUY, "3", 104_000), (Side.SELL, "2", 105_000)]:
        _book(book.state, book.fill(side, qty, BTC_USDC, price=Decimal(price)))
    position = _position(book, BTC_USDC)
    assert position.contracts == 2
    assert position.entry_price == 103_000
    assert position.realised_settle == 2 * 2_000


def test_the_average_entry_of_an_inverse_position_is_harmonic() -> None:
    book = _ready()
    for qty, price in [("60000", 60_000), ("30000", 50_000)]:
        _book(book.state, book.fill(Side.BUY, qty, BTC_INVERSE, price=Decimal(price)))
    # 1 coin at 60,000 and 0.6 at 50,000: 90,000 dollars for 1.6 coins.
    assert _position(book, BTC_INVERSE).entry_price == Decimal(90_000) / Decimal("1.6")
    _book(book.state, book.fill(Side.SELL, "90000", BTC_INVERSE, price=Decimal(90_000)))
    assert _position(book, BTC_INVERSE).realised_settle == pytest.approx(Decimal("0.6"))


@pytest.mark.parametrize(("side", "profit"), [(Side.BUY, 5_000), (Side.SELL, -5_000)])
def test_a_flip_realises_the_whole_and_starts_anew(side: Side, profit: int) -> None:
    book = _ready()
    _book(book.state, book.fill(side, "1", BTC_USDC, price=Decimal(100_000)))
    _book(book.state, book.fill(side.opposite, "1.5", BTC_USDC, price=Decimal(105_000)))
    position = _position(book, BTC_USDC)
    assert position.contracts == Decimal("0.5") * side.opposite.sign
    assert position.entry_price == 105_000
    assert position.realised_settle == profit


def test_a_flat_perpetual_keeps_its_profit_and_a_flat_option_goes() -> None:
    book = _ready()
    for name in (BTC_USDC, BTC_CALL):
        for side in Side:
            _book(book.state, book.fill(side, "1", name))
    assert _position(book, BTC_USDC).contracts == 0
    assert book.state.underlyings["BTC"].option_keys == {}
    ledger.forget_flat(book.state, ACCOUNT, before_ns=START_NS)
    assert ledger.position_key(ACCOUNT, BTC_CALL) in book.state.positions, "it moved after the snapshot was asked for"
    ledger.forget_flat(book.state, ACCOUNT, before_ns=book.at_ns + 1)
    assert ledger.position_key(ACCOUNT, BTC_CALL) not in book.state.positions
    assert ledger.position_key(ACCOUNT, BTC_USDC) in book.state.positions


# --- coins ---------------------------------------------------------------------------------------------------------


def test_a_spot_trade_moves_coins_and_its_fee_in_coin_costs_delta() -> None:
    book = _ready()
    moved = _book(book.state, book.fill(Side.BUY, "2", BTC_SPOT, fee="0.002", fee_coin="BTC"))
    assert moved == {"BTC"}
    assert book.state.coins[ledger.coin_key(ACCOUNT, "BTC")].qty == Decimal("1.998")
    assert book.state.underlyings["BTC"].linear_coin == Decimal("1.998")
    assert book.state.totals.fees == {"BTC": Decimal("0.002")}


@pytest.mark.parametrize("coin", ["USDT", "MNT"])
def test_a_fee_in_another_coin_moves_no_delta(coin: str) -> None:
    book = _ready()
    _book(book.state, book.fill(Side.SELL, "2", BTC_USDC, fee="1.5", fee_coin=coin))
    assert book.state.underlyings["BTC"].linear_coin == -2
    assert book.state.totals.fees == {coin: Decimal("1.5")}


def test_a_rebate_is_a_negative_fee() -> None:
    book = _ready()
    _book(book.state, book.fill(Side.SELL, "1", BTC_SPOT, fee="-0.001", fee_coin="BTC"))
    assert book.state.underlyings["BTC"].linear_coin == Decimal("-0.999")


def test_a_pair_of_two_underlyings_moves_both() -> None:
    book = _ready()
    book.state.underlyings["ETH"] = UnderlyingState(name="ETH")
    book.state.instruments[ETH_BTC] = instrument(ETH_BTC, InstrumentKind.SPOT, underlying="ETH", quote="BTC")
    moved = _book(book.state, book.fill(Side.BUY, "10", ETH_BTC, price=Decimal("0.04")))
    assert moved == {"BTC", "ETH"}
    assert book.state.underlyings["ETH"].linear_coin == 10
    assert book.state.underlyings["BTC"].linear_coin == Decimal("-0.4")


def test_funding_is_money_and_never_a_quantity() -> None:
    book = _ready()
    _book(book.state, book.fill(Side.BUY, "1", BTC_PERP))
    payment = ev.FundingPaid(
        account=ACCOUNT,
        instrument=BTC_PERP,
        trade_id="f1",
        cost=Decimal("12.5"),
        coin="USDT",
        rate=0.0001,
        source=ev.Source.STREAM,
        venue_at_ns=START_NS,
    )
    assert ledger.book_funding(book.state, payment, START_NS) == set()
    assert _position(book, BTC_PERP).contracts == 1
    assert book.state.underlyings["BTC"].linear_coin == 1
    # Paid in coin (inverse contracts) it takes the coins that paid it.
    in_coin = msgspec.structs.replace(payment, coin="BTC", cost=Decimal("-0.01"))
    assert ledger.book_funding(book.state, in_coin, START_NS) == {"BTC"}
    assert book.state.underlyings["BTC"].linear_coin == Decimal("1.01")
    assert book.state.totals.funding == {"USDT": Decimal("12.5"), "BTC": Decimal("-0.01")}


def test_profit_of_an_inverse_contract_is_paid_in_coins() -> None:
    book = _ready()
    book.send(book.fill(Side.BUY, "100000", BTC_INVERSE, price=Decimal(100_000)))
    book.send(book.fill(Side.SELL, "100000", BTC_INVERSE, price=Decimal(125_000)))
    # 100,000 x (1/100,000 - 1/125,000) = 0.2 coins, which the venue adds to the wallet.
    book.tick(after_ms=16_000)
    commands = book.snapshot(btc="0.2")
    assert AlertKind.RECON_BREAK not in alerts(commands)


# --- adjustments ---------------------------------------------------------------------------------------------------


def test_an_adjustment_moves_position_and_exposure_to_the_stated_quantity() -> None:
    book = _ready()
    _book(book.state, book.fill(Side.BUY, "2", BTC_PERP))
    ledger.set_position(book.state, ACCOUNT, BTC_PERP, Decimal(-1), Decimal(90_000), START_NS)
    ledger.set_coin(book.state, ACCOUNT, "BTC", Decimal("0.5"), START_NS)
    ledger.set_coin(book.state, ACCOUNT, "BTC", Decimal("0.25"), START_NS)
    assert ledger.position_contracts(book.state, ACCOUNT, BTC_PERP) == -1
    assert book.state.underlyings["BTC"].linear_coin == Decimal("-0.75")


@pytest.mark.parametrize("name", [BTC_INVERSE, BTC_USDC])
def test_an_adopted_position_knows_its_entry(name: InstrumentId) -> None:
    # The venue says the entry price in its snapshot; at the first snapshot there may be no mark yet.
    book = Playbook()
    book.ready(positions=[book.position("1", name)])
    assert _position(book, name).entry_price == 100_000


@pytest.mark.parametrize("side", Side)
def test_an_adopted_inverse_position_can_be_traded(side: Side) -> None:
    book = Playbook()
    book.ready(positions=[book.position("100000", BTC_INVERSE)])
    book.send(book.fill(side, "50000", BTC_INVERSE))
    assert _position(book, BTC_INVERSE).contracts == 100_000 + 50_000 * side.sign


def test_an_unknown_instrument_is_named() -> None:
    book = _ready()
    with pytest.raises(ProgrammingError, match="DOGE"):
        _book(book.state, book.fill(Side.BUY, "1", InstrumentId("bybit:linear:DOGEUSDT")))


# --- sums ----------------------------------------------------------------------------------------------------------


def test_an_entry_that_is_not_known_stays_unknown_when_the_position_grows() -> None:
    """Its profit would be claimed from the price of the addition otherwise, and an inverse delta would step."""
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=tuple(READY.state.instruments.values())))
    ledger.set_position(book.state, ACCOUNT, BTC_INVERSE, Decimal(-50_000), Decimal(0), START_NS)
    _book(book.state, book.fill(Side.SELL, "50000", BTC_INVERSE, price=Decimal(80_000)))
    assert _position(book, BTC_INVERSE).entry_price == 0
    assert book.state.underlyings["BTC"].inverse_quote == -100_000
    _book(book.state, book.fill(Side.BUY, "100000", BTC_INVERSE, price=Decimal(90_000)))
    assert _position(book, BTC_INVERSE).realised_settle == 0
    assert book.state.underlyings["BTC"].inverse_quote == 0


def test_an_adjustment_to_the_other_side_takes_the_venues_entry() -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=tuple(READY.state.instruments.values())))
    ledger.set_position(book.state, ACCOUNT, BTC_INVERSE, Decimal(-50_000), Decimal(100_000), START_NS)
    ledger.set_position(book.state, ACCOUNT, BTC_INVERSE, Decimal(40_000), Decimal(80_000), START_NS)
    assert _position(book, BTC_INVERSE).entry_price == 80_000
    assert book.state.underlyings["BTC"].linear_coin == Decimal("0.5")


fills = st.lists(
    st.tuples(
        st.sampled_from([BTC_PERP, BTC_USDC, BTC_SPOT, BTC_INVERSE, BTC_CALL]),
        st.sampled_from(Side),
        st.decimals(Decimal("0.001"), 50, places=3),
        st.decimals(20_000, 200_000, places=1),
        st.decimals(0, Decimal("0.01"), places=6),
        st.sampled_from(["BTC", "USDT"]),
    ),
    max_size=25,
)


@given(fills)
def test_the_sum_of_fills_is_the_position_and_the_exposure(
    stream: list[tuple[InstrumentId, Side, Decimal, Decimal, Decimal, str]],
) -> None:
    book = Playbook()
    book.send(ev.InstrumentsLoaded(venue="bybit", instruments=tuple(READY.state.instruments.values())))
    held: dict[InstrumentId, Decimal] = {}
    coins = Decimal(0)
    for name, side, qty, price, fee, fee_coin in stream:
        fill = book.fill(side, str(qty), name, price=price, fee=str(fee), fee_coin=fee_coin)
        _book(book.state, fill)
        if name == BTC_SPOT:
            coins += qty * side.sign
        else:
            held[name] = held.get(name, Decimal(0)) + qty * side.sign
        coins -= fee if fee_coin == "BTC" else 0
    for name, contracts in held.items():
        assert ledger.position_contracts(book.state, ACCOUNT, name) == contracts
    underlying = book.state.underlyings["BTC"]
    inverse = book.state.positions.get(ledger.position_key(ACCOUNT, BTC_INVERSE))
    coins += inverse.realised_settle if inverse else 0
    expected = coins + held.get(BTC_PERP, 0) + held.get(BTC_USDC, 0)
    if inverse and inverse.contracts:
        expected += inverse.contracts / inverse.entry_price
    assert underlying.linear_coin == pytest.approx(expected, abs=Decimal("1e-20"))
    assert underlying.inverse_quote == 0


@given(fills)
def test_profit_does_not_depend_on_how_fills_are_cut(
    stream: list[tuple[InstrumentId, Side, Decimal, Decimal, Decimal, str]],
) -> None:
    whole, halves = Playbook(), Playbook()
    for book in (whole, halves):
        book.send(ev.InstrumentsLoaded(venue="bybit", instruments=tuple(READY.state.instruments.values())))
    for _, side, qty, price, _, _ in stream:
        _book(whole.state, whole.fill(side, str(qty), BTC_USDC, price=price))
        for _ in range(2):
            _book(halves.state, halves.fill(side, str(qty / 2), BTC_USDC, price=price))
    if stream:
        one, other = _position(whole, BTC_USDC), _position(halves, BTC_USDC)
        assert one.contracts == other.contracts
        assert float(one.realised_settle) == pytest.approx(float(other.realised_settle), abs=1e-6)
        assert not one.contracts or float(one.entry_price) == pytest.approx(float(other.entry_price))


READY = _ready()


@pytest.mark.parametrize(
    ("held", "side", "contracts", "shrinks"),
    [
        ("0.5", Side.SELL, "0.5", True),
        ("0.5", Side.SELL, "0.501", False),
        ("0.5", Side.BUY, "0.1", False),
        ("-0.5", Side.BUY, "0.2", True),
        ("0", Side.SELL, "0.1", False),
    ],
)
def test_what_only_shrinks_takes_from_a_position_and_never_beyond_zero(
    held: str, side: Side, contracts: str, shrinks: bool
) -> None:
    book = _ready()
    ledger.set_position(book.state, ACCOUNT, BTC_PERP, Decimal(held), Decimal(100_000), START_NS)
    assert ledger.only_shrinks(book.state, ACCOUNT, BTC_PERP, side, Decimal(contracts)) is shrinks
