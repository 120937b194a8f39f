"""Signed reads by HTTP, page by page, on the query client. Owns paging and the budget; knows no meaning of a row."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hedgebot.domain.errors import VenueError
from hedgebot.venues.buckets import Budget, Purpose
from hedgebot.venues.profile import VenueProfile
from hedgebot.venues.reading import FrameProblem, Raw, as_object, as_rows, text_or_none

Endpoint = Callable[[Mapping[str, Any]], Awaitable[Any]]


class Paused(VenueError):
    """A query that was not sent, because the venue asked this address to pause."""


class Queries:
    """The venue's listings that a snapshot or a lookup needs."""

    def __init__(self, client: Any, profile: VenueProfile, budget: Budget, patience_s: float = 10.0) -> None:  # noqa: ANN401  # ccxt is untyped
        self._client = client
        self._patience_s = patience_s
        self._profile = profile
        self._budget = budget

    async def positions(self, category: str, **narrow: str) -> tuple[Raw, ...]:
        """Open positions of a category."""
        return await self._rows(
            self._client.privateGetV5PositionList, category, narrow, page=self._profile.position_page
        )

    async def orders(self, category: str, **narrow: str) -> tuple[Raw, ...]:
        """Open orders; with openOnly=1 the recently closed ones."""
        return await self._rows(self._client.privateGetV5OrderRealtime, category, narrow, page=self._profile.order_page)

    async def order_history(self, category: str, **narrow: str) -> tuple[Raw, ...]:
        """Closed orders."""
        return await self._rows(self._client.privateGetV5OrderHistory, category, narrow, page=self._profile.order_page)

    async def executions(self, category: str, **narrow: str) -> tuple[Raw, ...]:
        """Executions of every type: without `execType` none is filtered out."""
        return await self._rows(
            self._client.privateGetV5ExecutionList, category, narrow, page=self._profile.execution_page
        )

    async def settlements(self, **narrow: str) -> tuple[Raw, ...]:
        """Funding settlements of the unified account, of every category."""
        log = self._client.privateGetV5AccountTransactionLog
        return await self._rows(log, "", {"accountType": "UNIFIED", "type": "SETTLEMENT", **narrow}, page=50)

    async def moves(self, **narrow: str) -> tuple[Raw, ...]:
        """Moves between the user's own wallets."""
        return await self._rows(self._client.privateGetV5AssetTransferQueryInterTransferList, "", narrow, page=50)

    async def funding_wallet(self) -> tuple[Raw, ...]:
        """The coins of the funding wallet; the venue lists them in one answer."""
        await self._leave()
        asked = self._client.privateGetV5AssetTransferQueryAccountCoinsBalance({"accountType": "FUND"})
        answer = as_object(await asked, "the funding wallet's answer")
        return as_rows(as_object(answer.get("result"), "result").get("balance"), "balance")

    async def instrument(self, category: str, symbol: str) -> tuple[Raw, ...]:
        """The rules and status of one symbol; no row where the venue has none of that name."""
        await self._leave()
        asked = {"category": category, "symbol": symbol}
        answer = as_object(await self._client.publicGetV5MarketInstrumentsInfo(asked), "the instrument's answer")
        return as_rows(as_object(answer.get("result"), "result").get("list"), "list")

    async def wallet(self) -> tuple[Raw, Raw]:
        """The unified account's row, and the answer around it, which carries the time."""
        await self._leave()
        answer = as_object(
            await self._client.privateGetV5AccountWalletBalance({"accountType": "UNIFIED"}), "the wallet's answer"
        )
        rows = as_rows(as_object(answer.get("result"), "result").get("list"), "list")
        if not rows:
            msg = "the wallet's answer names no account"
            raise FrameProblem(msg)
        return rows[0], answer

    async def _leave(self) -> None:
        """Wait for the budget. Raises Paused when the venue wants no requests for longer than a query may take."""
        if not await self._budget.acquire(Purpose.POLL, "", within_s=self._patience_s):
            msg = f"not asked: the venue wants no requests for {self._budget.paused_s:.0f} s more"
            raise Paused(msg)

    async def _rows(
        self, endpoint: Endpoint, category: str, narrow: Mapping[str, str], *, page: int
    ) -> tuple[Raw, ...]:
        """All pages. Raises the client's error, or FrameProblem for an answer of another shape or without an end."""
        found: list[Raw] = []
        cursor: str | None = None
        for _ in range(self._profile.pages_max):
            await self._leave()
            request: dict[str, Any] = {"limit": page, **narrow} | ({"category": category} if category else {})
            if cursor is not None:
                request["cursor"] = cursor
            answer = as_object(await endpoint(request), "the answer")
            result = as_object(answer.get("result"), "result")
            rows = as_rows(result.get("list"), "list")
            found.extend(rows)
            following = text_or_none(result, "nextPageCursor")
            # The venue gives a cursor with the last page too; an empty page or the same cursor again is the end.
            if not rows or following is None or following == cursor:
                return tuple(found)
            cursor = following
        msg = f"more than {self._profile.pages_max} pages of {category}"
        raise FrameProblem(msg)
