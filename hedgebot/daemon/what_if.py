"""Answers a margin what-if on the running book: the gate's word first, the venue's own beside it. Changes nothing.

Owns the order of asking. A venue that has no such call, or gives no answer, is said to have none; the gate's word
stands.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hedgebot.core import what_if_live, what_if_watched
from hedgebot.core.engine import Engine
from hedgebot.core.state import AccountState
from hedgebot.daemon.control import Reply, refusal
from hedgebot.domain.errors import ExitCode, HedgebotError
from hedgebot.domain.ports import MarginOracle, WatchedOracle
from hedgebot.domain.whatif import WantedOrder, WhatIf

VENUE_S_MAX = 5.0
WATCHED_S_MAX = 8.0
"""Several questions, of which a venue takes one a second (OKX: two of its builder)."""


class WhatIfDesk:
    """Handles `margin-what-if`; `venues` are the ports by account, `clean` takes secrets out of what they say."""

    def __init__(
        self, engine: Engine, venues: Mapping[str, object], now_ns: Callable[[], int], clean: Callable[[str], str]
    ) -> None:
        self._engine = engine
        self._venues = venues
        self._now_ns = now_ns
        self._clean = clean

    async def handle(self, args: dict[str, Any]) -> Reply:
        """Answer one request."""
        try:
            order = msgspec.convert(args.get("order"), WantedOrder, strict=False)
        except msgspec.ValidationError as error:
            return refusal(f"margin-what-if needs an order: {error}", ExitCode.USAGE)
        if not (order.qty.is_finite() and order.qty > 0):
            return refusal(f"margin-what-if: qty is {order.qty}, it must be a number above zero", ExitCode.USAGE)
        return Reply(ok=True, data=msgspec.to_builtins(await self.answer(order)))

    async def answer(self, order: WantedOrder) -> WhatIf:
        """The gate's word on the book as it is now, and the venue's number for the very same order."""
        watched = what_if_watched.account_at(self._engine.state, order.venue)
        if watched is not None:
            return await self._of_watched(watched, order)
        asked = what_if_live.ask(self._engine.state, order, self._now_ns())
        if asked.intent is None:
            return asked.answer
        venue = self._venues.get(asked.intent.account)
        if not isinstance(venue, MarginOracle):
            return msgspec.structs.replace(asked.answer, theirs_problem="there is no such call")
        try:
            async with asyncio.timeout(VENUE_S_MAX):
                theirs = await venue.margin_what_if(asked.intent)
        except TimeoutError:
            return msgspec.structs.replace(asked.answer, theirs_problem=f"no answer within {VENUE_S_MAX:.0f} s")
        except HedgebotError as error:
            return msgspec.structs.replace(asked.answer, theirs_problem=self._clean(str(error)))
        return msgspec.structs.replace(asked.answer, theirs=theirs)

    async def _of_watched(self, account: AccountState, order: WantedOrder) -> WhatIf:
        """Where an account is only watched the venue is asked first: it alone knows what the order's words mean."""
        state, venue = self._engine.state, self._venues.get(account.name)
        if not isinstance(venue, WatchedOracle):
            return what_if_watched.unanswered(state, account, order, "there is no such call")
        try:
            async with asyncio.timeout(WATCHED_S_MAX):
                found = await venue.watched_what_if(order)
        except TimeoutError:
            problem = f"no answer within {WATCHED_S_MAX:.0f} s"
            return what_if_watched.unanswered(state, account, order, problem)
        except HedgebotError as error:
            return what_if_watched.unanswered(state, account, order, self._clean(str(error)))
        return what_if_watched.judge(state, account, order, found, self._now_ns())
