"""Settlement coins against the wallet: each kind of booking by hand, and what is told, refused and taken over."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import cash
from hedgebot.core.cash_state import CoinCash
from hedgebot.core.difference import accept_differences
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.step import Step
from hedgebot.core.treasury_state import Move, MoveStatus
from hedgebot.core.unkill import to_review
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, RaiseAlert, RecordAdjustment
from hedgebot.domain.durations import NS_PER_DAY, NS_PER_HOUR
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import KillAction, KillScope
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_PERP, BTC_SPOT, BTC_USDC, MS, Playbook, of_type

OPENED = Decimal(500_000)
SUBJECT = f"{ACCOUNT}|USDT cash"


def coin(book: Playbook, name: str = "USDT") -> CoinCash:
    return book.state.accounts[ACCOUNT].cash[name]


def read(
    book: Playbook,
    usdt: Decimal | str,
    after_s: float = 15.0,
    entry: str = "100000",
    *,
    debt: str = "",
    ahead_s: float = 0.0,
    **others: str,
) -> tuple[Command, ...]:
    """The venue says what the ledger has, and this wallet, a while later; `debt` is of USDT, `ahead_s` its stamp."""
    book.at_ns += round(after_s * 1e9)
    account, held = book.state.accounts[ACCOUNT], book.state.positions.values()
    btc = book.state.coins.get(f"{ACCOUNT}|BTC")
    balances = {"BTC": btc.qty if btc else Decimal(0), "USDT": Decimal(usdt)}
    balances |= {name: Decimal(qty) for name, qty in others.items()}
    # A while without an event is a pause: the venue was asked after it.
    book.tick(after_ms=0)
    account.truth_lost_at_ns = 0
    return book.snapshot(
        [
            msgspec.structs.replace(book.position(str(one.contracts), one.instrument), entry_price=Decimal(entry))
            for one in held
            if one.contracts
        ],
        wallet=msgspec.structs.replace(
            book.wallet(),
            balances=balances,
            debts={"USDT": Decimal(debt)} if debt else {},
            venue_at_ns=book.at_ns + round(ahead_s * 1e9),
        ),
    )


@pytest.fixture
def book() -> Playbook:
    made = Playbook()
    made.ready()
    return made


def told(book: Playbook) -> bool:
    return f"{AlertKind.RECON_BREAK}|{SUBJECT}" in book.state.alerts


def test_a_coin_is_opened_at_the_adopting_snapshot_and_journaled(book: Playbook) -> None:
    rows = [one for one in of_type(book.heard, RecordAdjustment) if one.subject == "USDT cash"]
    assert [(one.before, one.after) for one in rows] == [("unknown", "500000")]
    assert coin(book).qty == OPENED


def test_a_coin_that_was_never_opened_says_that_it_is_opened_whatever_was_adopted_before(book: Playbook) -> None:
    account = book.state.accounts[ACCOUNT]
    account.cash.clear()
    cash.forget_position(Step(book.state, seq=book.seq, at_ns=book.at_ns), account, BTC_PERP)
    (row,) = [one for one in of_type(read(book, OPENED), RecordAdjustment) if one.subject == "USDT cash"]
    assert row.evidence.startswith("opening cash, snapshot ")
    # One that was opened is opened anew, and says why.
    cash.forget_position(Step(book.state, seq=book.seq, at_ns=book.at_ns), account, BTC_PERP)
    (row,) = [one for one in of_type(read(book, OPENED + 1), RecordAdjustment) if one.subject == "USDT cash"]
    assert row.evidence.startswith(f"{BTC_PERP} was adjusted, snapshot ")


@pytest.mark.parametrize(
    ("name", "side", "price", "fee", "explained"),
    [
        # 0.5 bought at 90,000 and 9 of fee.
        (BTC_SPOT, Side.BUY, "90000", "9", "-45009"),
        (BTC_SPOT, Side.SELL, "90000", "9", "44991"),
        # A premium of 6,000 a coin.
        (BTC_CALL, Side.BUY, "6000", "3", "-3003"),
        (BTC_CALL, Side.SELL, "6000", "3", "2997"),
        # A contract pays nothing when it is opened.
        (BTC_PERP, Side.BUY, "90000", "25", "-25"),
    ],
)
def test_one_trade_moves_the_cash_by_a_hand_worked_number(
    book: Playbook, name: InstrumentId, side: Side, price: str, fee: str, explained: str
) -> None:
    book.send(book.fill(side, "0.5", name, price=Decimal(price), fee=fee))
    assert coin(book).qty == OPENED + Decimal(explained)


def test_closing_pays_the_profit_and_a_turn_pays_the_closed_part(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(90_000)))
    book.send(book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(100_000)))  # 0.8 at 95,000
    book.send(book.fill(Side.SELL, "0.2", BTC_PERP, price=Decimal(96_000)))
    assert coin(book).qty == OPENED + 200
    book.send(book.fill(Side.SELL, "1", BTC_PERP, price=Decimal(94_000)))  # closes 0.6, opens 0.4 short
    assert coin(book).qty == OPENED + 200 - 600
    book.send(book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(93_000)))
    assert coin(book).qty == OPENED + 200 - 600 + 400


def test_deliveries_funding_and_a_fee_in_another_coin(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "2", BTC_CALL, price=Decimal(6_000)))
    delivery = book.fill(Side.SELL, "2", BTC_CALL, price=Decimal(7_500))
    book.send(msgspec.structs.replace(delivery, kind=ev.ExecutionKind.DELIVERY))
    assert coin(book).qty == OPENED + 3_000
    book.send(
        ev.FundingPaid(
            account=ACCOUNT,
            instrument=BTC_PERP,
            trade_id="f1",
            cost=Decimal("12.5"),
            coin="USDT",
            rate=0.0001,
            source=ev.Source.STREAM,
            venue_at_ns=book.at_ns,
        )
    )
    assert coin(book).qty == OPENED + 3_000 - Decimal("12.5")
    book.send(book.fill(Side.BUY, "1", BTC_SPOT, price=Decimal(90_000), fee="0.001", fee_coin="BTC"))
    assert coin(book).qty == OPENED + 3_000 - Decimal("12.5") - 90_000
    assert "BTC" not in book.state.accounts[ACCOUNT].cash, "coins of underlyings are the ledger's"


def test_a_move_that_arrived_is_booked_and_decided_after_its_moment(book: Playbook) -> None:
    move = Move(
        number=1,
        account=ACCOUNT,
        coin="USDT",
        qty=Decimal(1_000),
        emergency_qty=Decimal(0),
        status=MoveStatus.UNKNOWN,
        why="",
        made_ns=book.at_ns,
    )
    book.state.treasury.moves[1] = move
    for _ in range(3):
        read(book, OPENED + 1_000)
    assert coin(book).difference is None, "a move that may have arrived explains what it may"
    move.status = MoveStatus.DONE
    cash.book_move(book.state, move, book.at_ns)
    read(book, OPENED + 1_000)
    assert coin(book).difference is None
    assert coin(book).qty == OPENED + 1_000


@pytest.mark.parametrize("gap", ["-100", "100"])
def test_two_readings_tell_it_with_both_numbers_and_hedging_goes_on(book: Playbook, gap: str) -> None:
    book.send(book.fill(Side.BUY, "0.01", BTC_SPOT, price=Decimal(90_000)))
    wallet = OPENED - 900 + Decimal(gap)
    assert of_type(read(book, wallet), RaiseAlert) == []
    (alert,) = [one for one in of_type(read(book, wallet), RaiseAlert) if one.kind is AlertKind.RECON_BREAK]
    assert alert.subject == SUBJECT
    for number in (str(wallet), "499100", f"{Decimal(gap):+}", "trade t1 in bybit:spot:BTCUSDT"):
        assert number in alert.summary, (number, alert.summary)
    assert book.state.accounts[ACCOUNT].reconciled
    assert not book.state.accounts[ACCOUNT].mismatches
    assert not book.state.latches


def test_it_survives_a_snapshot_of_the_state_and_ends_when_the_money_is_back(book: Playbook) -> None:
    read(book, OPENED - 700)
    read(book, OPENED - 700)
    assert told(book)
    assert decode_state(encode_state(book.state)).accounts[ACCOUNT].cash == book.state.accounts[ACCOUNT].cash
    read(book, OPENED)
    assert not told(book)


def test_a_state_without_a_book_of_cash_opens_it_at_the_next_clean_snapshot(book: Playbook) -> None:
    book.state.accounts[ACCOUNT].cash.clear()
    read(book, OPENED - 700)
    assert coin(book).qty == OPENED - 700
    assert not told(book)


def test_one_reading_two_that_disagree_and_two_of_one_moment_tell_nothing(book: Playbook) -> None:
    read(book, OPENED - 700)
    read(book, OPENED - 800)
    assert not told(book)
    book.agree()
    read(book, OPENED)
    read(book, OPENED - 700)
    read(book, OPENED - 700, after_s=1.0)
    assert not told(book)


def test_a_wallet_from_before_a_booking_is_not_compared(book: Playbook) -> None:
    """The fill comes while the venue is asked: which of both wallets was read nobody knows."""
    for _ in range(3):
        book.at_ns += 15_000 * MS
        book.tick(after_ms=0)
        book.state.accounts[ACCOUNT].truth_lost_at_ns = 0
        wallet = msgspec.structs.replace(book.wallet(), balances={"BTC": Decimal(0), "USDT": coin(book).qty})
        fill = book.fill(Side.BUY, "0.01", BTC_CALL, price=Decimal(6_000))
        fill = msgspec.structs.replace(fill, venue_at_ns=wallet.venue_at_ns)
        book.send(fill)
        held = [
            book.position(str(one.contracts), one.instrument) for one in book.state.positions.values() if one.contracts
        ]
        book.snapshot(held, wallet=wallet)
    assert coin(book).difference is None


def test_an_operator_takes_it_over_and_what_was_booked_since_stays(book: Playbook) -> None:
    read(book, OPENED + 1_000)
    read(book, OPENED + 1_000)
    assert told(book)
    book.send(book.fill(Side.SELL, "0.01", BTC_CALL, price=Decimal(6_000)))
    book.send(
        ev.OperatorKilled(operator="ann", reason="deposit", scope=KillScope.ALL, name="", action=KillAction.FREEZE)
    )
    book.send(book.book())
    book.send(book.ticker())
    latch = book.state.latches[KillScope.ALL]
    assert f"difference:{ACCOUNT}:USDT cash" in [name for name, _ in to_review(book.state, latch)]
    step = Step(book.state, seq=book.seq, at_ns=book.at_ns)
    accept_differences(step, book.state.accounts[ACCOUNT], "ann")
    (row,) = of_type(step.commands, RecordAdjustment)
    assert (row.subject, Decimal(row.before), Decimal(row.after)) == ("USDT cash", OPENED + 60, OPENED + 1_060)
    assert "accepted by ann at unkill" in row.evidence
    assert not told(book)


def test_a_close_without_a_known_entry_opens_the_coin_anew(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(90_000)))
    coin(book).held[BTC_PERP].cost = None
    book.send(book.fill(Side.SELL, "0.4", BTC_PERP, price=Decimal(96_000)))
    rows = of_type(read(book, OPENED + 2_400), RecordAdjustment)
    assert ["entry price" in one.evidence for one in rows] == [True]
    assert coin(book).qty == OPENED + 2_400


def test_an_execution_that_comes_after_a_later_one_opens_the_coin_anew(book: Playbook) -> None:
    """What is realised at an average price rests on the order: the venue bought before it sold, we hear it after."""
    book.send(book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(90_000)))
    early = book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(100_000))
    book.at_ns += 10 * MS
    book.send(book.fill(Side.SELL, "0.4", BTC_PERP, price=Decimal(96_000)))
    book.send(early)
    rows = of_type(read(book, OPENED + 400, entry="95000"), RecordAdjustment)
    assert ["came after a later one" in one.evidence for one in rows] == [True]
    book.send(book.fill(Side.SELL, "0.4", BTC_PERP, price=Decimal(96_000)))
    assert coin(book).qty == OPENED + 800


def test_a_rollback_opens_the_coin_anew(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.4", BTC_PERP, price=Decimal(90_000)))
    back = book.fill(Side.SELL, "0.2", BTC_PERP, price=Decimal(96_000))
    book.send(msgspec.structs.replace(back, kind=ev.ExecutionKind.ROLLBACK))
    read(book, OPENED + 7_000)
    assert coin(book).qty == OPENED + 7_000
    assert not told(book)


def test_contracts_that_pay_by_the_session_are_not_compared(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "0.4", BTC_USDC, fee="1", fee_coin="USDC"))
    for usdc in ("5", "9", "13"):
        read(book, OPENED, USDC=usdc)
    assert coin(book, "USDC").opened_ns == 0
    book.send(book.fill(Side.SELL, "0.4", BTC_USDC))
    read(book, OPENED, USDC="14")
    assert coin(book, "USDC").qty == 14


def test_the_day_takes_roundings_and_interest_over_once(book: Playbook) -> None:
    made = CoinCash(qty=Decimal(-10_000), equal_ns=book.at_ns)
    assert cash.allowance(made, book.at_ns) == pytest.approx(Decimal("0.001") + Decimal(5) / 24)
    assert cash.allowance(made, book.at_ns + 23 * NS_PER_HOUR) == Decimal("5.001")
    book.at_ns += NS_PER_DAY
    rows = [one for one in of_type(read(book, OPENED - 20), RecordAdjustment) if one.subject == "USDT cash"]
    assert ["interest" in one.evidence for one in rows] == [True]
    assert coin(book).qty == OPENED - 20
    rows = [one for one in of_type(read(book, OPENED - 21), RecordAdjustment) if one.subject == "USDT cash"]
    assert rows == []
