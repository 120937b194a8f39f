"""Funding of hedges: who pays, what it is a share of, the day's ledger, and what each action does beyond a limit."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgebot.core import funding
from hedgebot.domain import events as ev
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.commands import RecordRefusal
from hedgebot.domain.durations import NS_PER_DAY
from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.kill import KillAction
from hedgebot.domain.settings import EngineSettings, FundingAction, HedgeLeg, HedgeRole, UnderlyingSettings
from tests.support.playbook import (
    ACCOUNT,
    BTC_PERP,
    BTC_USDC,
    Playbook,
    decisions,
    of_type,
    orders,
    settings,
    the_order,
)


def acting(action: FundingAction, **limits: float) -> EngineSettings:
    made = settings(**limits)
    (btc,) = made.underlyings
    return msgspec.structs.replace(made, underlyings=(msgspec.structs.replace(btc, funding_action=action),))


def hedged(action: FundingAction = FundingAction.NO_RISK, side: Side = Side.SELL, **limits: float) -> Playbook:
    """Ready, and one coin of the other side hedged down to the band's inside."""
    book = Playbook(acting(action, **limits))
    book.ready()
    book.done(the_order(book.send(book.fill(side, "1"))))
    return book


def btc(book: Playbook) -> UnderlyingSettings:
    return book.state.settings.underlyings[0]


def rate(book: Playbook, ratio: float) -> None:
    """The venue's funding rate per 8 hours."""
    book.send(book.ticker(rate=ratio))
    book.tick()


def paid(book: Playbook, cost: str, trade: str, name: InstrumentId = BTC_PERP, coin: str = "USDT") -> None:
    book.send(
        ev.FundingPaid(
            account=ACCOUNT,
            instrument=name,
            trade_id=trade,
            cost=book.wallet(btc=cost).balances["BTC"],
            coin=coin,
            rate=0.0001,
            source=ev.Source.STREAM,
            venue_at_ns=book.at_ns,
        )
    )


def up(book: Playbook) -> list[str]:
    return [one.subject for one in book.state.alerts.values() if one.kind is AlertKind.FUNDING_COST_LIMIT]


def test_a_long_pays_a_positive_rate_and_a_short_earns_it() -> None:
    long, short = hedged(side=Side.SELL), hedged(side=Side.BUY)
    for book, sign in ((long, 1.0), (short, -1.0)):
        rate(book, 0.0001)
        found = funding.terms(book.state, btc(book), book.at_ns)
        assert found is not None
        assert found.ratio_day == pytest.approx(sign * 0.0003)
        assert found.usd_day == pytest.approx(sign * 0.962 * 100_000.0 * 0.0003, rel=0.01)
        assert found.share_day == pytest.approx(max(sign, 0.0) * 0.962 * 0.0003, rel=0.01)


@given(st.floats(-0.05, 0.05), st.floats(-10.0, 10.0))
def test_the_cost_is_notional_times_rate_whatever_the_sides(ratio: float, contracts: float) -> None:
    book = Playbook()
    book.ready()
    rate(book, ratio)
    found = funding.terms(book.state, btc(book), book.at_ns, {BTC_PERP: contracts})
    assert found is not None
    assert found.usd_day == pytest.approx(contracts * 100_000.0 * ratio * 3.0)
    assert found.share_day == 0.0  # nothing is protected here


def test_a_rate_beyond_its_limit_is_told_and_may_be_raised() -> None:
    book = hedged(funding_cost_usd_per_day_max=1e9)
    rate(book, 0.0009)
    assert up(book) == []
    rate(book, 0.0011)
    assert up(book) == ["BTC"]
    rate(book, -0.0011)
    book.tick(after_ms=59_000)
    assert up(book) == ["BTC"]
    book.tick(after_ms=2_000)
    assert up(book) == [], "the other side pays"


def test_a_share_of_what_is_protected_is_a_limit_of_its_own() -> None:
    book = hedged(funding_cost_usd_per_day_max=1e9, funding_ratio_day_alert=1.0, funding_share_day_max=0.002)
    rate(book, 0.0005)
    assert up(book) == []
    rate(book, 0.0011)
    assert up(book) == ["BTC"]
    assert "of what it protects" in next(one.summary for one in book.state.alerts.values())


def test_a_position_towards_a_target_of_its_own_is_judged_by_rate_and_day_alone() -> None:
    book = Playbook(settings(funding_cost_usd_per_day_max=1e9, funding_ratio_day_alert=1.0))
    book.ready()
    rate(book, 0.0001)
    found = funding.terms(book.state, btc(book), book.at_ns, {BTC_PERP: 1.0})
    assert found is not None
    assert found.usd_day > funding.SHARE_FROM_USD
    assert found.share_day == 0.0
    assert funding.problem_of(book.state, btc(book), book.at_ns, {BTC_PERP: 1.0}) == ""


def test_an_unknown_rate_says_nothing_anew() -> None:
    book = hedged(funding_cost_usd_per_day_max=1e9)
    rate(book, 0.0011)
    book.state.quotes[BTC_PERP].funding_rate = None
    book.tick()
    assert funding.terms(book.state, btc(book), book.at_ns) is None
    assert up(book) == ["BTC"]


def test_what_was_paid_today_counts_against_the_budget() -> None:
    book = hedged(funding_cost_usd_per_day_max=100.0)
    rate(book, 0.0001)
    assert up(book) == []
    paid(book, "60", "f1")
    paid(book, "60", "f1")
    assert funding.spent_usd_today(book.state, book.at_ns) == 60.0, "a payment is counted once"
    paid(book, "999", "f2", BTC_USDC)
    assert funding.spent_usd_today(book.state, book.at_ns) == 60.0, "the client's own funding is no hedge's cost"
    paid(book, "60", "f3")
    rate(book, 0.0001)
    assert up(book) == ["book"]
    book.at_ns += NS_PER_DAY
    assert funding.spent_usd_today(book.state, book.at_ns) == 0.0


def test_the_days_cost_is_never_below_the_forecast() -> None:
    book = hedged()
    paid(book, "-500", "f1")
    assert funding.day_cost_usd(book.state, book.at_ns, 40.0) == 40.0
    paid(book, "800", "f2")
    assert funding.day_cost_usd(book.state, book.at_ns, 40.0) > 300.0


def test_no_risk_refuses_a_hedge_that_would_cost_more_unless_it_is_urgent() -> None:
    book = hedged(funding_cost_usd_per_day_max=1e9)
    rate(book, 0.0011)
    heard = book.send(book.fill(Side.SELL, "1"))
    assert orders(heard) == []
    (refused,) = of_type(heard, RecordRefusal)
    assert refused.refused.check.rule == "funding_usd_per_day"
    assert "funding of the BTC hedge is 0.33% a day" in refused.refused.explanation
    assert orders(book.send(book.fill(Side.SELL, "9"))), "beyond the delta limit the hedge goes"


def test_a_hedge_that_costs_less_always_goes() -> None:
    book = hedged(funding_cost_usd_per_day_max=1e9)
    rate(book, 0.0011)
    assert orders(book.send(book.fill(Side.BUY, "0.5")))


def test_alert_only_hedges_on() -> None:
    book = hedged(FundingAction.ALERT, funding_cost_usd_per_day_max=1e9)
    rate(book, 0.0011)
    assert up(book) == ["BTC"]
    assert orders(book.send(book.fill(Side.SELL, "1")))


def test_unwind_closes_the_hedge_and_freezes_the_underlying() -> None:
    book = hedged(FundingAction.UNWIND, funding_cost_usd_per_day_max=1e9)
    rate(book, 0.0011)
    (latch,) = book.state.latches.values()
    assert (latch.name, latch.action, list(latch.causes)) == ("BTC", KillAction.FLATTEN, ["funding:BTC"])
    close = next(one for one in orders(book.heard) if one.approved.intent.side is Side.SELL)
    assert close.approved.intent.reduce_only
    rate(book, 0.0011)
    assert len(book.state.latches) == 1


def test_a_decision_says_what_it_knew_of_its_funding() -> None:
    book = hedged()
    rate(book, 0.0001)
    heard = book.send(book.fill(Side.SELL, "1"))
    (decision,) = decisions(heard)
    assert decision.evidence["funding_ratio_day"] == pytest.approx(0.0003)
    assert decision.evidence["funding_spent_usd_today"] == 0.0
    assert decision.evidence["funding_limit_usd_day"] == 5_000.0


def test_a_hedge_in_two_instruments_pays_for_both_and_is_judged_by_the_dearest() -> None:
    made = settings(funding_cost_usd_per_day_max=1e9)
    other = HedgeLeg(instrument=BTC_USDC, role=HedgeRole.BUY)
    one = msgspec.structs.replace(made.underlyings[0], other_hedges=(other,))
    book = Playbook(msgspec.structs.replace(made, underlyings=(one,)))
    book.ready([book.position("-0.5"), book.position("0.2", BTC_USDC)])
    rate(book, 0.0001)
    assert funding.terms(book.state, one, book.at_ns) is None  # the second rate is not known, and it is held
    book.send(book.ticker(rate=0.002, name=BTC_USDC))
    found = funding.terms(book.state, one, book.at_ns)
    assert found is not None
    assert found.usd_day == pytest.approx(0.2 * 100_000.0 * 0.006 - 0.5 * 100_000.0 * 0.0003)
    assert found.ratio_day == pytest.approx(0.006)
    assert "0.60% a day" in funding.problem_of(book.state, one, book.at_ns)
    paid(book, "3", "f1", BTC_USDC)
    assert funding.spent_usd_today(book.state, book.at_ns) == pytest.approx(3.0)
