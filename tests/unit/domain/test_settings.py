"""Settings: values that survive the journal, limits in an order that can work, roles that say who may trade."""

import msgspec
import pytest

from hedgebot.domain.settings import AccountRole, EngineSettings, LimitSettings, StrategySettings
from tests.unit.domain.samples import sample


def test_only_a_book_account_is_never_traded_on() -> None:
    assert {role for role in AccountRole if not role.may_trade} == {AccountRole.BOOK}


@pytest.mark.parametrize("full", [True, False])
def test_settings_survive_the_journal(full: bool) -> None:
    settings = sample(EngineSettings, full=full)
    assert msgspec.json.decode(msgspec.json.encode(settings), type=EngineSettings) == settings


def test_default_limits_are_positive_and_in_order() -> None:
    limits = LimitSettings()
    numbers = [value for value in msgspec.structs.asdict(limits).values() if isinstance(value, int | float)]
    assert len(numbers) > 40
    assert all(value > 0 for value in numbers)
    # Hysteresis: what stops new risk is cleared well below, what forces reduction comes last.
    assert limits.margin_use_alert <= limits.margin_use_clear
    assert limits.margin_use_clear < limits.margin_use_no_risk < limits.margin_use_reduce < 1.0
    assert limits.private_silence_ms_max < limits.private_silence_ms_halt
    assert limits.reconcile_interval_ms <= 15_000


def test_parameters_of_one_strategy_are_not_shared() -> None:
    one, other = (StrategySettings(name=name, enabled=True, underlyings=()) for name in "ab")
    one.params["x"] = 1
    assert other.params == {}
