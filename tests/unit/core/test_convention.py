"""Convention: no silent default where the coin margins; the choice is asked for, and nothing is hedged before."""

import msgspec
import pytest

from hedgebot.core.convention import describe, problem
from hedgebot.domain.alerts import AlertKind
from hedgebot.domain.instrument import Side
from hedgebot.domain.settings import DeltaConvention, EngineSettings
from tests.support.playbook import BTC_INVERSE, BTC_SPOT, BTC_USDC, Playbook, orders, settings


def _with(convention: DeltaConvention | None, **changes: object) -> EngineSettings:
    made = settings()
    underlying = msgspec.structs.replace(made.underlyings[0], delta_convention=convention, **changes)
    return msgspec.structs.replace(made, underlyings=(underlying,))


@pytest.mark.parametrize("convention", [None, DeltaConvention.LINEAR])
def test_an_inverse_contract_without_a_choice_stops_hedging_and_is_told(convention: DeltaConvention | None) -> None:
    book = Playbook(_with(convention))
    book.ready()
    book.send(book.fill(Side.BUY, "1000", BTC_INVERSE))
    assert not orders(book.send(book.fill(Side.BUY, "1", BTC_USDC)))
    book.tick()
    (alert,) = [one for one in book.state.alerts.values() if one.kind is AlertKind.CONVENTION_MISSING]
    assert alert.summary.startswith("bybit:inverse:BTCUSD is margined in BTC and underlyings.BTC.delta_convention is")
    assert "coin_neutral (keeps the number of coins) or usd_neutral" in alert.summary
    # Chosen, it is hedged and the alert is gone; so it is when the contract is sold again.
    book.send(book.fill(Side.SELL, "1000", BTC_INVERSE))
    book.tick()
    assert not book.is_up(AlertKind.CONVENTION_MISSING)
    assert orders(book.heard)


@pytest.mark.parametrize("convention", [DeltaConvention.COIN_NEUTRAL, DeltaConvention.USD_NEUTRAL])
def test_a_choice_is_hedged_by(convention: DeltaConvention) -> None:
    book = Playbook(_with(convention))
    book.ready()
    book.send(book.fill(Side.BUY, "1000", BTC_INVERSE))
    assert orders(book.send(book.fill(Side.BUY, "1", BTC_USDC)))
    book.tick()
    assert not book.is_up(AlertKind.CONVENTION_MISSING)


def test_coins_that_are_owned_are_exposure_in_usd_only() -> None:
    for convention, hedged in ((DeltaConvention.COIN_NEUTRAL, False), (DeltaConvention.USD_NEUTRAL, True)):
        book = Playbook(_with(convention))
        book.ready()
        assert bool(orders(book.send(book.fill(Side.BUY, "1", BTC_SPOT)))) is hedged
        assert convention.counts_equity is hedged


def test_hedging_with_an_inverse_contract_asks_before_the_first_one_is_held() -> None:
    book = Playbook(_with(None, hedge_instrument=BTC_INVERSE))
    book.ready()
    assert BTC_INVERSE in problem(book.state, book.settings.underlyings[0])


def test_without_anything_margined_in_the_coin_nothing_is_asked() -> None:
    book = Playbook()
    book.ready()
    assert not problem(book.state, book.settings.underlyings[0])
    assert describe(book.settings.underlyings[0]).startswith("not set: USD value")
    assert describe(_with(DeltaConvention.COIN_NEUTRAL).underlyings[0]).startswith("coin_neutral: number of coins")
