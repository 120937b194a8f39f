"""What a contract test stands on: an exchange, an unmodified ccxt.pro client, and one product to call about."""

import asyncio
import itertools
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

from hedgebot.domain.instrument import Instrument, InstrumentId
from hedgebot.exchange.model import Exchange
from hedgebot.exchange.types import Book, Listing, SimOrder
from tests.wire.exchange_client import SCENARIO, Lab

WAIT_S = 5.0


class Product(NamedTuple):
    """One of the venue's products: category of the wire, settlement coin, whether it expires, an amount to trade."""

    name: str
    category: str
    settle: str
    dated: bool
    amount: float

    def is_of(self, one: Instrument) -> bool:
        """Whether an instrument belongs to it."""
        return (one.category, one.settle, one.expiry_ns is not None) == (self.category, self.settle, self.dated)


PRODUCTS = (
    Product("spot", "spot", "USDT", False, 0.01),
    Product("linear", "linear", "USDT", False, 0.01),
    Product("usdc", "linear", "USDC", False, 0.01),
    Product("inverse", "inverse", "BTC", False, 900),
    Product("dated", "linear", "USDT", True, 0.01),
    Product("dated_usdc", "linear", "USDC", True, 0.01),
    Product("dated_inverse", "inverse", "BTC", True, 900),
    Product("option", "option", "USDT", True, 0.02),
)
BY_NAME = {product.name: product for product in PRODUCTS}


def listings_of(exchange: Exchange, product: Product) -> list[Listing]:
    """What the exchange lists of a product on BTC."""
    return [one for one in exchange.listings() if one.instrument.underlying == "BTC" and product.is_of(one.instrument)]


def listed() -> tuple[Product, ...]:
    """The products that the contract tests' exchange has."""
    exchange = Exchange(SCENARIO, time.time_ns())
    return tuple(product for product in PRODUCTS if listings_of(exchange, product))


class Stage:
    """One product on a running exchange."""

    def __init__(self, venue: Lab, product: Product, *, next_to_expire: bool = False) -> None:
        self.venue = venue
        self.product = product
        self.client = venue.client
        self.exchange = venue.exchange
        chosen = listings_of(venue.exchange, product)
        if next_to_expire:
            first = min(one.instrument.expiry_ns or 0 for one in chosen)
            chosen = [one for one in chosen if (one.instrument.expiry_ns or 0) == first]
        self.listing = chosen[len(chosen) // 2]
        self.instrument = self.listing.instrument
        self.market: dict[str, Any] = next(
            market
            for market in venue.client.markets.values()
            if market["id"] == self.instrument.symbol and market["spot"] is (product.category == "spot")
        )
        self.symbol: str = self.market["symbol"]
        self._links = itertools.count(1)

    @property
    def id(self) -> InstrumentId:
        """The instrument's identity in the model."""
        return self.instrument.id

    @property
    def is_spot(self) -> bool:
        """Whether coins are traded, not contracts."""
        return self.product.category == "spot"

    @property
    def book(self) -> Book:
        """The top of the book now."""
        return self.exchange.book(self.id, 1)

    def seen(self, path: str, **wanted: object) -> list[dict[str, object]]:
        """Requests that reached a path and carry these parameters."""
        return [one for one in self.venue.seen(path) if wanted.items() <= one.items()]

    def asked(self, path: str, **wanted: object) -> dict[str, object]:
        """The newest request of the product's category that reached a path with these parameters; fails without one."""
        found = self.seen(path, category=self.product.category, **wanted)
        assert found, f"no request on {path} with {wanted}: {self.venue.seen(path)}"
        return found[-1]

    def link(self) -> str:
        """A fresh client id."""
        return f"contract-{self.product.name}-{next(self._links)}"

    def order(self, link: str) -> SimOrder:
        """An order of the account by client id."""
        found = self.exchange.order("book", client_id=link)
        assert found is not None, f"the venue has no order {link}"
        return found

    def held(self) -> Decimal:
        """What the account holds: contracts with their sign, or bitcoins."""
        if self.is_spot:
            return next(coin.wallet for coin in self.exchange.wallet("book").coins if coin.coin == "BTC")
        rows = (one for one in self.exchange.positions("book") if one.instrument == self.id)
        return sum((one.contracts for one in rows), Decimal(0))

    def far_price(self) -> float:
        """A price at which a purchase rests."""
        if self.product.category == "option":
            return 5.0
        return float(round(float(self.book.bids[0][0]) * 0.97))

    async def buy(self, link: str | None = None, **params: Any) -> str:
        """Buy at the market; the client id."""
        link = link or self.link()
        await self.client.create_order(
            self.symbol, "market", "buy", self.product.amount, None, {"orderLinkId": link, **params}
        )
        return link

    async def rest(self, link: str | None = None, **params: Any) -> str:
        """Let a purchase rest; the client id."""
        link = link or self.link()
        await self.client.create_order(
            self.symbol, "limit", "buy", self.product.amount, self.far_price(), {"orderLinkId": link, **params}
        )
        return link

    async def run_on(self, seconds: int) -> None:
        """Let the world run ahead of the wall clock, for trades and candles."""
        self.exchange.advance(self.exchange.now_ns + seconds * 1_000_000_000)
        await asyncio.sleep(0)

    async def leap(self, seconds: int) -> None:
        """Let the world run ahead and set the venue's clock, and the client's idea of it, after it."""
        await self.run_on(seconds)
        self.venue.server.api.faults.skew_ms = seconds * 1_000
        self.client.options["timeDifference"] = -seconds * 1_000

    async def soon(self, awaitable: Any) -> Any:
        """The result of a watch; fails when none comes."""
        return await asyncio.wait_for(awaitable, WAIT_S)

    async def until(self, wanted: Callable[[], bool], what: str) -> None:
        """Wait until something holds."""
        for _ in range(int(WAIT_S * 100)):
            if wanted():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{what}: not within {WAIT_S} s")

    async def watching(self, topic: str, watch: Any) -> asyncio.Task[Any]:
        """Start a private watch and wait until the venue has its subscription."""
        task: asyncio.Task[Any] = asyncio.ensure_future(watch)
        sessions = self.venue.server.sessions
        try:
            await self.until(lambda: any(topic in one.topics for one in sessions.chosen("private", "book")), topic)
        except AssertionError:
            task.cancel()
            raise
        return task
