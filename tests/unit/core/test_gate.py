"""The gate: each rule alone refuses with its number and limit, and what lowers risk passes where it must."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
import pytest

from hedgebot.core import gate, quotes
from hedgebot.core.candidate import Candidate
from hedgebot.core.gate import RULES, judge
from hedgebot.core.ledger import set_position
from hedgebot.core.shut_state import ShutMarket
from hedgebot.core.state import AccountState, ChaseStart, Latch, Mismatch, OrderRecord
from hedgebot.domain.commands import Mode
from hedgebot.domain.holdings import HoldingSettings
from hedgebot.domain.instrument import Side
from hedgebot.domain.kill import KillAction, KillScope
from hedgebot.domain.orders import Approved, OrderIntent, OrderStatus, Refused, TimeInForce
from hedgebot.domain.settings import AccountRole, HedgeLeg, HedgeRole
from tests.support.cash import cash_gone
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_INVERSE, BTC_PERP, BTC_USDC, PRICE, START_NS, Playbook

MS = 1_000_000


def _candidate(delta_coin: float = 0.2, trade_coin: float = -0.1, *, reduce_only: bool = False) -> Candidate:
    """An ordinary sell of 0.1 against a delta of 0.2, on a ready book with known margin."""
    book = Playbook()
    book.ready()
    state = book.state
    side, qty = Side.of(trade_coin), Decimal(repr(abs(trade_coin)))
    if reduce_only:
        set_position(state, ACCOUNT, BTC_PERP, -qty * 5 * side.sign, PRICE, START_NS)
    intent = OrderIntent(
        account=ACCOUNT,
        instrument=BTC_PERP,
        underlying="BTC",
        strategy="delta_neutral",
        side=side,
        qty_contracts=qty,
        limit_price=PRICE,
        time_in_force=TimeInForce.IOC,
        reduce_only=reduce_only,
        delta_effect_coin=trade_coin,
        notional_usd=float(qty * PRICE),
        deadline_ns=book.at_ns + 5_000 * MS,
        reason="test",
    )
    return Candidate(
        state=state,
        settings=book.settings.underlyings[0],
        underlying=state.underlyings["BTC"],
        account=state.accounts[ACCOUNT],
        rules=state.instruments[BTC_PERP],
        quote=state.quotes[BTC_PERP],
        intent=intent,
        delta_coin=delta_coin,
        at_ns=book.at_ns,
    )


def _set_margin(one: Candidate, use: float | None) -> None:
    assert one.account.wallet is not None
    maintenance = None if use is None else Decimal(1_000_000) * Decimal(repr(use))
    one.account.wallet = msgspec.structs.replace(one.account.wallet, maintenance_margin_usd=maintenance)


def _intent(one: Candidate, **changes: object) -> Candidate:
    return msgspec.structs.replace(one, intent=msgspec.structs.replace(one.intent, **changes))


def _limit(one: Candidate, **changes: float | str) -> Candidate:
    return msgspec.structs.replace(one, settings=msgspec.structs.replace(one.settings, **changes))


# --- what makes each rule, and only it, refuse -----------------------------------------------------------------------


def _halted() -> Candidate:
    one = _candidate()
    one.state.mode = Mode.HALTED
    return one


def _unreconciled() -> Candidate:
    one = _candidate()
    one.account.reconciled = False
    return one


def _killed() -> Candidate:
    one = _candidate()
    one.state.latches["venue:bybit"] = Latch(
        scope=KillScope.VENUE, name="bybit", action=KillAction.FREEZE, operator="ann", reason="drill", since_ns=1
    )
    return one


def _resting() -> Candidate:
    return _intent(_candidate(), time_in_force=TimeInForce.GTC)


def _silent() -> Candidate:
    one = _candidate()
    one.account.private.alive_at_ns = one.at_ns - 16_000 * MS
    return one


def _differing() -> Candidate:
    one = _candidate()
    one.account.mismatches["BTC"] = Mismatch(
        venue_value=Decimal(1), ledger_value=Decimal(0), venue_price=Decimal(0), first_seen_ns=one.at_ns, count=1
    )
    return one


def _skewed() -> Candidate:
    one = _candidate()
    one.account.clock_offset_ms = -1_500.0
    return one


def _in_flight() -> Candidate:
    one = _candidate()
    one.state.unsettled["abc"] = one.underlying.name
    return one


def _suspended() -> Candidate:
    one = _candidate()
    one.state.shut[BTC_PERP] = ShutMarket(status="Closed")
    return one


def _old_book() -> Candidate:
    one = _candidate()
    one.quote.book_at_ns = one.at_ns - 6_000 * MS
    return one


def _old_mark() -> Candidate:
    one = _candidate()
    one.quote.mark_at_ns = one.at_ns - 11_000 * MS
    return one


def _suspect_option() -> Candidate:
    one = _candidate()
    set_position(one.state, ACCOUNT, BTC_CALL, Decimal(-1), PRICE, one.at_ns)
    one.state.options[BTC_CALL] = quotes.OptionMark(
        iv=0.6,
        forward=100_000.0,
        underlying_price=100_000.0,
        mark_coin=0.0,
        suspect=True,
        at_ns=one.at_ns,
        venue_ns=one.at_ns,
    )
    return one


def _unquoted_option() -> Candidate:
    one = _candidate()
    set_position(one.state, ACCOUNT, BTC_CALL, Decimal(-1), PRICE, one.at_ns - 601_000 * MS)
    return one


def _wide() -> Candidate:
    return _limit(_candidate(), spread_bps_max=0.05)


def _off_mark() -> Candidate:
    one = _candidate()
    one.quote.mark = Decimal(125_000)
    return one


def _beyond_collar() -> Candidate:
    return _intent(_candidate(), limit_price=Decimal(99_000))


def _too_large() -> Candidate:
    return _limit(_candidate(), order_qty_coin_max=0.05)


def _too_dear() -> Candidate:
    return _limit(_candidate(), order_notional_usd_max=9_999.0)


def _beyond_delta() -> Candidate:
    one = _candidate(delta_coin=4.95, trade_coin=0.1)
    one.quote.funding_rate = 0.0  # one that pays and protects nothing is refused for that
    return one


def _beyond_the_book() -> Candidate:
    one = _candidate(delta_coin=0.2, trade_coin=0.1)
    one.quote.funding_rate = 0.0
    limits = msgspec.structs.replace(one.state.limits, book_delta_usd_max=29_000.0)
    one.state.settings = msgspec.structs.replace(one.state.settings, limits=limits)
    return one


def _short_of_margin() -> Candidate:
    one = _candidate(delta_coin=0.0)
    _set_margin(one, 0.75)
    return one


def _watching() -> Candidate:
    one = _candidate(delta_coin=0.0)
    one.quote.funding_rate = 0.0
    one.state.accounts["options"] = AccountState(name="options", venue="deribit", role=AccountRole.WATCHED)
    return one


def _paying() -> Candidate:
    one = _candidate()
    # A short of 10,000 dollars pays 20 % three times a day.
    one.quote.funding_rate = -0.2
    return one


def _out_of_tokens() -> Candidate:
    one = _candidate()
    one.state.tokens, one.state.tokens_at_ns = 0.0, one.at_ns
    return one


def _coin_margined() -> Candidate:
    one = _candidate()
    one.underlying.sums.coin_margined["main|inverse"] = BTC_INVERSE
    return one


def _lost_index() -> Candidate:
    one = _candidate()
    one.quote.index, one.quote.index_at_ns = PRICE, one.at_ns - 11_000 * MS
    one.quote.index_venue_ns = one.quote.index_at_ns
    return one


def _unread() -> Candidate:
    one = _candidate(delta_coin=-0.2, trade_coin=0.1)
    one.quote.funding_rate = 0.0
    vault = HoldingSettings(name="vault", underlying="BTC", age_s_max=60.0, jump_coin_max=1.0)
    one.state.settings = msgspec.structs.replace(one.state.settings, holdings=(vault,))
    return one


def _latched_off() -> Candidate:
    one = _candidate()
    one.state.tripped["delta_neutral"] = "61 sell orders"
    return one


def _to_and_fro() -> Candidate:
    one = _candidate()
    for side in Side:
        one.state.repeats[f"delta_neutral|{BTC_PERP}|{side}"] = [one.at_ns] * 50
    return one


def _repeating() -> Candidate:
    one = _candidate()
    intent = one.intent
    one.state.orders["twin"] = OrderRecord(
        client_id="twin",
        intent=intent,
        status=OrderStatus.FILLED,
        sent_at_ns=one.at_ns - 100 * MS,
        arrival_mid=100_000.0,
        delta_before_coin=one.delta_coin,
        filled_contracts=intent.qty_contracts,
    )
    return one


def _overdone() -> Candidate:
    one = _candidate()
    efficacy = one.underlying.efficacy
    efficacy.left_coin, efficacy.hedged_coin, efficacy.drift_coin = one.delta_coin, 4.5, 2.0
    efficacy.decayed_at_ns = one.at_ns
    return one


def _chasing() -> Candidate:
    one = _candidate()
    one.underlying.chased = {BTC_PERP: ChaseStart(price=112_000.0, at_ns=one.at_ns - 59_000 * MS)}
    return one


def _closed_by_force() -> Candidate:
    one = _candidate()
    one.underlying.forced[BTC_PERP] = one.at_ns - 10_000 * MS
    return one


def _full_account() -> Candidate:
    one = _candidate()
    set_position(one.state, ACCOUNT, BTC_PERP, Decimal("-99.95"), PRICE, START_NS)
    one.quote.funding_rate = 0.0
    return one


def _over_its_cap() -> Candidate:
    one = _candidate(delta_coin=0.0)  # 1,000,000 USD stand at the venue
    limits = msgspec.structs.replace(one.state.limits, venue_equity_usd_max=999_999.0)
    one.state.settings = msgspec.structs.replace(one.state.settings, limits=limits)
    return one


def _against_itself() -> Candidate:
    one = _candidate()  # sells 0.1 of the perpetual
    set_position(one.state, ACCOUNT, BTC_PERP, Decimal("-0.2"), PRICE, START_NS)
    set_position(one.state, ACCOUNT, BTC_USDC, Decimal("0.5"), PRICE, START_NS)
    other = HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY)
    settings = msgspec.structs.replace(one.settings, other_hedges=(other,), opposed_coin_max=0.2)
    return msgspec.structs.replace(one, settings=settings)


def _thin() -> Candidate:
    one = _candidate()  # sells 0.1
    one.quote.bid_qty = Decimal("0.0008")
    return one


CASES: dict[str, tuple[Callable[[], Candidate], str, object, object]] = {
    "_mode": (_halted, "mode", "halted", "active, or reducing for what lowers risk"),
    "_latches": (_killed, "kill", "killed", "not killed, or what the kill lets through"),
    "allowed": (lambda: _limit(_candidate(), hedge_account="x"), "allowed", f"{ACCOUNT} {BTC_PERP}", "BTC hedges on x"),
    "_account": (_unreconciled, "account", "shared", "private streams up and reconciled"),
    "dead_man": (_resting, "dead_man", "off", "armed, for an order that rests"),
    "_private_silence": (_silent, "private_silence_ms", 16_000, 15_000),
    "_unexplained": (_differing, "unexplained_position", 1, 0),
    "unexplained_cash": (lambda: cash_gone(_candidate(0.0)), "unexplained_cash", 1, "0, or what lowers risk"),
    "_clock": (_skewed, "clock_offset_ms", -1_500.0, 1_000.0),
    "_one_in_flight": (_in_flight, "in_flight", "abc", "none"),
    "_convention": (_coin_margined, "delta_convention", "not set", "set, where the coin margins"),
    "_holdings": (_unread, "holdings", "untrusted", "trusted, or proven to lower risk without it"),
    "_strategy_armed": (_latched_off, "strategy", "latched off", "armed, or proven to lower risk without it"),
    "frequency": (_to_and_fro, "strategy_orders", 101, 100),
    "_duplicate": (_repeating, "duplicate_of", "twin", "none"),
    # 4.5 were hedged, this is 0.1 more; 2.0 of drift allow 3.0 and one order of 1.0.
    "_hedge_volume": (_overdone, "hedge_volume_coin", pytest.approx(4.6), pytest.approx(4.0)),
    "market_status": (_suspended, "market_status", "Closed", "trading"),
    "book_fresh": (_old_book, "book_age_ms", 6_000, 5_000),
    "mark_fresh": (_old_mark, "mark_age_ms", 11_000, 10_000),
    "index_known": (_lost_index, "index_age_ms", 11_000, 10_000),
    "_options_fresh": (_unquoted_option, "option_age_ms", 601_000, 600_000),
    "_options_checked": (_suspect_option, "options_suspect", 1, 0),
    "_spread": (_wide, "spread_bps", pytest.approx(0.1), 0.05),
    "depth_rule": (_thin, "order_top_ratio", pytest.approx(125.0), 100.0),
    "_book_against_mark": (_off_mark, "book_mark_gap_bps", pytest.approx(2_000.0), 200.0),
    "_collar": (_beyond_collar, "collar_bps", pytest.approx(100.0), 20.0),
    "chase_rule": (_chasing, "chase_bps", pytest.approx(1_071.4, abs=0.1), 1_000.0),
    "_forced": (_closed_by_force, "forced_ms", 10_000, 30_000),
    "_size": (_too_large, "order_qty_coin", 0.1, 0.05),
    "_notional": (_too_dear, "order_notional_usd", 10_000.0, 9_999.0),
    "_account_notional": (_full_account, "account_notional_usd", pytest.approx(10_005_000.0), 10_000_000.0),
    "_opposed": (_against_itself, "opposed_coin", pytest.approx(0.3), 0.2),
    "equity_cap": (_over_its_cap, "venue_equity", 1_000_000.0, 999_999.0),
    "_delta_limit": (_beyond_delta, "worst_delta_coin", pytest.approx(5.05), 5.0),
    "book_delta": (_beyond_the_book, "book_delta_usd", pytest.approx(30_000.0), 29_000.0),
    "_margin": (_short_of_margin, "margin_use", 0.75, 0.70),
    "watched_margin": (_watching, "watched_margin", "options", "known, or risk-reducing"),
    "_funding": (_paying, "funding_usd_per_day", pytest.approx(6_000.0), 5_000.0),
    "_message_rate": (_out_of_tokens, "order_tokens", 0.0, 1.0),
}


def test_every_rule_has_its_case() -> None:
    assert [rule.__name__ for rule in RULES] == list(CASES)


@pytest.mark.parametrize("rule", CASES)
def test_a_rule_alone_refuses_with_its_number_and_limit(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, name, value, limit = CASES[rule]
    candidate = make()
    refused = judge(candidate)
    assert isinstance(refused, Refused)
    assert (refused.check.rule, refused.check.value, refused.check.limit) == (name, value, limit)
    assert refused.explanation
    assert refused.intent is candidate.intent
    monkeypatch.setattr(gate, "RULES", tuple(one for one in RULES if one.__name__ != rule))
    assert isinstance(judge(candidate), Approved), "no other rule stands behind it"


def test_what_no_rule_minds_is_approved_with_every_check() -> None:
    approved = judge(_candidate())
    assert isinstance(approved, Approved)
    assert len(approved.checks) == len(RULES)
    assert len({check.rule for check in approved.checks}) == len(RULES)
    assert approved.risk_reducing


# --- more ways to refuse ---------------------------------------------------------------------------------------------
