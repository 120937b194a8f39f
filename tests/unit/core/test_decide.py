"""Decisions and their records: news once, evidence whole, no row per tick while a rule refuses."""

from decimal import Decimal

import msgspec
import pytest

from hedgebot.core.engine import Engine, LoadStrategy
from hedgebot.core.state import state_digest
from hedgebot.core.strategy import Strategy, StrategyPlugin
from hedgebot.core.view import book_view
from hedgebot.domain import events as ev
from hedgebot.domain.commands import Command, DecisionCause, Mode, Outcome, RecordDecision, RecordRefusal
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderStatus
from hedgebot.domain.settings import CostSource, DeltaConvention, EngineSettings, StrategySettings
from strategies import cost_aware, delta_neutral, patience, target
from tests.support.playbook import (
    ACCOUNT,
    BTC_CALL,
    BTC_PERP,
    INSTRUMENTS,
    PRICE,
    Playbook,
    decisions,
    of_type,
    orders,
    settings,
    the_order,
)

PLUGINS: tuple[StrategyPlugin, ...] = (
    cost_aware.STRATEGY,
    delta_neutral.STRATEGY,
    patience.STRATEGY,
    target.STRATEGY,
)


def load(one: StrategySettings) -> Strategy:
    return next(plugin for plugin in PLUGINS if plugin.name == one.name).build(one)


LOAD: LoadStrategy = load


def with_strategies(**params: dict[str, float]) -> EngineSettings:
    """The playbook's book, hedged by these strategies one after the other."""
    strategies = tuple(
        StrategySettings(name=name, enabled=True, underlyings=("BTC",), params=dict(one))
        for name, one in params.items()
    )
    linear = msgspec.structs.replace(settings().underlyings[0], delta_convention=DeltaConvention.LINEAR)
    return msgspec.structs.replace(settings(), strategies=strategies, underlyings=(linear,))


def with_short_calls(play: Playbook, calls: str = "-3", btc: str = "1.62") -> None:
    """Bring a book to ACTIVE that is short calls and nearly neutral by its coins."""
    play.send(ev.InstrumentsLoaded(venue="bybit", instruments=INSTRUMENTS))
    play.send(ev.ClockMeasured(account=ACCOUNT, offset_ms=0.0, round_trip_ms=1.0))
    play.connect()
    for event in (play.book(), play.ticker(), play.option()):
        play.send(event)
    play.snapshot([play.position(calls, BTC_CALL)], btc=btc)
    market(play)


def market(play: Playbook, iv: float = 0.6, after_ms: float = 250.0) -> list[Command]:
    """A moment later: everything is alive, the price stands and the option implies this volatility."""
    heard = list(play.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms))
    for event in (play.ticker(), play.option(iv=iv), play.book()):
        heard += play.send(event)
    return heard + list(play.tick())


def test_a_price_move_gate_holds_volatility_back_and_never_the_client() -> None:
    play = Playbook(with_strategies(delta_neutral={}, patience={"price_move_bps": 100.0, "hard_coin": 3.0}), LOAD)
    with_short_calls(play)
    play.done(the_order(play.send(play.fill(Side.BUY, "0.2"))))
    for iv in (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3):
        assert orders(market(play, iv, after_ms=1_100.0)) == []
    underlying = play.state.underlyings["BTC"]
    assert "hedged from 100 on" in underlying.waits_for
    heard = play.send(play.fill(Side.SELL, "0.5"))
    assert the_order(heard).approved.intent.side is Side.BUY
    assert decisions(heard)[0].cause is DecisionCause.FILL


@pytest.mark.parametrize("source", CostSource)
def test_a_band_that_follows_cost_follows_what_own_fills_cost(source: CostSource) -> None:
    made = with_strategies(
        cost_aware={
            "tracking_error_usd": 322.12,
            "reference_price_usd": 100_000.0,
            "reference_vol": 0.6,
            "reference_variance_coin2_day": 0.2,
            "cap_coin": 5.0,
        }
    )
    first = msgspec.structs.replace(made.underlyings[0], cost_source=source, cost_prior_orders=1.0)
    play = Playbook(msgspec.structs.replace(made, underlyings=(first,)), LOAD)
    play.ready()
    underlying = play.state.underlyings["BTC"]
    before = underlying.trigger_coin
    order = the_order(play.send(play.fill(Side.BUY, "0.3", BTC_PERP)))
    intent, price = order.approved.intent, PRICE - 80  # sold 8 bps below the middle, and a fee of 5.5
    fee = intent.qty_contracts * price * Decimal("0.00055")
    qty = str(intent.qty_contracts)
    play.send(play.fill(intent.side, qty, intent.instrument, price=price, client_id=order.client_id, fee=str(fee)))
    play.send(ev.OrderUpdated(report=play.report(order, OrderStatus.FILLED, qty)))
    costs = underlying.drift.costs.whole
    assert costs.measured_bps == pytest.approx(13.5, rel=1e-3)
    cost_bps = 5.0 if source is CostSource.CONFIGURED else (5.0 + 13.5) / 2.0
    assert underlying.trigger_coin / before == pytest.approx((cost_bps / 5.0) ** (1.0 / 3.0), rel=1e-3)
    again = the_order(play.send(play.fill(Side.BUY, "0.3", BTC_PERP)))
    told = next(one.evidence for one in play.state.decisions if one.client_id == again.client_id)
    assert told["cost_bps"] == pytest.approx(cost_bps, rel=1e-3)
    assert told["measured_cost_bps"] == pytest.approx(13.5, rel=1e-3)
    assert (told["configured_cost_bps"], told["measured_fills"]) == (5.0, 1)
    # The journal gives the same state again.
    replayed = Engine(LOAD)
    for stamped in play.log:
        replayed.step(stamped)
    assert state_digest(replayed.state) == state_digest(play.state)


def drifting(seconds: int, by_usd: int) -> tuple[Playbook, list[Command]]:
    """Volatility took the delta out, which a gate of 1 % within 15 seconds holds back; the price then goes so far."""
    gate = {"price_move_bps": 100.0, "price_move_within_minutes": 0.25, "hard_coin": 3.0}
    play = Playbook(with_strategies(delta_neutral={}, patience=gate), LOAD)
    with_short_calls(play)
    play.done(the_order(play.send(play.fill(Side.BUY, "0.2"))))
    for iv in (0.6, 0.8, 1.0, 1.2, 1.3):
        assert orders(market(play, iv, after_ms=1_100.0)) == []
    heard: list[Command] = []
    for number in range(seconds):
        price = PRICE + by_usd * (number + 1) // seconds
        for event in (play.ticker(price), play.option(iv=1.3, forward=float(price)), play.book(price)):
            heard += play.send(event, after_ms=1_000.0 / 3.0)
        play.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard += play.tick()
    return play, heard


def test_a_price_move_gate_with_a_span_waits_for_a_move_within_it() -> None:
    play, heard = drifting(36, 1_200)  # 1.2 % in 36 s: 0.5 % in 15
    assert orders(heard) == []
    assert "within 0.25 minutes" in play.state.underlyings["BTC"].waits_for
    assert orders(drifting(8, 1_200)[1])


def test_the_dwell_begins_anew_when_the_delta_jumps_to_the_other_side() -> None:
    play = Playbook(with_strategies(delta_neutral={}, patience={"hard_coin": 0.5, "dwell_s": 10.0}), LOAD)
    play.ready()
    play.send(play.fill(Side.BUY, "0.2"))
    for _ in range(9):
        assert orders(market(play, after_ms=990.0)) == []
    assert orders(play.send(play.fill(Side.SELL, "0.4"))) == []
    crossed_ns = play.at_ns
    while not (heard := orders(market(play))):
        assert play.at_ns - crossed_ns < 11_000_000_000
    assert play.at_ns - crossed_ns >= 10_000_000_000
    assert heard[0].approved.intent.side is Side.BUY


def test_a_margin_buffer_below_its_floor_ends_the_waiting() -> None:
    play = Playbook(with_strategies(delta_neutral={}, patience={"dwell_s": 3_600.0}), LOAD)
    play.ready()
    assert orders(play.send(play.fill(Side.BUY, "0.2", BTC_PERP))) == []
    assert orders(market(play)) == []
    short = play.wallet(equity="1000000", maintenance="900000")
    heard = list(play.send(ev.WalletUpdated(report=short, source=ev.Source.STREAM)))
    heard += market(play)
    assert play.mode() is Mode.REDUCING
    intent = the_order(heard).approved.intent
    assert (intent.side, intent.qty_contracts) == (Side.SELL, Decimal("0.162"))


BUDGET = {
    "tracking_error_usd": 500.0,
    "reference_price_usd": 100_000.0,
    "reference_vol": 0.6,
    "reference_variance_coin2_day": 1.0,
    "cap_coin": 4.0,
}


def test_a_band_of_half_the_exposure_is_made_for_a_quarter_of_its_variance() -> None:
    widths = []
    for ratio in (1.0, 0.5):
        wide = BUDGET | {"reference_variance_coin2_day": 0.1}
        play = Playbook(with_strategies(cost_aware=wide, target={"hedge_ratio": ratio}), LOAD)
        with_short_calls(play)
        # Enough was seen, and no fill in it.
        play.state.underlyings["BTC"].drift.since_ns = play.at_ns - 10**13
        market(play)
        widths.append(play.state.underlyings["BTC"].trigger_coin)
    assert widths[1] == pytest.approx(widths[0] * 0.25 ** (1.0 / 3.0), rel=5e-3)


def test_a_decision_tells_which_volatility_its_band_was_made_of() -> None:
    play = Playbook(with_strategies(cost_aware=BUDGET), LOAD)
    with_short_calls(play)
    (first,) = decisions(play.send(play.fill(Side.SELL, "0.9")))
    assert (first.outcome, first.evidence["vol_source"]) == (Outcome.HEDGE, "implied")


@pytest.mark.parametrize("name", ["delta_neutral", "cost_aware"])
def test_stale_greeks_widen_the_band_of_every_strategy_once(name: str) -> None:
    params = {name: BUDGET if name == "cost_aware" else {}} | {"target": {"down_ratio": 2.0}}
    play = Playbook(with_strategies(**params), LOAD)
    with_short_calls(play)
    underlying = play.state.underlyings["BTC"]
    fresh = underlying.trigger_coin
    assert fresh > 0.0
    for _ in range(32):
        play.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE), after_ms=990)
        for event in (play.ticker(), play.book(), ev.TimerFired()):
            play.send(event)
    assert underlying.options_stale
    assert underlying.trigger_coin == pytest.approx(1.5 * fresh)


def test_both_edges_of_a_lopsided_band_are_kept_recorded_and_shown() -> None:
    play = Playbook(with_strategies(delta_neutral={}, target={"target_coin": 1.0, "down_ratio": 4.0}), LOAD)
    play.ready()
    play.done(the_order(play.heard))
    underlying = play.state.underlyings["BTC"]
    assert underlying.trigger_coin == 0.05
    assert underlying.below == pytest.approx((0.2, 0.15))
    shown = book_view(play.state, play.at_ns).underlyings[0]
    assert (shown.band_coin, shown.band_below_coin) == (0.05, 0.2)
    assert shown.inside_below_coin == pytest.approx(0.15)
    # From 0.85 a fill of 0.08 stays inside below the centre, where the upper edge would not let it.
    assert orders(play.send(play.fill(Side.SELL, "0.04"))) == []
    assert "is inside the band 0.2 BTC around 1" in book_view(play.state, play.at_ns).underlyings[0].why_not
    heard = play.send(play.fill(Side.SELL, "0.1"))
    decision = decisions(heard)[0]
    assert (decision.band_coin, decision.band_below_coin) == (0.05, 0.2)
    assert (decision.reach_coin(0.5), decision.reach_coin(1.5)) == (0.2, 0.05)
    assert "left its band of 0.2 around 1 " in decision.explanation


def test_a_decision_of_before_had_one_half_width() -> None:
    book = Playbook()
    book.ready()
    told = msgspec.to_builtins(decisions(book.send(book.fill(Side.BUY, "0.2")))[0])
    del told["band_below_coin"]
    old = msgspec.convert(told, RecordDecision)
    assert (old.band_below_coin, old.reach_coin(-9.0)) == (None, 0.05)


def test_a_fill_outranks_what_moved_an_unknown_exposure_before_it(book: Playbook) -> None:
    book.state.underlyings["BTC"].held_cause = DecisionCause.PRICE
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.send(book.book())
    assert decisions(book.send(book.option()))[0].cause is DecisionCause.FILL


@pytest.fixture
def book() -> Playbook:
    playbook = Playbook()
    playbook.ready()
    return playbook


def test_a_hedge_goes_inside_the_band_never_to_zero(book: Playbook) -> None:
    decision = decisions(book.send(book.fill(Side.BUY, "0.2")))[0]
    assert decision.outcome is Outcome.HEDGE
    assert decision.trade_coin == pytest.approx(-(0.2 - 0.75 * 0.05))


def test_the_edge_itself_is_inside(book: Playbook) -> None:
    assert orders(book.send(book.fill(Side.BUY, "0.05"))) == []
    assert len(orders(book.send(book.fill(Side.BUY, "0.001")))) == 1


def test_evidence_has_inputs_and_ages(book: Playbook) -> None:
    evidence = decisions(book.send(book.fill(Side.BUY, "0.2")))[0].evidence
    for key in (
        "price_usd",
        "bid",
        "ask",
        "mark",
        "book_age_ms",
        "mark_age_ms",
        "funding_rate",
        "config_hash",
        "at_ns",
    ):
        assert evidence[key] is not None, key


def test_a_lasting_refusal_is_written_once_then_every_half_minute(book: Playbook) -> None:
    book.send(book.ticker("150000"))
    heard = list(book.send(book.fill(Side.BUY, "0.2")))
    for _ in range(100):
        book.send(book.ticker("150000"))
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard += book.send(book.book(), 100)
    refusals = of_type(heard, RecordRefusal)
    assert [one.refused.check.rule for one in refusals] == ["book_mark_gap_bps"]
    for number in range(250):
        book.send(book.ticker("150000"))
        book.send(ev.StreamAlive(account=ACCOUNT, stream=ev.Stream.PRIVATE))
        heard += book.send(book.book(PRICE + number % 2), 100)
    first, second = of_type(heard, RecordRefusal)
    assert first.left_out == 0
    assert second.left_out > 100, "each look between them is counted"


def test_less_than_a_lot_is_a_no_op_with_its_residual() -> None:
    plain = settings()
    book = Playbook(plain)
    book.ready()
    rules = book.state.instruments
    name = plain.underlyings[0].hedge_instrument
    rules[name] = msgspec.structs.replace(
        rules[name], lot_size=rules[name].lot_size * 1000, qty_min=rules[name].qty_min * 1000
    )
    heard = book.send(book.fill(Side.BUY, "0.2"))
    assert orders(heard) == []
    assert decisions(heard)[0].outcome is Outcome.NO_LOT
    assert book.state.underlyings["BTC"].residual_coin == pytest.approx(-0.1625)
    assert decisions(book.send(book.book())) == []


def test_coming_back_inside_by_itself_clears_the_breach(book: Playbook) -> None:
    book.send(ev.StreamChanged(account=ACCOUNT, stream=ev.Stream.PRIVATE, up=False, reason="gone"))
    book.send(book.fill(Side.BUY, "0.2"))
    assert book.state.underlyings["BTC"].breach_since_ns
    book.send(book.fill(Side.SELL, "0.2"))
    assert book.state.underlyings["BTC"].breach_since_ns == 0


def test_a_fill_of_an_unquoted_option_stays_the_cause_when_its_quote_comes(book: Playbook) -> None:
    book.send(book.fill(Side.BUY, "1", BTC_CALL))
    book.send(book.book())
    assert decisions(book.send(book.option()))[0].cause is DecisionCause.FILL


def test_a_book_without_an_enabled_strategy_decides_nothing(book: Playbook) -> None:
    book.send(ev.StrategySwitched(strategy="delta_neutral", enabled=False, operator="ann", reason="off"))
    assert decisions(book.send(book.fill(Side.BUY, "5"))) == []
