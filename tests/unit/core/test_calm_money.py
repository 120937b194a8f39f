"""A wallet that the timer asked for: what the next timer tells of it is stepped, what it keeps of it is kept."""

from collections.abc import Callable
from types import SimpleNamespace

import msgspec
import pytest

from hedgebot.core import calm_money, loss_limits, margin_watch
from hedgebot.core.margin_state import StandingStress
from hedgebot.core.state import AccountState, EngineState
from tests.support import moving_days
from tests.support.quiet_days import Script
from tests.unit.core.test_calm_bounds import covered, differs, without

TOLD: dict[str, Script] = {
    "use beyond its alert": lambda: moving_days.compared(maintenance="550000", margin_hike_ratio=1.0),
    "use beyond its floor": lambda: moving_days.compared(maintenance="850000", margin_use_alert=0.95),
    "a shock that would reach the floor": lambda: moving_days.compared(
        maintenance="700000", margin_use_alert=0.75, margin_hike_ratio=1.0
    ),
    "a hike that would reach the floor": lambda: moving_days.compared(maintenance="600000", margin_use_alert=0.75),
    "a loss of the day": moving_days.equity_is_lost,
    "a loss of the day that halts": lambda: moving_days.compared(equity="980000", daily_loss_usd_max=10_000.0),
    "a drawdown": lambda: moving_days.compared(equity="980000", drawdown_ratio_alert=0.01),
    "a drawdown that halts": lambda: moving_days.compared(equity="980000", drawdown_ratio_max=0.01),
    "a venue beyond its cap": lambda: moving_days.compared(equity="1010000", venue_equity_usd_max=1_005_000.0),
    "an account that is reconciled again": moving_days.reconciled_again,
    "an account that is new": moving_days.account_is_added,
}


@pytest.mark.parametrize("case", TOLD)
def test_what_a_wallet_tells_is_not_claimed(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play = TOLD[case]()
    assert not differs(play)
    without(monkeypatch, "money")
    assert differs(play)


def other_stress(state: EngineState, account: AccountState, at_ns: int) -> StandingStress | None:
    """As silent as the one that is measured, and another."""
    found = margin_watch.reported_stress(state, account, at_ns)
    return None if found is None else msgspec.structs.replace(found, hike_use=0.01)


def test_a_wallet_of_before_the_last_look_is_looked_at_all_the_same() -> None:
    assert not differs(moving_days.watched_wallet_is_older())


def test_a_timer_that_comes_too_soon_for_a_look_leaves_it_to_the_next() -> None:
    play = moving_days.looked_at_by_the_second_timer()
    assert not differs(play)
    assert covered(play) > 1


KEPT: dict[str, dict[str, Callable[..., object]]] = {
    "margin_watch": {"reported_stress": other_stress},
    "loss_limits": {"beyond": loss_limits.beyond, "note_equity": lambda *_: None},
}


@pytest.mark.parametrize("owner", KEPT)
def test_what_a_timer_keeps_of_a_wallet_matters(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    play = moving_days.compared(equity="1010000", maintenance="20000")
    assert not differs(play)
    # The snapshots, the timers that ask for them, and how the conversation began.
    assert len(play.log) - covered(play) < len(play.log) / 4
    monkeypatch.setattr(calm_money, owner, SimpleNamespace(**KEPT[owner]))
    assert differs(play)
