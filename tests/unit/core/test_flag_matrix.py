"""Every safety flag against every purpose of an order (safety reference section 2; a peer's flag stopped its stops).

Three purposes: an order that adds risk, one that reduces it, a cancel. REDUCING, and a kill that reduces, stop the
first and pass the second; a freeze stops both; nothing ever stops a cancel. What leaves the purpose itself unproven
(stale or suspect data, an unknown position, a clock that is off) counts as adding risk: it stops the second as well,
unless there is a proof that does not rest on what is in doubt.
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.candidate import Candidate
from hedgebot.core.gate import judge
from hedgebot.core.ledger import set_position
from hedgebot.core.quotes import OptionMark
from hedgebot.core.state import Latch, OrderRecord
from hedgebot.domain import events as ev
from hedgebot.domain.commands import CancelOrder, Mode
from hedgebot.domain.holdings import HoldingSettings
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction, KillScope, scope_key
from hedgebot.domain.orders import Approved, OrderStatus
from tests.support.playbook import ACCOUNT, BTC_CALL, MS, PRICE, START_NS, Playbook, of_type, the_order
from tests.unit.core.test_gate import _candidate

NAMES = {
    KillScope.ALL: "",
    KillScope.VENUE: "bybit",
    KillScope.ACCOUNT: ACCOUNT,
    KillScope.UNDERLYING: "BTC",
    KillScope.STRATEGY: "delta_neutral",
}


def mode(mode: Mode) -> Callable[[Candidate], None]:
    def flag(one: Candidate) -> None:
        one.state.mode = mode

    return flag


def latch(scope: KillScope, action: KillAction) -> Callable[[Candidate], None]:
    def flag(one: Candidate) -> None:
        name = NAMES[scope]
        one.state.latches[scope_key(scope, name)] = Latch(
            scope=scope, name=name, action=action, operator="ann", reason="r", since_ns=1
        )
        if scope is KillScope.ALL:
            one.state.mode, one.state.latched = Mode.HALTED, True

    return flag


def stream(one: Candidate) -> None:
    one.account.private.up = False


def unreconciled(one: Candidate) -> None:
    one.account.reconciled = False


def stale(one: Candidate) -> None:
    one.quote.book_at_ns = one.at_ns - 6_000 * MS


def no_mark(one: Candidate) -> None:
    one.quote.mark_at_ns = one.quote.mark_venue_ns = one.at_ns - 60_000 * MS


def bad_ticker(one: Candidate) -> None:
    one.quote.ticker_problem = "the mark price is NaN: not a price"


def no_index(one: Candidate) -> None:
    one.quote.index_at_ns = one.quote.index_venue_ns = one.at_ns - 60_000 * MS


def never_marked(one: Candidate) -> None:
    one.quote.mark_at_ns = 0


def clock(one: Candidate) -> None:
    one.account.clock_offset_ms = 1_500.0


def margin_no_risk(one: Candidate) -> None:
    assert one.account.wallet is not None
    one.account.wallet = msgspec.structs.replace(one.account.wallet, maintenance_margin_usd=Decimal(750_000))


def throttled(one: Candidate) -> None:
    one.state.tripped["delta_neutral"] = "61 orders"


def out_of_tokens(one: Candidate) -> None:
    one.state.tokens, one.state.tokens_at_ns = 0.0, one.at_ns


def one_token(one: Candidate) -> None:
    one.state.tokens, one.state.tokens_at_ns = 1.0, one.at_ns


def options(contracts: int, *, old: bool) -> Callable[[Candidate], None]:
    """Calls of 0.01 coins each whose delta is not to be trusted: their quotes are too old, or differ from the venue."""

    def flag(one: Candidate) -> None:
        set_position(one.state, ACCOUNT, BTC_CALL, Decimal(contracts), PRICE, START_NS)
        at_ns = one.at_ns - 601_000 * MS if old else one.at_ns
        one.state.options[BTC_CALL] = OptionMark(
            iv=0.6,
            forward=1e5,
            underlying_price=1e5,
            mark_coin=0.0,
            suspect=not old,
            at_ns=at_ns,
            venue_ns=at_ns,
        )

    return flag


def holding(one: Candidate) -> None:
    vault = HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0)
    one.state.settings = msgspec.structs.replace(one.state.settings, holdings=(vault,))


REDUCES = (KillAction.REDUCE, KillAction.HEDGE_TO_FLAT)
# Flag: whether an order that adds risk passes, and one that reduces it.
MATRIX: dict[str, tuple[Callable[[Candidate], None], bool, bool]] = {
    "none": (lambda one: None, True, True),
    "recovering": (mode(Mode.RECOVERING), False, False),
    "reducing": (mode(Mode.REDUCING), False, True),
    "halted": (mode(Mode.HALTED), False, False),
    **{
        f"{scope}|{action}": (latch(scope, action), False, action in REDUCES)
        for scope in NAMES
        for action in KillAction
    },
    "margin beyond no risk": (margin_no_risk, False, True),
    # A holding may be larger than was read, never less than none: a sale of less than twice the delta lowers it.
    "holding untrusted": (holding, False, True),
    # With long calls the delta is 0.2 at least; with short ones of a coin it may be -0.8.
    "option quotes old, long": (options(1, old=True), False, True),
    "option quotes old, short": (options(-1, old=True), False, False),
    "option suspect, long": (options(1, old=False), False, True),
    "option suspect, short": (options(-1, old=False), False, False),
    # What leaves the purpose unproven, or is itself a bound on what repeats.
    "private stream down": (stream, False, False),
    "not reconciled": (unreconciled, False, False),
    "stale book": (stale, False, False),
    "stale mark": (no_mark, False, False),
    "mark that is no price": (bad_ticker, False, False),
    "index lost": (no_index, False, False),
    "no mark in this run": (never_marked, False, False),
    "clock off": (clock, False, False),
    "strategy latched off": (throttled, False, False),
    "message budget": (out_of_tokens, False, False),
    "message budget but for one": (one_token, False, False),
}
# Of these a reduction passes that only shrinks a position of ours: it has an end, however often it is repeated.
# A mark has no part in a delta: it is what a book is held to, and the last one of the run still is.
UNMARKED = ("stale mark", "mark that is no price", "index lost")
SHRINKING = (
    "strategy latched off",
    "message budget but for one",
    "margin beyond no risk",
    "reducing",
    "none",
    *UNMARKED,
)


def adding() -> Candidate:
    """The same order from a flat book: inside the hard limit, but away from zero."""
    one = _candidate()
    return msgspec.structs.replace(one, delta_coin=0.0)


@pytest.mark.parametrize("flag", MATRIX)
def test_a_flag_stops_what_adds_risk_and_passes_what_reduces_it(flag: str) -> None:
    strike, adds, reduces = MATRIX[flag]
    for make, passes in ((adding, adds), (_candidate, reduces)):
        one = make()
        assert one.reduces_risk is (make is _candidate)
        strike(one)
        verdict = judge(one)
        assert isinstance(verdict, Approved) is passes, verdict


@pytest.mark.parametrize("flag", MATRIX)
def test_what_is_proven_to_shrink_a_position_passes_more(flag: str) -> None:
    strike, _, reduces = MATRIX[flag]
    one = _candidate(reduce_only=True)
    strike(one)
    assert isinstance(judge(one), Approved) is (reduces or flag in SHRINKING)


@pytest.mark.parametrize("flag", SHRINKING)
def test_what_shrinks_a_position_and_adds_delta_does_not(flag: str) -> None:
    one = msgspec.structs.replace(_candidate(reduce_only=True), delta_coin=0.04)
    MATRIX[flag][0](one)
    assert isinstance(judge(one), Approved) is (flag == "none")


@pytest.mark.parametrize("flag", MATRIX)
def test_no_flag_stops_a_cancel(flag: str) -> None:
    """A kill given under any flag cancels what is alive."""
    book = Playbook()
    book.ready()
    order = the_order(book.send(book.fill(Side.BUY, "0.2")))
    one = msgspec.structs.replace(
        _candidate(), state=book.state, account=book.state.accounts[ACCOUNT], at_ns=book.at_ns
    )
    MATRIX[flag][0](one)
    heard = book.send(ev.OperatorKilled(operator="bob", reason="stop", scope=KillScope.ORDER, name=order.client_id))
    assert [cancel.client_id for cancel in of_type(heard, CancelOrder)] == [order.client_id]
    record: OrderRecord = book.state.orders[order.client_id]
    assert record.status is not OrderStatus.CANCELLED, "a request is no proof"
