"""Tokens in a wallet: counted by their ratio, compared with the venue as coins are, doubted when the ratio jumps."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import difference, tokens
from hedgebot.core.exposure import net_delta_coin
from hedgebot.core.ledger import rebuild
from hedgebot.core.risk_book import risk_book
from hedgebot.core.state import decode_state, encode_state
from hedgebot.core.step import Step
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import Command, RecordAdjustment
from hedgebot.domain.instrument import InstrumentId, InstrumentKind, Side
from hedgebot.domain.settings import DeltaConvention, EngineSettings
from tests.support.playbook import ACCOUNT, Playbook, instrument, of_type, orders, settings, the_order

ETH_PERP = InstrumentId("bybit:linear:ETHUSDT")
STETH_SPOT = InstrumentId("bybit:spot:STETHUSDT")
ETH_STETH = InstrumentId("bybit:spot:ETHSTETH")
INSTRUMENTS = (
    instrument(ETH_PERP, underlying="ETH", lot_size=Decimal("0.01"), qty_min=Decimal("0.01")),
    instrument(STETH_SPOT, InstrumentKind.SPOT, underlying="STETH"),
    instrument(ETH_STETH, InstrumentKind.SPOT, underlying="ETH", quote="STETH", settle="STETH"),
)
RATIOS = {"STETH": Decimal("1.0"), "METH": Decimal("1.06")}
HELD = {"STETH": "10", "METH": "5"}
PRICES = {"STETH": 3_000.0, "METH": 3_180.0}


def eth(ratios: dict[str, Decimal], **changes: object) -> EngineSettings:
    """The playbook's settings with ETH in place of BTC, and its tokens."""
    made = settings()
    one = msgspec.structs.replace(
        made.underlyings[0],
        underlying="ETH",
        hedge_instrument=ETH_PERP,
        delta_limit_coin=50.0,
        order_qty_coin_max=100.0,
        order_notional_usd_max=1e6,
        tokens=ratios,
    )
    strategy = msgspec.structs.replace(made.strategies[0], underlyings=("ETH",))
    return msgspec.structs.replace(
        made, underlyings=(msgspec.structs.replace(one, **changes),), strategies=(strategy,), config_hash=repr(ratios)
    )


class Book(Playbook):
    """A playbook of ETH with tokens; `held` is the venue's wallet, `prices` is what it counts those at."""

    def __init__(
        self,
        made: EngineSettings | None = None,
        held: dict[str, str] | None = None,
        prices: dict[str, float] | None = None,
    ) -> None:
        super().__init__(made or eth(RATIOS))
        self.held = dict(HELD if held is None else held)
        self.prices = dict(PRICES if prices is None else prices)
        self.contracts = Decimal(0)
        self.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
        self.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
        self.connect()
        self.market()
        while not self.state.accounts[ACCOUNT].adopted:
            self.venue_says()
        self.market()

    def market(self) -> tuple[Command, ...]:
        """A fresh book and mark; what comes of both, and of the timer after them."""
        heard = self.send(self.ticker("3000", name=ETH_PERP)) + self.send(self.book("3000", ETH_PERP))
        return heard + self.tick()

    def venue_says(self) -> tuple[Command, ...]:
        """A snapshot with the wallet and the perpetual as the venue has them."""
        self.tick(10.0)
        balances = {coin: Decimal(qty) for coin, qty in self.held.items()} | {"USDT": Decimal(500_000)}
        prices = {coin: price for coin, price in self.prices.items() if coin in self.held}
        wallet = msgspec.structs.replace(self.wallet(), balances=balances, prices_usd=prices)
        held = [self.position(str(self.contracts), ETH_PERP)] if self.contracts else []
        return self.snapshot(held, wallet=wallet)

    def applied(self, made: EngineSettings) -> tuple[Command, ...]:
        """An operator puts settings in force."""
        return self.send(ev.ConfigApplied(settings=made, changes=("tokens",), operator="ann", reason="accrued"))

    def hedge(self) -> Decimal:
        """Let the newest order be filled; the contracts that it moved."""
        self.market()
        order = orders(self.heard)[-1]
        self.done(order)
        moved = order.approved.intent.qty_contracts * order.approved.intent.side.sign
        self.contracts += moved
        return moved

    @property
    def delta(self) -> float:
        """The net delta of ETH."""
        return net_delta_coin(self.state.underlyings["ETH"])

    def told(self) -> str:
        """What is said of a ratio that is not believed."""
        self.tick()
        return next((one.summary for one in self.state.alerts.values() if one.kind is AlertKind.HOLDING_UNTRUSTED), "")


@pytest.fixture
def book() -> Book:
    return Book()


def test_ten_steth_and_five_meth_are_fifteen_point_three_eth() -> None:
    book = Book(msgspec.structs.replace(eth(RATIOS), strategies=()))
    assert book.delta == pytest.approx(10 * 1.0 + 5 * 1.06)
    assert book.state.underlyings["ETH"].linear_coin == Decimal("15.300")
    assert book.state.underlyings["ETH"].sums.balance_coin == Decimal("15.300")


def test_the_tokens_are_hedged_to_the_band(book: Book) -> None:
    assert book.hedge() == Decimal("-15.26")
    assert abs(book.delta) <= 0.05
    book.venue_says()
    assert book.state.accounts[ACCOUNT].reconciled


def test_each_token_has_a_line_of_its_own_with_its_ratio(book: Book) -> None:
    (shown,) = book_view(book.state, book.at_ns).underlyings
    rows = [one for one in shown.positions if one.kind == "token"]
    seen = [(one.account, one.venue, one.instrument, one.contracts, one.ratio, one.delta_coin) for one in rows]
    assert seen == [
        (ACCOUNT, "bybit", "STETH", "10", 1.0, 10.0),
        (ACCOUNT, "bybit", "METH", "5", 1.06, 5.3),
    ]
    assert shown.gap_coin == pytest.approx(0.0)


def test_coins_that_are_owned_count_for_nothing_where_their_number_is_kept() -> None:
    book = Book(eth(RATIOS, delta_convention=DeltaConvention.COIN_NEUTRAL))
    assert book.delta == 0.0


def test_sums_made_anew_and_a_state_read_back_are_the_same(book: Book) -> None:
    book.send(book.fill(Side.BUY, "0.37", STETH_SPOT, price=Decimal(3_000), fee="0.00037", fee_coin="STETH"))
    before = book.state.underlyings["ETH"].linear_coin
    rebuild(book.state)
    assert book.state.underlyings["ETH"].linear_coin == before == Decimal("15.66963")
    again = decode_state(encode_state(book.state))
    rebuild(again)
    assert again.underlyings["ETH"].linear_coin == before


def test_spot_trades_of_the_token_and_fees_in_it_move_the_exposure(book: Book) -> None:
    book.hedge()
    heard = book.send(book.fill(Side.BUY, "1", STETH_SPOT, price=Decimal(3_000), fee="0.001", fee_coin="STETH"))
    assert the_order(heard).approved.intent.underlying == "ETH", "the trade itself is hedged at once"
    assert book.state.coins[f"{ACCOUNT}|STETH"].qty == Decimal("10.999")


def test_a_token_is_the_ledgers_and_no_cash(book: Book) -> None:
    book.send(book.fill(Side.BUY, "1", STETH_SPOT, price=Decimal(3_000), fee="0.001", fee_coin="STETH"))
    assert list(book.state.accounts[ACCOUNT].cash) == ["USDT"]


def test_a_coin_that_is_paid_in_its_token_moves_both() -> None:
    book = Book(msgspec.structs.replace(eth(RATIOS), strategies=()))
    book.send(book.fill(Side.BUY, "2", ETH_STETH, price=Decimal("1.001")))
    assert book.state.coins[f"{ACCOUNT}|ETH"].qty == 2
    assert book.state.coins[f"{ACCOUNT}|STETH"].qty == Decimal("7.998")
    assert book.delta == pytest.approx(15.3 + 2 - 2.002)


def test_a_withdrawal_that_no_trade_explains_is_a_break(book: Book) -> None:
    book.hedge()
    book.venue_says()
    book.held["STETH"] = "4"
    book.venue_says()
    assert book.is_up(AlertKind.RECON_BREAK)
    assert "STETH on main: the venue says 4, the ledger 10" in str(book.state.alerts)
    assert not book.state.accounts[ACCOUNT].reconciled
    assert not orders(book.market()), "what is missing may be at the venue all the same"


def test_less_than_a_lot_is_taken_over_and_an_operator_takes_the_rest(book: Book) -> None:
    book.hedge()
    book.held["METH"] = "5.009"
    (said,) = of_type(book.venue_says(), RecordAdjustment)
    assert (said.subject, said.after) == ("METH", "5.009")
    assert "less than one lot" in said.evidence
    book.held["METH"] = "5.0185"
    book.venue_says()
    assert book.is_up(AlertKind.RECON_BREAK), "a lot of ETH are 0.0094 METH, with what differed before"
    step = Step(book.state, seq=0, at_ns=book.at_ns)
    difference.accept_differences(step, book.state.accounts[ACCOUNT], "ann")
    assert book.state.coins[f"{ACCOUNT}|METH"].qty == Decimal("5.0185")
    assert book.state.underlyings["ETH"].sums.balance_coin == Decimal(10) + Decimal("5.0185") * Decimal("1.06")


def test_risk_numbers_have_the_tokens_as_coins(book: Book) -> None:
    legs = {one.instrument: (one.underlying, one.coins) for one in risk_book(book.state, book.at_ns).linear}
    assert legs == {"STETH": ("ETH", 10.0), "METH": ("ETH", pytest.approx(5.3))}


def test_a_ratio_that_moves_little_is_in_force_at_once(book: Book) -> None:
    book.hedge()
    before = book.delta
    book.applied(eth(RATIOS | {"METH": Decimal("1.069")}))
    assert book.delta - before == pytest.approx(5 * 0.009)
    assert not book.told()


def test_a_ratio_that_jumps_without_a_price_is_not_believed_until_it_is_confirmed() -> None:
    book = Book(eth(RATIOS, token_jump_coin_max=11.0), prices={})
    book.hedge()
    before = book.delta
    changed = RATIOS | {"METH": Decimal("10.6")}
    book.applied(eth(changed, token_jump_coin_max=11.0))
    assert book.delta == before
    assert "token METH: its ratio changed from 1.06 to 10.6, 47.7 ETH at once, token_jump_coin_max is" in book.told()
    book.market()
    sent = len(orders(book.heard))
    assert sent == 1, "nothing but the first hedge"
    book.applied(eth(changed, token_jump_coin_max=53.0))
    assert book.delta == pytest.approx(before + 5 * 9.54)
    assert not book.told()
    book.market()
    assert len(orders(book.heard)) > sent


def test_amid_the_doubt_only_what_lowers_both_deltas_is_sent(book: Book) -> None:
    book.hedge()
    book.applied(eth(RATIOS | {"METH": Decimal("2.06")}))
    sold = book.send(book.fill(Side.SELL, "1", ETH_PERP, price=Decimal(3_000)))
    assert not orders(sold), "with the new ratio the book is long: a purchase would add risk"
    bought = book.send(book.fill(Side.BUY, "2", ETH_PERP, price=Decimal(3_000)))
    assert the_order(bought + book.market()).approved.intent.side is Side.SELL


def test_a_doubt_over_a_restart_is_the_same_doubt(book: Book) -> None:
    book.settings = eth(RATIOS | {"METH": Decimal("10.6")})
    book.start(epoch=2)
    assert book.state.underlyings["ETH"].linear_coin == Decimal("15.300")
    assert book.told()


def test_a_doubt_ends_with_the_coins_that_it_is_about(book: Book) -> None:
    book.applied(eth(RATIOS | {"STETH": Decimal("1.15")}))
    assert book.told()
    book.send(book.fill(Side.SELL, "9.95", STETH_SPOT, price=Decimal(3_000)))
    assert not book.told()
    assert book.state.underlyings["ETH"].linear_coin == Decimal("0.05") * Decimal("1.15") + Decimal("5.3")
    rebuild(book.state)
    assert book.state.underlyings["ETH"].linear_coin == Decimal("5.3575")


def test_a_token_that_is_named_while_the_book_runs_is_asked_for_before_anything_is_sent() -> None:
    book = Book(eth({"STETH": Decimal(1)}))
    book.hedge()
    book.venue_says()
    book.applied(eth(RATIOS))
    assert not book.state.accounts[ACCOUNT].reconciled
    (said,) = of_type(book.venue_says(), RecordAdjustment)
    assert (said.subject, said.before, said.after) == ("METH", "0", "5")
    assert not book.is_up(AlertKind.RECON_BREAK)
    assert book.hedge() == Decimal("-5.3")


def test_a_trade_before_the_first_comparison_leaves_what_was_there_an_opening() -> None:
    """The ledger has an entry from the trade on; what it lacks was there all along."""
    book = Book(eth({"METH": Decimal("1.06")}))
    book.hedge()
    book.venue_says()
    book.applied(eth(RATIOS))
    book.send(book.fill(Side.SELL, "3", STETH_SPOT, price=Decimal(3_000)))
    assert book.state.coins[f"{ACCOUNT}|STETH"].qty == -3
    book.held["STETH"] = "7"
    (said,) = of_type(book.venue_says(), RecordAdjustment)
    assert (said.subject, said.before, said.after) == ("STETH", "-3", "7")
    assert said.evidence.startswith("opening position")
    assert book.state.accounts[ACCOUNT].reconciled
    book.held["STETH"] = "4"
    book.venue_says()
    assert book.is_up(AlertKind.RECON_BREAK), "from then on each difference needs an explanation"


def test_a_token_that_was_found_as_the_ledger_has_it_is_known_from_then_on() -> None:
    book = Book(eth({"METH": Decimal("1.06")}), held={"METH": "5"})
    book.hedge()
    book.venue_says()
    book.applied(eth(RATIOS))
    book.held["METH"] = "3"
    book.venue_says()
    assert not book.state.accounts[ACCOUNT].reconciled, "another coin has a difference"
    book.held["STETH"] = "4"
    book.venue_says()
    assert book.state.accounts[ACCOUNT].mismatches["STETH"].venue_value == 4
    assert book.state.coins[f"{ACCOUNT}|STETH"].qty == 0


def test_coins_of_a_state_from_before_were_compared(book: Book) -> None:
    raw = msgspec.msgpack.decode(encode_state(book.state))
    for one in raw["coins"].values():
        del one["compared"]
    again = decode_state(msgspec.msgpack.encode(raw))
    assert all(one.compared for one in again.coins.values())
    assert encode_state(again) == encode_state(book.state)


def test_a_token_that_left_is_forgotten_with_its_difference_and_named_again_it_is_what_is_there(book: Book) -> None:
    book.held["METH"] = "3"
    book.venue_says()
    assert "METH" in book.state.accounts[ACCOUNT].mismatches
    (said,) = of_type(book.applied(eth({"STETH": Decimal(1)})), RecordAdjustment)
    assert (said.subject, said.before, said.after) == ("METH", "5", "0")
    assert book.state.underlyings["ETH"].linear_coin == 10
    book.venue_says()
    assert book.state.accounts[ACCOUNT].reconciled
    book.applied(eth(RATIOS))
    book.venue_says()
    assert book.state.underlyings["ETH"].linear_coin == Decimal("13.18")
    assert not book.is_up(AlertKind.RECON_BREAK)


def test_a_scope_of_another_account_leaves_tokens_out() -> None:
    made = eth(RATIOS)
    scoped = tuple(msgspec.structs.replace(one, accounts=("vault",)) for one in made.strategies)
    book = Book(msgspec.structs.replace(made, strategies=scoped))
    assert book.delta == 0.0
    (shown,) = book_view(book.state, book.at_ns).underlyings
    assert [one.in_scope for one in shown.positions] == [False, False]
    book.applied(msgspec.structs.replace(eth(RATIOS | {"METH": Decimal(100)}), strategies=scoped))
    assert not book.told(), "it changes nothing that is hedged"


def test_what_is_no_exposure_is_worth_nothing_here(book: Book) -> None:
    assert tokens.worth(book.state, "DOGE") is None
    assert tokens.counted(book.state, ACCOUNT, "DOGE") is None
    assert tokens.names(book.state.settings) == ("ETH", "STETH", "METH")
