"""The world that faults are played in: what mishaps rely on."""

from hedgebot.lab.mishaps_market import ORDERS_PER_MINUTE_MAX
from hedgebot.lab.mishaps_venue import ADL_QUIET_S
from hedgebot.lab.mishaps_wire import DEADLINE_S
from hedgebot.lab.worldspec import HEDGE, HOLDER, SCENARIO, SETTINGS, UNDERLYING


def test_mishaps_know_the_limits_that_they_name() -> None:
    limits = SETTINGS.limits
    assert limits.adl_pause_ms == ADL_QUIET_S * 1_000
    assert limits.order_deadline_ms == DEADLINE_S * 1_000
    assert limits.repeat_orders_max == ORDERS_PER_MINUTE_MAX


def test_book_and_venue_speak_of_the_same_account_and_hedge() -> None:
    assert SCENARIO.accounts[0].name == HOLDER == SETTINGS.accounts[0].name
    assert SETTINGS.underlyings[0].hedge_instrument == HEDGE
    assert SETTINGS.underlyings[0].underlying == SCENARIO.underlyings[0].name == UNDERLYING
