"""A what-if on the running book: the gate's own numbers, its cut, and no trace in the state."""

from decimal import Decimal

import pytest

from hedgebot.core import margin_gate, what_if_live
from hedgebot.core.state import encode_state
from hedgebot.core.what_if_live import Asked
from hedgebot.domain.instrument import Side
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import MarginMode
from hedgebot.domain.whatif import OrderKind, Verdict, WantedOrder, WhatIf
from tests.support.margins import account_of, held, margined, report
from tests.support.playbook import ACCOUNT, BTC_CALL, BTC_PERP, PRICE, Playbook


def running(
    contracts: str = "-2", equity: float = 50_000.0, mode: MarginMode | None = MarginMode.PORTFOLIO
) -> Playbook:
    book = Playbook(margined(mode, hedges=False, margin_polls_max=5, liquidation_distance_min=0.0))
    positions = [held(book, contracts)] if Decimal(contracts) else []
    book.ready(positions=positions)
    book.at_ns += 3_000_000_000
    report(book, equity)
    return book


def order(side: Side, qty: str, **more: object) -> WantedOrder:
    fields: dict[str, object] = {"side": side, "qty": Decimal(qty), "in_usd": False, "underlying": "BTC"}
    return WantedOrder(**fields | {"kind": OrderKind.PERP, "venue": "bybit"} | more)  # type: ignore[arg-type]


def asked(book: Playbook, one: WantedOrder) -> tuple[WhatIf, OrderIntent]:
    found = what_if_live.ask(book.state, one, book.at_ns)
    assert found.intent is not None, found.answer.problem
    return found.answer, found.intent


def test_the_numbers_are_those_of_the_gate() -> None:
    book = running()
    answer, intent = asked(book, order(Side.SELL, "1"))
    rules = book.state.instruments[BTC_PERP]
    cost_bps = book.state.settings.underlyings[0].cost_bps
    effect = margin_gate.effect(book.state, account_of(book), rules, intent, cost_bps, book.at_ns)
    assert effect is not None
    assert answer.before is not None
    assert answer.after is not None
    assert (answer.before.maintenance, answer.before.use) == (effect.before.worst, effect.before.use)
    assert (answer.after.maintenance, answer.after.use) == (effect.after.worst, effect.after.use)
    assert (answer.after.initial, answer.after.equity) == (effect.after.initial, effect.after.equity)
    assert (answer.source, answer.account, answer.mode, answer.model) == (
        "daemon",
        ACCOUNT,
        "portfolio",
        "bybit-20261125",
    )
    # Liquidation comes nearer: a rise, at a lower price than before.
    assert answer.before.distance_price is not None
    assert answer.after.distance_price is not None
    assert PRICE < answer.after.distance_price < answer.before.distance_price


def test_what_adds_risk_beyond_the_line_is_refused() -> None:
    answer, _ = asked(running(equity=60_000.0), order(Side.SELL, "2.5"))
    assert (answer.verdict, answer.hedges) == (Verdict.REFUSE, False)
    assert "a top-up of" in answer.explanation


def test_a_hedge_is_cut_as_the_gate_would_cut_it() -> None:
    book = running("-2", 21_000.0)
    one = order(Side.BUY, "20")
    # Two short are the delta: 20 bought more than turn it round, so that it hedges nothing.
    assert asked(book, one)[0].verdict is Verdict.REFUSE
    coins = running("0", 21_000.0)
    coins.send(coins.fill(Side.BUY, "8", BTC_PERP))
    report(coins, 100_000.0)
    answer, intent = asked(coins, order(Side.SELL, "15"))
    rules, settings = coins.state.instruments[BTC_PERP], coins.state.settings.underlyings[0]
    fits, whole = margin_gate.clip(coins.state, account_of(coins), rules, intent, settings, coins.at_ns)
    assert whole is not None
    assert answer.hedges
    assert answer.verdict is (Verdict.PASS if fits >= intent.qty_contracts else Verdict.CUT)
    assert answer.fits == f"{fits} contracts of BTCUSDT"


def test_a_reduction_passes_and_is_reduce_only() -> None:
    answer, intent = asked(running("-2", 21_000.0), order(Side.BUY, "1"))
    assert (answer.verdict, answer.hedges, intent.reduce_only) == (Verdict.PASS, True, True)


def test_usd_are_turned_into_contracts_at_the_middle() -> None:
    _, intent = asked(running(), order(Side.BUY, "50000", in_usd=True))
    assert intent.qty_contracts == Decimal("0.5")
    assert intent.instrument == BTC_PERP


@pytest.mark.parametrize("mode", [MarginMode.PORTFOLIO, MarginMode.CROSS])
def test_asking_leaves_no_trace_in_the_state(mode: MarginMode) -> None:
    book = running(mode=mode)
    book.send(book.option())
    book.send(book.fill(Side.SELL, "3", BTC_CALL))
    report(book, 500_000.0)
    book.at_ns += 5_000_000_000  # grid and stress are due to be computed anew
    before = encode_state(book.state)
    answer, _ = asked(book, order(Side.SELL, "1"))
    assert answer.after is not None
    assert encode_state(book.state) == before


def problem_of(found: Asked) -> str:
    assert found.intent is None or found.answer.before is None
    assert found.answer.verdict is Verdict.UNKNOWN
    return found.answer.problem


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (order(Side.BUY, "1", underlying="SOL"), "SOL is not among the underlyings"),
        (order(Side.BUY, "1", venue="okx"), "no account at okx"),
        (order(Side.BUY, "0.0001"), "less than one lot"),
        (order(Side.BUY, "1", kind=OrderKind.FUTURE), "no BTC future at bybit has a mark price: it lists none"),
        (order(Side.BUY, "1", kind=OrderKind.SPOT), "a spot is answered by the model"),
    ],
)
def test_what_cannot_be_asked_says_why(one: WantedOrder, words: str) -> None:
    book = running()
    assert words in problem_of(what_if_live.ask(book.state, one, book.at_ns))


def test_an_unknown_margin_is_no_yes() -> None:
    none = running(mode=None)
    assert "no margin_mode is set" in problem_of(what_if_live.ask(none.state, order(Side.SELL, "1"), none.at_ns))
    old = running()
    later_ns = old.at_ns + (old.state.limits.margin_age_ms_max + 1) * 1_000_000
    assert "is too old" in problem_of(what_if_live.ask(old.state, order(Side.SELL, "1"), later_ns))
