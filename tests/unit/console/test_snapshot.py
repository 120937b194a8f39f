from decimal import Decimal
from typing import Any

import msgspec
import pytest

from hedgebot.console.snapshot import read_snapshot
from hedgebot.core.account_view import AccountView, StreamView
from hedgebot.core.position_view import PositionView
from hedgebot.core.treasury_view import MoveView, TreasuryView
from hedgebot.core.venue_view import VenueView
from hedgebot.core.view import AlertView, BookView, OrderView, UnderlyingView
from hedgebot.domain.errors import DataError

# Parts of the engine's view that the console does not show on purpose.
NOT_SHOWN = {
    "BookView": {"run_id"},
}


def test_an_answer_is_read_whole(answer: dict[str, Any]) -> None:
    snapshot = read_snapshot(answer)
    assert snapshot.book.underlyings[0].positions[0].contracts == Decimal("2.5012")
    assert snapshot.book.accounts[0].streams[1].age_ms == 412
    assert snapshot.book.unknown_orders == 0
    assert snapshot.book.decisions[1].at_ns == 1_764_000_007_000_000_000
    assert snapshot.daemon.book_name == "demo"


def test_what_is_missing_is_unknown_and_what_is_new_is_ignored(answer: dict[str, Any]) -> None:
    answer["book"]["underlyings"] = [{"underlying": "BTC", "new_field": 1}]
    answer["future"] = {}
    one = read_snapshot(answer).book.underlyings[0]
    assert one.delta_coin is None
    assert one.band_coin is None
    assert read_snapshot({}).book.mode == "unknown"


def test_another_type_is_a_clear_error(answer: dict[str, Any]) -> None:
    answer["book"]["underlyings"][0]["delta_coin"] = "much"
    with pytest.raises(DataError, match=r"book\.underlyings.*delta_coin.*is it of another version"):
        read_snapshot(answer)


@pytest.mark.parametrize(
    "view",
    [
        *(AccountView, AlertView, BookView, MoveView, OrderView, PositionView, StreamView, TreasuryView),
        *(UnderlyingView, VenueView),
    ],
)
def test_the_console_knows_every_field_of_the_engines_view(view: type[msgspec.Struct]) -> None:
    from hedgebot.console import snapshot

    mine = getattr(snapshot, {"BookView": "BookSnapshot"}.get(view.__name__, view.__name__.replace("View", "Row")))
    assert set(view.__struct_fields__) - set(mine.__struct_fields__) == NOT_SHOWN.get(view.__name__, set())


def test_alerts_of_the_process_stand_beside_those_of_the_engine() -> None:
    engine = {"kind": "ReconBreak", "subject": "main", "runbook": "RB-08", "age_ms": 5}
    same = {"kind": "ReconBreak", "subject": "main", "runbook": "RB-08", "raised_at_ns": 1}
    own = {"kind": "LoopLag", "subject": "event loop", "runbook": "RB-23", "raised_at_ns": 4_000_000_000}
    data = {"book": {"at_ns": 5_000_000_000, "alerts": [engine]}, "daemon": {"alerts": [same, own]}}
    assert [(one.kind, one.age_ms) for one in read_snapshot(data).alerts] == [("ReconBreak", 5), ("LoopLag", 1_000)]
