"""Binance, read: the USD-M account, or portfolio margin where the account is in it. Owns which questions it takes.

In multi-assets mode the account is one pocket in USD, else each coin and each isolated position is one. The ratio of
portfolio margin points down (uniMMR = equity / maintenance margin). Positions in coin-margined contracts and debts of
portfolio margin are in the venue's number only: no model of ours is asked then, and what its coins are is not known.
The COIN-M account outside portfolio margin is not read. Sources: GET /fapi/v2/account, /fapi/v1/premiumIndex,
/papi/v1/account, /papi/v1/um/account; margin reference sections 3, 5 and 6.2.
"""

from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from functools import partial
from typing import Any

from hedgebot.domain.errors import VenueError
from hedgebot.domain.health import AccountHealth, Holding
from hedgebot.domain.instrument import Instrument, InstrumentKind, instrument_id
from hedgebot.domain.reports import WatchedPosition
from hedgebot.domain.whatif import OrderKind, WantedOrder, WatchedNumbers
from hedgebot.venues.health import binance as dialect
from hedgebot.venues.reading import FrameProblem, as_object, as_rows, float_or_none, number
from hedgebot.venues.watched.binance_pockets import QUOTES, coins_of, isolated_of, pockets_of, quote_of
from hedgebot.venues.watched.pockets import Pocket, Reading, known_or_why, known_price, profit_settle

_WHOLE = "the account is in portfolio margin, where coin-margined positions and debts need margin too"


class BinanceReader:
    """One account; `portfolio` says in which mode it is."""

    def __init__(self, client: Any, now_ns: Callable[[], int], *, portfolio: bool) -> None:  # noqa: ANN401
        self._client = client
        self._now_ns = now_ns
        self._portfolio = portfolio

    async def read(self) -> Reading:
        """Ask for everything. Raises the client's errors and FrameProblem."""
        return await (self._read_portfolio() if self._portfolio else self._read_linear())

    async def _read_portfolio(self) -> Reading:
        at_ns = self._now_ns()
        accounts = _named(dialect.read(await self._client.papiGetAccount({})))
        held_any = [await self._holds(one) for one in (self._client.papiGetUmAccount, self._client.papiGetCmAccount)]
        positions = None if any(held_any) else ()
        prices = dict.fromkeys(QUOTES, 1.0)
        return Reading((Pocket(accounts[0]),), positions, _WHOLE if any(held_any) else "", prices, None, at_ns)

    async def _read_linear(self) -> Reading:
        at_ns = self._now_ns()
        answer = await self._client.fapiPrivateV2GetAccount({})
        account, frame = _named(dialect.read(answer))[0], as_object(answer, "the answer")
        pockets = (Pocket(account), *isolated_of(frame)) if account.unit == "USD" else pockets_of(frame)
        coins = coins_of(frame)
        crossed = [one for one in account.holdings if one.contracts and not one.isolated]
        positions, problem = await known_or_why(lambda: _positions(crossed))
        prices = dict.fromkeys(QUOTES, 1.0)
        for coin in sorted(coins.keys() - prices.keys()):
            if price := await known_price(partial(self._price_usd, coin)):
                prices[coin] = price
        return Reading(pockets, positions, problem, prices, coins, at_ns)

    async def _price_usd(self, coin: str) -> float:
        """USD per coin, by the index of its perpetual."""
        answer = await self._client.fapiPublicGetPremiumIndex({"symbol": f"{coin}USDT"})
        return float(number(as_object(answer, "the answer"), "indexPrice"))

    async def ask(self, order: WantedOrder) -> WatchedNumbers:
        """What an order would be, at its mark; the venue has no what-if. Raises the client's errors and VenueError."""
        if order.kind is not OrderKind.PERP:
            msg = f"what is asked about here are perpetuals; a {order.kind} is not"
            raise VenueError(msg)
        symbol = f"{order.underlying}USDT"
        answer = await self._client.fapiPublicGetPremiumIndex({"symbol": symbol})
        mark = number(as_object(answer, "the answer"), "markPrice")
        coins = float(order.qty / mark if order.in_usd else order.qty) * order.side.sign
        held = Holding(instrument=symbol, contracts=coins, value=abs(coins) * float(mark))
        return WatchedNumbers(position=position_of(held), problem="the venue has no such call: our model alone answers")

    @staticmethod
    async def _holds(ask: Callable[[dict[str, Any]], Awaitable[Any]]) -> bool:
        """Whether one side of portfolio margin has any position."""
        rows = as_rows(as_object(await ask({}), "the account").get("positions"), "positions")
        return any(float_or_none(one, "positionAmt") for one in rows)


def _named(accounts: tuple[AccountHealth, ...] | None) -> tuple[AccountHealth, ...]:
    if not accounts:
        msg = "the answer names no margin"
        raise FrameProblem(msg)
    return accounts


async def _positions(held: Iterable[Holding]) -> tuple[WatchedPosition, ...]:
    return tuple(position_of(one) for one in held)


def position_of(held: Holding) -> WatchedPosition:
    """A USD-M position; FrameProblem where the venue tells no value. Sizes are coins, so that a contract is one."""
    quote = quote_of(held.instrument)
    if quote is None or not held.value or not held.instrument.endswith(quote):
        msg = f"{held.instrument} has no value in a stablecoin"
        raise FrameProblem(msg)
    mark = held.value / abs(held.contracts)
    one = Decimal(1)
    rules = Instrument(
        id=instrument_id("binance", "linear", held.instrument),
        venue="binance",
        category="linear",
        symbol=held.instrument,
        kind=InstrumentKind.LINEAR_PERP,
        underlying=held.instrument.removesuffix(quote),
        quote=quote,
        settle=quote,
        # Never traded here: what the venue rounds to is not asked for.
        contract_size=one,
        tick_size=one,
        lot_size=one,
        qty_min=one,
    )
    profit = profit_settle(held.contracts, 1.0, held.entry, mark, is_inverse=False)
    return WatchedPosition(
        rules=rules, contracts=held.contracts, mark=mark, profit_settle=profit, leverage=held.leverage
    )
