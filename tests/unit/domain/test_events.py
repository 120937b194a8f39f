"""Events: one closed union, each member survives the journal and the tape."""

from typing import get_args

import msgspec
import pytest

from hedgebot.domain import events, operator_events
from hedgebot.domain.deadman import DeadManChanged
from hedgebot.domain.dropcopy import ExecutionsRead
from hedgebot.domain.events import Event, MarketEvent, Stamped
from hedgebot.domain.holdings import HoldingReported
from hedgebot.domain.risk_events import FundingRead, RiskMeasured
from hedgebot.domain.treasury import FundingWalletRead, MoveAnswered, MoveLookedUp
from hedgebot.domain.venue_events import KeyRightsAccepted, MarketsRead, VenuePaused, WatchFailed
from tests.unit.domain.samples import sample

MEMBERS = get_args(Event)


def test_the_union_has_every_event() -> None:
    of_their_own = {
        DeadManChanged,
        ExecutionsRead,
        FundingRead,
        FundingWalletRead,
        MoveAnswered,
        MoveLookedUp,
        HoldingReported,
        RiskMeasured,
        VenuePaused,
        KeyRightsAccepted,
        WatchFailed,
        MarketsRead,
    }
    assert set(MEMBERS) == {*events._Event.__subclasses__(), *operator_events._Word.__subclasses__(), *of_their_own}


def test_market_events_are_events() -> None:
    assert set(get_args(MarketEvent)) < set(MEMBERS)


@pytest.mark.parametrize("kind", MEMBERS)
@pytest.mark.parametrize("full", [True, False])
@pytest.mark.parametrize("binary", [True, False])
def test_an_event_survives_the_journal(kind: type[msgspec.Struct], full: bool, binary: bool) -> None:
    stamped = Stamped(seq=9, at_ns=1_760_000_000_000_000_001, event=sample(kind, full=full))
    encode, decode = (
        (msgspec.msgpack.encode, msgspec.msgpack.decode) if binary else (msgspec.json.encode, msgspec.json.decode)
    )
    again = decode(encode(stamped), type=Stamped)
    assert again == stamped
    assert encode(again) == encode(stamped)


@pytest.mark.parametrize("kind", MEMBERS)
def test_an_event_cannot_be_changed(kind: type[msgspec.Struct]) -> None:
    event = sample(kind, full=True)
    for name in event.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(event, name, None)
    assert kind.__struct_config__.frozen


def test_an_unknown_event_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"seq": 1, "at_ns": 1, "event": {"type": "Nonsense"}}', type=Stamped)
