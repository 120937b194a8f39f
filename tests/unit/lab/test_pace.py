import msgspec

from hedgebot.domain.durations import NS_PER_S
from hedgebot.domain.settings import EngineSettings, LimitSettings
from hedgebot.lab.pace import Pace

SETTINGS = EngineSettings(
    config_hash="x",
    install=1,
    accounts=(),
    underlyings=(),
    strategies=(),
    limits=LimitSettings(book_age_ms_max=5_000, option_age_ms_max=90_000),
)


def test_age_limits_are_raised_to_three_rounds_and_never_lowered() -> None:
    slowed = Pace.of_seconds(10.0).slowed(SETTINGS)
    assert slowed.limits.book_age_ms_max == 30_000
    assert Pace.of_seconds(60.0).slowed(SETTINGS).limits.reconcile_timeout_ms == 180_000
    assert slowed.limits.option_age_ms_max == 90_000
    assert slowed.limits.daily_loss_usd_max == SETTINGS.limits.daily_loss_usd_max


def test_the_ordinary_pace_changes_nothing_but_what_it_cannot_keep() -> None:
    changed = {
        name
        for name in msgspec.structs.asdict(SETTINGS.limits)
        if getattr(Pace().slowed(SETTINGS).limits, name) != getattr(SETTINGS.limits, name)
    }
    assert changed == set()


def test_signs_of_life_come_at_most_once_a_second() -> None:
    assert Pace.of_seconds(0.2).alive_ns == NS_PER_S
    assert Pace.of_seconds(30.0).silence_ns_max == 90 * NS_PER_S
