"""The daemon's what-if: the gate's word with the venue's beside it, whatever the venue does."""

import asyncio
from decimal import Decimal
from typing import Any, cast

import msgspec
import pytest

from hedgebot.core.engine import Engine
from hedgebot.daemon import what_if
from hedgebot.daemon.what_if import WhatIfDesk
from hedgebot.domain.errors import ExitCode, VenueError
from hedgebot.domain.orders import OrderIntent
from hedgebot.domain.settings import MarginMode
from hedgebot.domain.whatif import VenueNumbers, WantedOrder, WatchedNumbers, WhatIf
from hedgebot.journal.redaction import Redactor
from tests.support.margins import held, margined, report
from tests.support.playbook import ACCOUNT, Playbook
from tests.support.watched import WATCHED, watched_book
from tests.support.watched import held as watched_position

KEY = "canary0123456789"
ORDER = {"side": "sell", "qty": "1", "in_usd": False, "underlying": "BTC", "kind": "perp", "venue": "bybit"}


class Venue:
    """A venue with a what-if call."""

    def __init__(self, outcome: VenueNumbers | Exception) -> None:
        self.outcome = outcome
        self.asked: list[OrderIntent] = []

    async def margin_what_if(self, intent: OrderIntent) -> VenueNumbers:
        self.asked.append(intent)
        if isinstance(self.outcome, Exception):
            raise self.outcome
        await asyncio.sleep(0 if self.outcome.refused != "slow" else 60)
        return self.outcome


def desk(venue: object) -> WhatIfDesk:
    book = Playbook(margined(MarginMode.CROSS, hedges=False))
    book.ready(positions=[held(book, "-2")])
    book.at_ns += 3_000_000_000
    report(book, 50_000.0)

    class Running:
        state = book.state

    return WhatIfDesk(cast("Engine", Running()), {ACCOUNT: venue}, lambda: book.at_ns, Redactor([KEY]).text)


async def ask(venue: object, **changes: Any) -> WhatIf:
    reply = await desk(venue).handle({"order": ORDER | changes})
    assert reply.ok
    return msgspec.convert(reply.data, WhatIf, strict=False)


async def test_both_numbers_are_for_the_very_same_order() -> None:
    venue = Venue(VenueNumbers(maintenance_before=0.02, maintenance_after=0.03))
    found = await ask(venue)
    (intent,) = venue.asked
    assert intent.qty_contracts == Decimal(1)
    assert found.theirs == venue.outcome
    assert found.after is not None


@pytest.mark.parametrize(
    ("venue", "words"),
    [
        (object(), "there is no such call"),
        (Venue(VenueError("it does not judge this order (10001: no)")), "it does not judge this order"),
    ],
)
async def test_without_the_venue_the_gates_word_stands(venue: object, words: str) -> None:
    found = await ask(venue)
    assert found.theirs is None
    assert words in found.theirs_problem
    assert found.after is not None


async def test_what_a_venue_says_of_a_request_loses_its_secrets() -> None:
    said = Venue(VenueError(f"10004: error sign! origin_string[1{KEY}5000]"))
    assert (await ask(said)).theirs_problem == "10004: error sign! origin_string[1***5000]"
    watched = Watched(VenueError(f"-2015: X-MBX-APIKEY={KEY}"))
    assert (await ask_watched(watched)).theirs_problem == "-2015: X-MBX-APIKEY=***"


async def test_a_venue_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(what_if, "VENUE_S_MAX", 0.01)
    assert "no answer within" in (await ask(Venue(VenueNumbers(refused="slow")))).theirs_problem


async def test_an_order_that_cannot_be_shaped_is_not_asked_of_the_venue() -> None:
    venue = Venue(VenueNumbers())
    found = await ask(venue, underlying="SOL")
    assert "SOL is not among" in found.problem
    assert venue.asked == []


@pytest.mark.parametrize("order", [None, {}, ORDER | {"side": "up"}, ORDER | {"qty": "-1"}, ORDER | {"qty": "NaN"}])
async def test_nonsense_is_refused_with_a_sentence(order: object) -> None:
    reply = await desk(object()).handle({"order": order})
    assert (reply.ok, reply.code) == (False, ExitCode.USAGE)
    assert "margin-what-if" in str(reply.error)


class Watched:
    """The venue of a watched account."""

    def __init__(self, outcome: WatchedNumbers | Exception | None) -> None:
        self.outcome = outcome

    async def watched_what_if(self, order: WantedOrder) -> WatchedNumbers:
        assert order.venue == "deribit"
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is None:
            await asyncio.sleep(60)
        assert self.outcome is not None
        return self.outcome


async def ask_watched(venue: object) -> WhatIf:
    book = watched_book()

    class Running:
        state = book.state

    desk = WhatIfDesk(cast("Engine", Running()), {WATCHED: venue}, lambda: book.at_ns, Redactor([KEY]).text)
    reply = await desk.handle({"order": ORDER | {"venue": "deribit"}})
    assert reply.ok
    return msgspec.convert(reply.data, WhatIf, strict=False)


async def test_the_venue_of_a_watched_account_is_asked_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = VenueNumbers(maintenance_before=0.0525, maintenance_after=0.11)
    found = await ask_watched(Watched(WatchedNumbers(position=watched_position(), theirs=numbers)))
    assert (found.source, found.theirs) == ("watched", numbers)
    assert found.after is not None
    assert found.after.use == pytest.approx(0.11)
    assert (await ask_watched(Watched(VenueError("13021: forbidden")))).theirs_problem == "13021: forbidden"
    assert (await ask_watched(object())).theirs_problem == "there is no such call"
    monkeypatch.setattr(what_if, "WATCHED_S_MAX", 0.05)
    assert "no answer within" in (await ask_watched(Watched(None))).theirs_problem
