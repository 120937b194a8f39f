"""Long forms, played short: each has its figures, and says what did not hold."""

from functools import partial

import pytest

from hedgebot.core import ledger
from hedgebot.daemon.plugins import load_strategy
from hedgebot.lab import longforms, mishaps_inside
from hedgebot.lab.longforms import FORMS, Look, Verdict, drift, growth, lost_answers, play, soak


def test_a_clock_that_runs_fast_gains_what_it_must_and_stale_is_told_in_time() -> None:
    found = drift(load_strategy, hours=0.1)
    assert (found.id, found.problem) == ("C04", "")
    assert "the clock gained 0.2 s" in found.figures
    assert found.title == "our clock runs fast for 0.1 h, then market data stand still"
    assert found.cpu_s > 0.0


def test_a_gate_that_calls_data_stale_too_soon_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(longforms, "STILL_S", -20.0)  # as if it had to be told twenty seconds before they stand still
    assert "called stale" in drift(load_strategy, hours=0.05).problem


def test_a_clock_that_is_a_second_off_halts_the_book_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # At six times the rate what takes forty minutes takes seven.
    for module in (longforms, mishaps_inside):
        monkeypatch.setattr(module, "DRIFT_PPM", 3_000.0)
    assert drift(load_strategy, hours=0.2).problem == ""
    monkeypatch.setattr(longforms, "HALTED_OFF_MS", 3_000.0)  # as if it had to stand that much
    assert "the book was halted after" in drift(load_strategy, hours=0.2).problem


@pytest.mark.parametrize("rules", ["bybit", "deribit"])
def test_orders_whose_answers_are_lost_are_counted(rules: str) -> None:
    found = lost_answers(load_strategy, rules, orders_min=50, minutes=3.0)
    assert (found.id, found.problem) == ("N05", "")
    assert "orders, 0 of them twice" in found.figures
    assert rules in found.title


def test_too_few_orders_do_not_hold() -> None:
    found = lost_answers(load_strategy, "bybit", orders_min=10_000, minutes=2.0)
    assert not found.passed
    assert "orders, 10000 are asked for" in found.problem


def test_a_build_that_books_fills_twice_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "is_new_execution", lambda *_: True)
    found = lost_answers(load_strategy, "bybit", orders_min=1, minutes=2.0)
    assert "halted" in found.problem
    assert not found.passed


def test_a_soak_looks_each_hour_and_drops_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half an hour is all warm-up: the state still fills up to its bounds.
    monkeypatch.setattr(longforms, "GROWTH_MAX", 1.0)
    found = soak(load_strategy, hours=0.5, look_s=120.0)
    assert (found.id, found.problem) == ("P11", "")
    assert "rows; state" in found.figures


def looks(*, state: int = 0, waiting: int = 0, late_rows: int = 1_000) -> list[Look]:
    """Nine looks of a sound soak, but for what grows with each of them and the rows of the last third."""
    rows, found = 0, []
    for number in range(9):
        found.append(Look(100_000 + state * number, rows, 15 + waiting * number))
        rows += late_rows if number >= 6 else 1_000
    return found


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (looks(), ""),
        (looks(state=5_000), "the engine's state grew from 125000 to 140000"),
        (looks(waiting=3), "what waits on the timeline grew from 30 to 39"),
        (looks(late_rows=2_000), "the journal grew by 1000 rows a look, and then by 2000"),
        (looks(late_rows=500), "and then by 500"),
        (looks()[:5], "too few looks to tell growth"),
    ],
)
def test_what_grows_is_said(found: list[Look], said: str) -> None:
    assert said in growth(found)
    assert bool(growth(found)) == bool(said)


def sound(_load: object, name: str) -> Verdict:
    return Verdict(id=name, title="t", figures="f", problem="", cpu_s=1.0)


def test_they_are_played_apart_and_told_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMS, "C04", partial(sound, name="C04"))
    monkeypatch.setitem(FORMS, "P11", partial(sound, name="P11"))
    told: list[str] = []
    found = play(["P11", "C04"], load_strategy, lambda one: told.append(one.id))
    assert told == [one.id for one in found] == ["P11", "C04"]
    with pytest.raises(KeyError):
        play(["X99"], load_strategy, lambda _one: None)
