"""The shapes of a run's parts: what the real ones must offer."""

import inspect

import msgspec
import pytest

from hedgebot.daemon.parts import Identity, Store, Venue
from hedgebot.journal.store import Journal
from hedgebot.venues.bybit import BybitVenue


@pytest.mark.parametrize(("real", "shape"), [(Journal, Store), (BybitVenue, Venue)])
def test_the_real_parts_offer_what_a_run_needs(real: type, shape: type) -> None:
    wanted = {name for name in dir(shape) if not name.startswith("_")}
    assert wanted
    for name in wanted:
        offered, needed = getattr(real, name), getattr(shape, name)
        assert inspect.iscoroutinefunction(offered) == inspect.iscoroutinefunction(needed), name


def test_who_a_run_is_does_not_change() -> None:
    identity = Identity(install=1, run_id="r", epoch=2, version="v", build="v+b", next_seq=3)
    assert identity.restored == ()
    with pytest.raises(AttributeError):
        identity.epoch = 3  # type: ignore[misc]
    assert msgspec.structs.replace(identity, epoch=3).epoch == 3
