"""Settings: values that survive the journal, limits in an order that can work, roles that say who may trade."""

import msgspec
import pytest

from hedgebot.domain.instrument import InstrumentId, Side
from hedgebot.domain.settings import (
    AccountRole,
    EngineSettings,
    HedgeLeg,
    HedgeRole,
    LimitSettings,
    StrategySettings,
    UnderlyingSettings,
)
from tests.support import playbook
from tests.unit.domain.samples import sample


def test_nothing_is_traded_where_others_do_or_where_margin_alone_is_read() -> None:
    assert {role for role in AccountRole if not role.may_trade} == {AccountRole.BOOK, AccountRole.WATCHED}
    assert {role for role in AccountRole if not role.is_followed} == {AccountRole.WATCHED}


@pytest.mark.parametrize("full", [True, False])
def test_settings_survive_the_journal(full: bool) -> None:
    settings = sample(EngineSettings, full=full)
    assert msgspec.json.decode(msgspec.json.encode(settings), type=EngineSettings) == settings


def test_default_limits_are_positive_and_in_order() -> None:
    limits = LimitSettings()
    numbers = [
        value
        for value in msgspec.structs.asdict(limits).values()
        if isinstance(value, int | float) and not isinstance(value, bool)
    ]
    assert len(numbers) > 40
    assert all(value > 0 for value in numbers if value is not limits.canary_hours)
    assert limits.canary_hours == 0
    # Hysteresis: what stops new risk is cleared well below, what forces reduction comes last.
    assert limits.margin_use_alert <= limits.margin_use_clear
    assert limits.margin_use_clear < limits.margin_use_no_risk < limits.margin_use_reduce < 1.0
    assert limits.private_silence_ms_max < limits.private_silence_ms_halt
    assert limits.reconcile_interval_ms <= 15_000


def test_parameters_of_one_strategy_are_not_shared() -> None:
    one, other = (StrategySettings(name=name, enabled=True, underlyings=()) for name in "ab")
    one.params["x"] = 1
    assert other.params == {}


PERP, QUARTERLY = InstrumentId("bybit:linear:BTCUSDT"), InstrumentId("bybit:linear:BTCUSDT-25DEC26")


def _hedged(*others: HedgeLeg) -> UnderlyingSettings:
    one: UnderlyingSettings = sample(UnderlyingSettings, full=True)
    return msgspec.structs.replace(one, hedge_instrument=PERP, hedge_account="main", other_hedges=others)


def test_one_hedge_instrument_is_opened_for_both_sides() -> None:
    alone = _hedged()
    assert alone.hedge_legs == (HedgeLeg(instrument=PERP, role=HedgeRole.MAIN),)
    assert {alone.opened_with(side) for side in Side} == {PERP}


@pytest.mark.parametrize(("role", "side"), [(HedgeRole.BUY, Side.BUY), (HedgeRole.SELL, Side.SELL)])
def test_another_instrument_takes_one_side_and_leaves_the_main_one_the_other(role: HedgeRole, side: Side) -> None:
    both = _hedged(HedgeLeg(instrument=QUARTERLY, role=role))
    assert both.hedge_instruments == (PERP, QUARTERLY)
    assert both.opened_with(side) == QUARTERLY
    assert both.opened_with(side.opposite) == PERP


def test_all_hedge_instruments_of_an_account_are_found() -> None:
    both = _hedged(HedgeLeg(instrument=QUARTERLY, role=HedgeRole.BUY))
    settings = msgspec.structs.replace(sample(EngineSettings, full=False), underlyings=(both,))
    assert settings.hedges_on("main") == {PERP: both.underlying, QUARTERLY: both.underlying}
    assert settings.hedges_on("elsewhere") == {}


def test_a_raised_floor_is_never_a_lower_one() -> None:
    limits = LimitSettings()
    assert (limits.floor_use(raised=False), limits.risk_use(raised=False)) == (0.8, 0.7)
    assert (limits.floor_use(raised=True), limits.risk_use(raised=True)) == (0.5, 0.5)
    lax = LimitSettings(margin_use_high_vol=0.75)
    assert (lax.floor_use(raised=True), lax.risk_use(raised=True)) == (0.75, 0.7)


def test_a_played_market_has_nobody_to_be_watched() -> None:
    plain = playbook.settings()
    assert plain.traded is plain
    other = msgspec.structs.replace(plain.accounts[0], name="options", venue="deribit", role=AccountRole.WATCHED)
    both = msgspec.structs.replace(plain, accounts=(*plain.accounts, other))
    assert both.traded == plain
